"""The network that comes with the app, and GrabCut after it: it knows what a subject is, GrabCut where it ends."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from inference_image.engines.grabcut import WORKING_SIDE, cut, enlarge, shrink
from inference_image.engines.mask_engine import Mask, Picture, Prepared
from inference_image.engines.onnx import OnnxEngine

SURE = 0.97  # alpha from which the network's word is final; below 1 - SURE it is for the background


class _Prepared(NamedTuple):
    planes: Prepared
    """As the network takes it."""
    small: Picture
    """As GrabCut takes it."""


class RefinedEngine:
    """A network whose masks GrabCut refines by the picture's own colours."""

    sufficient_side = None  # the edges are the full picture's
    max_batch = 1
    max_runs = 1

    def __init__(self, network: OnnxEngine) -> None:
        self._network = network
        self.name, self.sha256, self.provider = network.name, network.sha256, network.provider

    def prepare(self, picture: Picture) -> Prepared:
        """Bring a picture, sRGB, uint8, (H, W, 3), to the network's size and to GrabCut's."""
        return _Prepared(self._network.prepare(picture), shrink(picture, WORKING_SIDE))

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        """Find the foreground of each picture. Returns soft masks, uint8, of GrabCut's size."""
        guesses = self._network.infer([prepared.planes for prepared in batch])
        return [_refine(guess, prepared.small) for guess, prepared in zip(guesses, batch, strict=True)]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring the mask to the picture's size, with its edges on the picture's edges. Returns uint8, (H, W)."""
        return enlarge(mask, picture)


def _refine(guess: Mask, small: Picture) -> Mask:
    alpha = cv2.resize(guess, small.shape[1::-1]) / 255
    seeds = np.full(alpha.shape, cv2.GC_PR_BGD, np.uint8)
    seeds[alpha > 0.5] = cv2.GC_PR_FGD
    seeds[alpha > SURE] = cv2.GC_FGD
    seeds[alpha < 1 - SURE] = cv2.GC_BGD
    return cut(small, seeds)
