"""What is done to a sound file: bytes, fields and whole parts are changed, lost, repeated, and mixed with others'."""

import random
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Literal

Span = tuple[int, int]

_PNG = b"\x89PNG\r\n\x1a\n"
_NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    16,
    64,
    127,
    128,
    255,
    256,
    1024,
    32_767,
    32_768,
    65_535,
    65_536,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
_HEADER_BYTES = 64


def mutate(seeds: Sequence[bytes], random_source: random.Random) -> bytes:
    """One of the files after one to three mutations, some of them mixing in another file."""
    data = random_source.choice(seeds)
    for _ in range(random_source.choice((1, 1, 1, 1, 2, 3))):
        data = random_source.choice(_MUTATIONS)(data, random_source, seeds)
    # Else all that a mutated PNG would show is that checksums are checked.
    return _with_checksums(data) if data.startswith(_PNG) and random_source.random() < 0.8 else data


def parts(data: bytes) -> list[Span]:
    """Where the chunks, segments, boxes or directory entries of the file lie, as far as it can be read."""
    if data.startswith(_PNG):
        return _walk(data, 8, lambda at: 12 + int.from_bytes(data[at : at + 4]))
    if data.startswith(b"RIFF"):
        return _walk(data, 12, lambda at: 8 + (int.from_bytes(data[at + 4 : at + 8], "little") + 1) // 2 * 2)
    if data[4:8] == b"ftyp":
        return _boxes(data, 0, len(data))
    if data.startswith(b"\xff\xd8"):
        starts = [found.start() for found in re.finditer(rb"\xff[\xc0-\xcf\xd8-\xfe]", data)]
        return list(zip(starts, [*starts[1:], len(data)], strict=True))
    if data.startswith((b"II*\0", b"MM\0*")):
        order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"
        directory = int.from_bytes(data[4:8], order)
        count = int.from_bytes(data[directory : directory + 2], order)
        starts = [directory + 2 + 12 * entry for entry in range(count)]
        return [(start, start + 12) for start in starts if start + 12 <= len(data)]
    return [(start, start + 16) for start in range(0, len(data) - 16, 16)]


def _walk(data: bytes, start: int, length_at: Callable[[int], int]) -> list[Span]:
    spans = []
    while start + 8 <= len(data):
        end = min(len(data), start + length_at(start))
        spans.append((start, end))
        start = end
    return spans


def _boxes(data: bytes, start: int, end: int) -> list[Span]:
    spans = []
    while start + 8 <= end:
        length = int.from_bytes(data[start : start + 4])
        box_end = min(end, start + max(8, length)) if length else end
        spans.append((start, box_end))
        header = {b"meta": 12, b"iprp": 8, b"ipco": 8, b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"stbl": 8}
        if (inner := header.get(data[start + 4 : start + 8])) is not None:
            spans += _boxes(data, start + inner, box_end)
        start = box_end
    return spans


def _with_checksums(png: bytes) -> bytes:
    fixed = bytearray(png)
    for start, end in parts(png):
        if end - start >= 12:
            fixed[end - 4 : end] = struct.pack(">L", zlib.crc32(fixed[start + 4 : end - 4]))
    return bytes(fixed)


def _flip_bytes(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(random_source.choice((1, 1, 2, 4, 16)) if changed else 0):
        changed[random_source.randrange(len(changed))] = random_source.randrange(256)
    return bytes(changed)


def _flip_bit(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[random_source.randrange(len(changed))] ^= 1 << random_source.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    return data[: random_source.randrange(len(data) + 1)]


def _change_field(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    """Put a number that programs stumble over where a header or a part is likely to have one."""
    starts = [0, *(start for start, _ in parts(data))]
    place = random_source.choice(starts) + random_source.randrange(_HEADER_BYTES)
    width = random_source.choice((1, 2, 4))
    number = random_source.choice(_NUMBERS) % 256**width
    field = number.to_bytes(width, random_source.choice(("big", "little")))
    return data[:place] + field + data[place + width :] if place + width <= len(data) else data


def _delete_bytes(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    start = random_source.randrange(len(data) + 1)
    return data[:start] + data[start + random_source.randrange(1, 65) :]


def _repeat_bytes(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    start = random_source.randrange(len(data) + 1)
    end = start + random_source.randrange(1, 257)
    return data[:end] + data[start:end] * random_source.randrange(1, 5) + data[end:]


def _delete_part(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    if not (spans := parts(data)):
        return data
    start, end = random_source.choice(spans)
    return data[:start] + data[end:]


def _repeat_part(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    if not (spans := parts(data)):
        return data
    start, end = random_source.choice(spans)
    return data[:end] + data[start:end] * random_source.choice((1, 1, 2, 20, 150)) + data[end:]


def _swap_parts(data: bytes, random_source: random.Random, _: Sequence[bytes]) -> bytes:
    if len(spans := parts(data)) < 2:
        return data
    (start, end), (next_start, next_end) = sorted(random_source.sample(spans, 2))
    if next_start < end:
        return data
    return data[:start] + data[next_start:next_end] + data[end:next_start] + data[start:end] + data[next_end:]


def _take_part(data: bytes, random_source: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A part of another file, in place of or beside one of this."""
    other = random_source.choice(seeds)
    spans, other_spans = parts(data), parts(other)
    if not spans or not other_spans:
        return data
    start, end = random_source.choice(spans)
    other_start, other_end = random_source.choice(other_spans)
    return data[: random_source.choice((start, end))] + other[other_start:other_end] + data[end:]


def _splice(data: bytes, random_source: random.Random, seeds: Sequence[bytes]) -> bytes:
    other = random_source.choice(seeds)
    return data[: random_source.randrange(len(data) + 1)] + other[random_source.randrange(len(other) + 1) :]


_MUTATIONS: tuple[Callable[[bytes, random.Random, Sequence[bytes]], bytes], ...] = (
    _flip_bytes,
    _flip_bit,
    _truncate,
    _change_field,
    _change_field,
    _change_field,
    _delete_bytes,
    _repeat_bytes,
    _delete_part,
    _repeat_part,
    _swap_parts,
    _take_part,
    _splice,
)
