"""Any single-mask ONNX model that rembg runs, with rembg's arithmetic before and after it."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors
from PIL import Image

from inference_image.engines import bfloat16, guided_filter
from inference_image.engines.bfloat16 import Bfloat16
from inference_image.engines.first_output import with_first_output
from inference_image.engines.graphs import Graphs, NotRecorded
from inference_image.engines.mask_engine import Mask, Picture, Prepared
from inference_image.engines.sessions import CPU, CUDA, LOAD_ERRORS, Sessions, full_memory_as_no_room, open_session
from inference_image.errors import InferenceFailed, NotReady
from inference_image.registry import Model, Output, find_model
from inference_image.settings import Resampling
from inference_image.weights import Weights

logger = logging.getLogger(__name__)

FLOAT16 = "tensor(float16)"  # the type of an input; any other but float32 fails in the warm-up
LEAST_REDUCED = 2  # times the model's side: what averaging leaves for LANCZOS, whose filter then still sees detail
MOST_PIXELS_BESIDE = 320 * 320  # of a model's input: runs side by side of a larger one would need gigabytes
EDGE_RADIUS = 1  # pixels at the model's size within which a mask's edge is moved to the picture's
LARGEST_ERROR = 1.0  # of 255, on average, in a mask computed in bfloat16
GRAPH_ERRORS = (*LOAD_ERRORS, onnxruntime_errors.EPFail, NotRecorded)


class NotAccurate(Exception):
    """A model gives another mask in bfloat16; the message says how far off."""


class OnnxEngine:
    """A model file, warmed up: in ONNX Runtime, or in bfloat16 where the CPU is fast with it.

    Args:
        name: of the registry, which says how the model wants its input and what its output is; any other name is
            prepared as U2-Net.
        weights: the model file; one input (n, 3, H, W), float32 or float16, a first output (n, 1, h, w), where n is 1
            or left open.
        threads: CPU threads of all inference.
        max_batch: most pictures of one run, where the file leaves n open and an accelerator gains by it.
        resampling: ``fast`` averages large pictures before LANCZOS and enlarges masks by cubic interpolation;
            ``rembg`` is rembg's own LANCZOS both ways, and float32; ``guided`` enlarges masks along the picture's
            edges.
        cuda_graphs: whether runs on CUDA are recorded at start and replayed; a model that cannot be is run without.
        use_bfloat16: whether a CPU that is fast with bfloat16 computes in it; a model that loses by it does not.

    Raises:
        NotReady: the file is no such model.
    """

    def __init__(
        self,
        name: str,
        weights: Weights,
        threads: int,
        *,
        max_batch: int = 1,
        resampling: Resampling = "fast",
        cuda_graphs: bool = True,
        use_bfloat16: bool = True,
    ) -> None:
        self.name = name
        self.sha256 = weights.sha256
        self._model = find_model(name)
        self._resampling = resampling
        self._threads = threads
        self._runner: Sessions | Graphs | Bfloat16
        try:
            model = with_first_output(weights.path)
            self._runner = sessions = Sessions(weights, model, threads)
            self.provider = sessions.provider
            self._is_half = sessions.input_type == FLOAT16
            batch, _, *sides = sessions.input_shape
            self._size = self._input_size(*sides)
            # On a CPU, pictures together take as long as one by one, and as many times the memory.
            batches = self.provider != CPU and not isinstance(batch, int)
            self.max_batch = max_batch if batches else 1
            small = self._size[0] * self._size[1] <= MOST_PIXELS_BESIDE
            self.max_runs = 2 if self.provider == CPU and threads > 1 and small else 1
            blank = self.prepare(np.zeros((*self._size[::-1], 3), np.uint8))
            warm_up = [blank] * min(2, self.max_batch)  # two show whether the batch is open all the way through
            shape = sessions.run(warm_up).shape
        except LOAD_ERRORS as exc:
            raise NotReady(f"{weights.path.name} is not a usable model: {exc}") from exc
        if len(shape) != 4 or shape[:2] != (len(warm_up), 1):
            asked = f"for {len(warm_up)} pictures"
            raise NotReady(f"{weights.path.name} gives an array of shape {shape} {asked}, not one mask (1, H, W) each.")
        if cuda_graphs and self.provider == CUDA:
            self._runner = self._record(sessions, model, blank)
        elif use_bfloat16 and self.provider == CPU and resampling != "rembg" and bfloat16.is_fast():
            self._runner = self._shorten(sessions, model)

    @property
    def sufficient_side(self) -> int | None:
        """What ``fast`` leaves for LANCZOS; the other ways to resample see every pixel."""
        return LEAST_REDUCED * max(self._size) if self._resampling == "fast" else None

    def prepare(self, picture: Picture) -> Prepared:
        """Shrink and normalise a picture, sRGB, uint8, (H, W, 3). Returns the model's (3, h, w)."""
        planes = normalise(self._shrink(picture), self._model)
        return planes.astype(np.float16) if self._is_half else planes

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        """Run the model once.

        Args:
            batch: 1 to ``max_batch`` pictures from ``prepare``.

        Returns:
            For each, its output as 0..255, uint8, at the model's size. That of rembg's models is stretched: it is all 0
            where it is flat.

        Raises:
            InferenceFailed: an output holds NaN or infinity.
            NoRoom: the accelerator's memory is full; ONNX Runtime frees what the failed run held.
        """
        return self._infer(self._runner, batch)

    def _infer(self, runner: Sessions | Graphs | Bfloat16, batch: Sequence[Prepared]) -> list[Mask]:
        with full_memory_as_no_room():
            outputs = runner.run(batch)
        return [self._to_mask(output[0]) for output in outputs.astype(np.float32, copy=False)]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring the mask to the picture's size. Returns uint8, (H, W)."""
        return resize_mask(mask, picture, self._resampling)

    def _input_size(self, height: int | str | None, width: int | str | None) -> tuple[int, int]:
        """Width and height in pixels: from the file where it fixes them, else the registry's."""
        side = self._model.side
        return (width if isinstance(width, int) else side, height if isinstance(height, int) else side)

    def _shrink(self, picture: Picture) -> Picture:
        if self._resampling != "rembg":
            picture = _average(picture, self._size)
        return np.asarray(Image.fromarray(picture).resize(self._size, Image.Resampling.LANCZOS))

    def _record(self, sessions: Sessions, model: Path | bytes, blank: Prepared) -> Sessions | Graphs:
        """Graphs of a second session, which take the place of the first; that where there can be none."""
        started = time.perf_counter()
        try:
            session = open_session(model, self._threads, cuda_graphs=True)
            if session.get_providers()[0] != self.provider:
                raise NotRecorded(f"with them it runs on {session.get_providers()[0]}")
            graphs = Graphs(session, self.max_batch, sessions.run, blank)
        except GRAPH_ERRORS as exc:
            logger.warning("%s runs without CUDA graphs: %s", self.name, exc)
            return sessions
        sizes = ", ".join(map(str, graphs.sizes))
        elapsed_s = time.perf_counter() - started
        logger.info("%s runs by CUDA graphs of %s pictures, recorded in %.1f s", self.name, sizes, elapsed_s)
        return graphs

    def _shorten(self, sessions: Sessions, model: Path | bytes) -> Sessions | Bfloat16:
        """The model in bfloat16, which takes the sessions' place; they where its mask of a scene is another."""
        try:
            example = self.prepare(bfloat16.scene(*self._size))
            shortened = Bfloat16(model, self._threads, self.max_runs, example.shape)
            (mask,), (expected,) = (self._infer(runner, [example]) for runner in (shortened, sessions))
            error = float(np.abs(mask.astype(int) - expected).mean())
            if error > LARGEST_ERROR:
                raise NotAccurate(f"its mask differs by {error:.1f} of 255 on average")
        except Exception as exc:  # whatever it is, float32 is ready
            logger.warning("%s computes in float32 and not in bfloat16: %s", self.name, exc)
            return sessions
        self.provider = bfloat16.PROVIDER
        logger.info("%s computes in bfloat16", self.name)
        return shortened

    def _to_mask(self, output: NDArray[np.float32]) -> Mask:
        if self._model.output is Output.LOGIT:
            with np.errstate(over="ignore"):  # infinity, whose reciprocal is the right 0
                output = np.reciprocal(1 + np.exp(-output))
        low, high = output.min(), output.max()
        if not np.isfinite((low, high)).all():
            raise InferenceFailed(f"{self.name} gave a mask with values that are not finite.")
        if self._model.is_stretched:
            output = (output - low) / max(high - low, np.finfo(np.float32).tiny)
        return np.asarray(output * 255, np.uint8)


