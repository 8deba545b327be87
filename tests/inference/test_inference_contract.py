"""The container's contract, a row at a time, on the classical engine."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import boto3
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.unit.pictures import stored

Start = Callable[..., httpx.Client]
Encode = Callable[..., bytes]

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def mask_of(response: httpx.Response) -> Image.Image:
    return Image.open(io.BytesIO(response.content))


def test_ping_is_200_once_the_model_is_loaded(start: Start) -> None:
    response = start().get("/ping")

    assert response.status_code == 200
    assert response.json() == {"model": "classical", "provider": "OpenCV"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"mask_engine": "u2net", "model_path": "/nowhere"}, "/nowhere/u2net.onnx does not exist"),
        ({"required_provider": "CUDAExecutionProvider"}, "CUDAExecutionProvider is required"),
    ],
)
def test_both_routes_are_503_with_the_reason_where_there_is_no_usable_model(
    start: Start, settings: dict[str, str], reason: str
) -> None:
    client = start(**settings)

    for response in (client.get("/ping"), client.post("/invocations", headers={"Content-Type": "image/png"})):
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["Retry-After"]) > 0
        assert reason in response.json()["detail"]


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_becomes_a_grey_png_of_its_own_size(
    start: Start, encode: Encode, astronaut: Image.Image, file_format: str
) -> None:
    picture = encode(astronaut.resize((300, 200)), file_format)

    response = start().post("/invocations", content=picture, headers={"Content-Type": f"image/{file_format.lower()}"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    mask = mask_of(response)
    assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (300, 200))
    assert mask.getextrema() == (0, 255)


def test_the_mask_comes_at_the_models_size_on_request(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    picture = encode(astronaut.resize((1000, 500)), "JPEG")

    response = start().post(
        "/invocations", content=picture, headers={"Content-Type": "image/jpeg", "X-Mask-Size": "model"}
    )

    assert mask_of(response).size == (400, 200)


def test_the_png_says_every_fact_where_that_is_asked(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    picture = encode(astronaut.resize((64, 64)), "JPEG")
    headers = {"Content-Type": "image/jpeg"}
    client = start()

    plain = client.post("/invocations", content=picture, headers=headers)
    telling = client.post("/invocations", content=picture, headers={**headers, ATTRIBUTES: "facts=in-body"})

    assert ATTRIBUTES not in mask_of(plain).info
    assert mask_of(telling).info[ATTRIBUTES] == telling.headers[ATTRIBUTES]
    assert mask_of(telling).tobytes() == mask_of(plain).tobytes()


def test_every_fact_is_a_header_and_a_custom_attribute(
    start: Start, encode: Encode, astronaut: Image.Image, write_model: Callable[..., Path], tmp_path: Path
) -> None:
    model = write_model(tmp_path / "tiny.onnx")
    client = start(mask_engine="tiny", model_path=tmp_path, bfloat16=False)

    headers = client.post(
        "/invocations", content=encode(astronaut, "JPEG"), headers={"Content-Type": "image/jpeg"}
    ).headers

    assert headers["X-Model"] == "tiny"
    assert headers["X-Model-Sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert headers["X-Provider"] == "CPUExecutionProvider"
    assert float(headers["X-Inference-Ms"]) > 0
    assert float(headers["X-Queue-Ms"]) >= 0
    assert headers["X-Batch-Size"] == "1"
    attributes = dict(pair.split("=") for pair in headers[ATTRIBUTES].split(";"))
    assert attributes == {
        name: headers[f"X-{name}"]
        for name in ("model", "model-sha256", "provider", "inference-ms", "queue-ms", "batch-size")
    }


def test_an_engine_without_weights_reports_no_hash(start: Start, encode: Encode, astronaut: Image.Image) -> None:
    response = start().post("/invocations", content=encode(astronaut, "JPEG"), headers={"Content-Type": "image/jpeg"})

    assert "X-Model-Sha256" not in response.headers
    assert "sha256" not in response.headers[ATTRIBUTES]


@pytest.mark.parametrize(("asked", "status"), [("classical", 200), ("u2net", 400)])
@pytest.mark.parametrize("way", ["custom attribute", "json"])
def test_a_model_that_is_not_loaded_is_refused_by_name(
    start: Start, encode: Encode, astronaut: Image.Image, pictures_bucket: str, asked: str, status: int, way: str
) -> None:
    picture = encode(astronaut, "JPEG")
    boto3.client("s3").put_object(Bucket=pictures_bucket, Key="a", Body=picture)
    client = start()

    if way == "json":
        body = {"image": {"bucket": pictures_bucket, "key": "a"}, "model": asked}
        response = client.post("/invocations", json=body)
    else:
        headers = {"Content-Type": "image/jpeg", ATTRIBUTES: f"trace=1;model={asked}"}
        response = client.post("/invocations", content=picture, headers=headers)

    assert response.status_code == status
    if status == 400:
        assert response.json()["detail"] == "The model 'u2net' is not loaded; 'classical' is."


@pytest.mark.parametrize("key", ["plain.jpg", "a b+c", "x%2Fy", "🐈/é"])
def test_a_json_request_reads_s3_and_gives_the_same_mask_as_the_bytes(
    start: Start, encode: Encode, astronaut: Image.Image, pictures_bucket: str, key: str
) -> None:
    picture = encode(astronaut.resize((160, 160)), "JPEG")
    boto3.client("s3").put_object(Bucket=pictures_bucket, Key=key, Body=picture)
    client = start()

    by_reference = client.post("/invocations", json={"image": {"bucket": pictures_bucket, "key": key}})
    by_value = client.post("/invocations", content=picture, headers={"Content-Type": "image/jpeg"})

    assert by_reference.status_code == 200
    assert by_reference.content == by_value.content


def test_json_options_choose_the_masks_size(
    start: Start, encode: Encode, astronaut: Image.Image, pictures_bucket: str
) -> None:
    boto3.client("s3").put_object(Bucket=pictures_bucket, Key="a", Body=encode(astronaut, "PNG"))

    body = {"image": {"bucket": pictures_bucket, "key": "a"}, "options": {"mask_size": "model"}}
    response = start().post("/invocations", json=body)

    assert mask_of(response).size == (400, 400)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_mask_fits_the_picture_as_a_person_sees_it(
    start: Start, encode: Encode, astronaut: Image.Image, orientation: int
) -> None:
    upright = astronaut.resize((240, 160))
    exif = Image.Exif()
    exif[0x0112] = orientation
    client = start()

    turned = client.post(
        "/invocations",
        content=encode(stored(upright, orientation), "PNG", exif=exif),
        headers={"Content-Type": "image/png"},
    )
    plain = client.post("/invocations", content=encode(upright, "PNG"), headers={"Content-Type": "image/png"})

    assert np.array_equal(np.asarray(mask_of(turned)), np.asarray(mask_of(plain)))


def test_an_unknown_route_is_a_problem_too(start: Start) -> None:
    response = start().get("/invocation")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.content)["status"] == 404
