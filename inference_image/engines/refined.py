"""The network that comes with the app, the classical engine's saliency beside it, and GrabCut after both.

The network knows what subjects look like, the saliency what stands out from the border of this very picture, and
GrabCut where it ends.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from inference_image.engines.classical import ClassicalEngine
from inference_image.engines.grabcut import WORKING_SIDE, cut, enlarge, shrink
from inference_image.engines.guided_filter import Plane
from inference_image.engines.mask_engine import Mask, Picture, Prepared
from inference_image.engines.onnx import OnnxEngine

SURE = 0.9  # the likelihood from which a pixel is foreground, whatever its colour; below 1 - SURE it is background


class _Prepared(NamedTuple):
    planes: Prepared
    """As the network takes it."""
    small: Picture
    """As GrabCut takes it."""


class RefinedEngine:
    """A network whose masks are averaged with the picture's saliency, and refined by the picture's own colours."""

    sufficient_side = None  # the edges are the full picture's
    max_batch = 1
    max_runs = 1

    def __init__(self, network: OnnxEngine, threads: int) -> None:
        self._network, self._classical = network, ClassicalEngine(threads)
        self.name, self.sha256, self.provider = network.name, network.sha256, network.provider

    def prepare(self, picture: Picture) -> Prepared:
        """Bring a picture, sRGB, uint8, (H, W, 3), to the network's size and to GrabCut's."""
        return _Prepared(self._network.prepare(picture), shrink(picture, WORKING_SIDE))

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        """Find the foreground of each picture. Returns soft masks, uint8, of GrabCut's size."""
        guesses = self._network.infer([prepared.planes for prepared in batch])
        return [
            _refine(guess, self._classical.likelihood(prepared.small), prepared.small)
            for guess, prepared in zip(guesses, batch, strict=True)
        ]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring the mask to the picture's size, with its edges on the picture's edges. Returns uint8, (H, W)."""
        return enlarge(mask, picture)


def _refine(guess: Mask, salient: Plane, small: Picture) -> Mask:
    likelihood = (cv2.resize(guess, small.shape[1::-1]).astype(np.float32) / 255 + salient) / 2
    seeds = np.full(likelihood.shape, cv2.GC_PR_BGD, np.uint8)
    seeds[likelihood > 0.5] = cv2.GC_PR_FGD
    seeds[likelihood > SURE] = cv2.GC_FGD
    seeds[likelihood < 1 - SURE] = cv2.GC_BGD
    return cut(small, seeds)
