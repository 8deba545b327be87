"""Edge-aware enlargement of a mask.

Guided filter: He, Sun and Tang, ECCV 2010; its coefficients are found on the small picture and applied at full size,
as in He and Sun, "Fast Guided Filter", 2015.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_image.engines.mask_engine import Mask, Picture

Plane = NDArray[Any]  # float32, (H, W), 0 to 1; OpenCV's stubs do not keep the element type

SMOOTHNESS = 1e-4  # squared contrast below which the picture has no edge


def upscale(mask: Mask, picture: Picture, radius: int) -> Mask:
    """Bring a mask to its picture's size, with its edges on the picture's edges.

    Args:
        mask: uint8, (h, w).
        picture: sRGB, uint8, (H, W, 3), of any size and aspect.
        radius: pixels of the mask within which an edge of the mask may belong to an edge of the picture.

    Returns:
        uint8, (H, W).
    """
    small = cv2.resize(picture, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    return to_mask(filter_by(mask.astype(np.float32) / 255, np.asarray(small, np.uint8), picture, radius))


def filter_by(mask: Plane, small: Picture, picture: Picture, radius: int) -> Plane:
    """Guided filter of ``mask`` by ``small`` (one size), applied to ``picture`` (any size). Returns (H, W), 0 to 1."""

    def mean(plane: Plane) -> Plane:
        return cv2.blur(plane, (2 * radius + 1, 2 * radius + 1))

    guide = _grey(small)
    mean_guide, mean_mask = mean(guide), mean(mask)
    variance = mean(guide * guide) - mean_guide**2
    slope = (mean(guide * mask) - mean_guide * mean_mask) / (variance + SMOOTHNESS)
    offset = mean_mask - slope * mean_guide
    size = picture.shape[1::-1]
    alpha = cv2.resize(mean(slope), size) * _grey(picture) + cv2.resize(mean(offset), size)
    return np.asarray(np.clip(alpha, 0, 1))


def to_mask(plane: Plane) -> Mask:
    """0 to 1 as 0 to 255, rounded."""
    return (plane * 255 + 0.5).astype(np.uint8)


def _grey(picture: Picture) -> Plane:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
