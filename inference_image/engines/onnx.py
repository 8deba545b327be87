"""Any single-mask ONNX model that rembg runs, with rembg's arithmetic before and after it."""

import functools
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors
from PIL import Image

from inference_image.engines import guided_filter
from inference_image.engines.first_output import with_first_output
from inference_image.engines.graphs import Graphs, NotRecorded
from inference_image.engines.mask_engine import Mask, Picture, Prepared
from inference_image.errors import InferenceFailed, NoRoom, NotReady
from inference_image.registry import Model, Output, find_model
from inference_image.settings import Resampling
from inference_image.weights import Weights, digest

logger = logging.getLogger(__name__)

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
PROVIDERS: dict[str, dict[str, str]] = {  # by preference
    CUDA: {"arena_extend_strategy": "kSameAsRequested"},  # else it takes up to twice the need
    CPU: {},
}
FLOAT16 = "tensor(float16)"  # the type of an input; any other but float32 fails in the warm-up
LEAST_REDUCED = 2  # times the model's side: what averaging leaves for LANCZOS, whose filter then still sees detail
MOST_PIXELS_BESIDE = 320 * 320  # of a model's input: runs side by side of a larger one would need gigabytes
EDGE_RADIUS = 1  # pixels at the model's size within which a mask's edge is moved to the picture's

LOAD_ERRORS = (
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NotImplemented,
    onnxruntime_errors.RuntimeException,
    RuntimeError,  # of a run with bound memory, whatever went wrong
    ValueError,  # inputs of another number or rank
)
GRAPH_ERRORS = (*LOAD_ERRORS, onnxruntime_errors.EPFail, NotRecorded)


