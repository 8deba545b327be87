"""B1 and B6: a picture's mask by rembg's model, and the model's input, beside rembg's own."""

import functools
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import rembg
from numpy.typing import NDArray
from PIL import Image
from rembg.sessions.u2net_custom import U2netCustomSession

from inference_image.engines.onnx import OnnxEngine, normalise
from inference_image.pictures import decode
from inference_image.registry import MODELS
from inference_image.weights import Weights, digest
from tests.benchmarks import inputs, u2netp
from tests.benchmarks.measure import Row, interleaved

THREADS = os.cpu_count() or 1
_MAX_PIXELS = 60_000_000
_REPEATS = 50  # of what takes less than a millisecond


def measure_mask() -> Row:
    """B1: both ways end with the mask's pixels; neither encodes them."""
    jpeg = inputs.jpeg(12)
    ours, in_float32 = _engine(use_bfloat16=True), _engine(use_bfloat16=False)
    times = interleaved(
        {
            "ours": lambda: _ours(ours, jpeg),
            "ours in float32": lambda: _ours(in_float32, jpeg),
            "rembg": lambda: _rembg(jpeg),
            "floor": lambda: _floor(jpeg),
        }
    )
    error = float(np.abs(_ours(ours, jpeg).astype(int) - np.asarray(_rembg(jpeg))).mean())
    ratio = times["ours"] / times["floor"]
    faster = times["rembg"] / times["ours"]
    return Row(
        id="B1",
        work=f"12 MP JPEG to its mask's pixels, U2-Net-P, {THREADS} threads, by {ours.provider}, ms. "
        f"{faster:.2f}x as fast as rembg; mean error {error:.3f} of 255",
        ours=times["ours"],
        peers={name: times[name] for name in ("rembg", "ours in float32")},
        floor=times["floor"],
        ratio=ratio,
        goal="at most 1.10x the floor, at least 1.5x as fast as rembg, mean error within 1 of 255",
        met=ratio <= 1.10 and faster >= 1.5 and error <= 1,
    )


def measure_normalisation(side: int) -> Row:
    """B6: from pixels of the model's size, for which rembg's ``normalize`` copies instead of resampling."""
    image = inputs.photograph(1).resize((side, side))
    pixels = np.asarray(image)
    times = interleaved(
        {
            "ours": lambda: _repeat(lambda: normalise(pixels, MODELS["u2net"])),
            "rembg": lambda: _repeat(lambda: _rembg_input(image)),
            "floor": lambda: _repeat(lambda: pixels.astype(np.float32)),
        }
    )
    error = float(np.abs(normalise(pixels, MODELS["u2net"]) - _rembg_input(image)).max())
    ratio = times["rembg"] / times["ours"]
    return Row(
        id=f"B6-{side}",
        work=f"pixels of {side} x {side} to the model's input, ms for {_REPEATS}; largest error {error:.1e}",
        ours=times["ours"],
        peers={"rembg": times["rembg"]},
        floor=times["floor"],
        ratio=ratio,
        goal="at least 8x, error at most 1e-6",
        met=ratio >= 8 and error <= 1e-6,
    )


def _repeat(work: Callable[[], object]) -> None:
    """Drop each result at once: memory that is never given back would be most of the time."""
    for _ in range(_REPEATS):
        work()


def _ours(engine: OnnxEngine, jpeg: bytes) -> NDArray[np.uint8]:
    decoded = decode(jpeg, _MAX_PIXELS, "image/jpeg", engine.sufficient_side)
    return engine.upscale(engine.infer([engine.prepare(decoded.picture)])[0], decoded.canvas)


def _rembg(jpeg: bytes) -> Image.Image:
    return rembg.remove(Image.open(io.BytesIO(jpeg)), only_mask=True, session=_peer())


def _floor(jpeg: bytes) -> None:
    with Image.open(io.BytesIO(jpeg)) as image:
        image.draft("RGB", (u2netp.SIDE, u2netp.SIDE))
        image.load()
    _bare().run(["d0"], {"image": np.zeros((1, 3, u2netp.SIDE, u2netp.SIDE), np.float32)})


def _rembg_input(image: Image.Image) -> NDArray[np.float32]:
    model = MODELS["u2net"]
    return next(iter(_peer().normalize(image, model.mean, model.deviation, image.size).values()))


@functools.cache
def _weights() -> Path:
    """Where rembg takes models of one's own from, too."""
    folder = Path(tempfile.mkdtemp())
    os.environ["REMBG_HOME"] = str(folder)
    return u2netp.write(folder / "u2netp.onnx")


def _engine(*, use_bfloat16: bool) -> OnnxEngine:
    weights = Weights(_weights(), digest([_weights()], "sha256"))
    return OnnxEngine("u2netp", weights, THREADS, use_bfloat16=use_bfloat16)


@functools.cache
def _peer() -> Any:
    path = str(_weights())
    return U2netCustomSession("u2net_custom", _options(), model_path=path)


@functools.cache
def _bare() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(_weights(), _options())


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    return options
