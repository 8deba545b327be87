"""What a cut-out is laid on, against references in float64."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from functions.apply_mask.composite import cast_shadow, compose, covering, matte_preview, out_of_focus
from functions.core.models import Shadow
from tests.unit import pictures

SIZES = [(1, 1), (1, 9), (7, 5), (33, 17), (601, 403)]
Plane = NDArray[Any]


def disc(width: int, height: int, radius: float, softness: float = 2.0) -> Image.Image:
    """A matte: a disc of this radius in the middle; its edge is so many pixels wide."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x + 0.5 - width / 2, y + 0.5 - height / 2)
    return Image.fromarray((np.clip((radius - distance) / softness + 0.5, 0, 1) * 255).round().astype(np.uint8))


def blurred(plane: Plane, sigma: float, *, edge: bool) -> Plane:
    """A true Gaussian of a plane that goes on beyond its border as at it (``edge``), or is 0 there."""
    pad = int(4 * sigma) + 1
    padded = np.pad(plane, pad, mode="edge" if edge else "constant")
    for axis in (0, 1):
        reach = np.arange(-pad, pad + 1)
        kernel = np.exp(-(reach**2) / (2 * sigma**2))
        padded = np.apply_along_axis(np.convolve, axis, padded, kernel / kernel.sum(), mode="same")
    return padded[pad:-pad, pad:-pad]


def moved(plane: Plane, x: int, y: int) -> Plane:
    """The plane moved right and down; what enters is 0."""
    padded = np.pad(plane, ((max(y, 0), max(-y, 0)), (max(x, 0), max(-x, 0))))
    return padded[max(-y, 0) :, max(-x, 0) :][: plane.shape[0], : plane.shape[1]]


