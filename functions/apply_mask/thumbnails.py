"""Thumbnails as a cascade: each is made of the smallest one before it that shows enough of the picture."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple

from PIL import Image

from functions.apply_mask.framing import Size, Window, focal_window, fractions
from functions.apply_mask.tiles import WORKERS
from functions.core.models import Box, Face, ThumbnailSize
from functions.core.picture import fit

_STRIP_ROWS = 64  # of the picture: a strip stays in the processor's cache from its first step to its last
# What a filter is left to shrink at least: averaging whole blocks is fast but lets fine detail alias, and a chain of
# sizes that hardly differ blurs. Later in the cascade, where it costs little, a filter is left with more.
_LEAST_SHRINKING = 1.25
_REDUCING_GAP = 2.0
_CLEAR_ONLY = [255] + [0] * 255


class Thumbnail(NamedTuple):
    """``image`` is ``RGB``, or straight ``RGBA`` with colour 0 where alpha is 0; ``window`` is None if it shows all."""

    size: ThumbnailSize
    image: Image.Image
    window: Box | None


class _Frame(NamedTuple):
    """What one thumbnail shows of the picture, and the size in pixels at which it does."""

    thumbnail: ThumbnailSize
    window: Window
    size: Size

    @property
    def shrinking(self) -> float:
        """How many pixels of the picture become one, along the side where it is fewer."""
        left, top, right, bottom = self.window
        return min((right - left) / self.size[0], (bottom - top) / self.size[1])


class _Level(NamedTuple):
    """A window of the picture at some resolution: ``extent`` is its size in pixels of the image."""

    image: Image.Image
    window: Window
    extent: tuple[float, float]

    def box(self, window: Window) -> tuple[float, float, float, float]:
        """Where another window of the picture lies in the image."""
        left, top, right, bottom = self.window
        width, height = self.extent
        return (
            (window[0] - left) * width / (right - left),
            (window[1] - top) * height / (bottom - top),
            (window[2] - left) * width / (right - left),
            (window[3] - top) * height / (bottom - top),
        )

    def serves(self, frame: _Frame) -> bool:
        """Whether the frame's window lies in this one and is enough larger than the frame."""
        left, top, right, bottom = self.box(frame.window)
        inside = left >= 0 and top >= 0 and right <= self.extent[0] and bottom <= self.extent[1]
        shrinking = min((right - left) / frame.size[0], (bottom - top) / frame.size[1])
        return inside and shrinking >= _LEAST_SHRINKING


def make_thumbnails(
    picture: Image.Image, sizes: Sequence[ThumbnailSize], *, faces: Sequence[Face] = (), subject: Box | None = None
) -> Iterator[Thumbnail]:
    """Make a thumbnail of each size, those of the highest resolution first. None is enlarged.

    The full-size picture is read once: strips of it are premultiplied and averaged by whole blocks, and all else is
    filtered (bicubic) from what that gives, premultiplied until the end, so that what is transparent leaves no fringe.

    Args:
        picture: ``RGB`` or straight ``RGBA``. It must not change until the last thumbnail is taken.
        sizes: in any order. One that is wider or higher than the picture gives the picture's own resolution.
        faces: what the fit ``focal`` keeps in, in fractions of the picture.
        subject: what it keeps in if there is no face, likewise.
    """
    frames = sorted((_frame(picture.size, size, faces, subject) for size in sizes), key=lambda frame: frame.shrinking)
    if not frames:
        return
    with ThreadPoolExecutor(WORKERS) as threads:
        levels = [_first_level(picture, max(1, int(frames[0].shrinking / _LEAST_SHRINKING)), threads)]
        for frame in frames:
            source = next((level for level in reversed(levels) if level.serves(frame)), levels[0])
            image = _resized(source.image, frame.size, source.box(frame.window), threads)
            # Nothing that follows is larger, so of each window the last level is enough.
            kept = [level for level in levels[1:] if level.window != frame.window]
            levels = [levels[0], *kept, _Level(image, frame.window, frame.size)]
            whole = frame.window == (0, 0, *picture.size)
            yield Thumbnail(
                frame.thumbnail,
                _straight(image, threads) if image.mode == "RGBa" else image,
                None if whole else fractions(frame.window, picture.size),
            )


def _frame(size: Size, thumbnail: ThumbnailSize, faces: Sequence[Face], subject: Box | None) -> _Frame:
    box = thumbnail.width, thumbnail.height
    if thumbnail.fit == "contain":
        return _Frame(thumbnail, (0, 0, *size), fit(size, box))
    window = focal_window(size, box, faces, subject) if thumbnail.fit == "focal" else focal_window(size, box)
    left, top, right, bottom = window
    return _Frame(thumbnail, window, (min(box[0], right - left), min(box[1], bottom - top)))


def _first_level(picture: Image.Image, factor: int, threads: Executor) -> _Level:
    """The whole picture, premultiplied, each block of ``factor`` x ``factor`` pixels averaged."""
    width, height = picture.size
    whole, extent = (0, 0, width, height), (width / factor, height / factor)
    if picture.mode == "RGB":
        return _Level(picture if factor == 1 else picture.reduce(factor), whole, extent)

    def strip(top: int, bottom: int) -> tuple[Image.Image, int] | None:
        rows = picture.crop((0, top * factor, width, min(bottom * factor, height)))
        visible = rows.getbbox()
        if visible is None:
            return None
        left, right = visible[0] // factor, math.ceil(visible[2] / factor)
        part = rows.crop((left * factor, 0, min(right * factor, width), rows.height))
        return part.convert("RGBa").reduce(factor), left

    size = math.ceil(width / factor), math.ceil(height / factor)
    image = _in_strips("RGBa", size, math.ceil(_STRIP_ROWS / factor), strip, threads)
    return _Level(image, whole, extent)


def _resized(source: Image.Image, size: Size, box: tuple[float, float, float, float], threads: Executor) -> Image.Image:
    if size == source.size and box == (0, 0, *size):
        return source.copy()
    left, first, right, last = box

    def strip(top: int, bottom: int) -> tuple[Image.Image, int]:
        part = left, first + top * (last - first) / size[1], right, first + bottom * (last - first) / size[1]
        return source.resize((size[0], bottom - top), Image.Resampling.BICUBIC, part, _REDUCING_GAP), 0

    return _in_strips(source.mode, size, math.ceil(size[1] / WORKERS), strip, threads)


def _straight(premultiplied: Image.Image, threads: Executor) -> Image.Image:
    def strip(top: int, bottom: int) -> tuple[Image.Image, int]:
        straight = premultiplied.crop((0, top, premultiplied.width, bottom)).convert("RGBA")
        straight.paste((0, 0, 0, 0), mask=straight.getchannel("A").point(_CLEAR_ONLY, "1"))
        return straight, 0

    return _in_strips("RGBA", premultiplied.size, math.ceil(premultiplied.height / WORKERS), strip, threads)


def _in_strips(
    mode: str,
    size: Size,
    rows: int,
    strip: Callable[[int, int], tuple[Image.Image, int] | None],
    threads: Executor,
) -> Image.Image:
    """An image of strips of so many rows: ``strip`` gives what lies between two rows and where it begins, if any."""
    image = Image.new(mode, size)

    def paste(top: int) -> None:
        part = strip(top, min(top + rows, size[1]))
        if part:
            image.paste(part[0], (part[1], top))

    for _ in threads.map(paste, range(0, size[1], rows)):
        pass
    return image
