"""Training pictures with known alpha: subjects laid over backgrounds as a camera might have seen them.

A photograph whose subject is known is cropped, mirrored, stretched and recoloured, no more. The others' recipe, each
step drawn at random: a background (photograph or backdrop, other surfaces before it), clutter, one to three subjects
(object with alpha, or a shape cut out of a photograph) with colour, light and shadow. Then, for both, the camera:
exposure, blur, noise, resolution, compression. Every draw comes from one generator, so that a seed gives a picture
again.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Levels: TypeAlias = NDArray[Any]  # uint8
Plane: TypeAlias = NDArray[Any]  # float32, (H, W), 0 to 1
Colours: TypeAlias = NDArray[Any]  # float32, (H, W, 3), sRGB levels, 0 to 1
Generator = np.random.Generator

SCENES = 0.35  # of all examples, where there are any: nothing is laid over these
SMALLEST_SUBJECT = 0.02  # of the frame; less is not what a picture is of


class Bank(NamedTuple):
    """What pictures are made of."""

    objects: Sequence[Sequence[Levels]]
    """Groups of sRGB with straight alpha, (h, w, 4), cropped to what is visible; each group is drawn as often."""
    photographs: Sequence[Levels]
    """sRGB, (h, w, 3)."""
    scenes: Sequence[Levels] = ()
    """Photographs whose subject is known: sRGB with its mask for alpha, (h, w, 4)."""


class Example(NamedTuple):
    """A training picture and what is to be found in it."""

    picture: Levels
    """sRGB, (side, side, 3)."""
    alpha: Levels
    """0 = background, 255 = subject, (side, side)."""


def compose(rng: Generator, bank: Bank, side: int) -> Example:
    """Make one example of ``side`` x ``side`` pixels."""
    if bank.scenes and rng.random() < SCENES:
        picture, subject = _scene(rng, bank, side)
    else:
        picture, subject = _composition(rng, bank, side)
    if subject.mean() < SMALLEST_SUBJECT:
        return compose(rng, bank, side)
    return Example(_photograph(rng, picture), (subject * 255 + 0.5).astype(np.uint8))


def _scene(rng: Generator, bank: Bank, side: int) -> tuple[Colours, Plane]:
    """A piece of a photograph with a known subject, in colours of its own. Returns it and the subject's alpha."""
    scene = bank.scenes[int(rng.integers(len(bank.scenes)))]
    height, width = scene.shape[:2]
    piece = _piece(rng, scene, side, round(width * rng.uniform(0.6, 1)), round(height * rng.uniform(0.6, 1)))
    return _recoloured(rng, piece[..., :3]), cv2.extractChannel(piece, 3)


def _composition(rng: Generator, bank: Bank, side: int) -> tuple[Colours, Plane]:
    """Subjects laid over a background. Returns the picture and the subjects' alpha."""
    picture = _background(rng, bank, side)
    for _ in range(rng.integers(1, 6) if rng.random() < 0.5 else 0):
        picture, _ = _add(rng, bank, picture, _clutter_placement(rng, side), shadow=rng.random() < 0.3)
    if rng.random() < 0.4:
        picture = _blur(picture, side * rng.uniform(0.002, 0.05))
    subject = np.zeros((side, side), np.float32)
    close = None
    for _ in range(rng.choice((1, 2, 3), p=(0.72, 0.2, 0.08))):
        placement = _subject_placement(rng, side, close)
        picture, alpha = _add(rng, bank, picture, placement, shadow=rng.random() < 0.5)
        subject = 1 - (1 - subject) * (1 - alpha)
        close = placement.centre
    return picture, subject


class _Placement(NamedTuple):
    centre: tuple[float, float]
    size: float
    """Pixels of the longer side."""
    at_bottom: bool
    """Whether the lower end lies on the frame's lower edge, or below it."""


def _subject_placement(rng: Generator, side: int, close: tuple[float, float] | None) -> _Placement:
    size = side * (rng.uniform(0.45, 1.15) if close is None else rng.uniform(0.25, 0.7))
    if close is None:
        centre = (side * rng.normal(0.5, 0.11), side * rng.normal(0.52, 0.09))
    else:
        centre = (close[0] + side * rng.normal(0, 0.22), close[1] + side * rng.normal(0, 0.1))
    return _Placement(centre, size, at_bottom=rng.random() < 0.3)


