"""What the Rekognition stand-in can tell from pixels alone: faces, text, image properties, and what follows from them.

Pictures are ``uint8`` arrays of shape (height, width, 3) in OpenCV's BGR order. Boxes are fractions of the picture's
width and height, confidences and qualities are percent (0 to 100). Nothing here is safe for threads.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import rapidocr
from PIL import ImageColor

Picture = npt.NDArray[np.uint8]
Point = tuple[float, float]

FACE_SIDE = 1024  # px; the longer side that faces are looked for at
TEXT_SIDE = 1600  # px; the longer side that text is read at
FACE_MIN_FRACTION = 0.05  # of the shorter side
FACE_WEIGHT_SCALE = 20.0  # cascade weights seen: 56 for a true frontal face, below 10 for texture
FACE_MIN_CONFIDENCE = 70.0
COLOR_SIDE = 96  # px; dominant colours need no detail
COLOR_CLUSTERS = 8
QUALITY_SIDE = 512  # px; sharpness depends on scale, so it is measured at one scale
SHARPNESS_SCALE = 500.0  # Laplacian variance of an ordinary sharp photograph at QUALITY_SIDE
GRAYSCALE_MAX_CHROMA = 4.0  # mean distance from grey in CIELAB
COLOR_LABEL_MIN_PERCENT = 10.0


@dataclass(frozen=True)
class Face:
    left: float
    top: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True)
class Line:
    text: str
    confidence: float
    polygon: tuple[Point, ...]


@dataclass(frozen=True)
class Color:
    rgb: tuple[int, int, int]
    css_name: str
    simple_name: str
    percent: float

    @property
    def hex(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


@dataclass(frozen=True)
class Properties:
    sharpness: float
    brightness: float
    contrast: float
    is_grayscale: bool
    dominant_colors: tuple[Color, ...]


@dataclass(frozen=True)
class Label:
    name: str
    confidence: float
    parents: tuple[str, ...] = ()
    boxes: tuple[Face, ...] = ()


def shrink(picture: Picture, longer_side: int) -> Picture:
    """The picture with its longer side at most ``longer_side`` pixels."""
    scale = longer_side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


@functools.cache
def _face_cascade() -> Any:
    # Of OpenCV's frontal cascades, alt2 has the fewest false hits; the default one sees faces in coins and bricks.
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"))


def find_faces(picture: Picture) -> tuple[Face, ...]:
    """Frontal faces by Viola and Jones's cascade (CVPR 2001), the surest first.

    The confidence of a hit grows with its cascade weight w as ``100 (1 - exp(-w / FACE_WEIGHT_SCALE))``; hits below
    ``FACE_MIN_CONFIDENCE`` are left out.
    """
    small = shrink(picture, FACE_SIDE)
    grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
    height, width = grey.shape
    smallest = round(min(height, width) * FACE_MIN_FRACTION)
    boxes, _, weights = _face_cascade().detectMultiScale3(
        grey, scaleFactor=1.1, minNeighbors=5, minSize=(smallest, smallest), outputRejectLevels=True
    )
    faces = (
        Face(x / width, y / height, w / width, h / height, float(100 * (1 - np.exp(-weight / FACE_WEIGHT_SCALE))))
        for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
    )
    return tuple(
        sorted((face for face in faces if face.confidence >= FACE_MIN_CONFIDENCE), key=lambda face: -face.confidence)
    )


@functools.cache
def _text_reader() -> Any:
    models = Path(rapidocr.__file__).parent / "models"
    # Models named by path are never looked for on the network.
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
        }
    )


def read_text(picture: Picture) -> tuple[Line, ...]:
    """Printed text by PP-OCR (RapidOCR), from top to bottom; each polygon has four corners, clockwise."""
    small = shrink(picture, TEXT_SIDE)
    found = _text_reader()(small)
    if found.boxes is None:
        return ()
    height, width = small.shape[:2]
    return tuple(
        Line(text, float(score) * 100, tuple((float(x) / width, float(y) / height) for x, y in polygon))
        for polygon, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
    )


# Rekognition's simplified colours by the CSS colours that stand for them; those with dark and light tones have several.
SIMPLE_COLORS = {
    "red": "red", "darkred": "red", "orange": "orange", "gold": "yellow", "yellow": "yellow", "khaki": "yellow",
    "green": "green", "darkgreen": "green", "lime": "green", "lightgreen": "green", "olive": "green",
    "blue": "blue", "navy": "blue", "skyblue": "blue", "steelblue": "blue", "cyan": "blue",
    "purple": "purple", "violet": "purple", "pink": "pink", "hotpink": "pink", "brown": "brown",
    "saddlebrown": "brown", "tan": "brown", "black": "black", "dimgrey": "grey", "grey": "grey",
    "lightgrey": "grey", "white": "white",
}  # fmt: skip


def _lab(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Colours of shape (n, 3) in CIELAB: L in 0 to 100, a and b around 0."""
    scaled = rgb.reshape(-1, 1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def _nearest(lab: npt.NDArray[np.float32], css_names: Iterable[str]) -> str:
    """The CSS colour of these that looks most like a colour in CIELAB."""
    names = list(css_names)
    rgb = np.array([ImageColor.getrgb(name)[:3] for name in names], np.uint8)
    return names[int(np.argmin(np.linalg.norm(_lab(rgb) - lab, axis=1)))]


def dominant_colors(picture: Picture) -> tuple[Color, ...]:
    """The centres of k-means in CIELAB, the largest share first; each is named after the nearest CSS colour."""
    small = cv2.resize(picture, (COLOR_SIDE, COLOR_SIDE), interpolation=cv2.INTER_AREA)
    pixels = _lab(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8).reshape(-1, 3))
    clusters = min(COLOR_CLUSTERS, len(np.unique(pixels, axis=0)))
    cv2.setRNGSeed(0)  # the same picture has the same colours
    _, members, centres = cv2.kmeans(
        pixels,
        clusters,
        np.empty(0),
        (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0),
        2,
        cv2.KMEANS_PP_CENTERS,
    )
    shares = np.bincount(members.ravel(), minlength=clusters) / len(pixels) * 100
    rgb = np.rint(np.clip(cv2.cvtColor(centres.reshape(-1, 1, 3), cv2.COLOR_LAB2RGB), 0, 1) * 255).reshape(-1, 3)
    colors = (
        Color(
            (int(red), int(green), int(blue)),
            _nearest(centre, ImageColor.colormap),
            SIMPLE_COLORS[_nearest(centre, SIMPLE_COLORS)],
            float(share),
        )
        for centre, (red, green, blue), share in zip(centres, rgb, shares, strict=True)
    )
    return tuple(sorted(colors, key=lambda color: -color.percent))


