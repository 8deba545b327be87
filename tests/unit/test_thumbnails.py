"""The cascade against one LANCZOS from the full size, and against a resampling in floating point."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from functions.apply_mask.thumbnails import Thumbnail, make_thumbnails
from functions.core.models import Box, Face, ThumbnailSize
from functions.core.picture import fit
from tests.unit import pictures

BOXES = [(100, 100), (320, 240), (640, 480), (1024, 768), (1600, 1200)]
WHOLE = Box(left=0, top=0, width=1, height=1)


def sizes(*boxes: tuple[int, int], fit: str = "contain") -> list[ThumbnailSize]:
    return [ThumbnailSize(width=width, height=height, fit=fit) for width, height in boxes]


def textured(width: int, height: int) -> Image.Image:
    """Detail of every scale from a few pixels up, in each channel its own."""
    chance = np.random.default_rng(11)
    total = np.zeros((height, width, 3), np.float32)
    for side in (3, 8, 30, 120):
        cells = chance.integers(0, 256, (height // side + 2, width // side + 2, 3), np.uint8)
        enlarged = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(enlarged, np.float32) / 4
    return Image.fromarray(total.round().astype(np.uint8))


def cutout(width: int, height: int, color: tuple[int, int, int] | None = None) -> Image.Image:
    """A disc with a soft edge, of one colour or textured, and colour 0 where alpha is 0."""
    colour = Image.new("RGB", (width, height), color) if color else textured(width, height)
    y, x = np.mgrid[:height, :width]
    soft = (min(width, height) * 0.4 - np.hypot(x - width / 2, y - height / 2)) / 6 + 0.5
    pixels = np.dstack([np.asarray(colour), (np.clip(soft, 0, 1) * 255).astype(np.uint8)])
    pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels)


def premultiplied(image: Image.Image) -> NDArray[Any]:
    pixels = np.asarray(image).astype(np.float32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    return pixels


def resampled(image: Image.Image, size: tuple[int, int]) -> NDArray[Any]:
    """One LANCZOS from the full size, in floating point and premultiplied colour."""
    channels = [Image.fromarray(channel) for channel in premultiplied(image).transpose(2, 0, 1)]
    return np.dstack([np.asarray(channel.resize(size, Image.Resampling.LANCZOS)) for channel in channels])


def by_box(thumbnails: list[Thumbnail]) -> dict[tuple[int, int], Thumbnail]:
    return {(each.size.width, each.size.height): each for each in thumbnails}


class TestContain:
    @pytest.mark.parametrize("size", [(2400, 1800), (1801, 2399), (700, 500), (3000, 40)])
    def test_it_is_close_to_one_lanczos_from_the_full_size(self, size):
        picture = textured(*size)
        for thumbnail in make_thumbnails(picture, sizes(*BOXES)):
            expected = picture.resize(thumbnail.image.size, Image.Resampling.LANCZOS)
            error = np.asarray(thumbnail.image).astype(int) - np.asarray(expected).astype(int)
            assert thumbnail.image.mode == "RGB"
            assert np.abs(error).mean() < 2

    @pytest.mark.parametrize("size", [(2400, 1800), (1801, 2399), (99, 60), (1, 1), (16383, 1), (1, 700)])
    def test_it_has_the_size_that_fits_and_shows_all(self, size):
        thumbnails = list(make_thumbnails(pictures.plain(size=size), sizes(*BOXES)))
        for box, thumbnail in by_box(thumbnails).items():
            assert thumbnail.image.size == fit(size, box)
            assert thumbnail.window is None
        assert len(thumbnails) == len(BOXES)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_a_side_that_is_no_multiple_of_a_block_is_not_stretched(self, mode):
        ramp = Image.fromarray(np.tile(np.arange(41, dtype=np.uint8) * 6, (41, 1))).convert(mode)
        [thumbnail] = make_thumbnails(ramp, sizes((16, 16)))
        expected = ramp.resize((16, 16), Image.Resampling.LANCZOS)
        error = np.asarray(thumbnail.image).astype(int) - np.asarray(expected).astype(int)
        assert np.abs(error).max() <= 2

    def test_the_order_of_the_sizes_does_not_matter(self):
        picture = textured(1000, 800)
        made = [by_box(list(make_thumbnails(picture, sizes(*boxes)))) for boxes in (BOXES, BOXES[::-1])]
        assert made[0] == made[1]

    def test_every_thumbnail_is_an_image_of_its_own(self):
        picture = pictures.scene()
        for thumbnail in make_thumbnails(picture, sizes((96, 64), (200, 200))):
            thumbnail.image.paste(0, (0, 0, *thumbnail.image.size))
        assert picture == pictures.scene()

    def test_no_sizes_give_no_thumbnails(self):
        assert list(make_thumbnails(pictures.scene(), [])) == []


class TestCoverAndFocal:
    @pytest.mark.parametrize("size", [(2400, 1800), (1801, 2399), (1024, 768), (4000, 1201)])
    def test_the_box_is_filled(self, size):
        boxes = [(100, 100), (320, 200), (200, 320), (960, 60), (16, 640)]
        for box, thumbnail in by_box(list(make_thumbnails(textured(*size), sizes(*boxes, fit="cover")))).items():
            assert thumbnail.image.size == box

    @pytest.mark.parametrize(
        ("size", "box", "shown"),
        [
            ((4000, 300), (640, 480), (400, 300)),
            ((300, 4000), (640, 480), (300, 225)),
            ((99, 60), (100, 50), (99, 50)),
            ((1, 1), (640, 480), (1, 1)),
            ((16383, 1), (100, 100), (1, 1)),
        ],
    )
    def test_a_smaller_picture_is_cut_to_shape_and_never_enlarged(self, size, box, shown):
        picture = textured(*size)
        for mode in ("RGB", "RGBA"):
            [thumbnail] = make_thumbnails(picture.convert(mode), sizes(box, fit="cover"))
            assert thumbnail.image.size == shown
            left, top = (size[0] - shown[0]) // 2, (size[1] - shown[1]) // 2
            cut = picture.crop((left, top, left + shown[0], top + shown[1]))
            assert thumbnail.image == cut.convert(mode)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_the_window_tells_what_is_shown(self, mode):
        picture = textured(2400, 1500).convert(mode)
        face = Face(box=Box(left=0.75, top=0.2, width=0.1, height=0.2), confidence=99)
        boxes = [(500, 500), (100, 100), (90, 120), (320, 200), (1200, 100)]
        wanted = [*sizes(*boxes, fit="focal"), *sizes(*boxes, fit="cover"), *sizes(*boxes)]
        for thumbnail in make_thumbnails(picture, wanted, faces=[face]):
            window = thumbnail.window or WHOLE
            box = (
                window.left * 2400,
                window.top * 1500,
                (window.left + window.width) * 2400,
                (window.top + window.height) * 1500,
            )
            expected = picture.convert("RGB").resize(thumbnail.image.size, Image.Resampling.LANCZOS, box)
            error = np.asarray(thumbnail.image.convert("RGB")).astype(int) - np.asarray(expected).astype(int)
            assert np.abs(error).mean() < 2
            assert (thumbnail.window is None) == (thumbnail.size.fit == "contain" or thumbnail.size.width == 320)

    def test_only_focal_looks_at_faces_and_subject(self):
        picture = textured(2000, 1000)
        face = Face(box=Box(left=0.9, top=0.2, width=0.1, height=0.2), confidence=99)
        subject = Box(left=0, top=0, width=0.1, height=1)
        box = (100, 100)
        cases = {"cover": ([face], 0.25), "focal": ([face], 0.5), "contain": ([face], None)}
        for name, (faces, left) in cases.items():
            [thumbnail] = make_thumbnails(picture, sizes(box, fit=name), faces=faces, subject=subject)
            assert (thumbnail.window.left if thumbnail.window else None) == left
        [thumbnail] = make_thumbnails(picture, sizes(box, fit="focal"), subject=subject)
        assert thumbnail.window == Box(left=0, top=0, width=0.5, height=1)


class TestTransparency:
    @pytest.mark.parametrize("size", [(2400, 1800), (1000, 801), (90, 70)])
    def test_it_is_close_to_a_resampling_of_premultiplied_colour(self, size):
        picture = cutout(*size)
        for thumbnail in make_thumbnails(picture, sizes(*BOXES)):
            error = premultiplied(thumbnail.image) - resampled(picture, thumbnail.image.size)
            assert thumbnail.image.mode == "RGBA"
            assert np.abs(error).mean() < 1

    @pytest.mark.parametrize("color", [(250, 240, 200), (0, 128, 255)])
    def test_a_plain_subject_keeps_its_colour_up_to_its_edge(self, color):
        for thumbnail in make_thumbnails(cutout(1900, 1301, color), sizes(*BOXES)):
            pixels = np.asarray(thumbnail.image).astype(int)
            seen = pixels[pixels[..., 3] >= 40]
            # Eight bits of premultiplied colour, and the filter's overshoot where alpha is cut off at 255.
            assert np.abs(seen[:, :3] - color).max() <= 12

    def test_what_is_hidden_has_no_colour(self):
        # Full colour right up to a hard edge makes the filter overshoot where alpha is cut off at 0.
        chance = np.random.default_rng(3)
        hidden = Image.fromarray(chance.integers(0, 2, (700, 900), np.uint8) * 255).filter(ImageFilter.MedianFilter(7))
        picture = textured(900, 700)
        picture.putalpha(hidden)
        for thumbnail in make_thumbnails(picture, sizes((850, 850), (700, 500), (300, 300), (64, 64))):
            pixels = np.asarray(thumbnail.image)
            assert not pixels[pixels[..., 3] == 0].any()

    def test_hidden_colour_does_not_show(self):
        picture = cutout(1000, 800)
        loud = np.array(picture)
        loud[loud[..., 3] == 0, :3] = 255
        for calm, other in zip(
            make_thumbnails(picture, sizes(*BOXES)), make_thumbnails(Image.fromarray(loud), sizes(*BOXES)), strict=True
        ):
            assert calm.image == other.image

    @pytest.mark.parametrize("size", [(1039, 779), (41, 41), (16383, 1)])
    def test_an_opaque_picture_is_opaque_up_to_its_border(self, size):
        for thumbnail in make_thumbnails(pictures.plain((9, 99, 199, 255), size, "RGBA"), sizes((16, 16), (64, 64))):
            assert thumbnail.image.getextrema() == ((9, 9), (99, 99), (199, 199), (255, 255))

    @pytest.mark.parametrize("size", [(1, 1), (16383, 1), (500, 400)])
    def test_a_picture_all_transparent_stays_so(self, size):
        for mode in ("contain", "cover", "focal"):
            for thumbnail in make_thumbnails(pictures.plain((9, 9, 9, 0), size, "RGBA"), sizes(*BOXES, fit=mode)):
                assert thumbnail.image.getextrema() == ((0, 0),) * 4


def test_any_mix_of_boxes_and_fits_works_on_any_shape():
    boxes = [(16, 16), (4096, 16), (16, 4096), (333, 77), (100, 100)]
    wanted = [size for fit in ("contain", "cover", "focal") for size in sizes(*boxes, fit=fit)]
    for (width, height), mode in itertools.product(
        [(1, 1), (2, 3), (16383, 1), (1, 5000), (517, 389)], ("RGB", "RGBA")
    ):
        for thumbnail in make_thumbnails(pictures.plain(200, (width, height), "L").convert(mode), wanted):
            assert thumbnail.image.width <= min(width, thumbnail.size.width)
            assert thumbnail.image.height <= min(height, thumbnail.size.height)
            assert thumbnail.image.convert("L").getextrema() == (200, 200)
