"""Windows by their properties: inside the picture, of the right shape, and on what matters."""

import itertools
import random

import pytest
from PIL import Image

from functions.apply_mask.framing import (
    Size,
    Window,
    crop_window,
    focal_window,
    fractions,
    subject_box,
    within,
)
from functions.core.models import Box, Face

PICTURES: list[Size] = [(1, 1), (7, 5), (16383, 1), (1, 16383), (101, 77), (4000, 3000), (3000, 4000), (6000, 16)]
SHAPES: list[Size] = [(16, 16), (100, 75), (1600, 1200), (1200, 1600), (4096, 16), (16, 4096)]


def face(left: float, top: float, width: float, height: float, confidence: float = 99) -> Face:
    return Face(box=Box(left=left, top=top, width=width, height=height), confidence=confidence)


def around(box: Box, size: Size) -> tuple[float, float, float, float]:
    """The box in pixels, as far as it is in the picture."""
    left, top = max(0, box.left), max(0, box.top)
    right, bottom = min(1, box.left + box.width), min(1, box.top + box.height)
    return left * size[0], top * size[1], right * size[0], bottom * size[1]


def holds(window: Window, pixels: tuple[float, float, float, float]) -> bool:
    return (
        window[0] <= pixels[0] + 1e-6
        and window[1] <= pixels[1] + 1e-6
        and window[2] >= pixels[2] - 1e-6
        and window[3] >= pixels[3] - 1e-6
    )


def random_faces(count: int, seed: int) -> list[Face]:
    chance = random.Random(seed)  # noqa: S311 - for tests, not for secrets
    return [
        face(chance.uniform(-0.1, 1), chance.uniform(-0.1, 1), chance.uniform(0, 0.4), chance.uniform(0, 0.4))
        for _ in range(count)
    ]


class TestSubjectBox:
    def test_it_is_around_what_can_be_seen(self):
        matte = Image.new("L", (40, 30))
        matte.paste(255, (10, 5, 20, 25))
        matte.putpixel((30, 7), 128)
        assert subject_box(matte) == (10, 5, 31, 25)

    def test_faint_haze_does_not_count(self):
        matte = Image.new("L", (40, 30), 12)
        matte.putpixel((3, 4), 13)
        assert subject_box(matte) == (3, 4, 4, 5)

    @pytest.mark.parametrize("alpha", [0, 12])
    def test_without_a_foreground_there_is_none(self, alpha):
        assert subject_box(Image.new("L", (40, 30), alpha)) is None


class TestCropWindow:
    def test_the_margin_is_a_share_of_the_longer_side(self):
        assert crop_window((100, 100, 300, 200), (1000, 1000), 5) == (90, 90, 310, 210)

    def test_no_margin_is_the_subject(self):
        assert crop_window((3, 4, 5, 9), (10, 10), 0) == (3, 4, 5, 9)

    def test_it_ends_at_the_picture(self):
        assert crop_window((0, 2, 90, 100), (95, 101), 50) == (0, 0, 95, 101)


