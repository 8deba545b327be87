"""From a guess of what is foreground to a mask, by the picture's own colours.

GrabCut: Rother, Kolmogorov and Blake, SIGGRAPH 2004, started from seeds instead of a rectangle; then the guided filter
of :mod:`inference_image.engines.guided_filter`, which makes the edge soft.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_image.engines import guided_filter
from inference_image.engines.guided_filter import Plane, to_mask
from inference_image.engines.mask_engine import Mask, Picture

Seeds = NDArray[np.uint8]  # (H, W), of cv2.GC_FGD, GC_PR_FGD, GC_PR_BGD and GC_BGD

WORKING_SIDE = 400  # pixels of the longer side for GrabCut, whose time grows with the area
ROUNDS = 2
EDGE_RADIUS = 3  # pixels at the working size within which GrabCut's edge is moved to the picture's
SMALLEST_PART = 0.02  # of the largest connected part; smaller ones are specks


def shrink(picture: Picture, longest_side: int) -> Picture:
    """Bring a picture, sRGB, uint8, (H, W, 3), to a longer side of at most so many pixels."""
    height, width = picture.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def cut(picture: Picture, seeds: Seeds) -> Mask:
    """Cut the foreground out of a picture of at most ``WORKING_SIDE``; ``seeds`` are overwritten.

    Returns:
        A soft mask, uint8, (H, W); all 0 where the seeds hold foreground or background alone.
    """
    foreground = guided_filter.filter_by(_segment(picture, seeds), picture, picture, EDGE_RADIUS)
    return to_mask(foreground)


def enlarge(mask: Mask, picture: Picture) -> Mask:
    """Bring a mask to its picture's size, with its edges on the picture's edges. Returns uint8, (H, W)."""
    if mask.shape == picture.shape[:2]:
        return mask
    return guided_filter.upscale(mask, picture, EDGE_RADIUS)


def _segment(picture: Picture, seeds: Seeds) -> Plane:
    """Label each pixel 1 (foreground) or 0."""
    if not _is_mixed(seeds):  # one flat colour: GrabCut has nothing to tell apart
        return np.zeros(seeds.shape, np.float32)
    cv2.setRNGSeed(0)  # GrabCut's k-means draws from OpenCV's generator
    unused, models = (0, 0, 0, 0), np.zeros((2, 1, 65))  # no rectangle with a mask; 65: OpenCV's model size
    cv2.grabCut(picture, seeds, unused, models[0], models[1], ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _without_specks(np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD)))


def _is_mixed(seeds: Seeds) -> bool:
    background = np.isin(seeds, (cv2.GC_BGD, cv2.GC_PR_BGD))
    return bool(background.any() and not background.all())


def _without_specks(foreground: NDArray[np.bool_]) -> Plane:
    """Drop connected parts smaller than ``SMALLEST_PART`` of the largest."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(foreground.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # label 0 is the background
    keep = areas >= max(1, SMALLEST_PART * areas.max())
    return np.asarray(keep[labels], np.float32)
