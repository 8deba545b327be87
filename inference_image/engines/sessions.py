"""ONNX Runtime's sessions of one model file."""

import functools
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

from inference_image.engines.first_output import with_first_output
from inference_image.engines.mask_engine import Prepared
from inference_image.errors import NoRoom
from inference_image.weights import Weights, digest

logger = logging.getLogger(__name__)

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
PROVIDERS: dict[str, dict[str, str]] = {  # by preference
    CUDA: {"arena_extend_strategy": "kSameAsRequested"},  # else it takes up to twice the need
    CPU: {},
}
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


class Sessions:
    """Runs of a model's first output.

    On a CPU the threads of one run wait for each other at each of the model's operators, and two runs that share them
    do more in all: a run that begins beside another has a second session, which shares the threads.

    Args:
        weights: the model file, of one input.
        model: what it holds, as ``with_first_output`` gives it.
        threads: CPU threads of all runs.

    Raises:
        Exception: one of ``LOAD_ERRORS``.
    """

    def __init__(self, weights: Weights, model: Path | bytes, threads: int) -> None:
        self._weights, self._threads = weights, threads
        self._runs, self._counting = 0, threading.Lock()
        self._session = open_session(model, threads)
        self._input, self._output = self._session.get_inputs()[0], self._session.get_outputs()[0].name
        self.provider: str = self._session.get_providers()[0]  # active, which may be less than was asked for
        self.input_shape: list[int | str | None] = self._input.shape
        self.input_type: str = self._input.type

    def run(self, batch: Sequence[Prepared]) -> NDArray[np.floating]:
        """Run the model once on prepared pictures. Returns its outputs in order."""
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
            if digest([self._weights.path], "sha256") == self._weights.sha256:
                return open_session(with_first_output(self._weights.path), self._threads - 1)
        logger.warning("%s cannot be opened again as it was; it runs on with one session.", self._weights.path)
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
