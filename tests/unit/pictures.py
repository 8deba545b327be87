"""Pictures for tests, ordinary and hostile, each made here from its format's definition."""

import io
import struct
import zlib
from collections.abc import Mapping
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


def matrix_profile(to_xyz: np.ndarray[Any, np.dtype[np.float64]], curve: "float | np.ndarray[Any, Any]") -> bytes:
    """An ICC version 2 display profile of three primaries and one tone curve (ICC.1:2001-04).

    The curve is a gamma, or a table from the encoded value to the linear one, both 0 to 1.
    """
    primaries = {name + b"XYZ": _icc_xyz(primary) for name, primary in zip((b"r", b"g", b"b"), to_xyz.T, strict=True)}
    return _icc_profile(
        b"mntr", b"RGB ", b"XYZ ", primaries | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _icc_curve(curve))
    )


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey with this gamma."""
    return _icc_profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _icc_curve(gamma)})


def cmyk_profile() -> bytes:
    """An ICC printer profile by which L* falls with black from 100 to 0, and no other ink is seen.

    What is made of CMYK without a profile comes nowhere near it.
    """
    corners = np.zeros((2, 2, 2, 2, 3))  # by C, M, Y and K; L*, a* and b* as 16-bit of ICC version 2
    corners[..., 1:] = 0x8000
    corners[..., 0, 0] = 0xFF00
    ramp = np.array([0, 0xFFFF])
    table = b"".join(
        [
            b"mft2" + bytes(4) + bytes([4, 3, 2, 0]),
            np.array(np.eye(3) * 65_536, ">i4").tobytes(),
            struct.pack(">HH", len(ramp), len(ramp)),
            np.tile(ramp, 4).astype(">u2").tobytes(),
            corners.astype(">u2").tobytes(),
            np.tile(ramp, 3).astype(">u2").tobytes(),
        ]
    )
    return _icc_profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _icc_xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(value) * 65_536)) for value in values)


def _icc_curve(curve: "float | np.ndarray[Any, Any]") -> bytes:
    if isinstance(curve, np.ndarray):
        entries = np.round(curve * 65_535).astype(">u2").tobytes()
        return b"curv\0\0\0\0" + struct.pack(">L", len(curve)) + entries
    return b"curv\0\0\0\0" + struct.pack(">LHH", 1, round(curve * 256), 0)


def _icc_profile(device_class: bytes, space: bytes, connection_space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    white = _icc_xyz((0.9642, 1.0, 0.8249))
    tags = {b"wtpt": white, **tags}
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytearray(128)
    header[0:4] = struct.pack(">L", start + len(body))
    header[8:24] = struct.pack(">L", 0x02100000) + device_class + space + connection_space
    header[36:40] = b"acsp"
    header[68:80] = white[8:]
    return bytes(header) + struct.pack(">L", len(tags)) + table + body


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))


def png_profile(profile: bytes) -> bytes:
    """The chunk that embeds an ICC profile in a PNG."""
    return png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))


def png_with(chunk: bytes, image: Image.Image | None = None) -> bytes:
    """A PNG with one more chunk right behind its header."""
    png = encoded(image or plain(), "PNG")
    return png[:33] + chunk + png[33:]


def png_of_16_bits(pixels: "np.ndarray[Any, np.dtype[np.uint16]]", chunks: bytes = b"") -> bytes:
    """A PNG of grey (height x width), RGB or RGBA (height x width x 3 or 4) in 16 bits a channel."""
    height, width = pixels.shape[:2]
    color_type = {2: 0, 3: {3: 2, 4: 6}[pixels.shape[-1]] if pixels.ndim == 3 else 0}[pixels.ndim]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return _png(struct.pack(">LLBBBBB", width, height, 16, color_type, 0, 0, 0), rows, chunks)


def png_of_grey_bits(values: list[int], bits: int, chunks: bytes = b"") -> bytes:
    """A PNG of one row of grey with 1, 2 or 4 bits a pixel."""
    packed = sum(value << bits * place for place, value in enumerate(reversed(values)))
    padding = -len(values) * bits % 8
    row = b"\0" + (packed << padding).to_bytes((len(values) * bits + padding) // 8)
    return _png(struct.pack(">LLBBBBB", len(values), 1, bits, 0, 0, 0, 0), row, chunks)


def interlaced_png(image: Image.Image) -> bytes:
    """An 8-bit RGB image as a PNG in the seven passes of Adam7."""
    pixels = np.asarray(image)
    rows = b""
    for top, left, down, right in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        one_pass = pixels[top::down, left::right]
        rows += b"".join(b"\0" + row.tobytes() for row in one_pass if row.size)
    return _png(struct.pack(">LLBBBBB", image.width, image.height, 8, 2, 0, 0, 1), rows)


def _png(header: bytes, rows: bytes, chunks: bytes = b"") -> bytes:
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + chunks + pixels + png_chunk(b"IEND", b"")


def png_declaring(width: int, height: int) -> bytes:
    """A sound PNG of 8-bit grey zeros, whole if it is small, else only its first megabyte of pixels."""
    header = struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min((width + 1) * height, 1_000_000)), 1)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def decompression_bomb() -> bytes:
    """A sound PNG of 14,000 x 14,000 black pixels: 0.6 MB that become 588."""
    row = bytes(3 * 14_000 + 1)
    compressor = zlib.compressobj()
    pixels = b"".join([*(compressor.compress(row) for _ in range(14_000)), compressor.flush()])
    header = struct.pack(">LLBBBBB", 14_000, 14_000, 8, 2, 0, 0, 0)
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


def webp_with_canvas_of(width: int, height: int) -> bytes:
    """An animated WebP of one frame of 1 x 1 on a canvas of this size."""
    webp = bytearray(webp_of(1))
    assert webp[12:16] == b"VP8X"
    webp[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(webp)


def tiff_of(pages: int) -> bytes:
    """A TIFF of 1 x 1 pages, each a directory of four tags that point to the same pixel."""
    directories = []
    for page in range(pages):
        tags = ((256, 1), (257, 1), (273, 0), (279, 1))
        entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
        following = 8 + 54 * (page + 1) if page + 1 < pages else 0
        directories.append(struct.pack("<H", len(tags)) + entries + struct.pack("<L", following))
    return b"II*\0" + struct.pack("<L", 8) + b"".join(directories)


def tiff_of_samples(
    pixels: "np.ndarray[Any, Any]", bits: int, photometric: int, tags: Mapping[int, int] | None = None
) -> bytes:
    """An uncompressed little-endian TIFF (TIFF 6.0): ``pixels`` is height x width x samples, already packed to bytes.

    Args:
        pixels: its bytes are the strip; its shape gives the size, so packed samples need a shape of their own.
        bits: of each sample.
        photometric: the PhotometricInterpretation.
        tags: further tags, or others in place of these, with one value each.
    """
    height, width, samples = pixels.shape
    strip = pixels.tobytes()
    bits_at = 8 + len(strip)
    entries = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, samples, bits if samples == 1 else bits_at),
        259: (3, 1, 1),
        262: (3, 1, photometric),
        273: (4, 1, 8),
        277: (3, 1, samples),
        278: (4, 1, height),
        279: (4, 1, len(strip)),
        **{tag: (4, 1, value) for tag, value in (tags or {}).items()},
    }
    if samples == 2:
        entries[258] = (3, 2, bits | bits << 16)
    body = strip + struct.pack("<H", bits) * samples
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHLL", tag, *entry) for tag, entry in sorted(entries.items())
    )
    return b"II*\0" + struct.pack("<L", 8 + len(body)) + body + directory + bytes(4)


def tiff_in_tiles(image: Image.Image) -> bytes:
    """An 8-bit RGB image as an uncompressed TIFF in tiles of 16 x 16."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -height % 16), (0, -width % 16), (0, 0)))
    down, across = padded.shape[0] // 16, padded.shape[1] // 16
    tiles = padded.reshape(down, 16, across, 16, 3).swapaxes(1, 2).tobytes()
    count, size = down * across, 16 * 16 * 3
    offsets_at = 8 + len(tiles)
    sizes_at = offsets_at + 4 * count
    bits_at = sizes_at + 4 * count
    offsets = struct.pack(f"<{count}L", *(8 + size * tile for tile in range(count)))
    body = tiles + offsets + struct.pack("<L", size) * count + struct.pack("<3H", 8, 8, 8)
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (277, 3, 1, 3),
        (322, 4, 1, 16),
        (323, 4, 1, 16),
        (324, 4, count, offsets_at),
        (325, 4, count, sizes_at),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<L", 8 + len(body)) + body + directory + bytes(4)


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


