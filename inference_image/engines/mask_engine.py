"""What the serving app asks of an engine."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # sRGB, (H, W, 3), 0 to 255
Mask = NDArray[np.uint8]  # alpha, (H, W), 0 = background, 255 = subject


class MaskEngine(Protocol):
    """A loaded model. The app calls it from one thread at a time."""

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

    def infer(self, picture: Picture) -> Mask:
        """Find the subject; returns a mask at the engine's own size."""
        ...

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Bring a mask from ``infer`` to the size of its picture."""
        ...
