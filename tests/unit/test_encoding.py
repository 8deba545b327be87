import io
import os
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageCms

from functions.apply_mask import png
from functions.apply_mask.encoding import ENCODINGS, FileFormat, encode
from tests.unit.pictures import decoded, encoded, exif, noise, scene

WITH_ALPHA: tuple[FileFormat, ...] = ("png", "webp", "webp_lossy", "avif")
LOSSLESS: tuple[FileFormat, ...] = ("png", "webp")
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


def random_picture(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    """Noise with a blank margin of any width, flat areas and a ramp: something for every filter."""
    random = np.random.default_rng(seed)
    width, height = size
    pixels = np.zeros((height, width, CHANNELS[mode]), np.uint8)
    left, right = sorted(random.integers(0, width + 1, 2))
    top, bottom = sorted(random.integers(0, height + 1, 2))
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * random.integers(0, 4)
    spread = random.choice([1, 8, 256])
    pixels[top:bottom, left:right] = (ramp + random.integers(0, spread, pixels.shape))[top:bottom, left:right] % 256
    return Image.fromarray(pixels.squeeze(-1) if mode == "L" else pixels)


def cutout(width: int = 160, height: int = 120) -> Image.Image:
    """Noise under a soft disc, all zero outside it."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    alpha = (np.clip((0.7 - np.hypot(x, y)) * 4, 0, 1) * 255).astype(np.uint8)
    pixels = np.dstack([np.asarray(noise(width, height)), alpha])
    pixels[alpha == 0] = 0
    return Image.fromarray(pixels)


def matte(width: int = 600, height: int = 400) -> Image.Image:
    return cutout(60, 40).getchannel("A").resize((width, height), Image.Resampling.BICUBIC)


def chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of every chunk of a PNG, their checksums checked."""
    stream = io.BytesIO(file)
    assert stream.read(8) == b"\x89PNG\r\n\x1a\n"
    while head := stream.read(8):
        length, name = struct.unpack(">L4s", head)
        data = stream.read(length)
        assert struct.unpack(">L", stream.read(4))[0] == zlib.crc32(name + data)
        yield name, data


def same(one: Image.Image, other: Image.Image) -> bool:
    return (one.mode, one.size) == (other.mode, other.size) and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 2), (33, 17), (16383, 1), (1, 16383), (701, 499)])