def jpeg_of_scans(scans: int, width: int = 64, height: int = 48) -> bytes:
    """A progressive JPEG whose one refining scan of a few bytes is there so many times."""
    jpeg = encoded(plain(128, (width, height), "L"), "JPEG", progressive=True)
    refining = jpeg.index(b"\xff\xda", jpeg.index(b"\xff\xda") + 2)
    following = jpeg.index(b"\xff\xda", refining + 2)
    count = jpeg.count(b"\xff\xda")
    return jpeg[:following] + jpeg[refining:following] * (scans - count) + jpeg[following:]


def jpeg_with_comment(jpeg: bytes, comment: bytes) -> bytes:
    return jpeg[:2] + _jpeg_segment(0xFE, comment) + jpeg[2:]


def twelve_bit_jpeg(levels: list[int]) -> bytes:
    """A 12-bit extended sequential JPEG of grey (ITU-T T.81): a row of flat 8 x 8 blocks of these levels, 0 to 4095."""
    bits, previous = "", 2048
    for level in levels:
        difference, previous = level - previous, level
        category = abs(difference).bit_length()
        # The Huffman codes of the categories 0 to 12 are their own numbers in 4 bits; 0 ends a block.
        bits += f"{category:04b}"
        if category:
            bits += f"{difference if difference > 0 else difference + 2**category - 1:0{category}b}"
        bits += "0"
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    dc_table = bytes([0x00, 0, 0, 0, 13, *[0] * 12, *range(13)])
    ac_table = bytes([0x10, 1, *[0] * 15, 0])
    tables = _jpeg_segment(0xC4, dc_table) + _jpeg_segment(0xC4, ac_table)
    return _grey_jpeg(0xC1, 12, len(levels), tables, coded)


