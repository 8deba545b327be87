"""B10: edge refinement and colour unmixing beside pymatting; run alone, this module prints every method's errors."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pymatting import estimate_alpha_cf, estimate_foreground_ml
from rich.console import Console
from rich.table import Table
from scipy.ndimage import binary_erosion

from functions.apply_mask.foreground import cut_out
from functions.apply_mask.matte import make_matte
from tests.benchmarks.composites import REPORTED, Composite, composites
from tests.benchmarks.measure import RUNS, Row

_Result = tuple[NDArray[np.float64], NDArray[np.float64]]  # alpha and foreground, 0 to 1

_SEED = 2026
_ACCURACY_SIZE = (960, 720)
_SPEED_SIZE = (4000, 3000)
_GOAL = 20.0
_NEW_BACKGROUND = np.array([0.1, 0.8, 0.2])


def straight_cut(picture: Image.Image, mask: Image.Image) -> _Result:
    """rembg's default: the mask enlarged, the colour as it is seen."""
    return _unit(mask.resize(picture.size, Image.Resampling.LANCZOS)), _unit(picture)


def alpha_matting(picture: Image.Image, mask: Image.Image) -> _Result:
    """rembg's ``alpha_matting=True`` with its defaults: thresholds 240 and 10, eroded by 10."""
    enlarged = np.asarray(mask.resize(picture.size, Image.Resampling.LANCZOS))
    structure = np.ones((10, 10), np.uint8)
    trimap = np.full(enlarged.shape, 0.5)
    trimap[binary_erosion(enlarged > 240, structure)] = 1
    trimap[binary_erosion(enlarged < 10, structure, border_value=1)] = 0
    pixels = _unit(picture)
    alpha = estimate_alpha_cf(pixels, trimap)
    return alpha, estimate_foreground_ml(pixels, alpha)


def ours(picture: Image.Image, mask: Image.Image) -> _Result:
    pixels = _unit(cut_out(picture.copy(), make_matte(mask, picture)))
    return pixels[..., 3], pixels[..., :3]


def edges() -> Row:
    """The time of both steps at 12 megapixels, and whether any mean error over all composites is above pymatting's.

    At 12 megapixels pymatting gives up, as its preconditioner outgrows its memory. So its time at the composites' size
    is scaled by the pixels, which its solver's grows faster than.
    """
    small = next(iter(composites((320, 240), REPORTED, _SEED, ("hair",))))
    alpha_matting(small.picture, small.mask)  # compiles it
    peer_s, errors, peer_errors = [], [], []
    for each in composites(_ACCURACY_SIZE, REPORTED, _SEED):
        elapsed_s, theirs = _timed(alpha_matting, each)
        peer_s.append(elapsed_s)
        peer_errors.append(_errors(each, *theirs))
        errors.append(_errors(each, *ours(each.picture, each.mask)))
    full = next(iter(composites(_SPEED_SIZE, REPORTED, _SEED, ("hair",))))
    own_s = []
    for _ in range(1 + RUNS):
        picture = full.picture.copy()
        started = time.perf_counter()
        cut_out(picture, make_matte(full.mask, picture))
        own_s.append(time.perf_counter() - started)
    scale = full.picture.width * full.picture.height / (_ACCURACY_SIZE[0] * _ACCURACY_SIZE[1])
    own_ms, peer_ms = statistics.median(own_s[1:]) * 1000, statistics.median(peer_s) * scale * 1000
    means, peer_means = (
        {key: statistics.mean(each[key] for each in of) for key in of[0]} for of in (errors, peer_errors)
    )
    no_worse = all(means[name] <= peer_means[name] for name in means)
    shown = "; ".join(f"{name} {means[name]:.4f} to {peer_means[name]:.4f}" for name in means)
    return Row(
        "B10",
        f"edges and colour of 12 MP, ms (pymatting at {_ACCURACY_SIZE[0]} x {_ACCURACY_SIZE[1]}, median of "
        f"{len(peer_s)} composites, scaled by {scale:.1f}; mean errors over them, ours to its: {shown})",
        round(own_ms, 1),
        {"pymatting": round(peer_ms, 1)},
        None,
        round(peer_ms / own_ms, 2),
        f"at least {_GOAL:.0f}x at no worse error",
        peer_ms / own_ms >= _GOAL and no_worse,
    )


