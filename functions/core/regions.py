"""Connected regions of a binary mask."""

import numpy as np
from numpy.typing import NDArray


def label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the regions of a mask; pixels that touch at a side or a corner are of one region.

    The nodes are runs of pixels along the rows, and a union-find over whole arrays joins those that touch from one row
    to the next (He, Chao and Suzuki, "A run-based two-scan labeling algorithm", 2008,
    https://doi.org/10.1109/TIP.2008.919369).

    Args:
        mask: height x width, true inside; meant to have at most about 512 pixels a side.

    Returns:
        The labels, height x width: 0 outside, 1 to n in the order in which a scan by rows meets the regions; and the
        area of each label in pixels, n + 1 values of which the first is the area outside.
    """
    height, width = mask.shape
    # A false column at the end keeps a run from touching what begins the next row but one.
    stride = width + 1
    flat = np.zeros(height * stride + 1, np.int8)
    flat[:-1].reshape(height, stride)[:, :width] = mask
    change = np.diff(flat, prepend=np.int8(0))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    # Of each run: the first and the one past the last of the runs that it touches in the row below.
    first = np.searchsorted(ends, starts + stride, "left")
    touching = np.searchsorted(starts, ends + stride, "right") - first
    upper = np.repeat(np.arange(len(starts)), touching)
    lower = np.arange(len(upper)) - np.repeat(np.cumsum(touching) - touching - first, touching)
    root = np.arange(len(starts))
    while (root[upper] != root[lower]).any():
        np.minimum.at(root, np.maximum(root[upper], root[lower]), np.minimum(root[upper], root[lower]))
        while (root[root] != root).any():
            root = root[root]
    number = np.unique(root, return_inverse=True)[1].astype(np.int32) + 1
    steps = np.zeros(len(flat), np.int32)
    steps[starts], steps[ends] = number, -number
    labels = np.cumsum(steps, dtype=np.int32)[:-1].reshape(height, stride)[:, :width]
    return labels, np.bincount(labels.ravel(), minlength=1)
