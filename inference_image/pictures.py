"""Encoded pictures to pixels, and masks to PNG."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from inference_image.engines.mask_engine import Mask, Picture
from inference_image.errors import BadInput, TooLarge

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

# What Pillow raises for broken data, depending on which decoder met it.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


def decode(encoded: bytes, max_pixels: int, content_type: str | None = None) -> Picture:
    """Decode a picture whose size has been checked in its header first.

    EXIF orientation is applied, so the mask belongs to the picture as a person sees it; alpha is ignored. Both are
    what rembg does.

    Args:
        encoded: JPEG, PNG or WebP.
        max_pixels: the most pixels (width times height) that are decoded.
        content_type: the media type the caller declared; None where nothing was declared.

    Returns:
        sRGB, uint8, (H, W, 3).

    Raises:
        BadInput: no picture of the three formats, not of the declared one, or broken.
        TooLarge: over ``max_pixels``.
    """
    if not encoded:
        raise BadInput("The body is empty.")
    try:
        with Image.open(io.BytesIO(encoded), formats=tuple(FORMATS.values())) as image:
            # Some cameras put several pictures into one JPEG file, which Pillow calls MPO; the first one is taken.
            found = "JPEG" if image.format == "MPO" else image.format
            if content_type and found != FORMATS[content_type]:
                raise BadInput(f"The picture is declared as {content_type} and is {found}.")
            width, height = image.size
            if width * height > max_pixels:
                raise TooLarge(f"The picture has {width} x {height} pixels; {max_pixels} are the limit.")
            image.load()
            return np.asarray(_to_rgb(_upright(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise TooLarge(f"The picture is over the limit of {max_pixels} pixels.") from exc
    except UnidentifiedImageError as exc:
        raise BadInput("The body is not a JPEG, PNG or WebP picture.") from exc
    except _BROKEN as exc:
        raise BadInput(f"The picture is broken: {exc}.") from exc


def encode_mask(mask: Mask) -> bytes:
    """Encode a mask, uint8, (H, W), as 8-bit grey PNG. Level 1: a mask is flat, higher levels only cost time."""
    _, png = cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:  # the pixels are sound; broken metadata is no reason to refuse them
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255 instead of scaling
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")
