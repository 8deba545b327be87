"""A stand-in for Rekognition on one machine, in its own protocol (AWS JSON 1.1), so that boto3 calls it as it is.

Faces, text, image properties, and the labels that follow from those, are computed from the pixels by ``perception``.
Moderation is not computed at all: ``DetectModerationLabels`` finds nothing in any picture. Every model version says
``local-stand-in``. Pictures come from S3 only, as ``Image.S3Object``.
"""

import argparse
import functools
import io
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import boto3
import cv2
import numpy as np
import uvicorn
from botocore.exceptions import ClientError
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from PIL import Image, UnidentifiedImageError

from scripts.local_stack.perception import Perception, Point, perceive
from scripts.local_stack.service import HOST

MODEL_VERSION = "local-stand-in"
# https://docs.aws.amazon.com/rekognition/latest/dg/limits.html
MIN_SIDE = 80
MAX_SIDE = 10_000
MAX_SIZE_BYTES = 15 * 1024 * 1024
FORMATS = ("JPEG", "PNG")
MAX_COLORS = 12

Json = dict[str, Any]


class RekognitionError(Exception):
    """An error that Rekognition answers with; ``name`` is its exception's name there."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def read_object(request: Json) -> bytes:
    """The bytes of the request's ``Image.S3Object``.

    Raises:
        RekognitionError: the request names no object, it cannot be read, or it is over ``MAX_SIZE_BYTES``.
    """
    match request:
        case {"Image": {"S3Object": {"Bucket": str(bucket), "Name": str(key)}}}:
            pass
        case _:
            raise RekognitionError("InvalidParameterException", "Request has no Image.S3Object with Bucket and Name.")
    try:
        answer = boto3.client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise RekognitionError(
            "InvalidS3ObjectException",
            f"Unable to get object metadata from S3. Check object key, region and/or access permissions: {error}",
        ) from error
    if answer["ContentLength"] > MAX_SIZE_BYTES:
        raise RekognitionError("ImageTooLargeException", f"The image is over {MAX_SIZE_BYTES} bytes.")
    return answer["Body"].read()


def check_image(body: bytes) -> None:
    """See from its header that the image is within Rekognition's limits.

    Raises:
        RekognitionError: it is no JPEG or PNG, or a side is under ``MIN_SIDE`` or over ``MAX_SIDE`` pixels.
    """
    try:
        with Image.open(io.BytesIO(body), formats=FORMATS) as image:
            sides = image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise RekognitionError("InvalidImageFormatException", "Request has invalid image format.") from error
    if max(sides) > MAX_SIDE:
        raise RekognitionError("ImageTooLargeException", f"A side of the image is over {MAX_SIDE} pixels.")
    if min(sides) < MIN_SIDE:
        raise RekognitionError("InvalidParameterException", f"A side of the image is under {MIN_SIDE} pixels.")


_perception_lock = threading.Lock()


@functools.lru_cache(maxsize=4)
def _perceive(body: bytes) -> Perception:
    check_image(body)
    picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise RekognitionError("InvalidImageFormatException", "Request has invalid image format.")
    return perceive(np.asarray(picture, np.uint8))


def perceive_once(body: bytes) -> Perception:
    """Look at an image once, though the calls about it come side by side: the first one works, the others wait."""
    with _perception_lock:
        return _perceive(body)


def percent(request: Json, default: float) -> float:
    """The request's ``MinConfidence``.

    Raises:
        RekognitionError: it is not between 0 and 100.
    """
    value = request.get("MinConfidence", default)
    if not isinstance(value, int | float) or not 0 <= value <= 100:
        raise RekognitionError("InvalidParameterException", "MinConfidence must be between 0 and 100.")
    return float(value)


def bounding_box(points: Iterable[Point]) -> Json:
    x, y = zip(*points, strict=True)
    return {"Left": min(x), "Top": min(y), "Width": max(x) - min(x), "Height": max(y) - min(y)}


def detect_labels(request: Json, seen: Perception) -> Json:
    features = request.get("Features", ["GENERAL_LABELS"])
    answer: Json = {"LabelModelVersion": MODEL_VERSION}
    if "GENERAL_LABELS" in features:
        threshold = percent(request, 55)
        labels = [label for label in seen.labels if label.confidence >= threshold][: request.get("MaxLabels")]
        answer["Labels"] = [
            {
                "Name": label.name,
                "Confidence": label.confidence,
                "Parents": [{"Name": parent} for parent in label.parents],
                "Instances": [
                    {
                        "BoundingBox": {"Left": box.left, "Top": box.top, "Width": box.width, "Height": box.height},
                        "Confidence": box.confidence,
                    }
                    for box in label.boxes
                ],
                "Aliases": [],
                "Categories": [],
            }
            for label in labels
        ]
    if "IMAGE_PROPERTIES" in features:
        wanted = request.get("Settings", {}).get("ImageProperties", {}).get("MaxDominantColors", MAX_COLORS)
        properties = seen.properties
        answer["ImageProperties"] = {
            "Quality": {
                "Brightness": properties.brightness,
                "Sharpness": properties.sharpness,
                "Contrast": properties.contrast,
            },
            "DominantColors": [
                {
                    "Red": color.rgb[0],
                    "Green": color.rgb[1],
                    "Blue": color.rgb[2],
                    "HexCode": color.hex,
                    "CSSColor": color.css_name,
                    "SimplifiedColor": color.simple_name,
                    "PixelPercent": color.percent,
                }
                for color in properties.dominant_colors[:wanted]
            ],
        }
    return answer


def detect_faces(_request: Json, seen: Perception) -> Json:
    return {
        "FaceDetails": [
            {
                "BoundingBox": {"Left": face.left, "Top": face.top, "Width": face.width, "Height": face.height},
                "Confidence": face.confidence,
            }
            for face in seen.faces
        ]
    }


def detect_text(_request: Json, seen: Perception) -> Json:
    return {
        "TextModelVersion": MODEL_VERSION,
        "TextDetections": [
            {
                "Id": number,
                "Type": "LINE",
                "DetectedText": line.text,
                "Confidence": line.confidence,
                "Geometry": {
                    "BoundingBox": bounding_box(line.polygon),
                    "Polygon": [{"X": x, "Y": y} for x, y in line.polygon],
                },
            }
            for number, line in enumerate(seen.lines)
        ],
    }


def detect_moderation_labels(request: Json, _seen: Perception) -> Json:
    percent(request, 50)
    return {"ModerationLabels": [], "ModerationModelVersion": MODEL_VERSION}


OPERATIONS: dict[str, Callable[[Json, Perception], Json]] = {
    "RekognitionService.DetectLabels": detect_labels,
    "RekognitionService.DetectFaces": detect_faces,
    "RekognitionService.DetectText": detect_text,
    "RekognitionService.DetectModerationLabels": detect_moderation_labels,
}


def answer_call(target: str, body: bytes) -> Json:
    """Answer one call.

    Raises:
        RekognitionError: the operation is not one of these four, or its request or image is not acceptable.
    """
    operation = OPERATIONS.get(target)
    if operation is None:
        raise RekognitionError("UnknownOperationException", f"{target} is not one of {', '.join(OPERATIONS)}.")
    try:
        request = json.loads(body)
    except ValueError as error:
        raise RekognitionError("SerializationException", "The body is not JSON.") from error
    return operation(request, perceive_once(read_object(request)))


def create_app() -> FastAPI:
    app = FastAPI(title="Rekognition stand-in")

    def respond(status: int, body: Json) -> Response:
        return Response(json.dumps(body), status, media_type="application/x-amz-json-1.1")

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/")
    async def call(request: Request) -> Response:
        target = request.headers.get("X-Amz-Target", "")
        try:
            return respond(200, await run_in_threadpool(answer_call, target, await request.body()))
        except RekognitionError as error:
            return respond(400, {"__type": error.name, "message": str(error)})

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Rekognition's stand-in on one machine.")
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(create_app(), host=HOST, port=parser.parse_args().port)


if __name__ == "__main__":
    main()
