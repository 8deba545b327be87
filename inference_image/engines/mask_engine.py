"""What the serving app asks of an engine."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # sRGB, (H, W, 3), 0 to 255
Mask = NDArray[np.uint8]  # alpha, (H, W), 0 = background, 255 = subject
Prepared: TypeAlias = Any  # a picture as its engine takes it; engines differ in shape and dtype


class Prompt(NamedTuple):
    """What to find in a picture, in fractions of its width and height from the upper left; all of it one mask."""

    points: tuple[tuple[float, float, int], ...] = ()
    """x, y, and 1 for a place on the subject, 0 for one beside it."""
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    """Left, top, right, bottom, around the subject."""


class Embedding(NamedTuple):
    """What a prompted engine keeps of a picture, so that each further prompt costs little."""

    features: NDArray[Any]
    shape: tuple[int, int]
    """Height and width of the picture at the model's size, in pixels."""


class Prompted(NamedTuple):
    """What a prompted engine's ``infer`` takes."""

    embedding: Embedding
    prompt: Prompt


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
    def max_runs(self) -> int:
        """Most calls of ``infer`` at a time; 1 for an engine that gains nothing by runs side by side."""
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

        Called from ``max_runs`` threads at a time. Returns one mask a picture, in order, at the engine's
        own size; a picture's mask does not depend on what else is in its batch.
        """
        ...

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring a mask from ``infer`` to the size of its picture. Thread-safe."""
        ...


@runtime_checkable
class PromptedEngine(MaskEngine, Protocol):
    """A loaded model that has to be told what to find.

    A picture goes through ``prepare`` and ``embed`` once, then for each ``Prompted`` through ``infer`` and ``upscale``.
    Its ``sufficient_side`` is given, since the picture is gone by the second prompt.
    """

    def embed(self, batch: Sequence[Prepared]) -> list[Embedding]:
        """Find what there is in one prepared picture. Called from one thread at a time, also beside ``infer``."""
        ...
