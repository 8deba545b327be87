"""What can be told of a mask without its picture: how much it covers, how surely, where, and in how many pieces."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from functions.core.models import Box
from functions.core.regions import label

_OPAQUE = 255
_FOREGROUND = 128
# From a tenth to nine tenths. Engines leave a little of both ends all over a mask, which is no soft edge.
_HALF_TRANSPARENT = slice(26, 230)
# Less of a picture than this is a speck, not a subject, and less background than this is none; of the foreground, less
# is a crumb, not a piece.
_LEAST_SHARE = 0.001
# Pieces of a thousandth are still counted at this size, and a large mask takes no longer than a small one.
_LABELLED_SIDE = 512

Flag = Literal["empty_mask", "full_mask"]
Border = Literal["left", "top", "right", "bottom"]


class MaskMeasures(NamedTuple):
    """The measures of a mask, as :class:`functions.core.models.MaskFacts` has them.

    ``a`` is the alpha of a pixel, 0 (background) to 1 (foreground); from 128 of 255 on it is foreground.

    Attributes:
        coverage: the mean of ``a``.
        confidence: how far the mask is from undecided, 0 (half transparent all over) to 100 (every pixel 0 or 1): the
            mean of ``|2a - 1| * 100`` over the pixels, each weighted by ``a``, as a large and certain background would
            hide a doubtful subject else. 0 for a mask without any foreground.
        edge_softness: the share, 0 to 1, of the sum of ``a`` that lies in pixels from a tenth to nine tenths. 0 for a
            mask without any foreground.
        parts: how many 8-connected pieces of the foreground have at least a thousandth of it.
        touches: the borders of the picture with foreground in their outermost row or column.
        subject: the box around the foreground, None where there is none.
        flags: ``empty_mask`` or ``full_mask`` when under a thousandth of the picture is foreground, or background.
    """

    coverage: float
    confidence: float
    edge_softness: float
    parts: int
    touches: tuple[Border, ...]
    subject: Box | None
    flags: tuple[Flag, ...]


def measure(mask: Image.Image) -> MaskMeasures:
    """Measure a mask of mode ``L`` and any size."""
    counts = np.array(mask.histogram())
    values = np.arange(len(counts))
    weights = counts * values
    weight = int(weights.sum())
    decided = float((weights * np.abs(2 * values / _OPAQUE - 1)).sum())
    share = float(counts[_FOREGROUND:].sum() / counts.sum())
    box = mask.point(lambda value: _OPAQUE * (value >= _FOREGROUND)).getbbox()
    return MaskMeasures(
        coverage=weight / (_OPAQUE * int(counts.sum())),
        confidence=100 * decided / weight if weight else 0.0,
        edge_softness=int(weights[_HALF_TRANSPARENT].sum()) / weight if weight else 0.0,
        parts=_parts(mask),
        touches=tuple(_touched(box, mask.size)) if box else (),
        subject=_as_fractions(box, mask.size) if box else None,
        flags=tuple(_flags(share)),
    )


def _parts(mask: Image.Image) -> int:
    reduced = mask.reduce(-(-max(mask.size) // _LABELLED_SIDE))
    areas = label(np.asarray(reduced) >= _FOREGROUND)[1][1:]
    return int((areas >= _LEAST_SHARE * areas.sum()).sum())


def _touched(box: tuple[int, int, int, int], size: tuple[int, int]) -> Iterator[Border]:
    borders: tuple[tuple[Border, int], ...] = (("left", 0), ("top", 0), ("right", size[0]), ("bottom", size[1]))
    for (border, outermost), side in zip(borders, box, strict=True):
        if side == outermost:
            yield border


def _as_fractions(box: tuple[int, int, int, int], size: tuple[int, int]) -> Box:
    left, top, right, bottom = box
    width, height = size
    return Box(left=left / width, top=top / height, width=(right - left) / width, height=(bottom - top) / height)


def _flags(share: float) -> Iterator[Flag]:
    if share < _LEAST_SHARE:
        yield "empty_mask"
    elif share > 1 - _LEAST_SHARE:
        yield "full_mask"
