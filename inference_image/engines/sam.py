"""Segment Anything: an encoder that reads the picture once, and a quick decoder for each prompt.

Kirillov et al., "Segment Anything", ICCV 2023. The files are those that rembg publishes: an encoder that normalises and
pads by itself, float32 (H, W, 3), levels 0 to 255, and the authors' own export of the decoder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference_image.engines.mask_engine import Embedding, Mask, Picture, Prepared, Prompt, Prompted
from inference_image.engines.onnx import resize_mask
from inference_image.engines.sessions import LOAD_ERRORS, full_memory_as_no_room, open_session
from inference_image.errors import InferenceFailed, NoRoom, NotReady
from inference_image.weights import Weights

SIDE = 1024  # pixels of the picture's longer side as the encoder takes it, and of the square that it is padded to
PRIOR_SIDE = 256  # pixels of the mask that the decoder may start from

# What the decoder calls each kind of point; a person's 0 and 1 are its own.
PADDING, UPPER_LEFT, LOWER_RIGHT = -1, 2, 3

# The decoder's third output, masks at the picture's size, is of one aspect only in files that were exported before
# https://github.com/facebookresearch/segment-anything/pull/58.
OUTPUTS = ["iou_predictions", "low_res_masks"]


class SamEngine:
    """Two ONNX Runtime sessions, warmed up. Masks are enlarged by a cubic filter, whatever ``RESAMPLING`` says.

    Args:
        name: of the registry.
        weights: the encoder.
        decoder: the decoder's file.
        threads: CPU threads of one run of either.

    Raises:
        NotReady: the files are no such pair.
    """

    max_batch = 1  # the decoder takes one picture, and its time is small beside the encoder's
    max_runs = 1
    sufficient_side = 2 * SIDE  # what averaging leaves, so that the filter still sees detail

    def __init__(self, name: str, weights: Weights, decoder: Path, threads: int) -> None:
        self.name = name
        self.sha256 = weights.sha256
        try:
            self._encoder, self._decoder = open_session(weights.path, threads), open_session(decoder, threads)
            self.provider: str = self._encoder.get_providers()[0]
            (embedding,) = self.embed([self.prepare(np.zeros((3, 2, 3), np.uint8))])
            scores, masks = self._decode(Prompted(embedding, Prompt(points=((0.5, 0.5, 1),))))
        except (*LOAD_ERRORS, NoRoom) as exc:
            raise NotReady(f"{weights.path.name} with {decoder.name} is not a usable model: {exc}") from exc
        if masks.ndim != 4 or scores.shape != masks.shape[:2]:
            raise NotReady(f"{decoder.name} gives masks of shape {masks.shape} and scores of shape {scores.shape}.")

    def prepare(self, picture: Picture) -> Prepared:
        """Bring a picture, sRGB, uint8, (H, W, 3), to a longer side of ``SIDE``, as its authors do. Returns float32."""
        scale = SIDE / max(picture.shape)
        height, width = (max(int(side * scale + 0.5), 1) for side in picture.shape[:2])
        resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized, np.float32)

    def embed(self, batch: Sequence[Prepared]) -> list[Embedding]:
        """Run the encoder on each picture from ``prepare``.

        Raises:
            NoRoom: the accelerator's memory is full.
        """
        name = self._encoder.get_inputs()[0].name
        with full_memory_as_no_room():
            return [Embedding(self._encoder.run(None, {name: pixels})[0], pixels.shape[:2]) for pixels in batch]

    def infer(self, batch: Sequence[Prompted]) -> list[Mask]:
        """Run the decoder for each prompt.

        Returns:
            For each, the probability of the mask that the decoder scores highest, uint8, of the picture's shape at the
            model's size.

        Raises:
            InferenceFailed: an output holds NaN or infinity.
            NoRoom: the accelerator's memory is full.
        """
        return [self._best_mask(prompted) for prompted in batch]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring the mask to the picture's size, whose shape alone is looked at. Returns uint8, (H, W)."""
        return resize_mask(mask, picture, "fast")

    def _best_mask(self, prompted: Prompted) -> Mask:
        scores, masks = self._decode(prompted)
        best = masks[0, scores[0].argmax()]
        if not (np.isfinite(scores).all() and np.isfinite(best).all()):
            raise InferenceFailed(f"{self.name} gave a mask with values that are not finite.")
        height, width = prompted.embedding.shape
        logits = cv2.resize(best, (SIDE, SIDE))[:height, :width]
        with np.errstate(over="ignore"):  # infinity, whose reciprocal is the right 0
            return np.asarray(np.reciprocal(1 + np.exp(-logits)) * 255 + 0.5, np.uint8)

    def _decode(self, prompted: Prompted) -> list[NDArray[Any]]:
        """Scores (1, n) and logits (1, n, h, w) of the whole padded square."""
        features, (height, width) = prompted.embedding
        places, labels = _marks(prompted.prompt)
        inputs = {
            "image_embeddings": features,
            "point_coords": np.array([places], np.float32) * np.array([width, height], np.float32),
            "point_labels": np.array([labels], np.float32),
            "mask_input": np.zeros((1, 1, PRIOR_SIDE, PRIOR_SIDE), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array([height, width], np.float32),
        }
        with full_memory_as_no_room():
            outputs: list[NDArray[Any]] = self._decoder.run(OUTPUTS, inputs)
        return outputs


def _marks(prompt: Prompt) -> tuple[list[tuple[float, float]], list[int]]:
    """Points and corners with their labels, and the padding that the decoder always wants, as rembg gives it."""
    marks = [((x, y), label) for x, y, label in prompt.points]
    for left, top, right, bottom in prompt.boxes:
        marks += [((left, top), UPPER_LEFT), ((right, bottom), LOWER_RIGHT)]
    marks.append(((0, 0), PADDING))
    return [place for place, _ in marks], [label for _, label in marks]
