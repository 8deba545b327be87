"""B4 and B5: five thumbnails of a 12 MP JPEG, and of a 12 MP cut-out in memory. Encoding is no part of either."""

import functools
import io
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from functions.apply_mask.thumbnails import make_thumbnails
from functions.core.models import ThumbnailSize
from functions.core.picture import decode, fit, open_picture
from tests.benchmarks import inputs
from tests.benchmarks.measure import RUNS, Row, interleaved

BOXES = [(1600, 1200), (1024, 768), (640, 480), (320, 240), (100, 100)]
_LANCZOS = Image.Resampling.LANCZOS
_MAX_PIXELS = 50_000_000
_SHARP = Path(__file__).parent / "sharp"
_CLEAR_ONLY = [255] + [0] * 255
_NO_SHARP = ". Without sharp: it needs Node.js and npm ci"

Pixels = NDArray[Any]
Contender = Callable[[], list[Any]]


def measure_jpeg() -> Row:
    """B4."""
    jpeg = inputs.jpeg(12)
    peers: dict[str, Contender] = {
        "naive": lambda: _naive(jpeg),
        "Pillow thumbnail": lambda: [_pillow_thumbnail(jpeg, box) for box in BOXES],
        "pyvips thumbnail": lambda: [_held(pyvips.Image.thumbnail_buffer(jpeg, w, height=h)) for w, h in BOXES],
        "pyvips cascade": lambda: _pyvips_cascade(jpeg),
    }
    pyvips.cache_set_max(0)
    times = interleaved({"ours": lambda: _ours(jpeg), **peers, "floor": lambda: [_scaled_decode(jpeg)]})
    sharp_times, sharp_made = _sharp(jpeg)
    ours, floor = times.pop("ours"), times.pop("floor")
    times |= sharp_times

    reference = [np.asarray(image) for image in _naive(jpeg)]
    made = {"ours": _ours(jpeg), **{name: peer() for name, peer in peers.items() if name != "naive"}}
    made |= {"sharp": sharp_made} if sharp_made else {}
    similarity = {name: _least_similarity(images, reference) for name, images in made.items()}

    best = min(times, key=times.__getitem__)
    faster, naive = times[best] / ours, times["naive"] / ours
    return Row(
        id="B4",
        work=f"12 MP JPEG to 5 thumbnails, ms. Ours is {faster:.2f}x as fast as the best peer, {best}. Least SSIM to "
        f"LANCZOS: {_listed(similarity, 4)}{_NO_SHARP if not sharp_made else ''}",
        ours=ours,
        peers=times,
        floor=floor,
        ratio=naive,
        goal="at least 8x the naive, 1.3x the best peer, SSIM at least 0.98",
        met=naive >= 8 and faster >= 1.3 and similarity["ours"] >= 0.98,
    )


def measure_cutout() -> Row:
    """B5."""
    cutout = _cutout()
    pixels = np.asarray(cutout)
    peers: dict[str, Contender] = {
        "Pillow": lambda: [image.convert("RGBA") for image in _sizes_of(cutout.convert("RGBa"))],
        "pyvips thumbnail": lambda: [_held(_vips(pixels).thumbnail_image(w, height=h)) for w, h in BOXES],
        "pyvips cascade": lambda: _pyvips_cutout_cascade(pixels),
    }
    pyvips.cache_set_max(0)
    times = interleaved({"ours": lambda: _ours_of(cutout), **peers, "floor": lambda: [cutout.convert("RGBa")]})
    sharp_times, sharp_made = _sharp(cutout)
    ours, floor = times.pop("ours"), times.pop("floor")
    times |= sharp_times

    reference = _float_reference(cutout)
    made = {"ours": _ours_of(cutout), **{name: peer() for name, peer in peers.items()}}
    made |= {"sharp": sharp_made} if sharp_made else {}
    fringe = {name: _fringe_error(images, reference) for name, images in made.items()}

    best = min(times, key=times.__getitem__)
    faster, pillow = times[best] / ours, times["Pillow"] / ours
    return Row(
        id="B5",
        work=f"12 MP RGBA to 5 thumbnails, ms. Ours is {faster:.2f}x as fast as the best peer, {best}. Error of colour "
        f"in the soft band, of 255: {_listed(fringe, 2)}{_NO_SHARP if not sharp_made else ''}",
        ours=ours,
        peers=times,
        floor=floor,
        ratio=pillow,
        goal="at least 4x Pillow, 1.2x the best peer",
        met=pillow >= 4 and faster >= 1.2,
    )


def _ours(jpeg: bytes) -> list[Image.Image]:
    return _ours_of(_scaled_decode(jpeg))


def _ours_of(picture: Image.Image) -> list[Image.Image]:
    sizes = [ThumbnailSize(width=width, height=height) for width, height in BOXES]
    return [thumbnail.image for thumbnail in make_thumbnails(picture, sizes)]


