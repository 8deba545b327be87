"""Pictures from outside: opened by content alone, bounded before a pixel is decoded, and made upright 8-bit sRGB.

Both decodes of an upload go through here, so validation and the cut-out see the same picture.
"""

import functools
import io
import itertools
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from PIL import ExifTags, Image, ImageChops, ImageCms, ImageFile, TiffImagePlugin, UnidentifiedImageError

from functions.core.errors import ImageRejected

# Pillow warns of odd metadata, which is none of the log's business. A filter for the time of a call would be one for
# every thread.
warnings.filterwarnings("ignore", module="PIL")

# Each scan of a JPEG passes over the whole picture, however few bytes it has. Encoders make about ten.
_MAX_SCANS = 100
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# But for a stuffed zero, a fill byte, and the markers without a segment: those of restarts and the temporary one.
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

# What Pillow's decoders raise on bytes that are not what their header promised.
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
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

_WHITE_IS_ZERO = 0  # TIFF's PhotometricInterpretation
# Pillow's name for a PNG's grey of 2 and 4 bits, and the step between its levels in 8 bits.
_GREY_STEPS = {"L;2": 85, "L;4": 17}

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
    """Translate what Pillow raises on a damaged file.

    Raises:
        ImageRejected: the file is damaged.
    """
    try:
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
            _scale_transparent_colour(image)
        elif picture_format(image) == "JPEG" and _has_more_scans(data, _MAX_SCANS):
            raise ImageRejected(f"The JPEG has more than {_MAX_SCANS} scans. Export it anew and upload it again.")
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


def decode(image: ImageFile.ImageFile, *, max_side: int | None = None) -> Image.Image:
    """The first frame's pixels: upright, 8-bit sRGB, ``RGB`` or, where the picture has transparency, ``RGBA``.

    Colours are converted by the picture's ICC profile (perceptual intent); a profile that is broken, or that is of
    another colour space than the pixels, is ignored. What sRGB can show comes out within rounding. Of a wider gamut,
    what it cannot show comes out on its border, each channel limited by itself: hues and tones within sRGB are never
    moved to make room. More than 8 bits a channel are scaled. Alpha is straight. No metadata is left on the picture.

    Args:
        image: from :func:`open_picture`. It is closed: its memory becomes the picture's, or is freed.
        max_side: a picture with a longer side is shrunk to it. A JPEG is then decoded at the smallest of the scales
            1, 1/2, 1/4 and 1/8 that is enough.

    Raises:
        ImageRejected: the pixels are damaged or incomplete.
    """
    orientation = _orientation(image)
    profile = image.info.get("icc_profile", b"")
    size = image.size if max_side is None else fit(image.size, (max_side, max_side))
    with reading():
        image.draft(None, size)
        image.load()
        picture = _in_colour_mode(image)
        image.close()
        if picture.size != size:
            # Boxes do the most of it; the filter is left with at most a halving.
            picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.0)
        picture = _to_srgb(picture, profile)
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    picture.info.clear()
    return picture


def _has_more_scans(jpeg: bytes, than: int) -> bool:
    """Whether the JPEG (ITU-T T.81, annex B) has more than so many scans; what follows its end is not counted."""
    # Entropy-coded data never holds this marker, so most files are settled by counting alone.
    if jpeg.count(bytes([0xFF, _START_OF_SCAN])) <= than:
        return False
    position, scans = 2, 0
    while scans <= than:
        found = _MARKER.search(jpeg, position)
        if found is None or found[1][0] == _END_OF_IMAGE:
            return False
        scans += found[1][0] == _START_OF_SCAN
        position = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2])
    return True


def _in_colour_mode(image: Image.Image) -> Image.Image:
    """The pixels as ``L``, ``LA``, ``RGB``, ``RGBA`` or ``CMYK``: not copied where they are so already."""
    if image.mode.startswith("I;16"):
        return _eight_bit_grey(image)
    mode = _COLOUR_MODES[image.mode]
    if image.has_transparency_data:
        mode = "LA" if mode == "L" else "RGBA"
    return image._new(image.im) if image.mode == mode else image.convert(mode)


def _eight_bit_grey(image: Image.Image) -> Image.Image:
    """Grey of 12 or 16 bits as ``L``, or ``LA`` if one value stands for transparent. Pillow's own conversion clips."""
    tags = getattr(image, "tag_v2", {})
    white = 2 ** tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0] - 1
    levels = [min(255, (value * 255 + white // 2) // white) for value in range(65_536)]
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        levels.reverse()
    wide = image.convert("I")
    grey = wide.point(levels, "L")
    key = image.info.get("transparency")
    if key is not None:
        grey.putalpha(wide.point([0 if value == key else 255 for value in range(65_536)], "L"))
    return grey


def _scale_transparent_colour(png: ImageFile.ImageFile) -> None:
    """Bring the one colour that stands for transparent to 8 bits a channel; Pillow does so with the pixels alone."""
    key = png.info.get("transparency")
    raw_mode = png.tile[0].args
    if isinstance(key, int) and raw_mode in _GREY_STEPS:
        png.info["transparency"] = key * _GREY_STEPS[raw_mode]
    elif isinstance(key, tuple) and raw_mode == "RGB;16B":
        png.info["transparency"] = tuple(value >> 8 for value in key)


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """``RGB`` or ``RGBA`` of a picture in one of the modes of :func:`_in_colour_mode`; in place where it can be."""
    if picture.mode == "LA":
        grey, alpha = picture.split()
        picture = _to_srgb(grey, profile)
        picture.putalpha(alpha)
        return picture
    transform = _transform(profile, picture.mode)
    if picture.mode in ("RGB", "RGBA"):
        return transform.apply_in_place(picture) if transform else picture
    return transform.apply(picture) if transform else picture.convert("RGB")


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile's colours to sRGB; None if it is absent, broken, of another colour space, or sRGB itself."""
    with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):
        transform = ImageCms.ImageCmsTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            _SRGB,
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            ImageCms.Intent.PERCEPTUAL,
        )
        if mode in ("RGB", "RGBA"):
            # There are dozens of sRGB profiles, and they differ by rounding: what one does tells more than its name.
            cube = _colour_cube().convert(mode)
            changed = ImageChops.difference(transform.apply(cube), cube).tobytes()
            if max(changed) <= 1:
                return None
        return transform
    return None


@functools.cache
def _colour_cube() -> Image.Image:
    """Each combination of 18 levels of red, green and blue."""
    colours = itertools.product(range(0, 256, 15), repeat=3)
    return Image.frombytes("RGB", (18 * 18, 18), bytes(itertools.chain.from_iterable(colours)))


def _tile_pixels(image: ImageFile.ImageFile) -> int:
    """The size of a TIFF's tiles, in pixels: decoded whole, they may be far larger than the picture."""
    tags = getattr(image, "tag_v2", {})
    return int(tags.get(TiffImagePlugin.TILEWIDTH, 0)) * int(tags.get(TiffImagePlugin.TILELENGTH, 0))


def _orientation(image: ImageFile.ImageFile) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns a TIFF itself
    if image.format == "PNG":
        # Its EXIF may come behind the pixels, so asking for it decodes them. Were they damaged, that would be
        # suppressed here, and the next decoding would take what there is for the picture.
        with reading():
            image.load()
    with suppress(ImageRejected), reading():
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _UPRIGHT:
            return int(orientation)
    return 1


def _listed(formats: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(formats[:-1]), formats[-1])))
