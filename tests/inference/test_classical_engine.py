"""How good the weightless engine is, measured; and that it holds on pictures with nothing to find."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inference_image.engines.classical import ClassicalEngine
from tests.benchmarks.agreement import REFERENCES, agreement, mask_of

Sample = Callable[[str], NDArray[np.uint8]]

LOWEST_IOU = 0.45  # of any one photograph; a bicycle, whose spokes let the background through, is the hardest
LOWEST_MEAN_IOU = 0.80  # GrabCut from a centred rectangle reaches 0.66 on the same photographs


@pytest.fixture(scope="module")
def engine() -> ClassicalEngine:
    return ClassicalEngine(threads=1)


@pytest.mark.skipif(not REFERENCES, reason="the photographs with reference masks are not on this machine")
def test_masks_of_photographs_agree_with_the_reference(engine: ClassicalEngine) -> None:
    scores = agreement(engine)

    assert min(scores.values()) >= LOWEST_IOU, scores
    assert np.mean(list(scores.values())) >= LOWEST_MEAN_IOU, scores


# Boxes of pixels (left, top, right, bottom) that are the subject, and ones that are not.
@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        (
            "astronaut",
            {"face": (190, 80, 260, 160), "hair": (170, 40, 280, 70), "suit": (90, 290, 220, 480)},
            {"flag": (0, 0, 90, 220), "shuttle": (400, 0, 512, 300), "wall": (90, 0, 140, 140)},
        ),
        (
            "coffee",
            {"cup": (230, 60, 330, 180), "saucer": (150, 200, 200, 280)},
            {"table above": (0, 0, 100, 60), "table right": (520, 0, 600, 150)},
        ),
    ],
)
def test_the_subject_is_cut_from_its_background(
    engine: ClassicalEngine,
    sample: Sample,
    name: str,
    inside: dict[str, tuple[int, int, int, int]],
    outside: dict[str, tuple[int, int, int, int]],
) -> None:
    mask = Image.fromarray(mask_of(engine, sample(name)))

    def opaque_share(box: tuple[int, int, int, int]) -> float:
        return float(np.mean(np.asarray(mask.crop(box)) > 127))

    assert {part: opaque_share(box) for part, box in inside.items() if opaque_share(box) < 0.95} == {}
    assert {part: opaque_share(box) for part, box in outside.items() if opaque_share(box) > 0.02} == {}


def test_the_edge_is_soft_and_the_rest_is_not(engine: ClassicalEngine, sample: Sample) -> None:
    mask = mask_of(engine, sample("astronaut"))

    soft = np.mean((mask > 10) & (mask < 245))

    assert 0.005 < soft < 0.1


def test_a_large_picture_gets_the_same_mask_as_a_small_one(engine: ClassicalEngine, sample: Sample) -> None:
    small = sample("astronaut")
    large = np.asarray(Image.fromarray(small).resize((2048, 2048), Image.Resampling.BICUBIC))

    mask = mask_of(engine, large)

    assert mask.shape == (2048, 2048)
    reduced = cv2.resize(mask, (512, 512), interpolation=cv2.INTER_AREA) > 127
    expected = mask_of(engine, small) > 127
    assert (reduced & expected).sum() / (reduced | expected).sum() > 0.95


def test_the_same_picture_gives_the_same_mask_whatever_came_between(engine: ClassicalEngine, sample: Sample) -> None:
    first = mask_of(engine, sample("astronaut"))
    mask_of(engine, sample("coffee"))

    assert np.array_equal(mask_of(engine, sample("astronaut")), first)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (2, 3), (79, 79), (1, 65535)])
@pytest.mark.parametrize("paint", [np.zeros, np.ones], ids=["flat", "noise"])
def test_tiny_thin_and_flat_pictures_get_a_mask_of_their_size(
    engine: ClassicalEngine, shape: tuple[int, int], paint: Callable[..., NDArray[np.uint8]]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3))
    picture = (noise * paint((*shape, 3))).astype(np.uint8)

    mask = mask_of(engine, picture)

    assert mask.shape == shape
    assert mask.dtype == np.uint8


def test_a_flat_picture_has_no_subject(engine: ClassicalEngine) -> None:
    assert not mask_of(engine, np.full((300, 400, 3), 128, np.uint8)).any()
