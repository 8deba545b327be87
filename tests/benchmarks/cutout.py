"""B2 and B9: a whole cut-out, from a camera's JPEG to a PNG, in time and in memory."""

import functools
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pyvips
import rembg
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image, ImageFile

from functions.apply_mask.encoding import encode
from functions.apply_mask.foreground import cut_out
from functions.apply_mask.matte import make_matte
from functions.core.picture import decode, open_picture
from inference_image.engines.onnx import OnnxEngine
from inference_image.weights import Weights
from tests.benchmarks import inputs
from tests.benchmarks.measure import Row, interleaved

_MODEL_SIDE = 320
_PROXY_SIDE = 2000
_MAX_PIXELS = 60_000_000
_SOFT = (13, 242)  # alpha of the soft band


def measure_time() -> Row:
    """B2."""
    jpeg = inputs.jpeg(12)
    times = interleaved({"ours": lambda: _ours(jpeg), "rembg": lambda: _rembg(jpeg), "floor": lambda: _floor(jpeg)})
    brightness = {name: _band_brightness(cut(jpeg)) for name, cut in (("ours", _ours), ("rembg", _rembg))}
    ratio = times["rembg"] / times["ours"]
    return Row(
        id="B2",
        work="12 MP JPEG to cut-out PNG, ms; the model's own time is under 1 ms here. Brightness of the soft band "
        f"against the picture's: ours {brightness['ours']:.2f}, rembg {brightness['rembg']:.2f} (a dark fringe)",
        ours=times["ours"],
        peers={"rembg": times["rembg"]},
        floor=times["floor"],
        ratio=ratio,
        goal="at least 10x as fast as rembg, no dark fringe",
        met=ratio >= 10 and brightness["ours"] > 0.9,
    )


def measure_memory(megapixels: int) -> Row:
    """B9: how far the process grows, each contender in one of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.jpg"
        file.write_bytes(inputs.jpeg(megapixels))
        grown_mb = {name: _growth_mb(name, file) for name in _CONTENDERS}
    width, height = inputs.photograph(megapixels).size
    ratio = grown_mb["ours"] / grown_mb["rembg"]
    return Row(
        id=f"B9-{megapixels}",
        work=f"peak memory above that before the call, MB, {megapixels} MP JPEG to cut-out PNG",
        ours=grown_mb.pop("ours"),
        peers=grown_mb,
        floor=round(width * height * 4 / 1e6, 1),
        ratio=ratio,
        goal="at most a third of rembg",
        met=ratio <= 1 / 3,
    )


def _ours(jpeg: bytes) -> bytes:
    proxy = np.asarray(decode(_opened(jpeg), max_side=_PROXY_SIDE))
    engine = _engine()
    mask = Image.fromarray(engine.upscale(engine.infer([engine.prepare(proxy)])[0], proxy))
    picture = decode(_opened(jpeg))
    return encode(cut_out(picture, make_matte(mask, picture)), "png")


def _rembg(jpeg: bytes) -> bytes:
    return rembg.remove(jpeg, session=_session())


def _pyvips(jpeg: bytes) -> bytes:
    picture = pyvips.Image.new_from_buffer(jpeg, "", access="sequential")
    mask = _vips_mask().resize(picture.width / _MODEL_SIDE, vscale=picture.height / _MODEL_SIDE)
    return bytes(picture.bandjoin(mask).pngsave_buffer())


def _floor(jpeg: bytes) -> None:
    _opened(jpeg).load()
    _engine().infer([np.zeros((3, _MODEL_SIDE, _MODEL_SIDE), np.float32)])


def _opened(jpeg: bytes) -> ImageFile.ImageFile:
    return open_picture(jpeg, ("JPEG",), max_pixels=_MAX_PIXELS)


def _model_mask() -> NDArray[np.float32]:
    """The photograph's mask at the model's size, 0 to 1."""
    return np.asarray(inputs.mask(1).resize((_MODEL_SIDE, _MODEL_SIDE)), np.float32) / 255


@functools.cache
def _vips_mask() -> pyvips.Image:
    return pyvips.Image.new_from_array((_model_mask() * 255).astype(np.uint8))


@functools.cache
def _model() -> Path:
    """An ONNX file in U2-Net's form whose answer is the photograph's mask, so that both sides cut out the same."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=1),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["mask", "nothing"], ["alpha"]),
        ],
        "fixed",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, _MODEL_SIDE, _MODEL_SIDE])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, _MODEL_SIDE, _MODEL_SIDE])],
        [
            onnx.numpy_helper.from_array(_model_mask()[None, None], "mask"),
            onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path = Path(tempfile.mkdtemp()) / "u2net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@functools.cache
def _engine() -> OnnxEngine:
    return OnnxEngine("u2net", Weights(_model(), ""), threads=2, use_bfloat16=False)


@functools.cache
def _session() -> rembg.sessions.BaseSession:
    os.environ["REMBG_HOME"] = str(_model().parent)  # it takes model files from there only
    return rembg.new_session("u2net_custom", model_path=str(_model()))


def _band_brightness(png: bytes) -> float:
    """How bright the cut-out's soft band is, as a share of the same pixels of the picture."""
    cutout = np.asarray(Image.open(io.BytesIO(png)))
    band = (cutout[..., 3] > _SOFT[0]) & (cutout[..., 3] < _SOFT[1])
    picture = np.asarray(inputs.photograph(12))
    return float(cutout[band][:, :3].mean() / picture[band].mean())


_CONTENDERS = {"ours": _ours, "rembg": _rembg, "pyvips": _pyvips}


def _growth_mb(name: str, file: Path) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.cutout", name, str(file)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _print_growth(name: str, file: str) -> None:
    """Run one contender; what its libraries take by being loaded, and a first small picture, is not counted."""
    small = io.BytesIO()
    inputs.photograph(1).save(small, "JPEG")
    _CONTENDERS[name](small.getvalue())
    jpeg = Path(file).read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # makes the peak start anew from here
    before = _resident_kb("VmRSS")
    _CONTENDERS[name](jpeg)
    print(round((_resident_kb("VmHWM") - before) * 1024 / 1e6, 1))


def _resident_kb(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    _print_growth(*sys.argv[1:])
