"""The stand-in, called as the functions call it: through boto3, which also checks the shape of every answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import numpy.typing as npt
import pytest
import skimage
from botocore.exceptions import ClientError
from PIL import Image, ImageDraw, ImageFont

from scripts.local_stack.rekognition import create_app
from tests.unit.pictures import encoded

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_rekognition.type_defs import ImageTypeDef

Put = Callable[[bytes], "ImageTypeDef"]
BUCKET = "pictures"


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    return encoded(Image.fromarray(pixels))


def flat(value: int, width: int = 320, height: int = 240) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def photograph(name: str) -> bytes:
    """One of scikit-image's own photographs, as PNG."""
    return png(getattr(skimage.data, name)())


@pytest.fixture(scope="module")
def url(serve: Callable[[Any], str]) -> str:
    return serve(create_app())


@pytest.fixture
def rekognition(url: str) -> "RekognitionClient":
    return boto3.client("rekognition", endpoint_url=url)


@pytest.fixture
def put() -> Put:
    """Put bytes into S3 and name them as Rekognition wants it."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)

    def put_object(body: bytes) -> "ImageTypeDef":
        s3.put_object(Bucket=BUCKET, Key="a picture", Body=body)
        return {"S3Object": {"Bucket": BUCKET, "Name": "a picture"}}

    return put_object


def label_names(rekognition: "RekognitionClient", image: "ImageTypeDef", **options: Any) -> list[str]:
    return [label["Name"] for label in rekognition.detect_labels(Image=image, **options)["Labels"]]


def test_the_astronauts_face_is_found_where_it_is(rekognition: "RekognitionClient", put: Put) -> None:
    image = put(photograph("astronaut"))

    faces = rekognition.detect_faces(Image=image)["FaceDetails"]

    assert len(faces) == 1
    box = faces[0]["BoundingBox"]
    assert box["Left"] < 0.42 < box["Left"] + box["Width"]  # the nose is at x = 218, y = 125 of 512
    assert box["Top"] < 0.24 < box["Top"] + box["Height"]
    assert faces[0]["Confidence"] > 80
    assert {"Person", "Human", "Face"} <= set(label_names(rekognition, image))


@pytest.mark.parametrize("name", ["chelsea", "coffee", "coins", "moon", "brick"])
def test_no_face_is_seen_where_none_is(rekognition: "RekognitionClient", put: Put, name: str) -> None:
    image = put(photograph(name))

    assert rekognition.detect_faces(Image=image)["FaceDetails"] == []
    assert "Person" not in label_names(rekognition, image)


def test_drawn_text_is_read_with_its_place(rekognition: "RekognitionClient", put: Put) -> None:
    picture = Image.new("RGB", (640, 200), "white")
    ImageDraw.Draw(picture).text((40, 60), "MATTEFLOW", "black", ImageFont.load_default(72))
    image = put(png(np.asarray(picture)))

    answer = rekognition.detect_text(Image=image)

    assert answer["TextModelVersion"] == "local-stand-in"
    (line,) = answer["TextDetections"]
    assert (line["DetectedText"], line["Type"]) == ("MATTEFLOW", "LINE")
    assert line["Confidence"] > 90
    assert len(line["Geometry"]["Polygon"]) == 4
    assert 0 < line["Geometry"]["BoundingBox"]["Left"] < 0.15
    assert "Text" in label_names(rekognition, image)


def test_opposite_pictures_get_opposite_properties(rekognition: "RekognitionClient", put: Put) -> None:
    # given a bright checkerboard and an even dark blue, one upright and one lying
    checkerboard = np.kron(np.indices((30, 20)).sum(0) % 2 * 155 + 100, np.ones((10, 10))).astype(np.uint8)
    dark_blue = flat(0)
    dark_blue[..., 2] = 90

    seen = [
        rekognition.detect_labels(Image=put(png(pixels)), Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
        for pixels in (np.dstack([checkerboard] * 3), dark_blue)
    ]

    bright, dark = (answer["ImageProperties"]["Quality"] for answer in seen)
    assert bright["Brightness"] > 60 > 20 > dark["Brightness"]
    assert bright["Sharpness"] > 90 > 5 > dark["Sharpness"]
    assert bright["Contrast"] > 50 > 5 > dark["Contrast"]
    color = seen[1]["ImageProperties"]["DominantColors"][0]
    assert (color["SimplifiedColor"], color["HexCode"], round(color["PixelPercent"])) == ("blue", "#00005a", 100)
    names = [{label["Name"] for label in answer["Labels"]} for answer in seen]
    assert {"Portrait Orientation", "Grayscale", "Sharp"} <= names[0]
    assert {"Landscape Orientation", "Blue", "Dark", "Blurry"} <= names[1]
    assert seen[0]["LabelModelVersion"] == "local-stand-in"


def test_labels_are_cut_by_confidence_and_number(rekognition: "RekognitionClient", put: Put) -> None:
    image = put(photograph("astronaut"))

    everything = rekognition.detect_labels(Image=image, MinConfidence=0)["Labels"]
    sure = rekognition.detect_labels(Image=image, MinConfidence=90)["Labels"]

    assert min(label["Confidence"] for label in everything) < 90 <= min(label["Confidence"] for label in sure)
    assert len(rekognition.detect_labels(Image=image, MaxLabels=2)["Labels"]) == 2


def test_moderation_finds_nothing_and_says_who_looked(rekognition: "RekognitionClient", put: Put) -> None:
    answer = rekognition.detect_moderation_labels(Image=put(photograph("astronaut")))

    assert answer["ModerationLabels"] == []
    assert answer["ModerationModelVersion"] == "local-stand-in"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"GIF89a not a picture", "InvalidImageFormatException"),
        (png(flat(9))[:200], "InvalidImageFormatException"),
        (png(flat(9, width=79, height=300)), "InvalidParameterException"),
        (png(flat(9, width=10_001, height=80)), "ImageTooLargeException"),
        (png(flat(9)) + bytes(15 * 1024 * 1024), "ImageTooLargeException"),
    ],
    ids=["no image", "half an image", "79 px", "10,001 px", "15 MiB"],
)
def test_what_rekognition_does_not_take_is_refused_by_its_own_names(
    rekognition: "RekognitionClient", put: Put, body: bytes, error: str
) -> None:
    with pytest.raises(ClientError) as refused:
        rekognition.detect_labels(Image=put(body))

    assert refused.value.response["Error"]["Code"] == error


def test_an_object_that_is_not_there_is_refused(rekognition: "RekognitionClient", put: Put) -> None:
    put(b"")

    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
        rekognition.detect_faces(Image={"S3Object": {"Bucket": BUCKET, "Name": "another"}})


def test_bytes_in_the_request_are_refused(rekognition: "RekognitionClient") -> None:
    with pytest.raises(rekognition.exceptions.InvalidParameterException):
        rekognition.detect_faces(Image={"Bytes": b"picture"})


def test_a_confidence_out_of_range_is_refused(rekognition: "RekognitionClient", put: Put) -> None:
    with pytest.raises(rekognition.exceptions.InvalidParameterException):
        rekognition.detect_labels(Image=put(png(flat(9))), MinConfidence=101)


def test_another_operation_is_refused(rekognition: "RekognitionClient") -> None:
    with pytest.raises(ClientError) as refused:
        rekognition.list_collections()

    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"
