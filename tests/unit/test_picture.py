"""Pictures from outside: what is taken, what is refused from the header, and that colours come out right."""

import io
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFile

from functions.core.errors import ImageRejected
from functions.core.picture import decode, fit, has_more_frames, open_picture, picture_format, upright_size
from tests.unit import pictures

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
MAX_PIXELS = 50_000_000


def opened(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageFile.ImageFile:
    return open_picture(data, FORMATS, max_pixels=max_pixels)


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


def test_a_png_with_a_wrong_checksum_is_rejected() -> None:
    with pytest.raises(ImageRejected, match="damaged"):
        decode(opened(pictures.png_with_bad_checksum()))


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


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
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
    best: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
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
        assert picture.getchannel(0).tobytes() == bytes([0, 0, 1, 128, 255])


def test_sixteen_bit_rgb_is_scaled() -> None:
    # Given a PNG of 16-bit RGB, which Pillow reads but does not write
    header = np.array([2, 1], ">u4").tobytes() + bytes([16, 2, 0, 0, 0])
    row = b"\0" + np.array([0, 32_768, 65_535, 255, 256, 65_535], ">u2").tobytes()
    png = b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            pictures.png_chunk(b"IHDR", header),
            pictures.png_chunk(b"IDAT", zlib.compress(row)),
            pictures.png_chunk(b"IEND", b""),
        ]
    )
    assert decode(opened(png)).tobytes() == bytes([0, 128, 255, 0, 1, 255])


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


def _srgb_of(color: tuple[int, int, int], to_xyz: np.ndarray, gamma: float) -> np.ndarray:
    """The same colour in sRGB (IEC 61966-2-1), by the definition of both spaces."""
    linear = np.linalg.solve(pictures.SRGB_TO_XYZ, to_xyz @ (np.array(color) / 255) ** gamma)
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


def test_a_jpeg_with_further_pictures_is_a_jpeg() -> None:
    image = opened(pictures.encoded(pictures.scene(), "MPO", save_all=True, append_images=[pictures.plain()]))
    assert picture_format(image) == "JPEG"
    assert decode(image).size == (96, 64)


def test_a_jpeg_is_decoded_no_larger_than_needed() -> None:
    jpeg = pictures.encoded(pictures.plain(size=(1003, 401)), "JPEG")
    assert decode(opened(jpeg), least_side=501).size == (502, 201)
    assert decode(opened(jpeg), least_side=125).size == (126, 51)
    assert decode(opened(jpeg), least_side=2000).size == (1003, 401)


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
