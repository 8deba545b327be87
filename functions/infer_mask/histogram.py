"""How much of a picture a mask covers, and how surely."""

from typing import Literal, NamedTuple

_OPAQUE = 255
_FOREGROUND = 128
# Less of a picture than this is a speck, not a subject, and less background than this is none.
_LEAST_SHARE = 0.001


class MaskHistogram(NamedTuple):
    """How many pixels of a mask have each of the values 0 (background) to 255 (foreground)."""

    counts: tuple[int, ...]

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