def _clutter_placement(rng: Generator, side: int) -> _Placement:
    return _Placement((side * rng.uniform(0, 1), side * rng.uniform(0, 1)), side * rng.uniform(0.06, 0.22), False)


def _add(rng: Generator, bank: Bank, picture: Colours, placement: _Placement, *, shadow: bool) -> tuple[Colours, Plane]:
    """Lay one subject over a picture. Returns the picture and the subject's alpha in it."""
    side = len(picture)
    colours, alpha = _warp(rng, _subject(rng, bank), placement, side)
    colours = _relight(rng, colours, alpha, picture)
    if shadow:
        picture = _cast_shadow(rng, picture, alpha)
    if rng.random() < 0.6:
        alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, 1.5))
    weight = alpha[..., None]
    return picture + (colours - picture) * weight, alpha


# --- subjects ---------------------------------------------------------------------------------------------------------


def _subject(rng: Generator, bank: Bank) -> Levels:
    """sRGB with alpha, (h, w, 4)."""
    if rng.random() < 0.25:
        return _cut_shape(rng, bank)
    group = bank.objects[int(rng.integers(len(bank.objects)))]
    subject = group[int(rng.integers(len(group)))]
    return _with_texture(rng, bank, subject) if rng.random() < 0.3 else subject


def _cut_shape(rng: Generator, bank: Bank, side: int = 192) -> Levels:
    """A smooth or angular outline, perhaps with limbs and a hole, filled with a piece of a photograph."""
    shape = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 5)):
        middle = rng.uniform(0.3, 0.7, 2) * side
        corners = rng.integers(3, 14)
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        radii = rng.uniform(0.12, 0.45, corners) * side
        stretch = rng.uniform(0.3, 1, 2)
        outline = middle + stretch * radii[:, None] * np.stack((np.cos(angles), np.sin(angles)), 1)
        cv2.fillPoly(shape, [outline.astype(np.int32)], 255, cv2.LINE_AA)
    if rng.random() < 0.15:
        cv2.circle(shape, (side // 2, side // 2), int(side * rng.uniform(0.05, 0.15)), 0, cv2.FILLED, cv2.LINE_AA)
    if rng.random() < 0.7:  # round the corners
        smooth = cv2.GaussianBlur(shape, (0, 0), side * rng.uniform(0.01, 0.06)).astype(np.float32)
        shape = np.clip((smooth - 128) * rng.uniform(3, 20) + 128, 0, 255).astype(np.uint8)
    colours = (_crop(rng, bank, side) * 255).astype(np.uint8)
    if rng.random() < 0.4:  # one colour with the photograph's light
        tone = rng.uniform(0, 255, 3)
        colours = np.clip(tone + rng.uniform(0.1, 0.6) * (colours.astype(np.float32) - 128), 0, 255).astype(np.uint8)
    return np.dstack((colours, shape))


def _with_texture(rng: Generator, bank: Bank, subject: Levels) -> Levels:
    """Modulate the subject's levels by a photograph's, so that smooth renderings look less so."""
    grey = cv2.cvtColor(_crop(rng, bank, 128), cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, subject.shape[1::-1])
    gain = 1 + rng.uniform(0.3, 1.2) * (grey - grey.mean())
    colours = np.clip(subject[..., :3] * gain[..., None], 0, 255).astype(np.uint8)
    return np.dstack((colours, subject[..., 3]))


def _warp(rng: Generator, subject: Levels, placement: _Placement, side: int) -> tuple[Colours, Plane]:
    """Turn, tilt, mirror and stretch a subject to its place. Returns its colours and alpha, (side, side)."""
    height, width = subject.shape[:2]
    scale = placement.size / max(height, width)
    angle = np.deg2rad(rng.normal(0, 12) if rng.random() < 0.85 else rng.uniform(-180, 180))
    stretch = rng.lognormal(0, 0.18)
    mirror = rng.choice((-1.0, 1.0))
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    shear = np.array(((1, rng.normal(0, 0.08)), (0, 1)))
    matrix = scale * turn @ shear @ np.diag((mirror * stretch, 1 / stretch))
    corners = matrix @ (np.array(((0, width, 0, width), (0, 0, height, height))) - [[width / 2], [height / 2]])
    x, y = placement.centre
    if placement.at_bottom:
        y = side - corners[1].max() + side * max(0, rng.normal(0.02, 0.08))
    offset = np.array((x, y)) - matrix @ (width / 2, height / 2)
    if scale < 0.6:  # else the warp would skip pixels
        subject = cv2.resize(subject, None, fx=scale * 1.4, fy=scale * 1.4, interpolation=cv2.INTER_AREA)
        matrix = matrix / (scale * 1.4)
    premultiplied = np.multiply(subject, np.float32(1 / 255))
    premultiplied[..., :3] *= premultiplied[..., 3:]
    warped = cv2.warpAffine(premultiplied, np.column_stack((matrix, offset)), (side, side), flags=cv2.INTER_LINEAR)
    alpha = cv2.extractChannel(warped, 3)
    return warped[..., :3] / np.maximum(alpha, 1e-3)[..., None], alpha


def _relight(rng: Generator, colours: Colours, alpha: Plane, picture: Colours) -> Colours:
    """Vary a subject's colours, draw them towards its surroundings', and light it from one side."""
    if rng.random() < 0.25:
        colours = colours[..., rng.permutation(3)]
    if rng.random() < 0.3:
        grey = cv2.transform(colours, np.full((1, 3), 1 / 3))[..., None]
        colours = grey + rng.uniform(0, 1) * (colours - grey)
    if rng.random() < 0.75:
        our_mean, our_spread = _mean_and_spread(colours, alpha)
        mean, spread = _mean_and_spread(picture)
        strength = rng.uniform(0, 0.9)
        gain = 1 + strength * (np.clip((spread + 0.05) / (our_spread + 0.05), 0.5, 1.5) - 1)
        offset = our_mean + strength * (mean - our_mean) - gain * our_mean
        colours = colours * gain + offset
    light = rng.uniform(0.6, 1.35) + rng.uniform(-0.5, 0.5) * _ramp(rng, len(colours))
    return np.minimum(_gamma(np.maximum(colours * light[..., None], 0), rng.normal(0, 0.15)), 1)


def _mean_and_spread(colours: Colours, alpha: Plane | None = None) -> tuple[Plane, Plane]:
    """Of each channel, where ``alpha`` is over a half; float32, (3,)."""
    mask = None if alpha is None else (alpha > 0.5).view(np.uint8)
    mean, spread = cv2.meanStdDev(colours, mask=mask)
    return mean[:, 0].astype(np.float32), spread[:, 0].astype(np.float32)


def _gamma(levels: Colours, log_exponent: float) -> Colours:
    return cv2.pow(levels, float(np.exp(log_exponent)))


def _cast_shadow(rng: Generator, picture: Colours, alpha: Plane) -> Colours:
    side = len(picture)
    height = rng.uniform(0.3, 1)
    ground = (1 - height) * _lower_end(alpha) + side * rng.uniform(0, 0.03)
    shift = np.array(((1, 0, side * rng.normal(0, 0.06)), (0, height, ground)))
    shadow = cv2.warpAffine(alpha, shift, (side, side))
    shadow = cv2.GaussianBlur(shadow, (0, 0), side * rng.uniform(0.01, 0.05))
    return picture * (1 - rng.uniform(0.2, 0.7) * shadow)[..., None]


def _lower_end(alpha: Plane) -> float:
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    return float(rows[-1]) if len(rows) else float(len(alpha))


# --- backgrounds ------------------------------------------------------------------------------------------------------


def _background(rng: Generator, bank: Bank, side: int) -> Colours:
    """A photograph, a backdrop, or both; often with other surfaces before it, which end at the frame.

    The surfaces are laid over it as subjects are, so that the seams of a composition say nothing about the subject.
    """
    picture = _surface(rng, bank, side, 0.75)
    for _ in range(rng.integers(1, 6) if rng.random() < 0.6 else 0):
        weight = _reaching_in(rng, side)[..., None]
        picture = picture + (_surface(rng, bank, side, 0.6) - picture) * weight
    return picture


def _surface(rng: Generator, bank: Bank, side: int, photographs: float) -> Colours:
    return _crop(rng, bank, side) if rng.random() < photographs else _backdrop(rng, side)


def _reaching_in(rng: Generator, side: int) -> Plane:
    """Alpha of what reaches into the frame from one of its sides: a floor, a wall, a wave, a corner of something."""
    count = rng.integers(2, 9)
    places = np.linspace(-0.1, 1.1, count) + rng.normal(0, 0.03, count)
    heights = rng.uniform(0.05, 0.6) + rng.uniform(0, 0.25) * rng.standard_normal(count)
    if rng.random() < 0.4:  # only a part of that side
        heights[places < rng.uniform(0, 0.6)] = -0.1
    outline = np.column_stack((places, heights))
    corners = np.concatenate((outline, ((1.2, -0.2), (-0.2, -0.2)))) * side
    shape = np.zeros((side, side), np.uint8)
    cv2.fillPoly(shape, [corners.astype(np.int32)], 255, cv2.LINE_AA)
    shape = np.rot90(shape, rng.choice(4, p=(0.15, 0.2, 0.45, 0.2)))
    alpha: Plane = np.ascontiguousarray(shape, np.float32) / 255
    if rng.random() < 0.5:
        alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, 4))
    return alpha


