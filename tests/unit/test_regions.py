"""Numbering the regions of a mask."""

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.core.regions import label


def flooded(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The regions by flooding one pixel after the other."""
    labels = np.zeros(mask.shape, np.int32)
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        number, open_ = labels.max() + 1, [start]
        while open_:
            row, column = open_.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not labels[row, column]:
                labels[row, column] = number
                open_ += [(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    return labels


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (23, 31)])
def test_regions_are_those_of_a_flood(shape: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(3).random(shape) < share
    labels, areas = label(mask)
    expected = flooded(mask)
    # The same regions, whatever their numbers
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()]), axis=1).T
    assert len(pairs) == len(np.unique(labels)) == len(np.unique(expected))
    assert (areas == np.bincount(labels.ravel(), minlength=len(areas))).all()
    assert ((labels == 0) == ~mask).all()


def test_a_spiral_is_one_region() -> None:
    mask = np.zeros((21, 21), bool)
    for ring in range(0, 10, 2):
        mask[ring, ring : 21 - ring] = mask[20 - ring, ring : 21 - ring] = True
        mask[ring : 21 - ring, ring] = mask[ring : 21 - ring, 20 - ring] = True
        mask[ring + 1, ring] = False
        mask[ring + 2, ring + 1] = True
    assert len(label(mask)[1]) == flooded(mask).max() + 1
