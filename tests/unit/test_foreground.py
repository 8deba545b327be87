"""The cut-out: straight alpha and the foreground's own colour."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from functions.apply_mask.foreground import cut_out
from tests.unit.pictures import noise, plain
from tests.unit.test_matte import SIZE, disc

SUBJECT, PLACE = (200, 150, 100), (20, 40, 160)


def soft_disc() -> Image.Image:
    return disc().filter(ImageFilter.GaussianBlur(6))


def test_soft_band_has_the_subject_s_colour_and_no_fringe() -> None:
    # Given a subject whose soft edge shows the place behind it
    alpha = soft_disc()
    picture = Image.composite(plain(SUBJECT, SIZE), plain(PLACE, SIZE), alpha)
    # When it is cut out
    pixels = np.asarray(cut_out(picture, alpha))
    # Then its own colour is left, wherever anything can be seen
    seen = pixels[..., 3] > 12
    assert np.abs(pixels[seen][:, :3].astype(int) - SUBJECT).max() <= 6


@pytest.mark.parametrize(("subject", "place"), [((240, 235, 225), (10, 10, 12)), ((15, 12, 10), (245, 240, 250))])
def test_light_on_dark_and_dark_on_light_look_right_on_the_other_ground(
    subject: tuple[int, int, int], place: tuple[int, int, int]
) -> None:
    alpha = soft_disc()
    cutout = cut_out(Image.composite(plain(subject, SIZE), plain(place, SIZE), alpha), alpha)
    composed = Image.alpha_composite(plain((*subject, 255), SIZE, "RGBA"), cutout).convert("RGB")
    assert np.abs(np.asarray(composed, int) - subject).max() <= 3


def test_solid_pixels_are_the_picture_s_bit_for_bit_and_hidden_ones_are_black() -> None:
    picture, alpha = noise(*SIZE), soft_disc()
    before, matte = np.asarray(picture).copy(), np.asarray(alpha)
    cutout = cut_out(picture, alpha)
    after = np.asarray(cutout)
    assert cutout.mode == "RGBA"
    assert np.array_equal(after[..., 3], matte)
    assert np.array_equal(after[matte == 255][:, :3], before[matte == 255])
    assert not after[matte == 0].any()


def test_picture_s_own_soft_edge_is_straight_already_and_kept() -> None:
    picture, own = noise(*SIZE), soft_disc()
    picture.putalpha(own)
    before = np.asarray(picture).copy()
    after = np.asarray(cut_out(picture, own.copy()))
    seen = before[..., 3] > 0
    assert np.array_equal(after[seen], before[seen])


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (257, 255), (1, 700)])
def test_any_size_is_taken(size: tuple[int, int]) -> None:
    alpha = Image.fromarray(np.random.default_rng(5).integers(0, 256, size[::-1], np.uint8))
    assert cut_out(noise(*size), alpha).getchannel("A").tobytes() == alpha.tobytes()


@pytest.mark.parametrize("own", [200, 128, 40])
def test_a_soft_edge_in_a_transparent_picture_has_the_subject_s_colour(own: int) -> None:
    # Given a soft mask on a picture that is half transparent all over
    mask = soft_disc()
    picture = Image.composite(plain(SUBJECT, SIZE), plain(PLACE, SIZE), mask)
    picture.putalpha(own)
    matte = mask.point([round(value * own / 255) for value in range(256)])
    # Then the colour is as true as in an opaque one
    pixels = np.asarray(cut_out(picture, matte)).astype(int)
    seen = pixels[..., 3] > 12
    assert np.abs(pixels[seen][:, :3] - SUBJECT).mean() <= 2
