"""Bad pictures and requests: refused with the right status and a reason, from the header where that is possible."""

import struct
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from inference_image.pictures import decode
from tests.unit.pictures import png_chunk

Start = Callable[..., httpx.Client]
Encode = Callable[..., bytes]


def png_header(width: int, height: int) -> bytes:
    """A PNG that ends behind its header: whoever reads its pixels fails, so a 413 shows that nobody did."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


def post(client: httpx.Client, content: bytes, content_type: str = "image/png") -> tuple[int, str]:
    response = client.post("/invocations", content=content, headers={"Content-Type": content_type})
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["detail"]


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [
        (b"", "image/jpeg", "empty"),
        (b"<html><body>not found</body></html>", "image/jpeg", "not a JPEG, PNG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", "not a JPEG, PNG or WebP"),
        (b"PK\x03\x04" + bytes(64), "image/webp", "not a JPEG, PNG or WebP"),
        (b"GIF89a" + bytes(64), "image/png", "not a JPEG, PNG or WebP"),
    ],
)
def test_what_is_no_picture_is_400(start: Start, content: bytes, content_type: str, reason: str) -> None:
    status, detail = post(start(), content, content_type)

    assert status == 400
    assert reason in detail


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_half_a_picture_is_400(start: Start, encode: Encode, astronaut: Image.Image, file_format: str) -> None:
    whole = encode(astronaut, file_format)

    status, _ = post(start(), whole[: len(whole) // 2], f"image/{file_format.lower()}")

    assert status == 400


def test_a_png_with_a_wrong_checksum_is_400(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    picture = bytearray(encode(astronaut, "PNG"))
    picture[picture.index(b"IDAT") + 100] ^= 0xFF

    assert post(start(), bytes(picture))[0] == 400


def test_a_picture_of_another_type_than_declared_is_400_and_names_both(
    start: Start, encode: Encode, astronaut: Image.Image
) -> None:
    status, detail = post(start(), encode(astronaut, "PNG"), "image/jpeg")

    assert status == 400
    assert "image/jpeg" in detail
    assert "PNG" in detail


@pytest.mark.parametrize(
    ("width", "height"), [(14_000, 14_000), (10_000, 10_000), (65_535, 1_000)], ids=["huge", "large", "wide"]
)
def test_over_the_pixel_limit_is_413_from_the_header(start: Start, width: int, height: int) -> None:
    status, detail = post(start(), png_header(width, height))

    assert status == 413
    assert "50000000" in detail


@pytest.mark.parametrize(("limit", "status"), [(256 * 256, 200), (256 * 256 - 1, 413)])
def test_the_pixel_limit_is_exact(
    start: Start, encode: Encode, astronaut: Image.Image, limit: int, status: int
) -> None:
    picture = encode(astronaut.resize((256, 256)), "PNG")

    response = start(max_pixels=limit).post("/invocations", content=picture, headers={"Content-Type": "image/png"})

    assert response.status_code == status


def test_a_text_chunk_that_unpacks_to_64_mib_is_400(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "0" * 64 * 1024 * 1024, zip=True)

    status, _ = post(start(), encode(astronaut.resize((64, 64)), "PNG", pnginfo=texts))

    assert status == 400


@pytest.mark.parametrize("chunked", [False, True], ids=["length declared", "chunked"])
def test_over_the_byte_limit_is_413(start: Start, chunked: bool) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield bytes(1024)

    content = endless() if chunked else bytes(1_024_000)

    response = start(max_size_bytes=10_000).post(
        "/invocations", content=content, headers={"Content-Type": "image/jpeg"}
    )

    assert response.status_code == 413
    assert "10000 bytes" in response.json()["detail"]


@pytest.mark.parametrize("content_type", ["text/html", "image/gif", "application/octet-stream", ""])
def test_another_content_type_is_415_and_lists_what_is_taken(start: Start, content_type: str) -> None:
    status, detail = post(start(), b"anything", content_type)

    assert status == 415
    assert "image/jpeg, image/png, image/webp, application/json" in detail


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "Invalid JSON"),
        (b"[]", "object"),
        (b"{}", "image: Field required"),
        (b'{"image": {"bucket": "pictures"}}', "image.key: Field required"),
        (b'{"image": {"bucket": "pictures", "key": "a"}, "url": "http://127.0.0.1"}', "url: Extra inputs"),
        (b'{"image": {"bucket": "pictures", "key": "a"}, "options": {"size": 1}}', "options.size: Extra inputs"),
        (b'{"image": {"bucket": "pictures", "key": "a"}, "options": {"mask_size": "huge"}}', "options.mask_size"),
    ],
)
def test_a_json_body_that_says_something_else_is_400_and_names_the_field(
    start: Start, body: bytes, reason: str
) -> None:
    status, detail = post(start(), body, "application/json")

    assert status == 400
    assert reason in detail


@pytest.mark.parametrize(("bucket", "key"), [("pictures", "gone.jpg"), ("no-such-bucket", "a.jpg")])
@pytest.mark.usefixtures("pictures_bucket")
def test_an_object_that_does_not_exist_is_400_and_named(start: Start, bucket: str, key: str) -> None:
    response = start().post("/invocations", json={"image": {"bucket": bucket, "key": key}})

    assert response.status_code == 400
    assert f"s3://{bucket}/{key}" in response.json()["detail"]


def test_an_object_over_the_byte_limit_is_413(start: Start, pictures_bucket: str) -> None:
    import boto3

    boto3.client("s3").put_object(Bucket=pictures_bucket, Key="large", Body=bytes(2000))

    response = start(max_size_bytes=1000).post("/invocations", json={"image": {"bucket": "pictures", "key": "large"}})

    assert response.status_code == 413


def test_an_unknown_mask_size_is_400(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    headers = {"Content-Type": "image/png", "X-Mask-Size": "half"}

    response = start().post("/invocations", content=encode(astronaut, "PNG"), headers=headers)

    assert response.status_code == 400


def test_after_bad_input_the_app_still_works(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    client = start(max_waiting=0)
    post(client, b"no picture")

    response = client.post("/invocations", content=encode(astronaut, "JPEG"), headers={"Content-Type": "image/jpeg"})

    assert response.status_code == 200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_colour_mode_is_decoded_to_rgb(encode: Encode, astronaut: Image.Image, mode: str) -> None:
    stored = astronaut.convert(mode)
    expected = np.asarray(stored.convert("RGB"), np.int16)

    pixels = decode(encode(stored, "JPEG" if mode == "CMYK" else "PNG"), max_pixels=512 * 512).picture

    assert pixels.shape == (512, 512, 3)
    assert np.abs(pixels - expected).mean() < 4  # JPEG's loss


def test_several_pictures_in_one_jpeg_give_the_first(encode: Encode, astronaut: Image.Image) -> None:
    picture = encode(astronaut, "MPO", save_all=True, append_images=[astronaut.rotate(90)], quality=95)

    pixels = decode(picture, max_pixels=512 * 512, content_type="image/jpeg").picture

    assert np.abs(pixels - np.asarray(astronaut, np.int16)).mean() < 4


def test_16_bit_grey_is_scaled_and_not_clipped(encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)

    pixels = decode(encode(Image.fromarray(ramp), "PNG"), max_pixels=256).picture

    assert np.array_equal(pixels[..., 0], ramp >> 8)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_is_ignored(encode: Encode, astronaut: Image.Image) -> None:
    picture = encode(astronaut, "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff broken")

    assert decode(picture, max_pixels=512 * 512).picture.shape == (512, 512, 3)


def test_a_zip_behind_the_picture_changes_nothing(encode: Encode, astronaut: Image.Image) -> None:
    picture = encode(astronaut, "JPEG")

    with_tail = decode(picture + b"PK\x03\x04" + bytes(100), max_pixels=512 * 512).picture

    assert np.array_equal(with_tail, decode(picture, max_pixels=512 * 512).picture)
