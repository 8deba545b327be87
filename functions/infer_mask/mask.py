"""A mask as the endpoint sends it: whether it is one, and how much and how surely it covers."""

import io
from typing import Literal, NamedTuple, Self

from PIL import Image

from functions.core.errors import MaskRejected

_OPAQUE = 255
_FOREGROUND = 128
# Less of a picture than this is a speck, not a subject, and less background than this is none.
_LEAST_SHARE = 0.001


class Mask(NamedTuple):
    """How many pixels of a mask have each of the values 0 (background) to 255 (foreground)."""

    counts: tuple[int, ...]

    @classmethod
    def read(cls, png: bytes, size: tuple[int, int]) -> Self:
        """Decode a mask, which must be an 8-bit grey PNG of exactly ``size``: width and height in pixels.

        Raises:
            MaskRejected: it is not.
        """
        try:
            image = Image.open(io.BytesIO(png), formats=("PNG",))
            if (image.mode, image.size) != ("L", size):
                raise MaskRejected(
                    f"The endpoint sent a mask of mode {image.mode} and {image.width} x {image.height} pixels, "
                    f"not an 8-bit grey one of {size[0]} x {size[1]}."
                )
            return cls(tuple(image.histogram()))
        except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as exc:
            raise MaskRejected("The endpoint's answer is not a readable PNG.") from exc

    @property
    def coverage(self) -> float:
        """The mean of the mask, 0 to 1."""
        return sum(value * count for value, count in enumerate(self.counts)) / (_OPAQUE * sum(self.counts))

    @property
    def confidence(self) -> float:
        """How far the mask is from undecided, 0 (half transparent all over) to 100 (every pixel 0 or 255).

        The mean of ``|2a - 1| * 100`` over the pixels, ``a`` being the alpha from 0 to 1, each weighted by ``a``:
        unweighted, a large and certain background would hide a doubtful subject. 0 for a mask without any foreground.
        """
        weight = sum(value * count for value, count in enumerate(self.counts))
        decided = sum(value * count * abs(2 * value / _OPAQUE - 1) for value, count in enumerate(self.counts))
        return 100 * decided / weight if weight else 0.0

    @property
    def flags(self) -> tuple[Literal["empty_mask", "full_mask"], ...]:
        """``empty_mask`` or ``full_mask`` when under a thousandth of the picture is foreground, or background."""
        share = sum(self.counts[_FOREGROUND:]) / sum(self.counts)
        if share < _LEAST_SHARE:
            return ("empty_mask",)
        return ("full_mask",) if share > 1 - _LEAST_SHARE else ()