def _scaled_decode(jpeg: bytes) -> Image.Image:
    """At half its size, the smallest scale of a JPEG that is enough for the largest box."""
    image = open_picture(jpeg, ("JPEG",), max_pixels=_MAX_PIXELS)
    return decode(image, max_side=max(image.size) // 2)


def _naive(jpeg: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(jpeg)) as image:
        return list(_sizes_of(image))


def _sizes_of(image: Image.Image) -> Iterator[Image.Image]:
    for box in BOXES:
        yield image.resize(fit(image.size, box), _LANCZOS)


def _pillow_thumbnail(jpeg: bytes, box: tuple[int, int]) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.thumbnail(box)
    return image


def _pyvips_cascade(jpeg: bytes) -> list[pyvips.Image]:
    """What a person who knows libvips well writes: one scaled decode, and each size from the next larger one."""
    picture = pyvips.Image.new_from_buffer(jpeg, "", shrink=2)
    made = []
    for width, height in BOXES:
        picture = _held(picture.resize(min(width / picture.width, height / picture.height)))
        made.append(picture)
    return made


def _pyvips_cutout_cascade(pixels: Pixels) -> list[pyvips.Image]:
    """Likewise: premultiplied once and kept in 8 bits, halved by boxes, and each size from the next larger one."""
    picture = _held(_vips(pixels).premultiply().cast("uchar").shrink(2, 2))
    made = []
    for width, height in BOXES:
        picture = _held(picture.resize(min(width / picture.width, height / picture.height)))
        made.append(_held(picture.unpremultiply().cast("uchar")))
    return made


def _vips(pixels: Pixels) -> pyvips.Image:
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.data, width, height, bands, "uchar")
    return image.copy(interpretation="srgb")


def _held(image: pyvips.Image) -> pyvips.Image:
    """With its pixels made: libvips does nothing before they are asked for."""
    return image.copy_memory()


def _sharp(source: bytes | Image.Image) -> tuple[dict[str, float], list[Pixels]]:
    """Its times, taken in its own process, and its thumbnails; nothing where it is not installed."""
    node = shutil.which("node")
    if node is None or not (_SHARP / "node_modules" / "sharp").is_dir():
        return {}, []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "source"
        raw = []
        if isinstance(source, bytes):
            file.write_bytes(source)
        else:
            file.write_bytes(source.tobytes())
            raw = [f"{source.width}x{source.height}"]
        command = [node, str(_SHARP / "thumbnails.mjs"), str(file), str(RUNS), folder, *raw]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
        made = []
        for box in BOXES:
            width, height = fit((4000, 3000), box)
            channels = 4 if raw else 3
            data = (Path(folder) / f"{width}x{height}.{channels}").read_bytes()
            made.append(np.frombuffer(data, np.uint8).reshape(height, width, channels))
    times = json.loads(finished.stdout)
    return {f"sharp {name}": round(value, 1) for name, value in times.items()}, made


def _least_similarity(images: list[Any], reference: list[Pixels]) -> float:
    """The least structural similarity (SSIM) of the five."""
    return min(
        structural_similarity(_array(image), expected, channel_axis=2)
        for image, expected in zip(images, reference, strict=True)
    )


@functools.cache
def _cutout() -> Image.Image:
    """Colour is 0 where alpha is 0, as in every cut-out of the product."""
    cutout = inputs.photograph(12).copy()
    cutout.putalpha(inputs.mask(12))
    cutout.paste((0, 0, 0, 0), mask=cutout.getchannel("A").point(_CLEAR_ONLY))
    return cutout


def _float_reference(cutout: Image.Image) -> list[Pixels]:
    """Each thumbnail by LANCZOS in floating point and premultiplied colour, made straight; alpha in 0 to 255."""
    bands = [np.asarray(band).astype(np.float32) for band in cutout.split()]
    premultiplied = [Image.fromarray(band * (bands[3] / 255)) for band in bands[:3]] + [Image.fromarray(bands[3])]
    made = []
    for box in BOXES:
        size = fit(cutout.size, box)
        shrunk = np.dstack([np.asarray(band.resize(size, _LANCZOS)) for band in premultiplied])
        alpha = shrunk[..., 3:]
        colour = shrunk[..., :3] * 255 / np.maximum(alpha, 1)
        made.append(np.dstack([colour.clip(0, 255), alpha.clip(0, 255)]))
    return made


def _fringe_error(images: list[Any], reference: list[Pixels]) -> float:
    """The mean error of straight colour where alpha is between 5 % and 95 %, over the five."""
    errors = []
    for image, expected in zip(images, reference, strict=True):
        soft = (expected[..., 3] > 13) & (expected[..., 3] < 242)
        errors.append(np.abs(_array(image)[soft][:, :3] - expected[soft][:, :3]).mean())
    return float(np.mean(errors))


def _array(image: Any) -> Pixels:
    return image.numpy() if isinstance(image, pyvips.Image) else np.asarray(image)


def _listed(figures: dict[str, float], digits: int) -> str:
    return ", ".join(f"{name} {value:.{digits}f}" for name, value in figures.items())
