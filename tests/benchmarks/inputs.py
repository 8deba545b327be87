"""The pictures that are measured: photographs enlarged to a camera's size, with a sensor's noise, and their masks."""

import functools
import io
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
_NOISE_SIGMA = 4.0  # of 255: a daylight photograph at a moderate ISO
_SEED = 2026


@functools.cache
def photograph(megapixels: int) -> Image.Image:
    """An ``RGB`` photograph in the ratio 4 to 3, of about so many megapixels, with sensor noise."""
    path = PHOTOS / "girl.png"
    source = path if path.exists() else Path(skimage.__file__).parent / "data" / "astronaut.png"
    size = _size(megapixels)
    enlarged = np.asarray(Image.open(source).convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(_SEED).normal(0, _NOISE_SIGMA, enlarged.shape).astype(np.float32)
    return Image.fromarray((enlarged + noise).clip(0, 255).astype(np.uint8))


@functools.cache
def mask(megapixels: int) -> Image.Image:
    """The mask of :func:`photograph` at its size: U2-Net's where it is at hand, else an ellipse with a soft edge."""
    path = PHOTOS / "girl.u2net.png"
    size = _size(megapixels)
    if path.exists():
        return Image.open(path).convert("L").resize(size, Image.Resampling.BICUBIC)
    y, x = np.mgrid[-1:1:480j, -1:1:640j]
    soft = np.clip((0.8 - np.hypot(x * 1.4, y)) * 20, 0, 1) * 255
    return Image.fromarray(soft.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


@functools.cache
def jpeg(megapixels: int) -> bytes:
    """:func:`photograph` as a camera's JPEG."""
    file = io.BytesIO()
    photograph(megapixels).save(file, "JPEG", quality=92)
    return file.getvalue()


def _size(megapixels: int) -> tuple[int, int]:
    """12 megapixels are 4000 x 3000."""
    unit = round((megapixels * 1_000_000 / 12) ** 0.5)
    return 4 * unit, 3 * unit
