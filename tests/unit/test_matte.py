"""The matte: noise of the mask treated, edge drawn by the picture, alpha of the picture kept."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from functions.apply_mask.matte import make_matte
from functions.core.errors import MaskRejected
from tests.unit.pictures import noise, plain

SIZE = (800, 600)


def disc(size: tuple[int, int] = SIZE, value: int = 255) -> Image.Image:
    """A hard-edged disc in the middle."""
    image = Image.new("L", size)
    width, height = size
    ImageDraw.Draw(image).ellipse([width * 0.25, height * 0.2, width * 0.75, height * 0.8], fill=value)
    return image


def drawn_by_network(alpha: Image.Image, side: int = 100) -> Image.Image:
    """A mask as soft as one of few pixels that was enlarged."""
    small = alpha.resize((side, side * alpha.height // alpha.width), Image.Resampling.BOX)
    return small.resize(alpha.size, Image.Resampling.BICUBIC)


def two_colours(alpha: Image.Image) -> Image.Image:
    return Image.composite(plain((210, 160, 120), alpha.size), plain((30, 60, 90), alpha.size), alpha)


def error(matte: Image.Image, alpha: Image.Image) -> float:
    return float(np.abs(np.asarray(matte, float) - np.asarray(alpha, float)).mean())


def test_mask_of_another_aspect_ratio_is_rejected() -> None:
    with pytest.raises(MaskRejected, match="100 x 100"):
        make_matte(Image.new("L", (100, 100)), plain(size=SIZE))


@pytest.mark.parametrize("value", [0, 255])
def test_uniform_mask_stays_so_whatever_the_picture(value: int) -> None:
    matte = make_matte(Image.new("L", (400, 300), value), noise(*SIZE))
    assert matte.mode == "L"
    assert matte.size == SIZE
    assert matte.getextrema() == (value, value)


def test_edge_follows_the_picture() -> None:
    # Given a mask too soft to show where the edge is
    alpha = disc()
    mask = drawn_by_network(alpha)
    # When it is refined on a picture that does
    matte = make_matte(mask, two_colours(alpha))
    # Then little is left of the mask's error
    assert error(matte, alpha) < 0.25 * error(mask, alpha)


def test_thin_strand_that_the_mask_only_hints_at_is_drawn() -> None:
    alpha = disc()
    ImageDraw.Draw(alpha).line([(400, 300), (780, 40)], fill=255, width=4)
    mask = drawn_by_network(alpha)
    assert np.asarray(mask)[91:94, 702:706].max() < 150
    matte = np.asarray(make_matte(mask, two_colours(alpha)))
    truth = np.asarray(alpha)
    strand = (truth == 255) & (np.arange(SIZE[0]) > 640)
    beside = (truth == 0) & (np.arange(SIZE[0]) > 640)
    assert np.median(matte[strand]) > 200
    assert np.percentile(matte[beside], 99) < 40


def test_soft_edge_stays_soft() -> None:
    alpha = disc().filter(ImageFilter.GaussianBlur(12))
    assert error(make_matte(drawn_by_network(alpha), two_colours(alpha)), alpha) < 2


def test_texture_without_an_edge_is_not_drawn_into_the_matte() -> None:
    # Given a picture whose colours say nothing of the subject
    mask = drawn_by_network(disc())
    matte = make_matte(mask, noise(*SIZE))
    # Then the matte is as near to the truth as the mask was
    assert error(matte, disc()) < 1.2 * error(mask, disc())


def test_pixels_far_from_the_edge_are_sure() -> None:
    alpha = disc()
    matte = make_matte(drawn_by_network(alpha), noise(*SIZE))
    inside = np.asarray(alpha.filter(ImageFilter.MinFilter(61))) == 255
    outside = np.asarray(alpha.filter(ImageFilter.MaxFilter(61))) == 0
    pixels = np.asarray(matte)
    assert inside.sum() > 10_000
    assert outside.sum() > 10_000
    assert (pixels[inside] == 255).all()
    assert (pixels[outside] == 0).all()


def test_haze_on_plain_ground_is_cleared() -> None:
    mask = Image.fromarray(np.asarray(drawn_by_network(disc())).clip(5, 250))
    matte = make_matte(mask, two_colours(disc()))
    assert matte.getpixel((5, 5)) == 0
    assert matte.getpixel((400, 300)) == 255


def test_specks_and_pinholes_are_removed() -> None:
    mask = disc()
    draw = ImageDraw.Draw(mask)
    draw.ellipse([60, 60, 70, 70], fill=200)
    draw.ellipse([400, 300, 408, 308], fill=90)
    matte = np.asarray(make_matte(mask, plain(size=SIZE)))
    assert (matte[40:90, 40:90] == 0).all()
    assert (matte[280:330, 380:430] == 255).all()


def test_second_subject_and_real_opening_are_kept() -> None:
    mask = disc()
    draw = ImageDraw.Draw(mask)
    draw.ellipse([40, 40, 90, 90], fill=255)
    draw.ellipse([380, 280, 430, 330], fill=0)
    picture = two_colours(mask)
    matte = make_matte(mask, picture)
    assert matte.getpixel((65, 65)) == 255
    assert matte.getpixel((405, 305)) == 0


def test_background_seen_in_the_picture_s_corner_is_no_hole() -> None:
    mask = Image.new("L", SIZE, 255)
    ImageDraw.Draw(mask).polygon([(0, 0), (20, 0), (0, 20)], fill=0)
    assert make_matte(mask, two_colours(mask)).getpixel((2, 2)) == 0


def test_matte_is_never_above_the_picture_s_own_alpha() -> None:
    picture = noise(*SIZE)
    own = Image.fromarray(np.random.default_rng(3).integers(0, 256, SIZE[::-1], np.uint8))
    picture.putalpha(own)
    matte = make_matte(drawn_by_network(disc()), picture)
    assert (np.asarray(matte) <= np.asarray(own)).all()
    assert make_matte(Image.new("L", SIZE, 255), picture).tobytes() == own.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (257, 255), (1, 700)])
def test_any_size_is_taken(size: tuple[int, int]) -> None:
    mask = Image.fromarray(np.random.default_rng(5).integers(0, 256, size[::-1], np.uint8))
    assert make_matte(mask, noise(*size)).size == size


def test_a_speck_with_a_hole_in_it_goes_as_one() -> None:
    mask = Image.new("L", (512, 512))
    mask.paste(255, (100, 100, 300, 300))
    mask.paste(255, (400, 400, 405, 403))
    mask.paste(0, (401, 401, 404, 402))
    alpha = np.asarray(make_matte(mask, plain(size=(512, 512))))
    assert not alpha[390:420, 390:420].any()


def test_what_lies_in_a_small_hole_stays() -> None:
    # Given a button in its rim
    mask = Image.new("L", (512, 512))
    mask.paste(255, (100, 100, 400, 400))
    mask.paste(0, (200, 200, 213, 213))
    mask.paste(255, (201, 201, 212, 212))
    alpha = np.asarray(make_matte(mask, plain(size=(512, 512))))
    assert (alpha[190:225, 190:225] == 255).all()