def normalise(pixels: Picture, model: Model) -> NDArray[np.float32]:
    """``(pixels / maximum - mean) / deviation``, as one multiply and add a channel, straight into planes.

    Args:
        pixels: uint8, (H, W, 3).
        model: whose mean and deviation.

    Returns:
        float32, (3, H, W), contiguous; at most 5e-7 from rembg's, which is computed in float64.
    """
    maximum = max(int(pixels.max()), 1)  # rembg: at least 1e-6, which for whole levels means the same
    planes = np.empty((3, *pixels.shape[:2]), np.float32)
    for plane, channel, mean, deviation in zip(planes, cv2.split(pixels), model.mean, model.deviation, strict=True):
        cv2.addWeighted(channel, 1 / (maximum * deviation), channel, 0, -mean / deviation, plane, cv2.CV_32F)
    return planes


def resize_mask(mask: Mask, picture: Picture, resampling: Resampling) -> Mask:
    """Bring a mask to its picture's size, of which all but ``guided`` see the shape alone. Returns uint8, (H, W)."""
    width, height = size = picture.shape[1::-1]
    grows = height >= mask.shape[0] and width >= mask.shape[1]
    if resampling == "guided" and grows:
        return guided_filter.upscale(mask, picture, EDGE_RADIUS)
    if resampling == "fast" and grows:
        return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.LANCZOS))


def _average(picture: Picture, size: tuple[int, int]) -> Picture:
    """Shrink by a whole factor, as far as at least ``LEAST_REDUCED`` times ``size`` (width, height) is left."""
    height, width = picture.shape[:2]
    factor = min(width // (LEAST_REDUCED * size[0]), height // (LEAST_REDUCED * size[1]))
    if factor < 2:
        return picture
    reduced = cv2.resize(picture, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.uint8)
