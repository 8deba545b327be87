"""The matte: the endpoint's mask at the picture's own size, its edge drawn by the picture, never above its own alpha.

A network draws its mask on a grid of a few hundred pixels. Here the mask is brought to such a grid, where in each small
window alpha is fitted as a linear function of colour, and that function adds the detail of the full-size picture to the
enlarged mask: a guided filter whose coefficients are found at reduced size (He and Sun, "Fast Guided Filter", 2015,
https://arxiv.org/abs/1505.00996). It differs in two things. The mask is blurred and the picture is not, which would
flatten the fit, so the picture is first blurred as much as the mask is: by the width that explains the mask best. And
only what the picture has beyond its own blurred self is added, so that the mask stays as it is where colour says
nothing: where it explains little of the mask, or where texture would drown it.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from functions.apply_mask.tiles import WORKERS, Box, Grid, tiles
from functions.core.errors import MaskRejected
from functions.core.picture import fit
from functions.core.regions import label

_Array = NDArray[np.float32]

# A mask this near to 0 or to 255 is sure: networks leave such a haze on plain ground. It is stretched away at the end.
_HAZE = 8
# Parts and holes below this share of the foreground are noise: of a subject that fills a third of the picture, the
# share is about 7 x 7 pixels of a network of 320 x 320, of which the network's own blur takes most.
_LEAST_SHARE = 0.0015
_REGIONS_SIDE = 512
_GRID_SIDE = 320
_BLURS = (0.0, 0.7, 1.2, 2.0, 2.8)  # standard deviations, in pixels of the grid
_LEAST_RADIUS = 2  # of the windows, in pixels of the grid
_PAIRS = tuple(combinations_with_replacement(range(3), 2))  # of red, green and blue
_RIDGE = 1e-4  # the variance of a sensor's noise, colours from 0 to 1


class _Fit(NamedTuple):
    """On the grid: alpha's slope by red, green and blue, and the share of the mask's variance that colour explains."""

    slope: _Array
    explained: _Array
    score: float


def make_matte(mask: Image.Image, picture: Image.Image) -> Image.Image:
    """The alpha of the cut-out as ``L`` of the picture's size: the refined mask times the picture's own alpha.

    Small separate parts are removed and small holes in solid foreground filled. Only the band around soft pixels of the
    mask is computed; elsewhere the matte is 0 or 255 (times the picture's own alpha).

    Args:
        mask: ``L``, of the proxy's size, at most the picture's.
        picture: ``RGB``, or ``RGBA`` with straight alpha.

    Raises:
        MaskRejected: the mask was not made of a proxy of this picture, as its aspect ratio is another.
    """
    side = max(mask.size)
    if mask.size != fit(picture.size, (side, side)):
        raise MaskRejected(
            f"A mask of {mask.width} x {mask.height} pixels does not fit a picture of "
            f"{picture.width} x {picture.height}."
        )
    matte = _refined(_without_specks_and_holes(mask), picture)
    return ImageChops.multiply(matte, picture.getchannel("A")) if picture.mode == "RGBA" else matte


def _without_specks_and_holes(mask: Image.Image) -> Image.Image:
    """The mask without small holes that solid surrounds, and small parts that nothing but clear ground surrounds.

    A thin part that hangs together with the subject, or a gap that soft pixels join to the outside, is neither. Holes
    come first: what lies in one, such as a button in its rim, is a part of the subject.
    """
    small = mask.resize(fit(mask.size, (_REGIONS_SIDE, _REGIONS_SIDE)), Image.Resampling.BOX)
    least = _LEAST_SHARE * np.count_nonzero(np.asarray(small) > 127)
    # A clear border makes the gaps at the picture's edge a part of the outside.
    gaps = np.pad(np.asarray(small) < 255 - _HAZE, 1, constant_values=True)
    holes = _minor(gaps, least).crop((1, 1, 1 + small.width, 1 + small.height))
    small.paste(255, mask=holes)
    specks = _minor(np.asarray(small) > _HAZE, least)
    cleaned = mask.copy()
    cleaned.paste(255, mask=holes.resize(mask.size, Image.Resampling.NEAREST))
    cleaned.paste(0, mask=specks.resize(mask.size, Image.Resampling.NEAREST))
    return cleaned


def _minor(inside: NDArray[np.bool_], least: float) -> Image.Image:
    """The regions of fewer than ``least`` pixels, and a pixel around them, as 255 in ``L``."""
    labels, areas = label(inside)
    minor = areas < least
    minor[0] = False
    return Image.fromarray(minor[labels].astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(3))


def _refined(mask: Image.Image, picture: Image.Image) -> Image.Image:
    grid = Grid(picture.size, _GRID_SIDE, Image.Resampling.BICUBIC)
    coarse = grid.reduce(mask)[0]
    # Cells whose neighbours are all sure are so themselves, whatever the enlarging filter makes of them.
    soft = (_spread(coarse, 1, np.maximum) > _HAZE / 255) & (_spread(coarse, 1, np.minimum) < 1 - _HAZE / 255)
    matte = Image.new("L", picture.size)
    refine = []
    for box in tiles(picture.size):
        under = grid.under(box)
        if soft[under].any():
            refine.append(box)
        elif coarse[under].mean() > 0.5:
            matte.paste(255, box)
    if not refine:
        return matte
    model = np.concatenate(_model(coarse, grid.reduce(picture), grid.sample(picture), soft))
    with ThreadPoolExecutor(WORKERS) as pool:
        refined = pool.map(lambda box: _refined_tile(mask, picture, grid, model, box), refine)
        for box, tile in zip(refine, refined, strict=True):
            matte.paste(tile, box)
    return matte


def _refined_tile(mask: Image.Image, picture: Image.Image, grid: Grid, model: _Array, box: Box) -> Image.Image:
    """The matte in a box: the mask, drawn as sharp as the picture is."""
    red, green, blue, offset, explained = grid.enlarge(model, box)
    colours = np.asarray(picture.crop(box))
    x, y = mask.width / picture.width, mask.height / picture.height
    size = (box[2] - box[0], box[3] - box[1])
    part = (box[0] * x, box[1] * y, box[2] * x, box[3] * y)
    plain = np.asarray(mask.resize(size, Image.Resampling.BICUBIC, part))
    alpha = plain * (1 - explained)
    alpha += offset
    for slope, colour in zip((red, green, blue), np.moveaxis(colours, 2, 0), strict=False):
        slope *= colour
        alpha += slope
    # From here on 0 to 255: stretched until the haze is gone on both sides.
    alpha -= _HAZE
    alpha *= 255 / (255 - 2 * _HAZE)
    alpha += 0.5
    return Image.fromarray(alpha.clip(0, 255, out=alpha).astype(np.uint8))


def _model(coarse: _Array, colours: _Array, samples: _Array, soft: NDArray[np.bool_]) -> tuple[_Array, ...]:
    """On the grid, of alpha as ``slope * colour + offset + (1 - explained) * mask``, all in 0 to 255 but the last.

    Slope has three bands, the others one; it is 0 where the mask is sure.

    Args:
        coarse: rows x columns, the mask.
        colours: 3 x rows x columns, the mean of each cell.
        samples: like colours, one pixel of each cell.
        soft: rows x columns, where the mask is not sure.
    """
    fits = [_fit(coarse, _blurred(colours, blur), soft, _LEAST_RADIUS) for blur in _BLURS]
    blur = _BLURS[max(range(len(_BLURS)), key=lambda index: fits[index].score)]
    radius = max(_LEAST_RADIUS, math.ceil(1.5 * blur))
    blurred = _blurred(colours, blur)
    fitted = _fit(coarse, blurred, soft, radius)
    # What the slope would make of the texture inside sure cells is noise; what alpha can differ inside a cell, signal.
    texture = (samples - colours) * ~soft
    first, second = zip(*_PAIRS, strict=True)
    products = np.stack([*(texture[i] * texture[j] for i, j in _PAIRS), (~soft).astype(np.float32)])
    covariances = _means(products, 2 * radius)
    weights = np.array([1 if i == j else 2 for i, j in _PAIRS], np.float32)[:, None, None]
    noise = (weights * fitted.slope[first, :] * fitted.slope[second, :] * covariances[:6]).sum(0)
    noise /= covariances[6] + 1e-3
    signal = _means(coarse * (1 - coarse), radius)
    trust = (2 * fitted.explained).clip(0, 1) * signal / (signal + noise.clip(0) + _RIDGE)
    slope = _means(fitted.slope * trust, radius) * soft
    offset = fitted.explained * coarse - np.einsum("brc,brc->rc", slope, blurred)
    return slope, offset[None] * 255, fitted.explained[None]


def _fit(coarse: _Array, colours: _Array, soft: NDArray[np.bool_], radius: int) -> _Fit:
    """The ridge regression of the mask on colour, in the window around each cell."""
    products = [colours[i] * colours[j] for i, j in _PAIRS]
    bands = np.stack([coarse, *colours, coarse * coarse, *(coarse * colours), *products])
    mean = _means(bands, radius)[:, soft]
    mask, colour = mean[0], mean[1:4]
    variance = mean[4] - mask * mask
    with_mask = mean[5:8] - mask * colour
    rr, rg, rb, gg, gb, bb = (
        product - colour[i] * colour[j] + (_RIDGE if i == j else 0)
        for product, (i, j) in zip(mean[8:], _PAIRS, strict=True)
    )
    # The inverse of a symmetric matrix of 3 x 3 by its cofactors.
    inverse = np.array(
        [
            [gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg],
            [rb * gb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb],
            [rg * gb - rb * gg, rg * rb - rr * gb, rr * gg - rg * rg],
        ]
    ) / (rr * (gg * bb - gb * gb) - rg * (rg * bb - gb * rb) + rb * (rg * gb - gg * rb))
    slope = np.einsum("ijn,jn->in", inverse, with_mask)
    explained = np.einsum("in,in->n", slope, with_mask)
    slopes, shares = np.zeros_like(colours), np.zeros_like(coarse)
    slopes[:, soft] = slope
    shares[soft] = (explained / (variance + _RIDGE)).clip(0, 1)
    return _Fit(slopes, shares, float(explained.sum() / (variance.sum() + _RIDGE)))


def _blurred(bands: _Array, deviation: float) -> _Array:
    """A Gaussian blur over the last two axes; edge cells repeat outwards."""
    if deviation == 0:
        return bands
    reach = math.ceil(3 * deviation)
    weights = np.exp(-((np.arange(-reach, reach + 1) / deviation) ** 2) / 2).astype(np.float32)
    weights /= weights.sum()
    for axis in (1, 2):
        around = [(0, 0)] * 3
        around[axis] = (reach, reach)
        padded = np.pad(bands, around, mode="edge")
        taken = (padded.take(range(shift, shift + bands.shape[axis]), axis) for shift in range(len(weights)))
        bands = np.sum([weight * each for weight, each in zip(weights, taken, strict=True)], 0, np.float32)
    return bands


def _means(bands: _Array, radius: int) -> _Array:
    """The mean of the square window around each cell; edge cells repeat outwards."""
    return _spread(bands, radius, np.add) / np.float32((2 * radius + 1) ** 2)


def _spread(bands: _Array, radius: int, combine: np.ufunc) -> _Array:
    """The sum, least or most of the square window around each cell, over the last two axes."""
    rows, columns = bands.shape[-2:]
    around = [(0, 0)] * (bands.ndim - 2) + [(radius, radius)] * 2
    padded = np.pad(bands, around, mode="edge")
    across = padded[..., :columns].copy()
    for shift in range(1, 2 * radius + 1):
        combine(across, padded[..., shift : shift + columns], out=across)
    down = across[..., :rows, :].copy()
    for shift in range(1, 2 * radius + 1):
        combine(down, across[..., shift : shift + rows, :], out=down)
    return down
