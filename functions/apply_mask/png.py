"""A PNG writer that uses every core, for pictures of 8 bits a channel (https://www.w3.org/TR/png-3/).

The picture is cut into strips of rows. Each is filtered, deflated and summed by itself, so strips go to threads and
nothing larger is copied; one after the other, their blocks are an ordinary zlib stream, which every decoder reads.
"""

import io
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from zlib_ng import zlib_ng

from functions.apply_mask.tiles import WORKERS

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {"L": 0, "RGB": 2, "RGBA": 6}
_ZLIB_HEADER = b"\x78\x01"
_ADLER32_MODULUS = 65521

_NONE, _SUB, _UP, _AVERAGE, _PAETH = _FILTERS = range(5)

# Strips, and what is made of them while they are filtered, stay in a core's cache.
_STRIP_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 15


class _Deflation(NamedTuple):
    level: int
    strategy: int


# Sensor noise does not repeat: there, runs and frequent bytes are all there is to find, at three times the speed.
_RUNS = _Deflation(1, zlib_ng.Z_RLE)
_REPEATS = _Deflation(6, zlib_ng.Z_DEFAULT_STRATEGY)
_WORTHWHILE = 0.97  # of the bytes that runs take


class _Strip(NamedTuple):
    """Deflated rows, with the length and Adler-32 of what they inflate to."""

    deflated: bytes
    length: int
    adler32: int


def encode_png(image: Image.Image) -> bytes:
    """The picture as PNG, with nothing but pixels in it. The same picture always gives the same bytes.

    Args:
        image: ``L``, ``RGB`` or ``RGBA``.
    """
    image.load()
    rows = max(1, _STRIP_BYTES // (1 + image.width * len(image.getbands())))
    spans = [(top, min(top + rows, image.height)) for top in range(0, image.height, rows)]
    header = struct.pack(">LLBBBBB", *image.size, 8, _COLOUR_TYPES[image.mode], 0, 0, 0)
    file = io.BytesIO()
    file.write(_SIGNATURE + _chunk(b"IHDR", header))
    zlib_header, adler32 = _ZLIB_HEADER, 1
    with ThreadPoolExecutor(WORKERS) as pool:
        # A thread takes longer to start than a thumbnail to deflate.
        run = pool.map if len(spans) > 1 else map
        for strip in run(lambda span: _deflate_rows(image, *span), spans):
            adler32 = _adler32_of_both(adler32, strip)
            file.write(_chunk(b"IDAT", zlib_header + strip.deflated))
            zlib_header = b""
    file.write(_chunk(b"IDAT", struct.pack(">L", adler32)) + _chunk(b"IEND", b""))
    return file.getvalue()


def _deflate_rows(image: Image.Image, top: int, bottom: int) -> _Strip:
    """Rows ``top`` to ``bottom`` filtered and deflated; the last ones of the picture end the stream."""
    channels = len(image.getbands())
    filtered = np.zeros((bottom - top, 1 + image.width * channels), np.uint8)
    deflation = _RUNS
    # Filters look at the row above and the pixel to the left, which are 0 outside the picture.
    part = image.crop((-1, top - 1, image.width, bottom))
    box = part.getbbox(alpha_only=False)
    if box:
        # What is 0 around the box stays 0, except right next to it.
        left, above = box[0] - 1, max(box[1] - 1, 0)
        right, below = min(box[2] + 1, part.width), min(box[3] + 1, part.height)
        pixels = np.asarray(part.crop((left, above, right, below))).reshape(below - above, -1)
        kind, deflation = _choose(pixels, channels)
        filtered[above : below - 1, 0] = kind
        filtered[above : below - 1, 1 + left * channels : 1 + (right - 1) * channels] = _filter(kind, pixels, channels)
    flush = zlib_ng.Z_FINISH if bottom == image.height else zlib_ng.Z_SYNC_FLUSH
    return _Strip(_deflate(filtered, deflation, flush), filtered.size, zlib_ng.adler32(filtered))


def _choose(pixels: NDArray[np.uint8], channels: int) -> tuple[int, _Deflation]:
    """The filter and the deflation that suit the middle rows: the least residual, and repeats only if they pay."""
    rows = max(1, min(len(pixels) - 1, _SAMPLE_BYTES // pixels.shape[1]))
    first = (len(pixels) - 1 - rows) // 2
    residuals = [_filter(kind, pixels[first : first + rows + 1], channels) for kind in _FILTERS]
    kind = min(_FILTERS, key=lambda kind: int(np.minimum(residuals[kind], -residuals[kind]).sum()))
    runs, repeats = (len(_deflate(residuals[kind], each, zlib_ng.Z_FINISH)) for each in (_RUNS, _REPEATS))
    return kind, _REPEATS if repeats < _WORTHWHILE * runs else _RUNS


def _filter(kind: int, pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """What a PNG filter leaves of all but the first row and the first pixel of each: pixel less prediction, modulo 256.

    Args:
        kind: the filter's number in PNG.
        pixels: rows by bytes.
        channels: bytes a pixel.
    """
    current, left = pixels[1:, channels:], pixels[1:, :-channels]
    up, upper_left = pixels[:-1, channels:], pixels[:-1, :-channels]
    if kind == _SUB:
        return current - left
    if kind == _UP:
        return current - up
    if kind == _AVERAGE:
        return current - ((left & up) + ((left ^ up) >> 1))
    if kind == _PAETH:
        return current - _paeth(left, up, upper_left)
    return current.copy()


def _paeth(left: NDArray[np.uint8], up: NDArray[np.uint8], upper_left: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The neighbour that is nearest to ``left + up - upper_left``, in bytes alone, without branches.

    The upper left one is it while it is between the others and in the middle third; else, the one that is farther away.
    """
    low, high = np.minimum(left, up), np.maximum(left, up)
    over = np.maximum(upper_left, low) - low
    under = high - np.minimum(upper_left, high)
    take_low = -(under <= over >> 1).view(np.uint8)
    take_high = -(over <= under >> 1).view(np.uint8)
    nearest = upper_left ^ ((upper_left ^ low) & take_low)
    nearest ^= (nearest ^ high) & take_high
    return nearest


def _deflate(rows: NDArray[np.uint8], deflation: _Deflation, flush: int) -> bytes:
    """Raw deflate blocks that end at a byte and refer to nothing before them (RFC 1951)."""
    compressor = zlib_ng.compressobj(deflation.level, wbits=-zlib_ng.MAX_WBITS, strategy=deflation.strategy)
    return compressor.compress(rows) + compressor.flush(flush)


def _adler32_of_both(first: int, second: _Strip) -> int:
    """The Adler-32 of a stream and what follows it, from those of each (RFC 1950)."""
    low, high = first & 0xFFFF, first >> 16
    return (low + (second.adler32 & 0xFFFF) - 1) % _ADLER32_MODULUS | (
        (high + (second.adler32 >> 16) + second.length * (low - 1)) % _ADLER32_MODULUS << 16
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib_ng.crc32(data, zlib_ng.crc32(name)))
