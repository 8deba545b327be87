"""B3: a 12 megapixel cut-out to a lossless file."""

import io
from typing import Any

import cv2
import numpy as np
import pyvips
from PIL import Image

from functions.apply_mask.encoding import encode
from tests.benchmarks.inputs import mask, photograph
from tests.benchmarks.measure import Row, interleaved

_GOAL = 10.0


def lossless_file() -> Row:
    picture = photograph(12).copy()
    picture.putalpha(mask(12))
    # Without its hidden colour zeroed, a cut-out is what other tools have to write; both are measured.
    whole = np.array(picture)
    pixels = whole.copy()
    pixels[pixels[..., 3] == 0] = 0
    _assert_readable(encode(Image.fromarray(pixels), "png"), pixels)

    contenders = _contenders(pixels)
    buffer = np.empty_like(pixels)
    times_ms = interleaved({**contenders, "memcpy": lambda: np.copyto(buffer, pixels)})
    sizes = {name: len(contender()) for name, contender in contenders.items()}
    on_whole = {name: _contenders(whole)[name] for name in ("ours", "Pillow")}
    times_on_whole_ms = interleaved(on_whole, runs=3)
    sizes_on_whole = {name: len(contender()) for name, contender in on_whole.items()}

    ratio = times_ms["Pillow"] / times_ms["ours"]
    return Row(
        id="B3",
        work=f"12 MP cut-out to PNG, ms; ours {_megabytes(sizes['ours'])}. With the hidden colour kept: "
        f"ours {times_on_whole_ms['ours']:,.0f} ms, {_megabytes(sizes_on_whole['ours'])}; "
        f"Pillow {times_on_whole_ms['Pillow']:,.0f} ms, {_megabytes(sizes_on_whole['Pillow'])}",
        ours=times_ms["ours"],
        peers={f"{name} ({_megabytes(sizes[name])})": times_ms[name] for name in contenders if name != "ours"},
        floor=times_ms["memcpy"],
        ratio=ratio,
        goal=f"at least {_GOAL:.0f}x as fast as Pillow, at no more bytes",
        met=ratio >= _GOAL and sizes["ours"] <= sizes["Pillow"],
    )


def _contenders(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Any]:
    """Each makes a file of the same pixels, which it already has in its own form; threads as each has by default."""
    height, width, channels = pixels.shape
    image = Image.fromarray(pixels)
    bgra = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)
    vips = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, channels, "uchar")
    return {
        "ours": lambda: encode(image, "png"),
        "Pillow": lambda: _pillow(image),
        "Pillow level 1": lambda: _pillow(image, compress_level=1),
        "OpenCV": lambda: cv2.imencode(".png", bgra)[1],
        "OpenCV level 1": lambda: cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1],
        "pyvips": lambda: vips.pngsave_buffer(),
        "pyvips level 1": lambda: vips.pngsave_buffer(compression=1),
    }


def _pillow(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def _assert_readable(file: bytes, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """Every decoder reads the very same pixels."""
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), pixels)
    assert np.array_equal(pyvips.Image.new_from_buffer(file, "").numpy(), pixels)
    bgra = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), pixels)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"
