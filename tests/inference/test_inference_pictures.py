"""JPEGs that are reduced while they are decoded: the right shape, whatever their orientation, and the same mask."""

from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from inference_image.pictures import decode
from tests.unit.pictures import decoded, stored

Encode = Callable[..., bytes]

LIMIT = 4_000_000


@pytest.fixture
def wide(astronaut: Image.Image) -> Image.Image:
    return astronaut.resize((1200, 900), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_jpeg_is_turned_upright_and_keeps_its_whole_shape(
    encode: Encode, wide: Image.Image, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = encode(stored(wide, orientation), "JPEG", quality=95, exif=exif)

    picture, shape = reduced = decode(jpeg, LIMIT, "image/jpeg", sufficient_side=450)

    assert (picture.shape, shape, reduced.canvas.shape) == ((450, 600, 3), (900, 1200), (900, 1200, 3))
    expected = np.asarray(wide.resize((600, 450), Image.Resampling.BOX), np.int16)
    assert np.abs(picture - expected).mean() < 4  # JPEG's loss


@pytest.mark.parametrize(("side", "width"), [(900, 1200), (451, 1200), (450, 600), (1, 150)])
def test_no_side_is_reduced_below_what_suffices(encode: Encode, wide: Image.Image, side: int, width: int) -> None:
    assert decode(encode(wide, "JPEG"), LIMIT, sufficient_side=side).picture.shape[1] == width


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_only_jpegs_are_reduced(encode: Encode, wide: Image.Image, file_format: str) -> None:
    whole = decode(encode(wide, file_format), LIMIT, sufficient_side=100)

    assert whole.canvas is whole.picture
    assert whole.picture.shape == (900, 1200, 3)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_reduced_jpeg_of_another_mode_is_rgb(encode: Encode, wide: Image.Image, mode: str) -> None:
    picture, _ = decode(encode(wide.convert(mode), "JPEG"), LIMIT, sufficient_side=450)

    expected = np.asarray(wide.convert(mode).convert("RGB").resize((600, 450), Image.Resampling.BOX), np.int16)
    assert picture.shape == (450, 600, 3)
    assert np.abs(picture - expected).mean() < 4


def test_the_pixel_limit_is_of_the_whole_picture(
    encode: Encode,
    wide: Image.Image,
    start: Callable[..., httpx.Client],
    write_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    write_model(tmp_path / "tiny.onnx", side=100)
    client = start(mask_engine="tiny", model_path=tmp_path, max_pixels=1200 * 900 - 1)

    response = client.post("/invocations", content=encode(wide, "JPEG"), headers={"Content-Type": "image/jpeg"})

    assert response.status_code == 413


def test_the_mask_of_a_reduced_jpeg_is_that_of_the_same_pixels_as_png(
    encode: Encode,
    wide: Image.Image,
    start: Callable[..., httpx.Client],
    write_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    write_model(tmp_path / "tiny.onnx", side=100)
    client = start(mask_engine="tiny", model_path=tmp_path)
    jpeg = encode(wide, "JPEG", quality=95)
    png = encode(decoded(jpeg), "PNG")

    masks = [
        np.asarray(
            decoded(client.post("/invocations", content=body, headers={"Content-Type": media_type}).content), np.int16
        )
        for body, media_type in ((jpeg, "image/jpeg"), (png, "image/png"))
    ]

    assert masks[0].shape == (900, 1200)
    assert np.abs(masks[0] - masks[1]).mean() < 1
    assert masks[0].std() > 10