class OnnxEngine:
    """A model in ONNX Runtime, warmed up.

    On a CPU the threads of one run wait for each other at each of the model's operators, and two runs that share them
    do more in all: so a small model that has several pictures runs twice at a time.

    Args:
        name: of the registry, which says how the model wants its input and what its output is; any other name is
            prepared as U2-Net.
        weights: the model file; one input (n, 3, H, W), float32 or float16, a first output (n, 1, h, w), where n is 1
            or left open.
        threads: CPU threads of all inference.
        max_batch: most pictures of one run, where the file leaves n open and an accelerator gains by it.
        resampling: ``fast`` averages large pictures before LANCZOS and enlarges masks by cubic interpolation;
            ``rembg`` is rembg's own LANCZOS both ways; ``guided`` enlarges masks along the picture's edges.
        cuda_graphs: whether runs on CUDA are recorded at start and replayed; a model that cannot be is run without.

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
    ) -> None:
        self.name = name
        self.sha256 = weights.sha256
        self._graphs: Graphs | None = None
        self._model = find_model(name)
        self._resampling = resampling
        self._path, self._threads = weights.path, threads
        self._runs, self._counting = 0, threading.Lock()
        try:
            self._session = open_session(with_first_output(weights.path), threads)
            self._input, self._output = self._session.get_inputs()[0], self._session.get_outputs()[0].name
            self.provider: str = self._session.get_providers()[0]  # active, which may be less than was asked for
            batch, _, *sides = self._input.shape
            self._size = self._input_size(*sides)
            # On a CPU, pictures together take as long as one by one, and as many times the memory.
            batches = self.provider != CPU and not isinstance(batch, int)
            self.max_batch = max_batch if batches else 1
            small = self._size[0] * self._size[1] <= MOST_PIXELS_BESIDE
            self.max_runs = 2 if self.provider == CPU and threads > 1 and small else 1
            blank = self.prepare(np.zeros((*self._size[::-1], 3), np.uint8))
            warm_up = [blank] * min(2, self.max_batch)  # two show whether the batch is open all the way through
            shape = self._run(warm_up).shape
        except LOAD_ERRORS as exc:
            raise NotReady(f"{weights.path.name} is not a usable model: {exc}") from exc
        if len(shape) != 4 or shape[:2] != (len(warm_up), 1):
            asked = f"for {len(warm_up)} pictures"
            raise NotReady(f"{weights.path.name} gives an array of shape {shape} {asked}, not one mask (1, H, W) each.")
        if cuda_graphs and self.provider == CUDA:
            self._graphs = self._record(blank)

    @property
    def sufficient_side(self) -> int | None:
        """What ``fast`` leaves for LANCZOS; the other ways to resample see every pixel."""
        return LEAST_REDUCED * max(self._size) if self._resampling == "fast" else None

    def prepare(self, picture: Picture) -> Prepared:
        """Shrink and normalise a picture, sRGB, uint8, (H, W, 3). Returns the model's (3, h, w)."""
        planes = normalise(self._shrink(picture), self._model)
        return planes.astype(np.float16) if self._input.type == FLOAT16 else planes

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
        with full_memory_as_no_room():
            outputs = self._run(batch)
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

    def _run(self, batch: Sequence[Prepared]) -> NDArray[np.floating]:
        if self._graphs:
            return self._graphs.run(batch)
        with self._idle_threads() as session:
            binding = session.io_binding()
            binding.bind_cpu_input(self._input.name, np.stack(batch))
            binding.bind_output(self._output)
            session.run_with_iobinding(binding)
            output: NDArray[np.floating] = binding.copy_outputs_to_cpu()[0]
        return output

    @functools.cached_property
    def _shared_session(self) -> onnxruntime.InferenceSession:
        """Of runs side by side: its threads and their two callers are as many as one run's.

        Opened when it is first needed: a function of Lambda never has two pictures. It is the other session where the
        file is no longer there, or no longer the same.
        """
        with suppress(OSError, *LOAD_ERRORS):
            if digest([self._path], "sha256") == self.sha256:
                return open_session(with_first_output(self._path), self._threads - 1)
        logger.warning("%s cannot be opened again as it was; %s runs on with one session.", self._path, self.name)
        return self._session

    @contextmanager
    def _idle_threads(self) -> Iterator[onnxruntime.InferenceSession]:
        """The session of all threads for a run that begins alone, the shared one for a run beside another."""
        with self._counting:
            alone = self._runs == 0
            self._runs += 1
        try:
            yield self._session if alone else self._shared_session
        finally:
            with self._counting:
                self._runs -= 1

    def _record(self, blank: Prepared) -> Graphs | None:
        """Graphs of a second session, which then takes the place of the first; None where there can be none."""
        started = time.perf_counter()
        try:
            session = open_session(with_first_output(self._path), self._threads, cuda_graphs=True)
            if session.get_providers()[0] != self.provider:
                raise NotRecorded(f"with them it runs on {session.get_providers()[0]}")
            graphs = Graphs(session, self.max_batch, self._run, blank)
        except GRAPH_ERRORS as exc:
            logger.warning("%s runs without CUDA graphs: %s", self.name, exc)
            return None
        self._session = session
        sizes = ", ".join(map(str, graphs.sizes))
        elapsed_s = time.perf_counter() - started
        logger.info("%s runs by CUDA graphs of %s pictures, recorded in %.1f s", self.name, sizes, elapsed_s)
        return graphs

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


@contextmanager
def full_memory_as_no_room() -> Iterator[None]:
    """Translate ONNX Runtime's error; it frees what the failed run held.

    Raises:
        NoRoom: the accelerator's memory is full.
    """
    try:
        yield
    except (onnxruntime_errors.Fail, onnxruntime_errors.RuntimeException, RuntimeError) as exc:
        if "Failed to allocate memory" in str(exc):
            raise NoRoom("The accelerator's memory is full.") from exc
        raise


def open_session(model: Path | bytes, threads: int, *, cuda_graphs: bool = False) -> onnxruntime.InferenceSession:
    """A session of ``threads`` CPU threads on the best provider there is.

    With ``cuda_graphs`` it is refused where part of the model does not run on the GPU. Raises one of ``LOAD_ERRORS``.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait sleep: they would keep a core from decoding the next picture, for no quicker run.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    onnxruntime.preload_dlls()  # CUDA and cuDNN lie in their wheels, off the loader's path; nothing on a CPU build
    available = onnxruntime.get_available_providers()
    recorded = {"enable_cuda_graph": "1"} if cuda_graphs else {}
    providers = [
        (name, chosen | recorded if name == CUDA else chosen) for name, chosen in PROVIDERS.items() if name in available
    ]
    session = onnxruntime.InferenceSession(model, options, providers=providers)
    session._model_bytes = None  # which it would hold for as long as it lives, beside its own copy of the weights
    return session