def test_a_cutout_is_composed_to_the_nearest_integer_for_every_alpha_and_colour() -> None:
    # Given every alpha with every colour, on four backdrops
    alpha, colour = np.mgrid[:256, :256].astype(np.uint8)
    cutout = Image.fromarray(np.dstack((colour, 255 - colour, colour // 2, alpha)))
    for backdrop in ((0, 0, 0), (255, 255, 255), (200, 120, 40), (1, 128, 254)):
        # When it is composed, then it is within rounding of a * F + (1 - a) * B
        composite = np.asarray(compose(cutout, pictures.plain(backdrop, cutout.size)))
        weight = alpha[..., None] / 255
        reference = weight * np.asarray(cutout)[..., :3] + (1 - weight) * np.array(backdrop)
        assert np.abs(composite - reference).max() <= 0.5


@pytest.mark.parametrize("size", SIZES)
def test_a_cutout_is_composed_pixel_by_pixel(size: tuple[int, int]) -> None:
    cutout, backdrop = pictures.noise(*size), pictures.noise(*size).transpose(Image.Transpose.ROTATE_180)
    cutout.putalpha(disc(*size, max(size) / 3, softness=8))
    foreground, under = np.asarray(cutout)[..., :3], np.array(backdrop)
    weight = np.asarray(cutout)[..., 3:] / 255
    composite = compose(cutout, backdrop)
    assert composite is backdrop  # no second full-size picture
    assert (composite.mode, composite.size) == ("RGB", size)
    assert np.abs(np.asarray(composite) - (weight * foreground + (1 - weight) * under)).max() <= 0.5


@pytest.mark.parametrize("inside", [255, 250, 230])
@pytest.mark.parametrize("missed", [0, 4])
def test_a_blurred_backdrop_shows_nothing_of_the_subject(inside: int, missed: int) -> None:
    # Given a red disc on green, and a mask that is a little transparent, or ends pixels inside the disc
    seen = disc(601, 403, 120)
    picture = Image.composite(pictures.plain("red", seen.size), pictures.plain("lime", seen.size), seen)
    matte = disc(601, 403, 120 - missed).point([value * inside // 255 for value in range(256)])
    # When the backdrop is put out of focus
    backdrop = np.asarray(out_of_focus(picture, matte)).astype(int)
    # Then it is green everywhere, behind the subject too
    assert np.abs(backdrop - (0, 255, 0)).max() <= 8


def test_the_subjects_place_is_filled_from_what_is_nearest() -> None:
    # Given a subject across the border between a blue left half and a yellow right half
    picture = pictures.plain("blue", (600, 400))
    picture.paste("yellow", (300, 0, 600, 400))
    picture.paste("red", (200, 100, 400, 300))
    matte = Image.new("L", picture.size)
    matte.paste(255, (200, 100, 400, 300))
    backdrop = out_of_focus(picture, matte)
    assert backdrop.getpixel((210, 200)) == pytest.approx((0, 0, 255), abs=40)
    assert backdrop.getpixel((390, 200)) == pytest.approx((255, 255, 0), abs=40)


@pytest.mark.parametrize("size", [(240, 160), (90, 250), (1200, 803)])
def test_a_blurred_backdrop_is_a_gaussian_of_two_percent_of_the_longer_side(size: tuple[int, int]) -> None:
    # Given a picture without a subject
    picture = pictures.plain("black", size)
    picture.paste("white", (size[0] // 3, size[1] // 3, size[0], size[1]))
    backdrop = np.asarray(out_of_focus(picture, Image.new("L", size)))
    reference = blurred(np.asarray(picture)[..., 0].astype(float), 0.02 * max(size), edge=True)
    assert np.abs(backdrop - reference[..., None]).max() <= 8
    assert np.abs(backdrop - reference[..., None]).mean() <= 0.5


def test_a_blurred_backdrop_is_not_stretched_where_the_reduced_picture_ends_in_less_than_a_pixel() -> None:
    # Given a row of 257 times 20 pixels and one more
    picture = pictures.plain("black", (5141, 1))
    picture.paste("white", (4600, 0, 5141, 1))
    backdrop = np.asarray(out_of_focus(picture, Image.new("L", picture.size)))
    reference = blurred(np.asarray(picture)[..., 0].astype(float), 0.02 * 5141, edge=True)
    assert np.abs(backdrop - reference[..., None]).max() <= 8


@pytest.mark.parametrize("size", SIZES)
def test_a_backdrop_of_nothing_but_subject_is_its_mean_colour(size: tuple[int, int]) -> None:
    # Given a cut-out as the upload: nothing of its surroundings is left but the black of transparent pixels
    picture = pictures.plain((200, 120, 40), size)
    picture.putalpha(disc(*size, max(size)))
    picture.paste((0, 0, 0, 0), (0, 0, size[0] // 3, size[1]))
    for upload in (picture, pictures.plain((200, 120, 40), size)):
        matte = upload.getchannel("A") if upload.mode == "RGBA" else Image.new("L", size, 255)
        backdrop = out_of_focus(upload, matte)
        assert (backdrop.mode, backdrop.size) == ("RGB", size)
        assert np.abs(np.asarray(backdrop).astype(int) - (200, 120, 40)).max() <= 2


def test_transparent_parts_of_an_upload_are_filled_too() -> None:
    # Given a green picture whose left half is transparent, and black where it cannot be seen
    picture = pictures.plain((0, 255, 0, 255), (300, 200), "RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 150, 200))
    backdrop = out_of_focus(picture, Image.new("L", picture.size))
    assert np.abs(np.asarray(backdrop).astype(int) - (0, 255, 0)).max() <= 2


@pytest.mark.parametrize("inputs_stay", [out_of_focus, matte_preview])
def test_what_is_made_anew_leaves_its_inputs_alone(inputs_stay: Any) -> None:
    picture, matte = pictures.scene(96, 64), disc(96, 64, 20)
    before = picture.tobytes(), matte.tobytes()
    inputs_stay(picture, matte)
    assert (picture.tobytes(), matte.tobytes()) == before


@pytest.mark.parametrize("of", [(90, 30), (30, 90), (9, 3), (700, 301), (1, 1)])
@pytest.mark.parametrize("size", [*SIZES, (60, 60)])
def test_another_picture_covers_any_size(of: tuple[int, int], size: tuple[int, int]) -> None:
    backdrop = covering(pictures.plain((10, 200, 90), of), size)
    assert (backdrop.mode, backdrop.size) == ("RGB", size)
    assert (np.asarray(backdrop) == (10, 200, 90)).all()


@pytest.mark.parametrize(("of", "turn"), [((900, 300), None), ((300, 900), Image.Transpose.TRANSPOSE)])
@pytest.mark.parametrize("side", [60, 300, 600])
def test_of_another_picture_the_middle_is_taken(of: tuple[int, int], turn: Any, side: int) -> None:
    # Given thirds of red, green and blue along the longer side
    picture = pictures.plain("lime", (900, 300))
    picture.paste("red", (0, 0, 300, 300))
    picture.paste("blue", (600, 0, 900, 300))
    picture = picture.transpose(turn) if turn is not None else picture
    assert picture.size == of
    # When it covers a square, then only the middle third is seen, and all of it
    backdrop = np.asarray(covering(picture, (side, side))).astype(int)
    inner = backdrop[2:-2, 2:-2]
    assert np.abs(inner - (0, 255, 0)).max() <= 1


@pytest.mark.parametrize(
    "shadow",
    [
        Shadow(),
        Shadow(opacity=100, blur=25, offset_x=0, offset_y=0),
        Shadow(opacity=80, blur=8, offset_x=-20, offset_y=13),
        Shadow(opacity=33, blur=2, offset_x=50, offset_y=-50),
        Shadow(opacity=100, blur=0.1, offset_x=7, offset_y=0),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(301, 203), (160, 240)])
@pytest.mark.parametrize("at_the_border", [False, True])
def test_a_shadow_is_the_moved_and_blurred_matte_in_black(
    shadow: Shadow, size: tuple[int, int], at_the_border: bool
) -> None:
    # Given a matte that may reach over the lower right corner
    matte = disc(*size, 50)
    if at_the_border:
        matte = Image.fromarray(np.roll(np.asarray(matte), (size[1] // 3, size[0] // 3), (0, 1)))
        matte.paste(0, (0, 0, size[0] // 3, size[1]))
        matte.paste(0, (0, 0, size[0], size[1] // 3))
    subject = matte.getbbox()
    assert subject is not None
    side = max(subject[2] - subject[0], subject[3] - subject[1])
    # When it casts a shadow
    backdrop = pictures.plain((250, 160, 70), size)
    darkened = cast_shadow(backdrop, matte, shadow, subject)
    # Then the backdrop is darkened by the Gaussian of half the blur, and by nothing from beyond the frame
    offset = round(shadow.offset_x / 100 * side), round(shadow.offset_y / 100 * side)
    everywhere = np.pad(np.asarray(matte) / 255, side)
    cast = blurred(moved(everywhere, *offset), shadow.blur / 100 * side / 2, edge=False)[side:-side, side:-side]
    reference = (1 - cast[..., None] * shadow.opacity / 100) * (250, 160, 70)
    difference = np.abs(np.asarray(darkened) - reference)
    assert darkened is backdrop
    assert difference.max() <= 6
    assert difference.mean() <= 0.75


def test_a_large_shadow_is_made_small_and_is_still_right() -> None:
    # Given a subject of 1200 pixels, whose blur is twelve pixels a step at the reduced size
    matte = Image.new("L", (1601, 1203))
    matte.paste(255, (150, 200, 1350, 900))
    subject = matte.getbbox()
    assert subject is not None
    darkened = cast_shadow(
        pictures.plain("white", matte.size), matte, Shadow(opacity=100, blur=8, offset_x=5, offset_y=-3), subject
    )
    reference = 255 - 255 * blurred(moved(np.asarray(matte) / 255, 60, -36), 48, edge=False)
    assert np.abs(np.asarray(darkened) - reference[..., None]).max() <= 6


@pytest.mark.parametrize("size", SIZES)
def test_a_shadow_that_is_not_there_changes_nothing(size: tuple[int, int]) -> None:
    backdrop, full = pictures.noise(*size), (0, 0, *size)
    before = backdrop.tobytes()
    # When it has no opacity, when there is no subject, or when it falls outside the frame
    cast_shadow(backdrop, Image.new("L", size, 255), Shadow(opacity=0), full)
    cast_shadow(backdrop, Image.new("L", size), Shadow(opacity=100), full)
    cast_shadow(backdrop, Image.new("L", size, 255), Shadow(blur=0, offset_x=50), (0, 0, 3 * size[0], 3 * max(size)))
    # Then the backdrop is as it was
    assert backdrop.tobytes() == before


@pytest.mark.parametrize("size", SIZES)
def test_a_hard_shadow_on_any_size(size: tuple[int, int]) -> None:
    darkened = cast_shadow(
        pictures.plain("white", size),
        Image.new("L", size, 255),
        Shadow(opacity=100, blur=0, offset_x=0, offset_y=0),
        (0, 0, *size),
    )
    assert not np.asarray(darkened).any()


@pytest.mark.parametrize("size", SIZES)
def test_a_matte_preview_tints_what_is_removed(size: tuple[int, int]) -> None:
    picture = pictures.noise(*size)
    matte = Image.fromarray(np.tile(np.linspace(0, 255, size[0], dtype=np.uint8), (size[1], 1)))
    preview = matte_preview(picture, matte)
    removed = (1 - np.asarray(matte) / 255)[..., None] / 2
    reference = (1 - removed) * np.asarray(picture) + removed * (255, 0, 0)
    assert (preview.mode, preview.size) == ("RGB", size)
    assert np.abs(np.asarray(preview) - reference).max() <= 1.5
    kept = np.asarray(matte) == 255
    assert (np.asarray(preview)[kept] == np.asarray(picture)[kept]).all()


def test_a_matte_preview_is_bounded() -> None:
    picture = pictures.plain((40, 120, 200), (3001, 1500))
    matte = Image.new("L", picture.size)
    matte.paste(255, (0, 0, 1500, 1500))
    preview = matte_preview(picture, matte)
    assert preview.size == (1024, 512)
    assert preview.getpixel((10, 250)) == (40, 120, 200)
    assert preview.getpixel((1010, 250)) == pytest.approx((148, 60, 100), abs=1)
