"""The cut-out: straight alpha, and in the soft band the foreground's own colour.

There the picture shows ``alpha * F + (1 - alpha) * B``, and what is left of the background B would be a fringe on any
other one. F and B are estimated together from coarse to fine, each level starting from the one before, as in Germer,
Uelwer, Conrad and Harmeling, "Fast Multi-Level Foreground Estimation" (2020, https://arxiv.org/abs/2006.14970). Where
they iterate, a level here is one least-squares solution a cell from sums that were pooled beforehand.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.apply_mask.tiles import WORKERS, Box, Grid, tiles

_Array = NDArray[np.float32]

_GRID_SIDE = 512
_LEAST_ALPHA = np.float32(1 / 255)
_PRIOR = 0.02  # the weight of the coarser level's colours beside a cell's own pixels


def cut_out(picture: Image.Image, matte: Image.Image) -> Image.Image:
    """The picture as ``RGBA`` with the matte as straight alpha and the foreground's colour.

    Colour is the picture's own where the mask is solid, 0 where alpha is 0, and estimated between. Only tiles with such
    soft pixels are computed. A picture with transparency has straight colour already: there only what the mask made
    softer is unmixed.

    Args:
        picture: ``RGB``, or ``RGBA`` with straight alpha. It is consumed: its pixels may be changed.
        matte: ``L`` of the picture's size, at most the picture's own alpha.
    """
    grid = Grid(picture.size, _GRID_SIDE, Image.Resampling.BILINEAR)
    boxes = list(tiles(picture.size))
    extrema = [matte.crop(box).getextrema() for box in boxes]
    soft = [box for box, found in zip(boxes, extrema, strict=True) if found not in ((0, 0), (255, 255))]
    if soft:
        share = grid.reduce(matte)[0]
        if picture.mode == "RGBA":
            share = (share / np.maximum(grid.reduce(picture.getchannel("A"))[0], _LEAST_ALPHA)).clip(0, 1)
        colours = _levels(share, grid.reduce(picture))
        with ThreadPoolExecutor(WORKERS) as pool:
            unmixed = pool.map(lambda box: _unmixed(picture.crop(box), matte.crop(box), grid, colours, box), soft)
            for box, tile in zip(soft, unmixed, strict=True):
                picture.paste(tile, box)
    for box, found in zip(boxes, extrema, strict=True):
        if found == (0, 0):
            picture.paste(0, box)
    picture.putalpha(matte)
    return picture


def _unmixed(picture: Image.Image, matte: Image.Image, grid: Grid, colours: _Array, box: Box) -> Image.Image:
    """The picture's part in a box, with the foreground's colour and, as ``RGBA``, its own alpha."""
    alpha = np.asarray(matte).reshape(-1)
    pixels = np.asarray(picture).copy()
    flat = pixels.reshape(-1, pixels.shape[2])
    own = flat[:, 3] if picture.mode == "RGBA" else np.full_like(alpha, 255)
    soft = np.flatnonzero((alpha > 0) & (alpha < own))
    # What the mask made soft of what the picture itself shows.
    share = np.divide(alpha[soft], own[soft], dtype=np.float32)
    foreground, background = grid.enlarge(colours, box).reshape(6, -1).take(soft, 1).reshape(2, 3, -1)
    seen = flat[soft, :3].T.astype(np.float32) / np.float32(255)
    flat[soft, :3] = np.rint(255 * _corrected(share, seen, foreground, background)).T
    flat[alpha == 0] = 0
    return Image.fromarray(pixels)


def _corrected(share: _Array, seen: _Array, foreground: _Array, background: _Array) -> _Array:
    """The foreground's colour nearest to the one expected that, over a background near its own, gives the one seen."""
    rest = 1 - share
    lacking = seen - share * foreground - rest * background
    corrected: _Array = (foreground + share * lacking / (share * share + rest * rest + _PRIOR)).clip(0, 1)
    return corrected


def _levels(share: _Array, colours: _Array) -> _Array:
    """Foreground and background of each cell, six bands, 0 to 1.

    Each cell minimises the error of ``share * F + rest * B`` over its pixels plus the distance of F and B from those of
    the coarser cell above it, weighted by ``_PRIOR``.

    Args:
        share: rows x columns, the foreground's share of each cell.
        colours: 3 x rows x columns, as the picture shows them.
    """
    rest = 1 - share
    finest = np.concatenate([np.stack([share * share, share * rest, rest * rest]), share * colours, rest * colours])
    pyramid = [finest]
    while max(pyramid[-1].shape[1:]) > 1:
        pyramid.append(_halved(pyramid[-1]))
    whole = pyramid[-1]
    foreground = whole[3:6] / (whole[0] + whole[1] + _PRIOR)
    background = whole[6:9] / (whole[1] + whole[2] + _PRIOR)
    for sums in reversed(pyramid):
        foreground, background = (_enlarged(each, sums.shape[1:]) for each in (foreground, background))
        both = sums[1]
        lacking_foreground = sums[3:6] - sums[0] * foreground - both * background
        lacking_background = sums[6:9] - both * foreground - sums[2] * background
        own_foreground, own_background = sums[0] + _PRIOR, sums[2] + _PRIOR
        scale = 1 / (own_foreground * own_background - both * both)
        foreground = foreground + (own_background * lacking_foreground - both * lacking_background) * scale
        background = background + (own_foreground * lacking_background - both * lacking_foreground) * scale
        foreground, background = foreground.clip(0, 1), background.clip(0, 1)
    return np.concatenate([foreground, background])


def _halved(bands: _Array) -> _Array:
    """The means of 2 x 2 cells; an odd last row or column counts twice."""
    rows, columns = bands.shape[1:]
    even = np.pad(bands, ((0, 0), (0, rows % 2), (0, columns % 2)), mode="edge")
    pairs = even[:, ::2] + even[:, 1::2]
    return (pairs[..., ::2] + pairs[..., 1::2]) * np.float32(0.25)


def _enlarged(bands: _Array, shape: tuple[int, ...]) -> _Array:
    size = (shape[1], shape[0])
    return np.stack([np.asarray(Image.fromarray(band).resize(size, Image.Resampling.BILINEAR)) for band in bands])