def _crop(rng: Generator, bank: Bank, side: int) -> Colours:
    """A piece of a photograph, mirrored at random, with colours of its own."""
    photograph = bank.photographs[int(rng.integers(len(bank.photographs)))]
    height, width = photograph.shape[:2]
    size = min(height, width) * rng.uniform(0.3, 1)
    crop_width, crop_height = (min(round(size * rng.lognormal(0, 0.15)), limit) for limit in (width, height))
    return _recoloured(rng, _piece(rng, photograph, side, crop_width, crop_height))


def _piece(rng: Generator, picture: Levels, side: int, width: int, height: int) -> Colours:
    """A piece of so many pixels from anywhere in a picture, stretched to (side, side), mirrored or not; 0 to 1."""
    left, top = rng.integers(picture.shape[1] - width + 1), rng.integers(picture.shape[0] - height + 1)
    piece = picture[top : top + height, left : left + width]
    shrinks = min(width, height) > side
    piece = cv2.resize(piece, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return piece.astype(np.float32) / 255


def _recoloured(rng: Generator, colours: Colours) -> Colours:
    """Brighter or darker, tinted, perhaps with its channels exchanged."""
    if rng.random() < 0.15:
        colours = colours[..., rng.permutation(3)]
    gain = rng.uniform(0.7, 1.3) * rng.lognormal(0, 0.06, 3)
    return np.clip(colours * gain.astype(np.float32), 0, 1)


def _backdrop(rng: Generator, side: int) -> Colours:
    """A plain colour, often grey or white, with a gradient or a vignette."""
    base = rng.uniform(0, 1, 3)
    if rng.random() < 0.5:
        base = np.full(3, rng.uniform(0, 1)) + rng.normal(0, 0.03, 3)
    if rng.random() < 0.25:
        base = np.full(3, rng.uniform(0.9, 1.05))
    light = rng.uniform(-0.25, 0.25) * _ramp(rng, side)
    if rng.random() < 0.5:
        y, x = np.ogrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        light = light - rng.uniform(0, 0.4) * (x**2 + y**2)
    return np.clip(base + light[..., None], 0, 1).astype(np.float32)


# --- the camera -------------------------------------------------------------------------------------------------------


def _photograph(rng: Generator, picture: Colours) -> Levels:
    side = len(picture)
    if rng.random() < 0.5:
        picture = _gamma(np.clip(picture, 0, 1), rng.normal(0, 0.2))
        picture = (picture - 0.5) * float(rng.lognormal(0, 0.15)) + 0.5 + rng.normal(0, 0.04)
    if rng.random() < 0.06:
        picture = cv2.transform(picture, np.full((3, 3), 1 / 3))
    if rng.random() < 0.7:
        picture = _blur(picture, rng.uniform(0.3, 1.5))
    if rng.random() < 0.15:
        coarse = max(48, round(side * rng.uniform(0.4, 0.9)))
        small = cv2.resize(picture, (coarse, coarse), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.6:
        picture = picture + rng.uniform(0, 0.05) * rng.standard_normal(picture.shape, np.float32)
    levels: Levels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.uniform(25, 95))
        _, jpeg = cv2.imencode(".jpg", levels, (cv2.IMWRITE_JPEG_QUALITY, quality))
        levels = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    return levels


def _blur(picture: Colours, sigma: float) -> Colours:
    """Gaussian; at a reduced size where that is all the same and far quicker."""
    if sigma < 4:
        return cv2.GaussianBlur(picture, (0, 0), sigma)
    factor = 0.5 * sigma
    size = max(8, round(len(picture) / factor))
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 2.0)
    return cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def _ramp(rng: Generator, side: int) -> Plane:
    """From about -1 to 1 across the frame, in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.ogrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)
