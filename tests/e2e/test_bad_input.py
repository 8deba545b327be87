"""What is not a picture we take ends in one terminal record with a reason, and costs no inference."""

import struct
import zlib

import pytest
import requests

from tests.unit.pictures import png_chunk


def decompression_bomb() -> bytes:
    """A PNG of 14,000 x 14,000 black pixels: 196 megapixels in under a megabyte."""
    header = struct.pack(">IIBBBBB", 14_000, 14_000, 8, 2, 0, 0, 0)
    compressor = zlib.compressobj(9)
    row = bytes(1 + 14_000 * 3)
    pixels = b"".join(compressor.compress(row) for _ in range(14_000)) + compressor.flush()
    chunks = {b"IHDR": header, b"IDAT": pixels, b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks.items())


def assert_rejected(pipeline, image_id: str, *words: str) -> None:
    result = pipeline.wait(image_id)

    assert result["status"] == "REJECTED", result
    for word in words:
        assert word.lower() in result["status_reason"].lower()
    (notice,) = pipeline.notices(image_id)
    assert notice["MessageAttributes"]["status"]["Value"] == "REJECTED"
    states = pipeline.states(result["execution_arn"])
    assert states.count("ValidateImage") == 1
    assert "InferMask" not in states
    assert not pipeline.objects("masks_bucket", image_id)


def test_html_named_jpg(pipeline):
    image_id = pipeline.upload(b"<html><body>not a picture</body></html>", "page.jpg")

    assert_rejected(pipeline, image_id, "JPEG")


def test_a_decompression_bomb_is_rejected_from_its_header(pipeline):
    image_id = pipeline.upload(decompression_bomb(), "bomb.png", "image/png")

    assert_rejected(pipeline, image_id, "over 50,000,000 pixels")


def test_half_a_jpeg(pipeline, astronaut):
    image_id = pipeline.upload(astronaut[: len(astronaut) // 2], "half.jpg")

    assert_rejected(pipeline, image_id)


def test_a_folder_marker_is_ignored(pipeline):
    put = pipeline.put(f"uploads/{pipeline.person.owner}/folder/", b"")

    ignored = {"upload": {"bucket": put["bucket"], "key": put["key"]}, "status": "IGNORED"}
    assert pipeline.wait_for_execution(lambda output: output == ignored)
    assert pipeline.api("GET", f"/images/uploads/{pipeline.person.owner}%2Ffolder%2F/status").status_code == 404


@pytest.mark.parametrize(
    ("headers", "size_change"),
    [({"Content-Type": "text/html"}, 0), ({}, 1)],
    ids=["another type", "another size"],
)
def test_an_altered_presigned_upload_is_refused(pipeline, astronaut, headers, size_change):
    ticket = pipeline.ask_to_upload(astronaut, "altered.jpg", "image/jpeg")

    body = astronaut + bytes(size_change)
    sent = {**ticket["headers"], **headers, "Content-Length": str(len(body))}
    answer = requests.put(ticket["uploadUrl"], data=body, headers=sent, timeout=30)

    assert answer.status_code == 403, answer.text


def test_a_presigned_url_used_twice_does_not_replace_the_upload(pipeline, astronaut):
    ticket = pipeline.ask_to_upload(astronaut, "twice.jpg", "image/jpeg")
    first = requests.put(ticket["uploadUrl"], data=astronaut, headers=ticket["headers"], timeout=30)

    again = requests.put(ticket["uploadUrl"], data=bytes(len(astronaut)), headers=ticket["headers"], timeout=30)

    assert (first.status_code, again.status_code) == (200, 412)
    assert pipeline.wait(ticket["imageId"])["status"] == "SUCCEEDED"
