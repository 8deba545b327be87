"""What the serving app asks of an engine."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # sRGB, (H, W, 3), 0 to 255
Mask = NDArray[np.uint8]  # alpha, (H, W), 0 = background, 255 = subject
Prepared: TypeAlias = NDArray[Any]  # a picture as its engine's ``infer`` takes it; engines differ in shape and dtype


class MaskEngine(Protocol):
    """A loaded model. A picture goes through ``prepare``, ``infer`` and, where its full size is wanted, ``upscale``."""

    @property
    def name(self) -> str:
        """The name a request may ask for."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hash of the weights, hexadecimal; None for an engine without weights."""
        ...

    @property
    def provider(self) -> str:
        """The execution provider that is active."""
        ...

    @property
    def max_batch(self) -> int:
        """Most pictures of one ``infer``; 1 for an engine that gains nothing by batching."""
        ...

    @property
    def sufficient_side(self) -> int | None:
        """Pixels of a picture's shorter side from which more detail is lost on the engine; None where none is.

        Where it is given, ``prepare`` takes pictures that were reduced to no less, and ``upscale`` looks at the shape
        of its picture alone.
        """
        ...

    def prepare(self, picture: Picture) -> Prepared:
        """Make the input of ``infer`` from one picture. Thread-safe: several threads may prepare at once."""
        ...

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        """Find the subject of each of 1 to ``max_batch`` prepared pictures in one run.

        Called from one thread at a time. Returns one mask a picture, in order, at the engine's own size; a picture's
        mask does not depend on what else is in its batch.
        """
        ...

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring a mask from ``infer`` to the size of its picture. Thread-safe."""
        ...