def accuracy() -> Table:
    """The mean errors of each method over all composites, and of unmixing alone, by the true alpha."""
    methods: dict[str, Callable[[Image.Image, Image.Image], _Result]] = {
        "straight cut": straight_cut,
        "pymatting": alpha_matting,
        "ours": ours,
    }
    by_shape: dict[tuple[str, str], list[dict[str, float]]] = {}
    for each in composites(_ACCURACY_SIZE, REPORTED, _SEED):
        shape = each.name.split(",")[0]
        results = {name: method(each.picture, each.mask) for name, method in methods.items()}
        true_alpha = _unit(each.alpha)
        results["true alpha, pymatting"] = true_alpha, estimate_foreground_ml(_unit(each.picture), true_alpha)
        results["true alpha, ours"] = true_alpha, _unit(cut_out(each.picture.copy(), each.alpha))[..., :3]
        for name, result in results.items():
            for group in (shape, "all"):
                by_shape.setdefault((group, name), []).append(_errors(each, *result))
    table = Table("shape", "method", *next(iter(by_shape.values()))[0])
    for (shape, name), errors in sorted(by_shape.items(), key=lambda item: item[0][0]):
        means = [statistics.mean(error[key] for error in errors) for key in errors[0]]
        table.add_row(shape, name, *(f"{mean:.4f}" for mean in means))
    return table


def _errors(true: Composite, alpha: NDArray[np.float64], foreground: NDArray[np.float64]) -> dict[str, float]:
    """Mean absolute (SAD a pixel) and mean square errors (MSE), of values from 0 to 1.

    Alpha over the band of the mask and over the whole; colour weighted by the true alpha over the pixels that are truly
    soft; what a person sees on a new background over the band.
    """
    true_alpha, true_colour = _unit(true.alpha), _unit(true.foreground)
    mask = np.asarray(true.mask.resize(true.picture.size, Image.Resampling.LANCZOS))
    band = ((mask > 5) & (mask < 250)) | ((true_alpha > 0) & (true_alpha < 1))
    of_alpha = alpha - true_alpha
    soft = (true_alpha > 0) & (true_alpha < 1)
    weight = true_alpha[soft][:, None]
    of_colour = (foreground - true_colour)[soft]
    seen = alpha[..., None] * (foreground - _NEW_BACKGROUND)
    of_seen = (seen - true_alpha[..., None] * (true_colour - _NEW_BACKGROUND))[band]
    return {
        "alpha SAD, band": float(np.abs(of_alpha[band]).mean()),
        "alpha MSE, band": float((of_alpha[band] ** 2).mean()),
        "alpha SAD, whole": float(np.abs(of_alpha).mean()),
        "alpha MSE, whole": float((of_alpha**2).mean()),
        "colour SAD": float((weight * np.abs(of_colour)).sum() / weight.sum() / 3),
        "colour MSE": float((weight * of_colour**2).sum() / weight.sum() / 3),
        "seen SAD": float(np.abs(of_seen).mean()),
        "seen MSE": float((of_seen**2).mean()),
    }


def _timed(method: Callable[[Image.Image, Image.Image], _Result], of: Composite) -> tuple[float, _Result]:
    started = time.perf_counter()
    result = method(of.picture, of.mask)
    return time.perf_counter() - started, result


def _unit(image: Image.Image) -> NDArray[Any]:
    return np.asarray(image) / 255


if __name__ == "__main__":
    Console(width=160).print(accuracy())
