"""The file formats of every output."""

import io
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from PIL import Image

from functions.apply_mask.png import encode_png

FileFormat = Literal["png", "webp", "webp_lossy", "avif", "jpeg"]


# WebP's and AVIF's encoders hold several times the picture; and Pillow keeps the options of a file on the image, of
# which another thread may want another format.
_ONE_AT_A_TIME = threading.Lock()


class Encoding(NamedTuple):
    """How a format is named and written.

    ``name`` is Pillow's, ``extension`` comes without a leading dot and differs between any two formats, and
    ``options`` are of Pillow's writer; PNG has its own.
    """

    name: str
    extension: str
    content_type: str
    options: Mapping[str, Any] = MappingProxyType({})


# The lossy ones are as good as each other: a structural similarity (SSIM) of about 0.97 on photographs.
ENCODINGS: Mapping[FileFormat, Encoding] = MappingProxyType(
    {
        "png": Encoding("PNG", "png", "image/png"),
        # Higher methods cost three to six times the time for a seventh of the bytes (a quarter on sensor noise).
        # Without `exact`, colours are invented where alpha is 0.
        "webp": Encoding("WEBP", "webp", "image/webp", {"lossless": True, "exact": True, "method": 0, "quality": 0}),
        # Its alpha is lossless. Colour where alpha is 0 is chosen to suit what is visible, for a twentieth fewer bytes.
        "webp_lossy": Encoding("WEBP", "lossy.webp", "image/webp", {"quality": 90, "method": 2, "alpha_quality": 100}),
        # Alpha is coded losslessly beside lossy colour: at the colour's quality it shows where there is nothing.
        # One thread gives other bytes than several, so their number is fixed.
        "avif": Encoding(
            "AVIF",
            "avif",
            "image/avif",
            {"quality": 75, "speed": 8, "max_threads": 2, "advanced": {"alpha:lossless": "1"}, "icc_profile": None},
        ),
        "jpeg": Encoding("JPEG", "jpg", "image/jpeg", {"quality": 90, "comment": None}),
    }
)


def encode(image: Image.Image, file_format: FileFormat) -> bytes:
    """The file: pixels and nothing else, no EXIF, no profile, no text. The same picture always gives the same bytes.

    Alpha is stored as it is in every format, and the lossless ones store the colour below it as it is.

    Args:
        image: for PNG ``L``, ``RGB`` or ``RGBA``; for WebP and AVIF ``RGBA``, of at most 16,383 pixels a side for WebP;
            for JPEG ``RGB``.
    """
    if file_format == "png":
        return encode_png(image)
    encoding = ENCODINGS[file_format]
    file = io.BytesIO()
    with nullcontext() if file_format == "jpeg" else _ONE_AT_A_TIME:
        image.save(file, encoding.name, **encoding.options)
    return file.getvalue()
