"""Synthetic composites whose true alpha and foreground are known, and the mask that a network would give of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from functions.core.picture import fit

# Photographs apart for choosing constants and for reporting: no figure is of a picture that a constant was chosen on.
TUNING = ("coffee.png", "rocket.jpg", "motorcycle_left.png")
REPORTED = ("astronaut.png", "chelsea.png", "ihc.png", "retina.jpg", "hubble_deep_field.jpg")
SHAPES = ("hair", "fur", "defocus", "motion", "polygon", "wires", "smoke")
_NETWORK_SIDE = 320
_NETWORK_BLUR = 0.7  # pixels of the network's: its decoder never draws sharper
_PROXY_SIDE = 2000
_SUPERSAMPLING = 3


class Composite(NamedTuple):
    """A picture made as ``alpha * foreground + (1 - alpha) * background``.

    ``picture`` is ``RGB``; ``alpha`` ``L`` of its size; ``foreground`` ``RGB`` of its size, true wherever alpha is
    above 0; ``mask`` ``L`` of proxy size: the alpha as a network of 320 x 320 sees it.
    """

    name: str
    picture: Image.Image
    alpha: Image.Image
    foreground: Image.Image
    mask: Image.Image


def composites(
    size: tuple[int, int], photographs: tuple[str, ...], seed: int, shapes: tuple[str, ...] = SHAPES
) -> Iterator[Composite]:
    """Each shape as the photographs come, as a light subject before a dark place, and the other way round."""
    random = np.random.default_rng(seed)
    for shape in shapes:
        for tone in ("photographs", "light on dark", "dark on light"):
            alpha = _SHAPES[shape](size, random)
            subject, place = (_photograph(str(name), size, random) for name in random.choice(photographs, 2, False))
            if tone == "light on dark":
                subject, place = subject * 0.35 + 160, place * 0.35
            elif tone == "dark on light":
                subject, place = subject * 0.35, place * 0.35 + 160
            yield composite(f"{shape}, {tone}", alpha, subject, place)


def composite(name: str, alpha: Image.Image, subject: NDArray[np.float32], place: NDArray[np.float32]) -> Composite:
    """Lay a subject over a place, both height x width x 3 in 0 to 255, by an alpha of their size."""
    share = np.asarray(alpha, np.float32)[..., None] / 255
    picture = subject * share + place * (1 - share)
    return Composite(name, _image(picture), alpha, _image(subject), network_mask(alpha))


def network_mask(alpha: Image.Image) -> Image.Image:
    """What a perfect network of 320 x 320 would answer, brought to the proxy's size as rembg's engines do."""
    seen = alpha.resize((_NETWORK_SIDE, _NETWORK_SIDE), Image.Resampling.BOX)
    seen = seen.filter(ImageFilter.GaussianBlur(_NETWORK_BLUR))
    return seen.resize(fit(alpha.size, (_PROXY_SIDE, _PROXY_SIDE)), Image.Resampling.LANCZOS)


def _image(pixels: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8))


def _photograph(name: str, size: tuple[int, int], random: np.random.Generator) -> NDArray[np.float32]:
    """A random part of a photograph of scikit-image's, enlarged to the size."""
    photograph = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
    scale = min(photograph.width / size[0], photograph.height / size[1]) * random.uniform(0.7, 1)
    width, height = size[0] * scale, size[1] * scale
    left = random.uniform(0, photograph.width - width)
    top = random.uniform(0, photograph.height - height)
    part = photograph.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    return np.asarray(part, np.float32)


def _hair(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    return _strands(size, random, count=700, length=(0.12, 0.32), width=(0.0008, 0.0025), body=0.26)


def _fur(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    return _strands(size, random, count=4000, length=(0.02, 0.06), width=(0.0010, 0.0030), body=0.36)


def _strands(
    size: tuple[int, int],
    random: np.random.Generator,
    count: int,
    length: tuple[float, float],
    width: tuple[float, float],
    body: float,
) -> Image.Image:
    """A body of which curved strands leave; lengths and widths as shares of the picture's height."""
    canvas, draw, centre, unit = _canvas(size)
    radius = body * unit
    draw.ellipse([*(centre - radius), *(centre + radius)], fill=255)
    for _ in range(count):
        angle = random.uniform(0, 2 * np.pi)
        bend = random.normal(0, 1.2)
        reach = random.uniform(*length) * unit
        steps = np.linspace(0, 1, 24)
        heading = angle + random.normal(0, 0.5) + bend * steps
        start = centre + radius * 0.97 * np.array([np.cos(angle), np.sin(angle)])
        path = start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * reach / len(steps)
        draw.line([tuple(point) for point in path], fill=255, width=max(1, round(random.uniform(*width) * unit)))
    return _finished(canvas, size)


def _defocus(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    return _blob(size, random).filter(ImageFilter.GaussianBlur(size[1] * 0.008))


def _motion(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    sharp = np.asarray(_blob(size, random), np.float32)
    reach = round(size[0] * 0.03)
    padded = np.pad(sharp, ((0, 0), (reach, reach)), mode="edge")
    total = np.cumsum(padded, 1)
    return Image.fromarray(np.rint((total[:, 2 * reach :] - total[:, : -2 * reach]) / (2 * reach)).astype(np.uint8))


def _polygon(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    canvas, draw, centre, unit = _canvas(size)
    angles = np.sort(random.uniform(0, 2 * np.pi, 9))
    reach = random.uniform(0.2, 0.45, 9) * unit
    corners = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    draw.polygon([tuple(corner) for corner in corners], fill=255)
    return _finished(canvas, size)


def _wires(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A body that hangs on wires from edge to edge."""
    canvas, draw, centre, unit = _canvas(size)
    draw.ellipse([*(centre - 0.2 * unit), *(centre + 0.2 * unit)], fill=255)
    for _ in range(8):
        angle = random.uniform(0, np.pi)
        along = np.array([np.cos(angle), np.sin(angle)]) * unit * 2
        middle = centre + random.uniform(-0.18, 0.18, 2) * unit
        draw.line([*(middle - along), *(middle + along)], fill=255, width=round(random.uniform(0.003, 0.009) * unit))
    return _finished(canvas, size)


def _smoke(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Soft everywhere: noise of several octaves that fades outwards from a solid core."""
    cloud = np.zeros((size[1], size[0]), np.float32)
    for octave in range(2, 7):
        cells = random.random((2**octave, 2**octave)).astype(np.float32)
        cloud += np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)) / 2 ** (octave - 1)
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    return _image(((1.15 - 1.6 * np.hypot(x, y) + (cloud - 0.5) * 0.8).clip(0, 1) * 255).astype(np.float32))


def _blob(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    canvas, draw, centre, unit = _canvas(size)
    angles = np.linspace(0, 2 * np.pi, 200)
    waves = sum(random.normal(0, 0.02) * np.cos(k * angles + random.uniform(0, 7)) for k in range(2, 8))
    edge = centre + ((0.33 + waves) * unit)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    draw.polygon([tuple(point) for point in edge], fill=255)
    return _finished(canvas, size)


def _canvas(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw, NDArray[np.float64], int]:
    large = Image.new("L", (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING))
    return large, ImageDraw.Draw(large), np.array(large.size) / 2, large.height


def _finished(canvas: Image.Image, size: tuple[int, int]) -> Image.Image:
    return canvas.resize(size, Image.Resampling.BOX)


_SHAPES = {
    "hair": _hair,
    "fur": _fur,
    "defocus": _defocus,
    "motion": _motion,
    "polygon": _polygon,
    "wires": _wires,
    "smoke": _smoke,
}
