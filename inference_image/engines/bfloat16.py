"""A model's arithmetic in bfloat16, on a CPU that multiplies matrices of it (Intel AMX): several times as fast.

By OpenVINO, since ONNX Runtime computes in float32 there. See "Precision Control" in OpenVINO's documentation.
"""

import queue
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_image.engines.mask_engine import Picture, Prepared

PROVIDER = "OpenVINO"


class NotSupported(Exception):
    """This CPU knows no bfloat16."""


def is_fast() -> bool:
    """Whether this CPU has AMX: without it bfloat16 takes longer than float32."""
    try:
        return " amx_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


class Bfloat16:
    """A model compiled for bfloat16.

    Args:
        model: an ONNX file, or what one holds; its first output is taken.
        threads: CPU threads of all runs.
        max_runs: most runs at a time.
        shape: of a prepared picture, (3, h, w).

    Raises:
        ImportError: OpenVINO is not installed.
        NotSupported: this CPU knows no bfloat16.
        Exception: what OpenVINO raised while it read or compiled the model.
    """

    def __init__(self, model: Path | bytes, threads: int, max_runs: int, shape: tuple[int, ...]) -> None:
        # Else OpenVINO, when it is imported, reports the use of its converter, which is not used here, to its maker.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        core = openvino.Core()
        network = core.read_model(model)
        network.reshape([1, *shape])
        compiled = core.compile_model(
            network,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,  # the cores are needed for decoding and encoding, too
            },
        )
        if compiled.get_property("INFERENCE_PRECISION_HINT") != openvino.Type.bf16:
            raise NotSupported("this CPU knows no bfloat16")
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(max_runs):
            self._idle.put(compiled.create_infer_request())

    def run(self, batch: Sequence[Prepared]) -> NDArray[np.floating[Any]]:
        """Run the model on prepared pictures, one after the other. Returns its outputs, the caller's own, in order."""
        request = self._idle.get()
        try:
            outputs = []
            for picture in batch:
                request.infer([picture[None]], share_inputs=True)
                outputs.append(request.get_output_tensor(0).data.copy())
            return np.concatenate(outputs)
        finally:
            self._idle.put(request)


def scene(width: int, height: int) -> Picture:
    """A picture to compare arithmetics by: a bright disc before smooth colours. sRGB, uint8, (height, width, 3)."""
    colours = np.random.default_rng(0).integers(0, 180, (6, 6, 3), np.uint8)
    picture = cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.circle(picture, (width // 2, height // 2), min(width, height) // 4, (250, 220, 160), cv2.FILLED, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)
