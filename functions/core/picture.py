"""Pictures from outside: opened by content alone, bounded before a pixel is decoded, and made upright 8-bit sRGB.

Both decodes of an upload go through here, so validation and the cut-out see the same picture.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin, UnidentifiedImageError

from functions.core.errors import ImageRejected

_SRGB = ImageCms.createProfile("sRGB")

# What Pillow's decoders raise on bytes that are not what their header promised.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Image.DecompressionBombError,
    struct.error,
    zlib.error,
)

# Each mode that is taken, and the mode of its colour alone, which is what an ICC profile in the file describes.
_COLOUR_MODES = {
    "1": "L",
    "L": "L",
    "LA": "L",
    "La": "L",
    "I;16": "L",
    "I;16B": "L",
    "P": "RGB",
    "PA": "RGB",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGB",
    "RGBa": "RGB",
    "YCbCr": "RGB",
    "CMYK": "CMYK",
}

# EXIF's orientation, and what turns the stored picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def reading() -> Iterator[None]:
    """Translate what Pillow raises on a damaged file, and keep its warnings of odd metadata out of the log.

    Raises:
        ImageRejected: the file is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _UNREADABLE as exc:
        raise ImageRejected("The picture is damaged or incomplete. Export it anew and upload it again.") from exc


def open_picture(data: bytes, formats: Sequence[str], *, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header of a picture; no pixel is decoded.

    Args:
        data: the whole file. What follows the picture in it is ignored.
        formats: the formats taken, as Pillow names them.
        max_pixels: the most that width times height may be.

    Raises:
        ImageRejected: the content is none of ``formats``, its header or a checksum is wrong, it is over the limit,
            or its pixels are of a kind that is not taken.
    """
    if not data:
        raise ImageRejected("The file is empty. Upload the picture again.")
    with reading():
        try:
            image = Image.open(io.BytesIO(data), formats=tuple(formats))
        except UnidentifiedImageError as exc:
            raise ImageRejected(
                f"The file is not a readable {_listed(formats)} picture. Save it as one of these and upload it again."
            ) from exc
        except Image.DecompressionBombError as exc:
            raise ImageRejected(f"The picture has over {max_pixels:,} pixels. Upload a smaller one.") from exc
        if image.width * image.height > max_pixels:
            raise ImageRejected(
                f"The picture has {image.width:,} x {image.height:,} pixels, and the limit is {max_pixels:,} in all. "
                "Upload a smaller one."
            )
        if _tile_pixels(image) > max_pixels:
            raise ImageRejected("The picture's tiles are larger than a whole picture may be. Save it without tiles.")
        if image.mode not in _COLOUR_MODES:
            raise ImageRejected(
                f"The picture's pixels are of the kind {image.mode}, which is not taken. "
                "Save it with 8 or 16 bits a channel as grey, RGB or CMYK and upload it again."
            )
        if image.format == "PNG":
            # Decoding does not check the checksum of pixel data, and checking it uses the open file up.
            image.verify()
            image = Image.open(io.BytesIO(data), formats=("PNG",))
    return image


def picture_format(image: ImageFile.ImageFile) -> str:
    """The format as people name it: a JPEG that carries further pictures (MPO) is a JPEG."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def has_more_frames(image: ImageFile.ImageFile, than: int) -> bool:
    """Whether the file says it holds more than so many frames or pages.

    Raises:
        ImageRejected: what describes them is damaged.
    """
    with reading():
        if image.format != "TIFF":
            return int(getattr(image, "n_frames", 1)) > than
        # Counting a TIFF's pages takes time that grows with their square; walking to one does not.
        try:
            image.seek(than)
        except EOFError:
            image.seek(0)
            return False
        return True


def upright_size(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Width and height, in pixels, as the picture is looked at."""
    return image.size[::-1] if _orientation(image) in (5, 6, 7, 8) else image.size


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size with the same aspect ratio that fits the box, never enlarged, at least 1 x 1."""
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def decode(image: ImageFile.ImageFile, *, least_side: int | None = None) -> Image.Image:
    """The first frame's pixels: upright, 8-bit sRGB, ``RGB`` or, where the picture has transparency, ``RGBA``.

    Colours are converted by the picture's ICC profile (perceptual intent); a profile that is broken, or that is of
    another colour space than the pixels, is ignored. Alpha is straight. No metadata is left on the picture.

    Args:
        image: from :func:`open_picture`; it can be decoded once.
        least_side: the longest side, in pixels, that is enough. A JPEG is then decoded at the smallest of the scales
            1, 1/2, 1/4 and 1/8 that gives it.

    Raises:
        ImageRejected: the pixels are damaged or incomplete.
    """
    orientation = _orientation(image)
    with reading():
        if least_side is not None:
            scale = least_side / max(image.size)
            image.draft(None, (max(1, int(image.width * scale)), max(1, int(image.height * scale))))
        image.load()
        picture = _to_srgb(image)
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    picture.info.clear()
    return picture


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    colour_mode = _COLOUR_MODES[image.mode]
    if image.mode.startswith("I;16"):
        image = _eight_bit_grey(image)
    alpha = None
    if image.has_transparency_data:
        alpha = image.convert("LA" if colour_mode == "L" else "RGBA").getchannel("A")
    colour = image.convert(colour_mode)
    picture = _by_profile(colour, profile) if profile else None
    if picture is None:
        picture = colour if colour.mode == "RGB" else colour.convert("RGB")
    if alpha is not None:
        picture.putalpha(alpha)
    return picture


def _eight_bit_grey(image: Image.Image) -> Image.Image:
    """16-bit grey as ``L``, or ``LA`` if one value stands for transparent. Pillow's own conversion clips at 255."""
    key = image.info.pop("transparency", None)
    wide = image.convert("I")
    grey = wide.point([value >> 8 for value in range(65_536)], "L")
    if key is not None:
        grey.putalpha(wide.point([0 if value == key else 255 for value in range(65_536)], "L"))
    return grey


def _by_profile(colour: Image.Image, profile: bytes) -> Image.Image | None:
    """The colour in sRGB, or None if the profile is broken or is of another colour space."""
    with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return ImageCms.profileToProfile(
            colour,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            _SRGB,
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
            outputMode="RGB",
        )
    return None


def _tile_pixels(image: ImageFile.ImageFile) -> int:
    """The size of a TIFF's tiles, in pixels: decoded whole, they may be far larger than the picture."""
    tags = getattr(image, "tag_v2", {})
    return int(tags.get(TiffImagePlugin.TILEWIDTH, 0)) * int(tags.get(TiffImagePlugin.TILELENGTH, 0))


def _orientation(image: ImageFile.ImageFile) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns a TIFF itself
    with suppress(ImageRejected), reading():
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _UPRIGHT:
            return int(orientation)
    return 1


def _listed(formats: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(formats[:-1]), formats[-1])))
