"""Work that is prepared on a coarse grid over the whole picture and finished at full size, tile by tile."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.core.picture import fit

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the picture, as Pillow's

WORKERS = 2  # threads: as many as the function has processors
_TILE_SIDE = 128
_ROWS = 8
_MARGIN = 2  # cells around those under a tile that bear on it: the reach of the bicubic filter


def tiles(size: tuple[int, int]) -> Iterator[Box]:
    """Boxes of at most 128 x 128 pixels that cover a picture of this width and height."""
    width, height = size
    for top in range(0, height, _TILE_SIDE):
        for left in range(0, width, _TILE_SIDE):
            yield left, top, min(left + _TILE_SIDE, width), min(top + _TILE_SIDE, height)


class Grid:
    """Cells of equal size over a picture, few enough to hold ``float32`` for each.

    ``size`` is its columns and rows: the largest of the picture's aspect ratio that fits ``side`` x ``side``.
    """

    def __init__(self, picture_size: tuple[int, int], side: int, filtered: Image.Resampling) -> None:
        self.size = fit(picture_size, (side, side))
        self._scale = [cells / pixels for cells, pixels in zip(self.size, picture_size, strict=True)]
        self._across, self._down = (
            _enlargement(cells, pixels, filtered) for cells, pixels in zip(self.size, picture_size, strict=True)
        )

    def reduce(self, picture: Image.Image) -> NDArray[np.float32]:
        """The mean of each cell: bands x rows x columns, 0 to 1. Of ``RGBA`` only the colours."""
        opaque = picture.convert("RGB") if picture.mode == "RGBA" else picture
        cells = opaque.resize(self.size, Image.Resampling.BOX, reducing_gap=2.0)
        pixels = np.asarray(cells, np.float32) / np.float32(255)
        return np.ascontiguousarray(np.moveaxis(np.atleast_3d(pixels), 2, 0))

    def sample(self, picture: Image.Image) -> NDArray[np.float32]:
        """One pixel of each cell: bands x rows x columns, 0 to 1. Of ``RGBA`` only the colours."""
        pixels = np.asarray(
            picture.resize(self.size, Image.Resampling.NEAREST).convert("RGB"), np.float32
        ) / np.float32(255)
        return np.ascontiguousarray(np.moveaxis(pixels, 2, 0))

    def under(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns of the cells that bear on the pixels of a box."""
        (left, top, right, bottom), (x, y) = box, self._scale
        return (
            slice(max(0, int(top * y) - _MARGIN), min(self.size[1], int(bottom * y) + 1 + _MARGIN)),
            slice(max(0, int(left * x) - _MARGIN), min(self.size[0], int(right * x) + 1 + _MARGIN)),
        )

    def enlarge(self, values: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
        """Values of the grid, bands x rows x columns, interpolated at the pixels of a box."""
        rows, columns = self.under(box)
        left, top, right, bottom = box
        # Matrix products are several times as fast as a resampling filter. A few rows at a time are too little for
        # BLAS to start threads of its own, which would only get in the way of ours.
        height = bottom - top
        down = self._down[top : top + -(-height // _ROWS) * _ROWS, rows].reshape(-1, _ROWS, rows.stop - rows.start)
        enlarged = (down @ values[:, None, rows, columns]) @ self._across[left:right, columns].T
        return np.asarray(enlarged, np.float32).reshape(len(values), -1, right - left)[:, :height]


def _enlargement(cells: int, pixels: int, filtered: Image.Resampling) -> NDArray[np.float32]:
    """The weights, pixels x cells, by which Pillow's filter enlarges a line; then rows of 0 up to a multiple."""
    weights = np.asarray(Image.fromarray(np.eye(cells, dtype=np.float32)).resize((cells, pixels), filtered))
    return np.pad(weights, ((0, -pixels % _ROWS), (0, 0)))