def measure_properties(picture: Picture) -> Properties:
    """Sharpness from the variance of the Laplacian, brightness from mean luma, contrast from its deviation.

    With V that variance, at ``QUALITY_SIDE``: sharpness is ``100 (1 - exp(-V / SHARPNESS_SCALE))``; brightness is
    mean luma over 255; contrast is twice its standard deviation over 255 (100 for half black and half white).
    """
    small = shrink(picture, QUALITY_SIDE)
    luma = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    lab = _lab(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8).reshape(-1, 3))
    variance = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    return Properties(
        sharpness=float(100 * (1 - np.exp(-variance / SHARPNESS_SCALE))),
        brightness=float(luma.mean() / 255 * 100),
        contrast=float(min(100.0, 2 * luma.std() / 255 * 100)),
        is_grayscale=float(np.hypot(lab[:, 1], lab[:, 2]).mean()) <= GRAYSCALE_MAX_CHROMA,
        dominant_colors=dominant_colors(picture),
    )


def derive_labels(
    picture: Picture, faces: tuple[Face, ...], lines: tuple[Line, ...], properties: Properties
) -> tuple[Label, ...]:
    """The labels that follow from what was computed, the surest first; nothing is guessed.

    A face or text label is as sure as its best hit. Orientation and greyness are facts (100). A colour that covers p
    percent, at least ``COLOR_LABEL_MIN_PERCENT``, gets 50 + p / 2. Bright, Dark, Blurry and Sharp grow from 50 at the
    threshold (70, 30, 30, 70) to 100 at the end of the scale.
    """
    height, width = picture.shape[:2]
    orientation = "Landscape" if width > height else "Portrait" if height > width else "Square"
    labels = [Label(f"{orientation} Orientation", 100.0)]
    if faces:
        surest = faces[0].confidence
        labels += [
            Label("Person", surest),
            Label("Human", surest, ("Person",)),
            Label("Head", surest, ("Person",)),
            Label("Face", surest, ("Head", "Person"), boxes=faces),
        ]
    if lines:
        labels.append(Label("Text", max(line.confidence for line in lines)))
    if properties.is_grayscale:
        labels.append(Label("Grayscale", 100.0))
    shares: dict[str, float] = {}
    for color in properties.dominant_colors:
        shares[color.simple_name] = shares.get(color.simple_name, 0.0) + color.percent
    labels += [
        Label(name.capitalize(), min(100.0, 50 + share / 2), ("Color",))
        for name, share in shares.items()
        if share >= COLOR_LABEL_MIN_PERCENT
    ]
    for name, quality, low in (
        ("Bright", properties.brightness, False),
        ("Dark", properties.brightness, True),
        ("Sharp", properties.sharpness, False),
        ("Blurry", properties.sharpness, True),
    ):
        distance = 30 - quality if low else quality - 70  # past the threshold; both ends are 30 wide
        if distance >= 0:
            labels.append(Label(name, 50 + distance / 30 * 50, ("Image Quality",)))
    return tuple(sorted(labels, key=lambda label: -label.confidence))


@dataclass(frozen=True)
class Perception:
    """Everything that can be told of one picture."""

    faces: tuple[Face, ...]
    lines: tuple[Line, ...]
    properties: Properties
    labels: tuple[Label, ...]


def perceive(picture: Picture) -> Perception:
    """Look at a picture once for everything."""
    faces, lines, properties = find_faces(picture), read_text(picture), measure_properties(picture)
    return Perception(faces, lines, properties, derive_labels(picture, faces, lines, properties))