def test_png_is_read_back_as_it_was(mode: str, size: tuple[int, int]) -> None:
    for seed in range(8):
        picture = random_picture(mode, size, seed)
        assert same(decoded(encode(picture, "png")), picture)


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("strip_bytes", [1, 200, 1000])
def test_strips_join_into_one_stream(mode: str, strip_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a picture of several strips, some of them blank
    monkeypatch.setattr(png, "_STRIP_BYTES", strip_bytes)
    for seed in range(20):
        picture = random_picture(mode, (37, 23), seed)
        # when it is encoded
        file = encode(picture, "png")
        # then its data is one zlib stream of the right length and sum
        found = list(chunks(file))
        assert [name for name, _ in found if name != b"IDAT"] == [b"IHDR", b"IEND"]
        rows = zlib.decompress(b"".join(data for name, data in found if name == b"IDAT"))
        assert len(rows) == (1 + 37 * CHANNELS[mode]) * 23
        # and its pixels are the picture's
        assert same(decoded(file), picture)


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("kind", range(5))
def test_every_filter_is_the_one_that_png_defines(kind: int, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_choose", lambda *_: (kind, png._RUNS))
    monkeypatch.setattr(png, "_STRIP_BYTES", 5000)
    for seed in range(20):
        picture = random_picture(mode, (64, 48), seed)
        assert same(decoded(encode(picture, "png")), picture)


def test_png_of_one_strip_has_the_header_it_should() -> None:
    name, header = next(chunks(encode(Image.new("RGBA", (300, 200)), "png")))
    assert name == b"IHDR"
    assert struct.unpack(">LLBBBBB", header) == (300, 200, 8, 6, 0, 0, 0)


@pytest.mark.parametrize(
    "picture",
    [
        cutout(),
        matte(),
        matte().point(lambda value: 255 * (value > 127)),
        noise(200, 100),
        scene(400, 300),
        Image.new("RGBA", (640, 480)),
        Image.new("RGB", (640, 480), "white"),
        Image.fromarray(np.tile(np.asarray(noise(64, 64)), (8, 8, 1))),
    ],
    ids=["cut-out", "soft matte", "hard matte", "noise", "ramps", "blank", "white", "tiles"],
)
def test_png_is_hardly_ever_larger_than_pillow_makes_it(picture: Image.Image) -> None:
    # A choice made from a sample can cost the smallest files some hundred bytes.
    assert len(encode(picture, "png")) <= 1.05 * len(encoded(picture, "PNG")) + 500


@pytest.mark.parametrize("file_format", ENCODINGS)
def test_bytes_are_the_same_every_time_and_on_any_machine(
    file_format: FileFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = cutout(700, 500) if file_format != "jpeg" else noise(700, 500)
    files = set()
    for cores in (1, 2, 7):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        files.add(encode(picture, file_format))
    assert len(files) == 1


@pytest.mark.parametrize("file_format", ENCODINGS)
def test_file_holds_pixels_and_nothing_else(file_format: FileFormat) -> None:
    # given a picture that carries everything a file can say about it
    picture = cutout() if file_format != "jpeg" else noise(160, 120)
    picture.info = {
        "exif": exif().tobytes(),
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "xmp": b"<x:xmpmeta>SECRET</x:xmpmeta>",
        "comment": b"SECRET-COMMENT",
        "Title": "SECRET-TITLE",
        "dpi": (300, 300),
        "gamma": 0.45455,
    }
    # when it is encoded
    file = encode(picture, file_format)
    # then the file says nothing
    assert b"SECRET" not in file
    assert not {"exif", "icc_profile", "xmp", "comment", "Title", "dpi", "gamma"} & set(decoded(file).info)
    assert not decoded(file).getexif()


@pytest.mark.parametrize("file_format", ENCODINGS)
def test_name_and_content_type_are_those_of_the_file(file_format: FileFormat) -> None:
    encoding = ENCODINGS[file_format]
    read = decoded(encode(cutout() if file_format != "jpeg" else noise(160, 120), file_format))
    assert read.format == encoding.name
    assert Image.MIME[encoding.name] == encoding.content_type


def test_no_two_formats_have_one_file_name() -> None:
    assert len({encoding.extension for encoding in ENCODINGS.values()}) == len(ENCODINGS)


@pytest.mark.parametrize("file_format", WITH_ALPHA)
def test_alpha_is_stored_exactly(file_format: FileFormat) -> None:
    picture = cutout()
    assert same(decoded(encode(picture, file_format)).getchannel("A"), picture.getchannel("A"))


@pytest.mark.parametrize("file_format", LOSSLESS)
def test_lossless_formats_store_every_byte(file_format: FileFormat) -> None:
    picture = cutout()
    assert same(decoded(encode(picture, file_format)), picture)


@pytest.mark.parametrize("file_format", ["webp_lossy", "avif", "jpeg"])
def test_lossy_formats_stay_close_to_what_is_seen(file_format: FileFormat) -> None:
    picture = scene(160, 120) if file_format == "jpeg" else scene(160, 120).convert("RGBA")
    read = decoded(encode(picture, file_format)).convert("RGB")
    difference = np.asarray(read, np.int16) - np.asarray(picture.convert("RGB"), np.int16)
    assert np.abs(difference).mean() < 3


def test_lossy_webp_does_not_darken_the_edge() -> None:
    # given a white subject, black where it is hidden
    picture = cutout()
    pixels = np.array(picture)
    pixels[pixels[..., 3] > 0, :3] = 255
    # when it is encoded
    read = np.asarray(decoded(encode(Image.fromarray(pixels), "webp_lossy")))
    # then it is white to its last pixel
    assert read[pixels[..., 3] > 0, :3].min() >= 253
