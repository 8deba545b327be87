"""CUDA graphs: all that a model does for one number of pictures, recorded once and then launched as a whole.

A graph reads and writes the very memory that it was recorded with, so each batch size has buffers of its own, and a
batch is padded up to the next size. See "Using CUDA Graphs" in
https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inference_image.engines.mask_engine import Prepared

DEVICE = "cuda"
GRAPH_ID = "gpu_graph_id"  # of a run: which graph it records or replays, from 1; -1 for none
LARGEST_ERROR = 0.02  # of the output's range: what another choice of kernels may change in half precision

RunBatch = Callable[[Sequence[Prepared]], NDArray[np.floating[Any]]]


class NotRecorded(Exception):
    """A model's runs cannot be recorded, or do not give what they give without graphs; the message says why."""


class _Graph(NamedTuple):
    pictures: onnxruntime.OrtValue
    """On the device, as the model takes them; filled anew for each run."""
    binding: onnxruntime.IOBinding
    options: onnxruntime.RunOptions


class Graphs:
    """A session's graphs for 1, 2, 4 and so on up to ``max_batch`` pictures, each recorded and tried.

    Args:
        session: opened with ``enable_cuda_graph``; its first input and first output are used. On a CPU the runs are the
            same, without a graph.
        max_batch: most pictures of one run.
        run: the same model without graphs, for comparison; called with one picture at a time.
        blank: a prepared picture, of the shape and type of every one.

    Raises:
        NotRecorded: what a graph gives is not what ``run`` gives.
        Exception: what ONNX Runtime raised while it recorded.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, max_batch: int, run: RunBatch, blank: NDArray[np.floating[Any]]
    ) -> None:
        self._session = session
        # ONNX Runtime keeps a graph for the thread that recorded it; another would record its own on the first request.
        self._thread = ThreadPoolExecutor(1, "graphs")
        self._stacked = np.empty((max_batch, *blank.shape), blank.dtype)
        noise = np.asarray(np.random.default_rng(0).standard_normal(self._stacked.shape, np.float32), blank.dtype)
        expected = np.concatenate([run([picture]) for picture in noise])
        self._graphs = {
            size: self._bind(number, expected[:size]) for number, size in enumerate(batch_sizes(max_batch), 1)
        }
        for size in reversed(self._graphs):  # the largest first: its memory is enough for all
            self.run([blank] * size)
            _compare(self.run(list(noise[:size])), expected[:size])

    @property
    def sizes(self) -> list[int]:
        """Numbers of pictures that there is a graph for, the least first."""
        return list(self._graphs)

    def run(self, batch: Sequence[Prepared]) -> NDArray[np.floating[Any]]:
        """Run the model on 1 to ``max_batch`` prepared pictures. Returns its outputs, the caller's own, in order."""
        return self._thread.submit(self._run, batch).result()

    def _run(self, batch: Sequence[Prepared]) -> NDArray[np.floating[Any]]:
        size = next(size for size in self._graphs if size >= len(batch))
        pictures, binding, options = self._graphs[size]
        np.stack(batch, out=self._stacked[: len(batch)])  # what pads it are pictures of runs before
        pictures.update_inplace(self._stacked[:size])
        self._session.run_with_iobinding(binding, options)
        outputs: NDArray[np.floating[Any]] = binding.copy_outputs_to_cpu()[0]
        return outputs[: len(batch)]

    def _bind(self, number: int, outputs: NDArray[np.floating[Any]]) -> _Graph:
        """Set memory aside for a run with such outputs, and name its graph."""
        pictures, masks = (
            onnxruntime.OrtValue.ortvalue_from_shape_and_type(like.shape, like.dtype.type, DEVICE)
            for like in (self._stacked[: len(outputs)], outputs)
        )
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._session.get_inputs()[0].name, pictures)
        binding.bind_ortvalue_output(self._session.get_outputs()[0].name, masks)
        options = onnxruntime.RunOptions()
        options.add_run_config_entry(GRAPH_ID, str(number))
        return _Graph(pictures, binding, options)


def batch_sizes(max_batch: int) -> list[int]:
    """The powers of two below ``max_batch``, and itself."""
    return [*(1 << power for power in range((max_batch - 1).bit_length())), max_batch]


def _compare(replayed: NDArray[np.floating[Any]], expected: NDArray[np.floating[Any]]) -> None:
    replayed, expected = replayed.astype(np.float32), expected.astype(np.float32)
    difference, span = np.abs(replayed - expected).max(), np.ptp(expected)
    if not difference <= LARGEST_ERROR * span:  # not finite either
        raise NotRecorded(f"for {len(expected)} pictures outputs differ by {difference:.3g}, of a range of {span:.3g}")
