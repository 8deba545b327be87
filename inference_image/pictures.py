"""Encoded pictures to pixels, and masks to PNG."""

import io
import struct
import zlib
from contextlib import suppress
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from inference_image.engines.mask_engine import Mask, Picture
from inference_image.errors import BadInput, TooLarge

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

# What Pillow raises for broken data, depending on which decoder met it.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)

_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations

_PNG = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),  # first: it sets filter and strategy back
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
]

_PNG_HEADER_BYTES = 33  # the signature, and the chunk IHDR


class Decoded(NamedTuple):
    """A picture, perhaps reduced, and the size it is stored at."""

    picture: Picture
    """sRGB, uint8, (H, W, 3)."""
    shape: tuple[int, int]
    """Height and width of the whole picture, in pixels, as a person sees it."""

    @property
    def canvas(self) -> Picture:
        """An array of the whole shape: the picture, or where it was reduced a blank one."""
        return self.picture if self.picture.shape[:2] == self.shape else blank(self.shape)


def blank(shape: tuple[int, int]) -> Picture:
    """A picture of that height and width that takes no memory: one black pixel over and over."""
    return np.broadcast_to(np.uint8(0), (*shape, 3))


def decode(
    encoded: bytes, max_pixels: int, content_type: str | None = None, sufficient_side: int | None = None
) -> Decoded:
    """Decode a picture whose size has been checked in its header first.

    EXIF orientation is applied, so the mask belongs to the picture as a person sees it; alpha is ignored. Both are
    what rembg does.

    Args:
        encoded: JPEG, PNG or WebP.
        max_pixels: the most pixels (width times height) that are decoded.
        content_type: the media type the caller declared; None where nothing was declared.
        sufficient_side: pixels of the shorter side that a JPEG may be reduced to, by leaving out frequencies, which
            costs a quarter of the time at half the size; None to decode it whole.

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
            if sufficient_side is not None:
                image.draft("RGB", (sufficient_side, sufficient_side))
            image.load()
            if _turn_upright(image):
                width, height = height, width
            return Decoded(np.asarray(_to_rgb(image)), (height, width))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise TooLarge(f"The picture is over the limit of {max_pixels} pixels.") from exc
    except UnidentifiedImageError as exc:
        raise BadInput("The body is not a JPEG, PNG or WebP picture.") from exc
    except _BROKEN as exc:
        raise BadInput(f"The picture is broken: {exc}.") from exc


def encode_mask(mask: Mask) -> bytes:
    """Encode a mask, uint8, (H, W), as 8-bit grey PNG.

    A row of a mask is nearly the row above, and the difference is runs of one value: with that one filter, run lengths
    cost less than half the time of zlib's level 1 with its choice of filters, and fewer bytes.
    """
    _, png = cv2.imencode(".png", mask, _PNG)
    return png.tobytes()


def with_text(png: bytes, keyword: str, text: str) -> bytes:
    """A PNG with a text chunk right behind its header. Both are Latin-1, the keyword of 1 to 79 characters."""
    chunk = b"tEXt" + keyword.encode("latin-1") + b"\0" + text.encode("latin-1")
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:_PNG_HEADER_BYTES] + framed + png[_PNG_HEADER_BYTES:]


def _turn_upright(image: Image.Image) -> bool:
    """Apply the EXIF orientation; says whether width and height changed places."""
    with suppress(*_BROKEN):  # the pixels are sound; broken metadata is no reason to refuse them
        turned = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
        ImageOps.exif_transpose(image, in_place=True)
        return turned
    return False


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255 instead of scaling
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")
