"""Pictures from outside: what is taken, what is refused from the header, and that colours come out right."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFile

from functions.core.errors import ImageRejected
from functions.core.picture import decode, fit, has_more_frames, open_picture, picture_format, upright_size
from tests.unit import pictures

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

# TIFF's PhotometricInterpretation
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED = 0, 1, 2, 5

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
MAX_PIXELS = 50_000_000


def opened(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageFile.ImageFile:
    return open_picture(data, FORMATS, max_pixels=max_pixels)


def _transparent(*values: int) -> bytes:
    return pictures.png_chunk(b"tRNS", np.array(values, ">u2").tobytes())


def color_of(data: bytes) -> tuple[int, ...]:
    """The colour in the middle of the decoded picture."""
    picture = decode(opened(data))
    color = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(color, tuple)
    return color


@pytest.mark.parametrize("file_format", FORMATS)
def test_each_accepted_format_is_taken(file_format: str) -> None:
    image = opened(pictures.encoded(pictures.scene(), file_format))
    assert picture_format(image) == file_format
    assert decode(image).size == pictures.scene().size


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body>hi</body></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(60),
        b"#!/bin/sh\necho hi\n",
        b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(60),
        b"P6 1 1 255 \0\0\0",
    ],
    ids=["html", "svg", "eps", "pdf", "zip", "script", "heic", "ppm"],
)
def test_what_is_no_accepted_picture_is_rejected_with_the_list(content: bytes) -> None:
    with pytest.raises(ImageRejected, match="JPEG, PNG, WEBP, AVIF, TIFF, BMP or GIF"):
        opened(content)


def test_an_empty_file_is_rejected_as_empty() -> None:
    with pytest.raises(ImageRejected, match="empty"):
        opened(b"")


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (pictures.png_declaring(14_000, 14_000), "50,000,000 pixels"),
        (pictures.png_declaring(10_000, 10_000), "10,000 x 10,000 pixels"),
        (pictures.text_bomb(), "damaged"),
        (pictures.profile_bomb(), "damaged"),
        (pictures.tiff_with_tiles_of(40_000), "tiles"),
    ],
    ids=["beyond Pillow's limit", "within Pillow's limit", "zTXt", "iCCP", "TIFF tile"],
)
def test_a_bomb_is_rejected_before_a_pixel_is_decoded(
    monkeypatch: pytest.MonkeyPatch, bomb: bytes, reason: str
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("a pixel was decoded"))
    with pytest.raises(ImageRejected, match=reason):
        opened(bomb)


def test_the_frames_of_an_avif_are_counted() -> None:
    frames = [pictures.plain(color) for color in ("red", "lime", "blue")]
    avif = pictures.encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    assert [has_more_frames(opened(avif), than) for than in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("file_of", [pictures.gif_of, pictures.apng_of, pictures.webp_of, pictures.tiff_of])
def test_frames_are_counted_from_headers(monkeypatch: pytest.MonkeyPatch, file_of: Callable[[int], bytes]) -> None:
    files = {frames: file_of(frames) for frames in (100, 101, 10_000)}
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("a pixel was decoded"))
    assert {frames: has_more_frames(opened(file), 100) for frames, file in files.items()} == {
        100: False,
        101: True,
        10_000: True,
    }


def test_a_tiff_within_the_frame_limit_still_decodes_its_first_page() -> None:
    first, second = pictures.plain("red"), pictures.plain("blue")
    image = opened(pictures.encoded(first, "TIFF", save_all=True, append_images=[second]))
    assert not has_more_frames(image, 100)
    assert decode(image).getpixel((0, 0)) == (255, 0, 0)


def test_the_pixel_limit_is_exact() -> None:
    png = pictures.encoded(pictures.plain(size=(100, 50)), "PNG")
    assert decode(opened(png, max_pixels=5000)).size == (100, 50)
    with pytest.raises(ImageRejected, match="100 x 50 pixels, and the limit is 4,999"):
        opened(png, max_pixels=4999)


@pytest.mark.parametrize("file_format", FORMATS)
def test_half_a_file_is_rejected(file_format: str) -> None:
    whole = pictures.encoded(pictures.noise(64, 64), file_format)
    with pytest.raises(ImageRejected):
        decode(opened(whole[: len(whole) // 2]))


def test_a_png_with_broken_pixels_is_rejected_even_after_its_orientation_was_asked_for() -> None:
    # Given deflated pixels that break off in the middle, under a right checksum
    header = struct.pack(">LLBBBBB", 64, 48, 8, 2, 0, 0, 0)
    broken = bytearray(zlib.compress(pictures.noise(64, 48).tobytes()))
    broken[3000:3100] = bytes(100)
    chunks = ((b"IHDR", header), (b"IDAT", bytes(broken)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(pictures.png_chunk(name, data) for name, data in chunks)
    # Then neither way takes it
    with pytest.raises(ImageRejected, match="damaged"):
        upright_size(opened(png))
    with pytest.raises(ImageRejected, match="damaged"):
        decode(opened(png))


def test_a_png_with_a_wrong_checksum_is_rejected() -> None:
    with pytest.raises(ImageRejected, match="damaged"):
        decode(opened(pictures.png_with_bad_checksum()))


def test_an_arithmetic_coded_jpeg_is_taken() -> None:
    levels = [193, 64, 64, 81]
    picture = decode(opened(pictures.arithmetic_jpeg(levels)))
    assert [picture.getpixel((8 * block + 4, 4)) for block in range(4)] == [(level,) * 3 for level in levels]


def test_a_12_bit_jpeg_is_rejected_with_the_list() -> None:
    with pytest.raises(ImageRejected, match="JPEG, PNG, WEBP"):
        opened(pictures.twelve_bit_jpeg([0, 4095, 2048, 100, 2049]))


def test_a_jpeg_of_many_scans_is_rejected_undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = pictures.jpeg_of_scans(100)
    assert decode(opened(taken)).size == (64, 48)
    # What looks like scans in metadata, or behind the end, is none
    described = pictures.jpeg_with_comment(taken, b"\xff\xda" * 200)
    assert decode(opened(described + b"\xff\xda" * 200)).size == (64, 48)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("a pixel was decoded"))
    # And a marker without a segment hides none of those that follow
    refused = pictures.jpeg_of_scans(101)
    first = refused.index(b"\xff\xda") + 2
    hiding = refused[:first] + refused[first:].replace(b"\xff\xda", b"\xff\x01\xff\xff\xff\xda")
    for file in (refused, hiding):
        with pytest.raises(ImageRejected, match="more than 100 scans"):
            opened(file)


@pytest.mark.parametrize(
    ("marker", "precision"),
    [(0xC1, 12), (0xC9, 8), (0xCA, 8), (0xC3, 8)],
    ids=["12-bit", "arithmetic", "progressive arithmetic", "lossless"],
)
def test_a_jpeg_of_a_rare_process_never_crashes(marker: int, precision: int) -> None:
    try:
        picture = decode(opened(pictures.jpeg_with_frame_header(marker, precision)))
    except ImageRejected:
        return
    assert picture.size == pictures.scene().size


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_the_eight_orientations_give_one_picture(file_format: str) -> None:
    # Given the same upright picture, stored in each of the ways that EXIF can describe
    # Blocks of 16 pixels of one colour survive every lossy format in any turn.
    upright = pictures.plain("red", (96, 64))
    upright.paste("blue", (0, 0, 32, 16))
    for orientation in range(1, 9):
        stored = pictures.stored(upright, orientation)
        image = opened(pictures.encoded(stored, file_format, exif=pictures.exif(orientation), **_best(file_format)))
        # When it is read, then its size and its pixels are those of the upright one
        assert upright_size(image) == upright.size
        difference = ImageChops.difference(decode(image), upright)
        assert max(difference.tobytes()) <= 3


def _best(file_format: str) -> dict[str, Any]:
    best: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    return best.get(file_format, {})


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "broken",
    [pictures.looping_exif(), pictures.lying_exif(), b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"],
)
def test_broken_exif_is_ignored(file_format: str, broken: bytes) -> None:
    image = opened(pictures.encoded(pictures.scene(), file_format, exif=broken))
    assert upright_size(image) == (96, 64)
    assert decode(image).size == (96, 64)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_exif_does_not_define_is_ignored(orientation: int) -> None:
    image = opened(pictures.encoded(pictures.scene(), "PNG", exif=pictures.exif(orientation)))
    assert decode(image).tobytes() == pictures.scene().tobytes()


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    grey = Image.fromarray(np.array([[0, 255, 256, 32_768, 65_535]], np.uint16))
    for file_format in ("PNG", "TIFF"):
        picture = decode(opened(pictures.encoded(grey, file_format)))
        assert picture.mode == "RGB"
        assert picture.getchannel(0).tobytes() == bytes([0, 1, 1, 128, 255])


def test_sixteen_bit_colour_is_scaled() -> None:
    # Given every 16-bit level, as each channel of RGB and of CMYK
    levels = np.arange(65_536, dtype=np.uint16)
    rgb = np.stack([levels, levels[::-1], np.roll(levels, 9_999)], -1).reshape(256, 256, 3)
    inks = np.concatenate([rgb, np.zeros((256, 256, 1), np.uint16)], -1)
    for file, expected in (
        (pictures.png_of_16_bits(rgb), rgb / 257),
        (pictures.tiff_of_samples(rgb.astype("<u2"), 16, RGB), rgb / 257),
        (pictures.tiff_of_samples(inks.astype("<u2"), 16, SEPARATED), 255 - rgb / 257),
    ):
        # Then it is that level of 8 bits, within what dropping the low byte loses
        assert np.abs(np.asarray(decode(opened(file))) - expected).max() < 1


@pytest.mark.parametrize(
    ("bits", "photometric", "samples", "expected"),
    [
        (16, BLACK_IS_ZERO, [0, 1000, 32_768, 65_535], [0, 4, 128, 255]),
        (16, WHITE_IS_ZERO, [0, 1000, 32_767, 65_535], [255, 251, 128, 0]),
        (12, BLACK_IS_ZERO, [0, 1000, 2048, 4095], [0, 62, 128, 255]),
    ],
)
def test_grey_of_a_scanner_keeps_its_whole_range(
    bits: int, photometric: int, samples: list[int], expected: list[int]
) -> None:
    packed = int("".join(f"{sample:0{bits}b}" for sample in samples), 2).to_bytes(len(samples) * bits // 8)
    rows = np.frombuffer(packed, ">u2" if bits == 16 else np.uint8).astype("<u2" if bits == 16 else np.uint8)
    tiff = pictures.tiff_of_samples(rows.reshape(1, -1, 1), bits, photometric, {256: len(samples)})
    assert decode(opened(tiff)).getchannel(0).tobytes() == bytes(expected)


@pytest.mark.parametrize(
    ("image", "file_format", "expected"),
    [
        (pictures.plain(1, mode="1"), "PNG", (255, 255, 255)),
        (pictures.plain(90, mode="L"), "PNG", (90, 90, 90)),
        (pictures.plain((90, 128), mode="LA"), "PNG", (90, 90, 90, 128)),
        (pictures.plain((9, 8, 7, 128), mode="RGBA"), "PNG", (9, 8, 7, 128)),
        (pictures.plain((0, 128, 255, 0), mode="CMYK"), "TIFF", (255, 127, 0)),
        (pictures.plain((0, 128, 255, 128), mode="CMYK"), "TIFF", (127, 63, 0)),
    ],
    ids=["1-bit", "grey", "grey with alpha", "RGBA", "CMYK", "CMYK with black"],
)
def test_each_kind_of_pixel_becomes_srgb(image: Image.Image, file_format: str, expected: tuple[int, ...]) -> None:
    assert color_of(pictures.encoded(image, file_format)) == expected


@pytest.mark.parametrize(("black", "expected"), [(0, (55, 135, 215)), (128, (27, 67, 107))])
def test_ycck_becomes_srgb(black: int, expected: tuple[int, ...]) -> None:
    assert color_of(pictures.ycck_jpeg((200, 120, 40), black)) == pytest.approx(expected, abs=3)


def test_a_palette_keeps_each_entrys_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    picture = decode(opened(pictures.encoded(image, "PNG", transparency=bytes([0, 128]))))
    assert picture.mode == "RGBA"
    assert picture.tobytes() == bytes([10, 20, 30, 0, 40, 50, 60, 128])


@pytest.mark.parametrize(
    ("mode", "color", "key"),
    [("L", 90, 90), ("RGB", (9, 8, 7), (9, 8, 7)), ("1", 0, 0), ("I;16", 40_000, 40_000)],
)
def test_a_transparent_colour_is_transparent(
    mode: str, color: int | tuple[int, ...], key: int | tuple[int, ...]
) -> None:
    png = pictures.encoded(pictures.plain(color, mode=mode), "PNG", transparency=key)
    assert color_of(png)[3] == 0


@pytest.mark.parametrize(
    ("png", "expected"),
    [
        (pictures.png_of_grey_bits([0, 1, 2, 3], 2, _transparent(2)), [255, 255, 0, 255]),
        (pictures.png_of_grey_bits([0, 1, 14, 15], 4, _transparent(14)), [255, 255, 0, 255]),
        (
            pictures.png_of_16_bits(
                np.array([[[9, 8, 40_000], [9, 8, 30_000]]], np.uint16), _transparent(9, 8, 40_000)
            ),
            [0, 255],
        ),
    ],
    ids=["2-bit grey", "4-bit grey", "16-bit RGB"],
)
def test_the_transparent_colour_is_meant_in_the_stored_bits(png: bytes, expected: list[int]) -> None:
    assert list(decode(opened(png)).getchannel("A").tobytes()) == expected


def _srgb_of(color: tuple[int, int, int], to_xyz: np.ndarray, gamma: float) -> np.ndarray:
    """The same colour in sRGB (IEC 61966-2-1), by the definition of both spaces."""
    linear = np.linalg.solve(pictures.SRGB_TO_XYZ, to_xyz @ (np.array(color) / 255) ** gamma)
    return _encoded(linear)


def _encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, as the 0 to 255 of sRGB."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("color", [(128, 128, 128), (150, 120, 100), (60, 90, 80), (250, 250, 250)])
@pytest.mark.parametrize(
    ("to_xyz", "gamma"),
    [(pictures.DISPLAY_P3_TO_XYZ, 2.2), (pictures.PROPHOTO_TO_XYZ, 1.8)],
    ids=["Display P3", "ProPhoto"],
)
def test_a_profile_is_applied(color: tuple[int, int, int], to_xyz: np.ndarray, gamma: float) -> None:
    profile = pictures.matrix_profile(to_xyz, gamma)
    png = pictures.encoded(pictures.plain(color), "PNG", icc_profile=profile)
    assert color_of(png) == pytest.approx(tuple(_srgb_of(color, to_xyz, gamma)), abs=2)


def test_what_srgb_can_show_of_a_wide_gamut_is_not_moved() -> None:
    # Given every colour of ProPhoto RGB in steps of 15, in 8 and in 16 bits
    levels = np.arange(0, 256, 15)
    colors = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(18, -1, 3)
    profile = pictures.matrix_profile(pictures.PROPHOTO_TO_XYZ, 1.8)
    chunk = pictures.png_chunk(b"iCCP", b"ProPhoto\0\0" + zlib.compress(profile))
    eight = pictures.encoded(Image.fromarray(colors.astype(np.uint8)), "PNG", icc_profile=profile)
    sixteen = pictures.png_of_16_bits((colors * 257).astype(np.uint16), chunk)
    linear = np.linalg.solve(pictures.SRGB_TO_XYZ, pictures.PROPHOTO_TO_XYZ @ ((colors / 255) ** 1.8).reshape(-1, 3).T)
    shown = ((linear >= 0) & (linear <= 1)).all(0)
    assert 0.1 < shown.mean() < 0.9
    for png in (eight, sixteen):
        converted = np.asarray(decode(opened(png))).reshape(-1, 3).T
        # Then each that sRGB has is itself, and of the others each channel is at its own limit
        difference = np.abs(converted - _encoded(linear))
        assert difference[:, shown].max() <= 2.5
        assert difference[:, ~shown].max() <= 4


def test_a_profile_of_srgb_changes_nothing() -> None:
    # Given the curve of IEC 61966-2-1 as a table, as cameras embed it
    encoded = np.linspace(0, 1, 1024)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    profile = pictures.matrix_profile(pictures.SRGB_TO_XYZ, linear)
    for image in (pictures.noise(64, 48), pictures.noise(64, 48).convert("RGBA")):
        assert decode(opened(pictures.encoded(image, "PNG", icc_profile=profile))).tobytes() == image.tobytes()


def test_a_profile_leaves_alpha_alone() -> None:
    profile = pictures.matrix_profile(pictures.DISPLAY_P3_TO_XYZ, 2.2)
    image = pictures.noise(64, 48)
    image.putalpha(pictures.noise(64, 48).getchannel(1))
    picture = decode(opened(pictures.encoded(image, "PNG", icc_profile=profile)))
    without_alpha = decode(opened(pictures.encoded(image.convert("RGB"), "PNG", icc_profile=profile)))
    assert picture.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert picture.convert("RGB").tobytes() == without_alpha.tobytes()
    assert without_alpha.tobytes() != image.convert("RGB").tobytes()


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_profile_of_grey_is_applied(mode: str) -> None:
    image = pictures.plain(90 if mode == "L" else (90, 77), mode=mode)
    color = color_of(pictures.encoded(image, "PNG", icc_profile=pictures.grey_profile(1.0)))
    assert color[:3] == pytest.approx((float(_encoded(np.array(90 / 255))),) * 3, abs=1.5)
    assert color[3:] == (() if mode == "L" else (77,))


@pytest.mark.parametrize("file_format", ["TIFF", "JPEG"])
@pytest.mark.parametrize("black", [0, 64, 128, 255])
def test_a_profile_of_inks_is_applied(file_format: str, black: int) -> None:
    # Given inks of which the profile shows black alone, by its lightness
    image = pictures.plain((200, 100, 50, black), mode="CMYK")
    best = {"quality": 100} if file_format == "JPEG" else {}
    color = color_of(pictures.encoded(image, file_format, icc_profile=pictures.cmyk_profile(), **best))
    # Then it is the grey of that lightness (CIE 15)
    lightness = 100 * (1 - black / 255)
    luminance = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness * 27 / 24_389
    assert color == pytest.approx((float(_encoded(np.array(luminance))),) * 3, abs=3)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_colour_space_is_ignored(mode: str) -> None:
    color = 90 if mode == "L" else (0, 128, 255, 0)
    image = pictures.plain(color, mode=mode)
    profile = pictures.matrix_profile(pictures.DISPLAY_P3_TO_XYZ, 2.2)
    with_profile = pictures.encoded(image, "TIFF", icc_profile=profile)
    assert color_of(with_profile) == color_of(pictures.encoded(image, "TIFF"))


def test_a_broken_profile_is_ignored() -> None:
    for broken in (b"not a profile", pictures.matrix_profile(pictures.SRGB_TO_XYZ, 2.2)[:200]):
        assert color_of(pictures.encoded(pictures.plain(), "PNG", icc_profile=broken)) == (200, 120, 40)


def test_pixels_of_a_kind_without_an_agreed_white_are_rejected() -> None:
    with pytest.raises(ImageRejected, match="8 or 16 bits a channel"):
        opened(pictures.encoded(pictures.plain(0.5, mode="F"), "TIFF"))


def test_a_palette_that_is_missing_is_damage() -> None:
    png = pictures.encoded(pictures.plain(0, mode="P"), "PNG")
    start = png.index(b"PLTE") - 4
    without = png[:start] + png[png.index(b"IDAT") - 4 :]
    with pytest.raises(ImageRejected, match="damaged"):
        decode(opened(without))


def test_a_jpeg_with_further_pictures_is_a_jpeg() -> None:
    image = opened(pictures.encoded(pictures.scene(), "MPO", save_all=True, append_images=[pictures.plain()]))
    assert picture_format(image) == "JPEG"
    assert decode(image).size == (96, 64)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("max_side", [2000, 1003, 501, 125, 20])
def test_a_picture_is_shrunk_to_the_side_asked_for(file_format: str, orientation: int, max_side: int) -> None:
    # Given a smooth picture with a profile
    upright = pictures.scene(24, 16).resize((1003, 401), Image.Resampling.BICUBIC)
    profile = pictures.matrix_profile(pictures.DISPLAY_P3_TO_XYZ, 2.2)
    file = pictures.encoded(
        pictures.stored(upright, orientation),
        file_format,
        exif=pictures.exif(orientation),
        icc_profile=profile,
        **_best(file_format),
    )
    # When it is decoded at a smaller size
    picture = decode(opened(file), max_side=max_side)
    # Then it is the whole picture, shrunk
    assert picture.size == fit((1003, 401), (max_side, max_side))
    expected = decode(opened(file)).resize(picture.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(picture, int) - np.asarray(expected)).mean() < 3


def test_a_jpeg_is_decoded_no_larger_than_needed() -> None:
    image = opened(pictures.encoded(pictures.plain(size=(1003, 401)), "JPEG"))
    decode(image, max_side=501)
    assert image.size == (502, 201)


def test_hidden_colour_does_not_bleed_when_a_picture_is_shrunk() -> None:
    # Given white that is seen and black that is not, in every second column
    pixels = np.full((64, 64, 4), 255, np.uint8)
    pixels[:, ::2] = 0
    picture = decode(opened(pictures.encoded(Image.fromarray(pixels), "PNG")), max_side=16)
    assert np.asarray(picture)[..., :3].min() >= 253


def test_nothing_but_pixels_is_left_on_a_decoded_picture() -> None:
    jpeg = pictures.encoded(pictures.scene(), "JPEG", exif=pictures.exif(6), comment=b"SECRET", dpi=(300, 300))
    saved = io.BytesIO()
    decode(opened(jpeg)).save(saved, "JPEG")
    assert b"SECRET" not in saved.getvalue()
    assert b"Exif" not in saved.getvalue()


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((4000, 3000), (100, 100), (100, 75)),
        ((3000, 4000), (640, 480), (360, 480)),
        ((50, 40), (100, 100), (50, 40)),
        ((10_000, 3), (100, 100), (100, 1)),
    ],
)
def test_a_picture_is_fitted_into_a_box(size: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fit(size, box) == expected
