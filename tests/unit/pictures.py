"""Pictures for tests, ordinary and hostile, each made here from its format's definition."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import ExifTags, Image

# Columns are the red, green and blue primaries in XYZ, adapted to D50, as ICC profiles hold them.
SRGB_TO_XYZ = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
DISPLAY_P3_TO_XYZ = np.array([[0.5151, 0.2919, 0.1572], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
PROPHOTO_TO_XYZ = np.array([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0, 0.0, 0.8249]])

# By EXIF orientation: what turns the picture that a person sees into the one that is stored.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def decoded(data: bytes) -> Image.Image:
    """A file of ours, with its pixels read."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def plain(color: Any = (200, 120, 40), size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, color)


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """A picture that no turn or mirror maps to itself: red grows rightwards, green downwards, one corner is blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[..., 1] = np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    pixels[: height // 4, : width // 4, 2] = 255
    return Image.fromarray(pixels)


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The pixels that a file of this EXIF orientation, 1 to 8, holds of a picture."""
    return upright.transpose(_STORED[orientation]) if orientation in _STORED else upright


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8))


def exif(orientation: int | None = None, **tags: Any) -> Image.Exif:
    """EXIF with what must never be kept, what may be, and the orientation if given."""
    made = Image.Exif()
    made[ExifTags.Base.Make] = "Matteflow Optics"
    made[ExifTags.Base.Artist] = "SECRET-ARTIST"
    if orientation is not None:
        made[ExifTags.Base.Orientation] = orientation
    made.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.ExposureTime: 1 / 250,
            ExifTags.Base.ISOSpeedRatings: 400,
            ExifTags.Base.BodySerialNumber: "SECRET-SERIAL",
            ExifTags.Base.MakerNote: b"SECRET-MAKER-NOTE",
            **{getattr(ExifTags.Base, name): value for name, value in tags.items()},
        }
    )
    made.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSMapDatum: "SECRET-GPS"}
    )
    return made


def looping_exif() -> bytes:
    """A TIFF directory whose next directory, and whose EXIF directory, is itself."""
    entry = struct.pack("<HHLL", ExifTags.IFD.Exif, 4, 1, 8)
    return b"Exif\0\0II*\0" + struct.pack("<LH", 8, 1) + entry + struct.pack("<L", 8)


def lying_exif() -> bytes:
    """A tag that claims 4 GiB of text far outside the block."""
    entry = struct.pack("<HHLL", ExifTags.Base.Make, 2, 0xFFFFFFFF, 0x7FFFFFFF)
    return b"Exif\0\0II*\0" + struct.pack("<LH", 8, 1) + entry + struct.pack("<L", 0)


def matrix_profile(to_xyz: np.ndarray[Any, np.dtype[np.float64]], gamma: float) -> bytes:
    """An ICC version 2 display profile of three primaries and one gamma (ICC.1:2001-04)."""

    def fixed(values: Any) -> bytes:
        return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)

    white = (0.9642, 1.0, 0.8249)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(white)}
    for name, primary in zip((b"r", b"g", b"b"), to_xyz.T, strict=True):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(primary)
        tags[name + b"TRC"] = b"curv\0\0\0\0" + struct.pack(">LHH", 1, round(gamma * 256), 0)
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(data))
        body += data
    header = bytearray(128)
    header[0:4] = struct.pack(">L", start + len(body))
    header[8:24] = struct.pack(">L", 0x02100000) + b"mntrRGB XYZ "[:12]
    header[36:40] = b"acsp"
    header[68:80] = fixed(white)
    return bytes(header) + struct.pack(">L", len(tags)) + table + body


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))


def png_with(chunk: bytes, image: Image.Image | None = None) -> bytes:
    """A PNG with one more chunk right behind its header."""
    png = encoded(image or plain(), "PNG")
    return png[:33] + chunk + png[33:]


def png_declaring(width: int, height: int) -> bytes:
    """A sound PNG of 8-bit grey zeros, whole if it is small, else only its first megabyte of pixels."""
    header = struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min((width + 1) * height, 1_000_000)), 1)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def text_bomb() -> bytes:
    return png_with(png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64_000_000), 9)))


def profile_bomb() -> bytes:
    return png_with(png_chunk(b"iCCP", b"bomb\0\0" + zlib.compress(bytes(64_000_000), 9)))


def png_with_bad_checksum() -> bytes:
    """The pixels are whole; only the checksum of their chunk is wrong."""
    png = bytearray(encoded(scene(), "PNG"))
    length = struct.unpack(">L", png[33:37])[0]
    assert png[37:41] == b"IDAT"
    png[41 + length] ^= 0xFF
    return bytes(png)


def gif_of(frames: int) -> bytes:
    gif = encoded(plain(0, (1, 1), "P"), "GIF")
    first = gif.index(b",", 13)
    return gif[:first] + gif[first:-1] * frames + b";"


def apng_of(frames: int) -> bytes:
    """A PNG that announces so many frames, its own picture the first of them."""
    first = struct.pack(">LLLLLHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)
    return png_with(png_chunk(b"acTL", struct.pack(">LL", frames, 0)) + png_chunk(b"fcTL", first))


def webp_of(frames: int) -> bytes:
    webp = encoded(plain(size=(1, 1)), "WEBP", save_all=True, append_images=[plain("blue", (1, 1))])
    first = webp.index(b"ANMF")
    frame = webp[first : first + 8 + struct.unpack("<L", webp[first + 4 : first + 8])[0]]
    body = webp[8:first] + frame * frames
    return b"RIFF" + struct.pack("<L", len(body)) + body


def tiff_of(pages: int) -> bytes:
    """A TIFF of 1 x 1 pages, each a directory of four tags that point to the same pixel."""
    directories = []
    for page in range(pages):
        tags = ((256, 1), (257, 1), (273, 0), (279, 1))
        entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
        following = 8 + 54 * (page + 1) if page + 1 < pages else 0
        directories.append(struct.pack("<H", len(tags)) + entries + struct.pack("<L", following))
    return b"II*\0" + struct.pack("<L", 8) + b"".join(directories)


def tiff_with_tiles_of(side: int) -> bytes:
    """A 16 x 16 picture in one deflated tile that claims ``side`` x ``side`` pixels."""
    pixels = zlib.compress(bytes(1000))
    tags = [
        (256, 16),
        (257, 16),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, side),
        (323, side),
        (324, 8),
        (325, len(pixels)),
    ]
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<L", 8 + len(pixels)) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


def ycck_jpeg(cyan_magenta_yellow: tuple[int, int, int], black: int) -> bytes:
    """A JPEG that stores CMY as YCbCr with K beside it, inverted, as Photoshop does (Adobe TN 5116, transform 2)."""
    as_rgb = Image.new("RGB", (1, 1), cyan_magenta_yellow).convert("YCbCr")
    # Pillow inverts CMYK as it writes it; this undoes that for YCbCr.
    stored = (*(255 - value for value in as_rgb.tobytes()), black)
    jpeg = bytearray(encoded(plain(stored, mode="CMYK"), "JPEG", quality=100))
    jpeg[jpeg.index(b"Adobe") + 11] = 2
    return bytes(jpeg)


def jpeg_with_frame_header(marker: int, precision: int) -> bytes:
    """A baseline JPEG relabelled as another process: its coded data then contradicts its header."""
    jpeg = bytearray(encoded(scene(), "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 1] = marker
    jpeg[start + 4] = precision
    return bytes(jpeg)