class TestFocalWindow:
    @pytest.mark.parametrize(("size", "shape"), list(itertools.product(PICTURES, SHAPES)))
    def test_it_is_the_largest_of_its_shape_in_the_picture(self, size, shape):
        for seed in range(20):
            left, top, right, bottom = focal_window(size, shape, random_faces(seed % 4, seed))

            width, height = right - left, bottom - top
            assert 0 <= left < right <= size[0]
            assert 0 <= top < bottom <= size[1]
            assert width == size[0] or height == size[1]
            # One side follows from the other to half a pixel, but for the least that a side can be.
            by_width, by_height = width * shape[1] / shape[0], height * shape[0] / shape[1]
            assert min(abs(max(1, by_width) - height), abs(max(1, by_height) - width)) <= 0.5 + 1e-9

    @pytest.mark.parametrize(("size", "shape"), list(itertools.product(PICTURES, SHAPES)))
    def test_without_focus_what_overhangs_is_cut_off_evenly(self, size, shape):
        left, top, right, bottom = focal_window(size, shape)
        assert abs(left - (size[0] - right)) <= 1
        assert abs(top - (size[1] - bottom)) <= 1

    @pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1010, 77)])
    @pytest.mark.parametrize("shape", SHAPES[:4])
    def test_faces_stay_in_if_they_fit(self, size, shape):
        fitted = 0
        for seed in range(300):
            faces = random_faces(1 + seed % 3, seed)
            boxes = [around(each.box, size) for each in faces]
            boxes = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
            window = focal_window(size, shape, faces)
            if not boxes:
                continue
            hull = (
                min(box[0] for box in boxes),
                min(box[1] for box in boxes),
                max(box[2] for box in boxes),
                max(box[3] for box in boxes),
            )
            # Whole pixels around the faces take up to one more on each side.
            width, height = window[2] - window[0], window[3] - window[1]
            if (width == size[0] or hull[2] - hull[0] <= width - 2) and (
                height == size[1] or hull[3] - hull[1] <= height - 2
            ):
                fitted += 1
                assert holds(window, hull)
        assert fitted > 0

    def test_where_not_all_faces_fit_the_largest_stays_in_with_what_fits_beside_it(self):
        large, far, near = face(0.7, 0.3, 0.2, 0.3), face(0, 0.3, 0.15, 0.3), face(0.5, 0.4, 0.05, 0.1)
        for faces in itertools.permutations([large, far, near]):
            window = focal_window((4000, 1000), (1, 1), faces)
            assert holds(window, around(large.box, (4000, 1000)))
            assert not holds(window, around(far.box, (4000, 1000)))
        assert window == focal_window((4000, 1000), (1, 1), [large])  # near does not fit beside it

        window = focal_window((4000, 2000), (1, 1), [far, near, large])
        assert holds(window, around(large.box, (4000, 2000)))
        assert holds(window, around(near.box, (4000, 2000)))

    def test_of_two_faces_of_one_size_the_surer_one_stays_in(self):
        doubtful, sure = face(0, 0.3, 0.1, 0.3, 60), face(0.9, 0.3, 0.1, 0.3, 95)
        assert focal_window((4000, 1000), (1, 1), [doubtful, sure]) == (3000, 0, 4000, 1000)

    def test_of_a_face_too_large_the_middle_is_shown(self):
        assert focal_window((4000, 1000), (1, 2), [face(0.5, 0, 0.4, 1)]) == (2550, 0, 3050, 1000)

    def test_a_face_comes_before_the_subject(self):
        subject = Box(left=0, top=0, width=0.2, height=1)
        assert focal_window((4000, 1000), (1, 1), [face(0.8, 0, 0.1, 0.3)], subject)[0] == 2900

    def test_without_a_face_in_the_picture_it_is_on_the_subject(self):
        subject = Box(left=0.1, top=0, width=0.2, height=1)
        for faces in ([], [face(1.2, 0.1, 0.1, 0.1)], [face(0.9, 0.1, 0, 0)]):
            assert focal_window((4000, 1000), (1, 1), faces, subject) == (300, 0, 1300, 1000)

    def test_a_subject_of_no_size_does_not_count(self):
        nothing = Box(left=0, top=0, width=0, height=0)
        assert focal_window((4000, 1000), (1, 1), subject=nothing) == focal_window((4000, 1000), (1, 1))


class TestFractions:
    def test_a_window_becomes_fractions_of_its_picture(self):
        assert fractions((1000, 0, 3000, 1500), (4000, 3000)) == Box(left=0.25, top=0, width=0.5, height=0.5)

    def test_a_box_is_told_in_the_window_it_lies_in(self):
        window = fractions((1000, 0, 3000, 1500), (4000, 3000))
        assert within(Box(left=0.5, top=0.25, width=0.25, height=0.5), window) == Box(
            left=0.5, top=0.5, width=0.5, height=1
        )
        assert within(window, window) == Box(left=0, top=0, width=1, height=1)
