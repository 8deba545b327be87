"""Cut-out without weights: saliency against the picture's border seeds GrabCut, a guided filter makes the edge soft.

Methods, in the order they run:

1. Minimum barrier distance to the border, by raster passes: Zhang et al., "Minimum Barrier Salient Object Detection
   at 80 FPS", ICCV 2015; and colour contrast to the four border strips, from the same paper.
2. Faces by Haar cascade (Viola and Jones, CVPR 2001), each extended to a head and a body.
3. GrabCut from those seeds, and a soft edge: :mod:`inference_image.engines.grabcut`.

The constants below were chosen on the nine photographs that the README measures, and one more; they are no property of
the methods.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import cv2.data
import numpy as np

from inference_image.engines.grabcut import WORKING_SIDE, Seeds, cut, enlarge, shrink
from inference_image.engines.guided_filter import Plane, to_mask
from inference_image.engines.mask_engine import Mask, Picture, Prepared

SALIENCY_SIDE = 160  # pixels of the longer side for the saliency, which is smooth
STEEPNESS = 8  # of the logistic function that makes a likelihood of the foreground estimate


class ClassicalEngine:
    """A deterministic mask engine on OpenCV alone. It gains nothing by batching."""

    name = "classical"
    sha256 = None
    provider = "OpenCV"
    sufficient_side = None  # the edges are the full picture's
    max_batch = 1
    max_runs = 1

    def __init__(self, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._faces = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml"))

    def prepare(self, picture: Picture) -> Prepared:
        """Bring a picture, sRGB, uint8, (H, W, 3), to GrabCut's size."""
        return shrink(picture, WORKING_SIDE)

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        """Find the foreground of each picture.

        Args:
            batch: what ``prepare`` gave.

        Returns:
            Soft masks, uint8, of the prepared pictures' sizes.
        """
        return [cut(small, self._seeds(small)) for small in batch]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring the mask to the picture's size, with its edges on the picture's edges. Returns uint8, (H, W)."""
        return enlarge(mask, picture)

    def likelihood(self, picture: Picture) -> Plane:
        """The foreground of a prepared picture before GrabCut: (H, W), 0 to 1, a half at Otsu's level."""
        foreground, level = self._foreground_estimate(picture)
        return np.asarray(1 / (1 + np.exp(STEEPNESS * (level - foreground))), np.float32)

    def _seeds(self, picture: Picture) -> Seeds:
        foreground, level = self._foreground_estimate(picture)
        seeds = np.full(foreground.shape, cv2.GC_PR_BGD, np.uint8)
        seeds[foreground > level] = cv2.GC_PR_FGD
        seeds[foreground < 0.2 * level] = cv2.GC_BGD
        seeds[foreground > (1 + level) / 2] = cv2.GC_FGD
        return seeds

    def _foreground_estimate(self, picture: Picture) -> tuple[Plane, float]:
        """Saliency, and people where a face is found: (H, W), 0 to 1. Returns Otsu's level between its modes, too."""
        foreground = self._saliency_and_people(picture)
        return foreground, cv2.threshold(to_mask(foreground), 0, 255, cv2.THRESH_OTSU)[0] / 255

    def _saliency_and_people(self, picture: Picture) -> Plane:
        height, width = picture.shape[:2]
        saliency = cv2.resize(_saliency(shrink(picture, SALIENCY_SIDE)), (width, height))
        grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        smallest = max(24, min(height, width) // 12)
        faces = self._faces.detectMultiScale(grey, 1.1, 6, minSize=(smallest, smallest))
        if not len(faces):
            return saliency
        people = np.zeros((height, width), np.float32)
        for face in faces:
            _draw_person(people, *face)
        return 0.7 * cv2.GaussianBlur(people, (0, 0), 0.03 * width) + 0.3 * saliency


def _saliency(picture: Picture) -> Plane:
    """Barrier distance and border contrast, weighed towards the middle of the frame. Returns (H, W), 0 to 1."""
    lab = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), (3, 3), 0).astype(np.float32)
    height, width = lab.shape[:2]
    y, x = np.ogrid[:height, :width]
    centre = np.exp(-(((x / width - 0.5) / 0.3) ** 2 + ((y / height - 0.5) / 0.5) ** 2) / 2)
    contrast = 0.6 * _stretch(_barrier_distance(lab)) + 0.4 * _stretch(_border_contrast(lab))
    return _stretch(contrast * (0.85 + 0.15 * centre).astype(np.float32))


def _stretch(plane: Plane) -> Plane:
    """Map the 1st and 99th percentile to 0 and 1."""
    low, high = np.percentile(plane, (1, 99))
    return np.asarray(np.clip((plane - low) / max(high - low, 1e-6), 0, 1), np.float32)


def _barrier_distance(lab: Plane, rounds: int = 2) -> Plane:
    """Minimum barrier distance of each pixel to the border, summed over the channels.

    A path's barrier is the highest less the lowest value on it; a pixel's distance is the least barrier of any path
    to the border. A row (or column) is updated at once from its neighbour, down, up, right and left in turn.
    """
    distance = np.full(lab.shape, np.inf, np.float32)
    distance[[0, -1]] = 0
    distance[:, [0, -1]] = 0
    state = (lab, distance, lab.copy(), lab.copy())
    sweeps = (lambda a: a, lambda a: a[::-1], lambda a: a.swapaxes(0, 1), lambda a: a.swapaxes(0, 1)[::-1])
    for sweep in sweeps * rounds:
        values, least, highest, lowest = map(sweep, state)
        for line in range(1, len(values)):
            high = np.maximum(highest[line - 1], values[line])
            low = np.minimum(lowest[line - 1], values[line])
            barrier = high - low
            better = barrier < least[line]
            np.copyto(least[line], barrier, where=better)
            np.copyto(highest[line], high, where=better)
            np.copyto(lowest[line], low, where=better)
    return np.asarray(distance.sum(axis=2))


def _border_contrast(lab: Plane) -> Plane:
    """Mahalanobis distance of each pixel to the colours of the four border strips.

    The largest of the four is left out: a subject that touches one side does not become background by it.
    """
    strip = max(2, round(0.1 * min(lab.shape[:2])))
    distances = []
    for border in (lab[:strip], lab[-strip:], lab[:, :strip], lab[:, -strip:]):
        colours = border.reshape(-1, 3)
        noise = 4 * np.eye(3)  # Lab levels squared; keeps a flat border's covariance invertible
        inverse = np.linalg.inv(np.cov(colours.T, bias=True) + noise)
        offset = lab - colours.mean(axis=0)
        distance = np.sqrt(np.einsum("hwi,ij,hwj->hw", offset, inverse, offset))
        distances.append(distance / max(distance.max(), 1e-6))
    return np.asarray(np.sum(distances, axis=0) - np.max(distances, axis=0))


def _draw_person(plane: Plane, x: int, y: int, width: int, height: int) -> None:
    """Fill a head around the face box (pixels), and shoulders from it down to the lower edge, with 1."""
    middle, bottom = x + width / 2, plane.shape[0]
    cv2.ellipse(plane, ((middle, y + 0.45 * height), (1.25 * width, 1.6 * height), 0), 1, cv2.FILLED)
    neck, shoulder = y + height, y + 1.9 * height
    half = [(0.35 * width, neck), (1.3 * width, shoulder), (1.5 * width, bottom)]
    outline = [(middle + dx, py) for dx, py in half] + [(middle - dx, py) for dx, py in reversed(half)]
    cv2.fillPoly(plane, [np.round(outline).astype(np.int32)], 1)
