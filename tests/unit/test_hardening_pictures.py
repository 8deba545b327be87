"""Hard pictures on their whole way: each taken with the right colours in every output, or rejected in plain words."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from functions.core.errors import ImageRejected, MaskRejected
from functions.core.models import ProcessingOptions, ThumbnailSize
from tests.unit import pictures
from tests.unit.pipeline import Result, process

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

OPTIONS = ProcessingOptions(
    outputs=("cutout", "matte", "matte_preview", "composite"),
    formats=("png", "webp", "webp_lossy", "avif"),
    background="#00ff00",
    thumbnail_sizes=(ThumbnailSize(width=32, height=32), ThumbnailSize(width=16, height=20, fit="cover")),
)
# EXIF, profiles and text by every name that they have in a file, and what the makers write into them.
METADATA = (b"SECRET", b"Exif", b"EXIF", b"eXIf", b"GPS", b"iCCP", b"ICC_PROFILE", b"XMP", b"tEXt", b"Matteflow")

SEPARATED, CIELAB = 5, 8  # TIFF's PhotometricInterpretation
P3 = pictures.matrix_profile(pictures.DISPLAY_P3_TO_XYZ, 2.2)
PROPHOTO = pictures.matrix_profile(pictures.PROPHOTO_TO_XYZ, 1.8)
COLOR = (150, 120, 100)


def pixels(file: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(pictures.decoded(file))


def middle(file: bytes) -> tuple[int, ...]:
    """The colour in the middle with its alpha, which a file of an opaque picture may leave out."""
    image = pictures.decoded(file).convert("RGBA")
    color = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(color, tuple)
    return color


def everything(result: Result) -> dict[str, bytes]:
    return {"proxy.jpg": result.proxy_jpeg, **result.files}


def sixteen_bits(color: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.uint16]]:
    return np.full((48, 64, len(color)), np.array(color) * 257, np.uint16)


def palette(alpha: int) -> bytes:
    image = Image.new("P", (64, 48), 1)
    image.putpalette([0, 0, 0, *COLOR])
    return pictures.encoded(image, "PNG", transparency=bytes([255, alpha]))


def with_profile(profile: bytes, file_format: str = "PNG", color: Any = COLOR, mode: str = "RGB") -> bytes:
    return pictures.encoded(
        pictures.plain(color, mode=mode), file_format, icc_profile=profile, **BEST.get(file_format, {})
    )


BEST: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")


def srgb_of(color: tuple[int, ...], to_xyz: np.ndarray[Any, Any], gamma: float) -> tuple[int, ...]:
    """A colour of a wide gamut in sRGB (IEC 61966-2-1)."""
    linear = np.linalg.solve(pictures.SRGB_TO_XYZ, to_xyz @ (np.array(color) / 255) ** gamma).clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(int(value) for value in np.round(255 * encoded))


INKS = np.full((48, 64, 4), np.array([10, 60, 200, 40]) * 257, "<u2")
KINDS: dict[str, tuple[bytes, tuple[int, ...]]] = {
    **{
        file_format: (pictures.encoded(pictures.plain(COLOR), file_format, **BEST.get(file_format, {})), COLOR)
        for file_format in FORMATS
    },
    "CMYK": (pictures.encoded(pictures.plain((105, 135, 155, 0), mode="CMYK"), "JPEG", quality=100), COLOR),
    "YCCK": (pictures.ycck_jpeg((105, 135, 155), 0), COLOR),
    "CMYK with its profile": (
        with_profile(pictures.cmyk_profile(), "TIFF", (10, 60, 200, 128), "CMYK"),
        (118, 118, 118),  # L* of 49.8
    ),
    "16-bit CMYK TIFF": (pictures.tiff_of_samples(INKS, 16, SEPARATED), (207, 165, 46)),
    "16-bit grey PNG": (pictures.png_of_16_bits(np.full((48, 64), 30_000, np.uint16)), (117, 117, 117)),
    "16-bit RGB PNG": (pictures.png_of_16_bits(sixteen_bits(COLOR)), COLOR),
    "16-bit RGB TIFF": (pictures.tiff_of_samples(sixteen_bits(COLOR), 16, 2), COLOR),
    "tiled TIFF": (pictures.tiff_in_tiles(pictures.plain(COLOR)), COLOR),
    "deflated TIFF": (pictures.encoded(pictures.plain(COLOR), "TIFF", compression="tiff_adobe_deflate"), COLOR),
    "1-bit": (pictures.encoded(pictures.plain(1, mode="1"), "PNG"), (255, 255, 255)),
    "grey": (pictures.encoded(pictures.plain(90, mode="L"), "JPEG", quality=100), (90, 90, 90)),
    "palette": (palette(255), COLOR),
    "interlaced": (pictures.interlaced_png(pictures.plain(COLOR)), COLOR),
    "progressive": (pictures.encoded(pictures.plain(COLOR), "JPEG", progressive=True, **BEST["JPEG"]), COLOR),
    "arithmetic-coded": (pictures.arithmetic_jpeg([193, 64, 64, 81]), (64, 64, 64)),
    "Display P3": (with_profile(P3, "JPEG"), srgb_of(COLOR, pictures.DISPLAY_P3_TO_XYZ, 2.2)),
    "ProPhoto": (with_profile(PROPHOTO), srgb_of(COLOR, pictures.PROPHOTO_TO_XYZ, 1.8)),
    "16-bit ProPhoto": (
        pictures.png_of_16_bits(sixteen_bits(COLOR), pictures.png_profile(PROPHOTO)),
        srgb_of(COLOR, pictures.PROPHOTO_TO_XYZ, 1.8),
    ),
    "grey profile": (with_profile(pictures.grey_profile(1.0), color=90, mode="L"), (160, 160, 160)),
    "broken profile": (with_profile(b"not a profile"), COLOR),
    "cut-off profile": (with_profile(P3[:200], "JPEG"), COLOR),
}


@pytest.mark.parametrize(("file", "color"), KINDS.values(), ids=KINDS.keys())
def test_a_taken_picture_has_its_colours_in_every_output(file: bytes, color: tuple[int, ...]) -> None:
    # When all of it is foreground
    result = process(file, options=OPTIONS)
    # Then every output shows the picture, and the lossless ones its very colours
    assert middle(result.files["cutout.png"]) == pytest.approx((*color, 255), abs=2)
    assert middle(result.files["cutout.webp"]) == middle(result.files["cutout.png"])
    shown = [result.proxy_jpeg, *(file for name, file in result.files.items() if not name.startswith("matte"))]
    for file in shown:
        assert middle(file)[:3] == pytest.approx(color, abs=5)


@pytest.mark.parametrize("alpha", [0, 77, 255])
def test_a_transparent_picture_is_nowhere_less_transparent(alpha: int) -> None:
    rgba = pictures.encoded(pictures.plain((*COLOR, alpha), mode="RGBA"), "PNG")
    clear = (0, 0, 0, 0)
    for file in (rgba, palette(alpha)):
        result = process(file, options=OPTIONS)
        cutout = middle(result.files["cutout.png"])
        assert cutout == (clear if alpha == 0 else pytest.approx((*COLOR, alpha), abs=1))
        for name, output in result.files.items():
            if name.startswith("cutout"):
                assert pictures.decoded(output).convert("RGBA").getextrema()[3][1] <= alpha
        on_white = [255 + (channel - 255) * alpha / 255 for channel in COLOR]
        assert middle(result.proxy_jpeg)[:3] == pytest.approx(on_white, abs=3)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_the_eight_orientations_give_eight_identical_results(file_format: str) -> None:
    upright = pictures.plain("red", (96, 64))
    upright.paste("blue", (0, 0, 32, 16))
    results = []
    for orientation in range(1, 9):
        stored = pictures.stored(upright, orientation)
        exif = pictures.exif(orientation)
        results.append(process(pictures.encoded(stored, file_format, exif=exif, **BEST.get(file_format, {}))))
    for result in results:
        assert (result.image.width, result.image.height) == (96, 64)
        assert [output.window for output in result.outputs] == [output.window for output in results[0].outputs]
        # A lossy format's pixels differ by a rounding from turn to turn; those of a lossless one do not
        if file_format in ("PNG", "WEBP", "TIFF"):
            assert everything(result) == everything(results[0])
        assert np.abs(pixels(result.files["cutout.png"])[..., :3].astype(int) - np.asarray(upright)).max() <= 4


@pytest.mark.parametrize(
    "broken",
    [
        pictures.looping_exif(),
        pictures.lying_exif(),
        b"Exif\0\0",
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
    ],
    ids=["loop", "lie", "empty", "garbage", "far", "count"],
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_ignored(file_format: str, broken: bytes) -> None:
    best = BEST.get(file_format, {})
    expected = process(pictures.encoded(pictures.scene(), file_format, **best))
    result = process(pictures.encoded(pictures.scene(), file_format, exif=broken, **best))
    assert result.image.exif == {}
    assert everything(result) == everything(expected)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_no_output_holds_metadata(file_format: str) -> None:
    described = {
        "exif": pictures.exif(6),
        "icc_profile": P3,
        "xmp": b"<x:xmpmeta>SECRET</x:xmpmeta>",
        "comment": b"SECRET",
    }
    file = pictures.encoded(pictures.scene(), file_format, **described)
    assert b"SECRET" in file
    result = process(file, options=OPTIONS)
    for name, output in everything(result).items():
        for trace in METADATA:
            assert trace not in output, f"{trace!r} is in {name}"
    assert "SECRET" not in result.image.model_dump_json()


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_tail_of_a_polyglot_is_in_no_output(file_format: str) -> None:
    tail = b"PK\x03\x04" + b"SECRET-ARCHIVE" * 100
    result = process(pictures.encoded(pictures.scene(), file_format) + tail, options=OPTIONS)
    assert not any(b"SECRET" in file or b"PK\x03\x04" in file for file in everything(result).values())


@pytest.mark.parametrize("size", [(1, 1), (79, 79), (2000, 3), (3, 2000)])
def test_the_smallest_and_the_thinnest_pictures_get_every_output(size: tuple[int, int]) -> None:
    result = process(pictures.encoded(pictures.plain(COLOR, size), "PNG"), options=OPTIONS)
    assert middle(result.files["cutout.png"]) == (*COLOR, 255)
    for output in result.outputs:
        image = pictures.decoded(result.files[output.key.split("/")[1]])
        assert image.size == (output.width, output.height)
        if output.kind in ("cutout", "matte", "composite"):
            assert image.size == size


def test_the_pixel_limit_is_exact() -> None:
    png = pictures.encoded(pictures.plain(size=(100, 50)), "PNG")
    assert process(png, max_pixels=5000).image.width == 100
    with pytest.raises(ImageRejected, match="100 x 50 pixels, and the limit is 4,999"):
        process(png, max_pixels=4999)


@pytest.mark.parametrize(
    ("mask_of", "flags"),
    [
        (lambda proxy: pictures.encoded(Image.new("L", proxy.size, 0)), ("empty_mask",)),
        (lambda proxy: pictures.encoded(Image.new("L", proxy.size, 255)), ("full_mask",)),
    ],
    ids=["nothing", "everything"],
)
@pytest.mark.parametrize("crop", [None, {"margin": 5}])
def test_a_mask_of_nothing_or_of_everything_is_taken_and_flagged(
    mask_of: Callable[[Image.Image], bytes], flags: tuple[str, ...], crop: dict[str, float] | None
) -> None:
    options = ProcessingOptions.model_validate({**OPTIONS.model_dump(), "crop": crop, "shadow": {}})
    result = process(pictures.encoded(pictures.scene(), "PNG"), mask_of=mask_of, options=options)
    assert result.mask.flags == flags
    level = 0 if flags == ("empty_mask",) else 255
    assert (pixels(result.files["matte.png"]) == level).all()
    cutout = pixels(result.files["cutout.png"])
    assert cutout.shape == (64, 96, 4)
    assert (cutout == (np.asarray(pictures.scene().convert("RGBA")) if level else 0)).all()


@pytest.mark.parametrize(
    "answer",
    [
        pictures.encoded(Image.new("L", (95, 64))),
        pictures.encoded(Image.new("L", (64, 96))),
        pictures.encoded(Image.new("L", (192, 128))),
        pictures.encoded(Image.new("RGB", (96, 64))),
        pictures.encoded(Image.new("L", (96, 64)))[:-20],
        b"",
    ],
    ids=["a column less", "turned", "twice the size", "colour", "cut off", "empty"],
)
def test_a_mask_of_a_wrong_size_is_never_pasted(answer: bytes) -> None:
    with pytest.raises(MaskRejected):
        process(pictures.encoded(pictures.scene(96, 64), "PNG"), mask_of=lambda _: answer)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1\0\0\0\x10meta\0\0\0\0" + bytes(64)
LISTED = "JPEG, PNG, WEBP, AVIF, TIFF, BMP or GIF"
REJECTED: dict[str, tuple[str, str, bytes, str]] = {
    "empty": ("a.jpg", "image/jpeg", b"", "empty"),
    "HTML": ("a.jpg", "image/jpeg", b"<!DOCTYPE html><html></html>", LISTED),
    "SVG": ("a.jpg", "image/jpeg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', LISTED),
    "EPS": ("a.jpg", "image/jpeg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", LISTED),
    "PDF": ("a.jpg", "image/jpeg", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", LISTED),
    "ZIP": ("a.jpg", "image/jpeg", b"PK\x03\x04" + bytes(60), LISTED),
    "script": ("a.jpg", "image/jpeg", b"#!/bin/sh\nexec rm\n", LISTED),
    "HEIC": ("a.heic", "image/heic", HEIC, LISTED),
    "PNG named JPEG": (
        "a.jpg",
        "",
        pictures.encoded(pictures.plain(), "PNG"),
        "is PNG, but its file extension .jpg says JPEG",
    ),
    "PNG typed JPEG": ("a", "image/jpeg", pictures.encoded(pictures.plain(), "PNG"), "is PNG, .* image/jpeg says JPEG"),
    "half a JPEG": ("a.jpg", "", pictures.encoded(pictures.noise(64, 64), "JPEG")[:3000], "damaged or incomplete"),
    "wrong checksum": ("a.png", "", pictures.png_with_bad_checksum(), "damaged or incomplete"),
    "12-bit JPEG": ("a.jpg", "", pictures.twelve_bit_jpeg([0, 4095, 2048]), LISTED),
    "LAB TIFF": ("a.tif", "", pictures.tiff_of_samples(np.zeros((4, 4, 3), np.uint8), 8, CIELAB), "kind LAB"),
    "float TIFF": ("a.tif", "", pictures.tiff_of_samples(np.ones((4, 4, 1), "<f4"), 32, 1, {339: 3}), "kind F"),
    "32-bit TIFF": ("a.tif", "", pictures.tiff_of_samples(np.ones((4, 4, 1), "<u4"), 32, 1), "kind I,"),
}
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "14,000 x 14,000": (pictures.decompression_bomb, "50,000,000 pixels"),
    "65,535 x 1": (lambda: pictures.png_declaring(65_535, 1), "no side may have more than 16,383"),
    "zTXt": (pictures.text_bomb, "damaged"),
    "iCCP": (pictures.profile_bomb, "damaged"),
    "GIF frames": (lambda: pictures.gif_of(10_000), "more than 100 frames"),
    "APNG frames": (lambda: pictures.apng_of(10_000), "more than 100 frames"),
    "WebP frames": (lambda: pictures.webp_of(10_000), "more than 100 frames"),
    "WebP canvas": (lambda: pictures.webp_with_canvas_of(16_383, 10_900), "the limit is 50,000,000"),
    "TIFF pages": (lambda: pictures.tiff_of(10_000), "more than 100 frames"),
    "TIFF tile": (lambda: pictures.tiff_with_tiles_of(40_000), "tiles"),
    "JPEG scans": (lambda: pictures.jpeg_of_scans(10_000), "more than 100 scans"),
}


@pytest.mark.parametrize(("file_name", "content_type", "file", "reason"), REJECTED.values(), ids=REJECTED.keys())
def test_what_is_no_picture_to_take_is_rejected_with_a_reason(
    file_name: str, content_type: str, file: bytes, reason: str
) -> None:
    with pytest.raises(ImageRejected, match=reason):
        process(file, file_name=file_name, content_type=content_type)


@pytest.mark.parametrize(("make", "reason"), BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_rejected_from_its_header(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes], reason: str
) -> None:
    file = make()
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("a pixel was decoded"))
    with pytest.raises(ImageRejected, match=reason):
        process(file)


# Each file in a fresh peak of the process's memory; the last one shows that the peak is seen.
_MEASURE = """
import pathlib, sys
from functions.core.errors import ImageRejected
from tests.unit.pictures import encoded, plain
from tests.unit.pipeline import process

def peak_kib():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

process(encoded(plain()))
for path in sys.argv[1:]:
    data = pathlib.Path(path).read_bytes()
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = peak_kib()
    try:
        process(data)
        outcome = "taken"
    except ImageRejected:
        outcome = "rejected"
    print("peak", outcome, peak_kib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux's /proc")
def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    # Given every bomb, and a picture of 16 megapixels
    files = [make() for make, _ in BOMBS.values()] + [pictures.encoded(pictures.plain(size=(4000, 4000)), "PNG")]
    paths = [tmp_path / str(number) for number in range(len(files))]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file)
    # When they are processed in a process of their own
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MEASURE, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    outcomes = [line.split()[1:] for line in run.stdout.splitlines() if line.startswith("peak")]
    # Then none takes more than a few copies of its file, while a picture takes its pixels' memory
    *bombs, picture = [(outcome, int(grown)) for outcome, grown in outcomes]
    assert [outcome for outcome, _ in bombs] == ["rejected"] * len(BOMBS)
    assert max(grown for _, grown in bombs) < 16_000, dict(zip(BOMBS, bombs, strict=True))
    assert picture[0] == "taken"
    assert picture[1] > 60_000