def arithmetic_jpeg(levels: list[int]) -> bytes:
    """An arithmetic-coded sequential JPEG of grey (ITU-T T.81, annexes D and F.1.4): flat 8 x 8 blocks, 0 to 255."""
    coder = _ArithmeticCoder()
    previous, context = 128, None
    for level in levels:
        difference, previous = level - previous, level
        coder.code(("changes", context), difference != 0)
        context = _code_difference(coder, context, difference) if difference else None
        coder.code("end of block", 1)
    return _grey_jpeg(0xC9, 8, len(levels), b"", coder.finish())


def _code_difference(coder: "_ArithmeticCoder", context: Any, difference: int) -> Any:
    """Code a difference that is not 0; the context of the next one (F.1.4.4.1)."""
    sign = difference < 0
    coder.code(("sign", context), sign)
    magnitude = abs(difference) - 1
    coder.code(("over 1", sign, context), magnitude > 0)
    if magnitude:
        width = magnitude.bit_length()
        for place in range(1, width):
            coder.code(("width", place), 1)
        coder.code(("width", width), 0)
        for place in reversed(range(width - 1)):
            coder.code(("bits", width), magnitude >> place & 1)
    return sign, magnitude > 1


# By state: the estimate of the less probable symbol, and the states after it and after the more probable one. This is
# table D.3 as far as a few blocks come. After the less probable symbol, the states 0 and 14 exchange the two.
_ESTIMATES = {
    0: (0x5A1D, 1, 1),
    1: (0x2586, 14, 2),
    2: (0x1114, 16, 3),
    3: (0x080B, 18, 4),
    14: (0x5A7F, 15, 15),
}


class _ArithmeticCoder:
    """The QM coder of ITU-T T.81, annex D, with the code as one number: no carry has to be resolved."""

    def __init__(self) -> None:
        self._code, self._range, self._shifts = 0, 0x10000, 0
        self._contexts: dict[Any, tuple[int, int]] = {}

    def code(self, context: Any, bit: int) -> None:
        state, likely = self._contexts.get(context, (0, 0))
        estimate, after_unlikely, after_likely = _ESTIMATES[state]
        self._range -= estimate
        is_likely = int(bit) == likely
        # The larger part stands for the likely symbol, whichever part the estimate says it is.
        if is_likely == (self._range < estimate):
            self._code += self._range
            self._range = estimate
        if is_likely and self._range >= 0x8000:
            return
        if not is_likely and state in (0, 14):
            likely = 1 - likely
        self._contexts[context] = (after_likely if is_likely else after_unlikely, likely)
        while self._range < 0x8000:
            self._code, self._range, self._shifts = self._code << 1, self._range << 1, self._shifts + 1

    def finish(self) -> bytes:
        bits = 16 + self._shifts
        code = self._code << (-bits % 8)
        return code.to_bytes((bits + 7) // 8).replace(b"\xff", b"\xff\0")


def _grey_jpeg(frame: int, precision: int, blocks: int, tables: bytes, coded: bytes) -> bytes:
    """A JPEG one block high. Its quantisation by 8 makes a block's first coefficient its level, counted from grey."""
    header = struct.pack(">BHHBBBB", precision, 8, 8 * blocks, 1, 1, 0x11, 0)
    return b"".join(
        [
            b"\xff\xd8",
            _jpeg_segment(0xDB, bytes([0] + [8] * 64)),
            _jpeg_segment(frame, header),
            tables,
            _jpeg_segment(0xDA, bytes([1, 1, 0x00, 0, 63, 0])),
            coded,
            b"\xff\xd9",
        ]
    )


def _jpeg_segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg_with_frame_header(marker: int, precision: int) -> bytes:
    """A baseline JPEG relabelled as another process: its coded data then contradicts its header."""
    jpeg = bytearray(encoded(scene(), "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 1] = marker
    jpeg[start + 4] = precision
    return bytes(jpeg)
