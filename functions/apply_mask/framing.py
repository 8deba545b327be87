"""Which part of a picture an output shows: geometry alone.

A window is (left, top, right, bottom) in whole pixels, right and bottom exclusive, never empty and never outside the
picture. A :class:`Box` is in fractions of a picture and may reach outside.
"""

import math
from collections.abc import Sequence

from PIL import Image

from functions.core.models import Box, Face

Window = tuple[int, int, int, int]
Size = tuple[int, int]

# Below about 5 % alpha there is haze, and nothing that a person would call the subject.
_VISIBLE = [0] * 13 + [255] * 243


def subject_box(matte: Image.Image) -> Window | None:
    """The smallest window around the visible foreground of a matte (``L``); None where there is none."""
    return matte.point(_VISIBLE).getbbox()


def crop_window(subject: Window, size: Size, margin: float) -> Window:
    """The subject with a margin on each side, in percent of its longer side, as far as the picture reaches."""
    left, top, right, bottom = subject
    space = round(max(right - left, bottom - top) * margin / 100)
    return max(0, left - space), max(0, top - space), min(size[0], right + space), min(size[1], bottom + space)


def focal_window(size: Size, shape: Size, faces: Sequence[Face] = (), subject: Box | None = None) -> Window:
    """The largest window with the aspect ratio of ``shape``, to half a pixel, on what matters in a picture.

    All faces are in it if they fit. Else as many as fit are, the largest and surest first, and where not even the
    first fits, its middle. Without a face in the picture it is on the subject; without a subject too it is in the
    middle, and what overhangs is the same on both sides.

    Args:
        size: of the picture, in pixels.
        shape: width and height in any unit.
        faces: their boxes in fractions of the picture; what reaches outside does not count.
        subject: likewise.
    """
    width = max(1, min(size[0], round(size[1] * shape[0] / shape[1])))
    height = max(1, min(size[1], round(size[0] * shape[1] / shape[0])))
    ranked = sorted(faces, key=lambda face: face.box.width * face.box.height * face.confidence, reverse=True)
    focus = _windows([face.box for face in ranked], size) or _windows([subject] if subject else [], size)
    left = _start(width, size[0], [(box[0], box[2]) for box in focus])
    top = _start(height, size[1], [(box[1], box[3]) for box in focus])
    return left, top, left + width, top + height


def fractions(window: Window, size: Size) -> Box:
    """The window in fractions of a picture of this size."""
    left, top, right, bottom = window
    width, height = size
    return Box(left=left / width, top=top / height, width=(right - left) / width, height=(bottom - top) / height)


def within(box: Box, window: Box) -> Box:
    """The box, in fractions of the window; both are given in fractions of the picture."""
    return Box(
        left=(box.left - window.left) / window.width,
        top=(box.top - window.top) / window.height,
        width=box.width / window.width,
        height=box.height / window.height,
    )


def composed(inner: Box | None, outer: Box | None) -> Box | None:
    """A window of a window, in fractions of the picture: the way back from :func:`within`. None shows all."""
    if inner is None or outer is None:
        return inner or outer
    return Box(
        left=outer.left + inner.left * outer.width,
        top=outer.top + inner.top * outer.height,
        width=inner.width * outer.width,
        height=inner.height * outer.height,
    )


def _windows(boxes: Sequence[Box], size: Size) -> list[Window]:
    """Of each box all pixels of the picture that it touches; a box that is empty or outside is left out."""
    width, height = size
    windows = [
        (
            max(0, math.floor(box.left * width)),
            max(0, math.floor(box.top * height)),
            min(width, math.ceil((box.left + box.width) * width)),
            min(height, math.ceil((box.top + box.height) * height)),
        )
        for box in boxes
    ]
    return [window for window in windows if window[0] < window[2] and window[1] < window[3]]


def _start(length: int, limit: int, spans: Sequence[tuple[int, int]]) -> int:
    """Where a stretch of this length begins, between 0 and ``limit``, to hold the spans that fit, the first first."""
    kept = spans[0] if spans else (0, limit)
    for span in spans[1:]:
        hull = min(kept[0], span[0]), max(kept[1], span[1])
        if hull[1] - hull[0] <= length:
            kept = hull
    return min(max((kept[0] + kept[1] - length) // 2, 0), limit - length)
