"""Rekognition: what a picture shows, one call a part, each picture read from S3 by the service itself.

Image properties could come in the same ``DetectLabels`` call as labels. Both are billed as if called apart, and
together they would fail together, so each part has its own call. https://aws.amazon.com/rekognition/pricing/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from functions.core.aws_errors import TRANSIENT_STATUSES, translated
from functions.core.errors import AccessDenied, AnalysisRefused, AnalysisUnavailable, MatteflowError
from functions.core.models import (
    Box,
    DominantColor,
    Face,
    ImageProperties,
    Label,
    ModerationLabel,
    Proxy,
    TextLine,
)

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_rekognition.type_defs import BoundingBoxTypeDef, ImageTypeDef

# The shortest side that the service takes, in pixels.
MIN_SIDE = 80

_CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},  # at worst 59 s, within the function's minute
)

_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(("AccessDeniedException", "InvalidS3ObjectException"), AccessDenied),
    **dict.fromkeys(
        ("ImageTooLargeException", "InvalidImageFormatException", "InvalidParameterException"), AnalysisRefused
    ),
    **dict.fromkeys(
        (
            "InternalServerError",
            "ProvisionedThroughputExceededException",
            "ServiceUnavailable",
            "ThrottlingException",
            *TRANSIENT_STATUSES,
        ),
        AnalysisUnavailable,
    ),
}


class ImageAnalysis:
    """The five parts of the analysis of a picture. Its sides must have 80 to 10,000 pixels. Lists are best first.

    Every method may run at the same time as the others, and raises:
        AnalysisUnavailable: Rekognition throttled the call, failed, or could not be reached, several times.
        AnalysisRefused: it does not take the picture or the request.
        AccessDenied: the role may not do this, or read the picture from its bucket.
    """

    def __init__(self, client: RekognitionClient | None = None) -> None:
        self._client: RekognitionClient = client or boto3.client("rekognition", config=_CLIENT_CONFIG)

    def labels(self, image: Proxy, *, max_labels: int, min_confidence: float) -> tuple[Label, ...]:
        """At most ``max_labels`` things and scenes, each of at least ``min_confidence`` percent."""
        with translated("Rekognition", _ERRORS, AnalysisUnavailable):
            answer = self._client.detect_labels(
                Image=_reference(image), Features=["GENERAL_LABELS"], MaxLabels=max_labels, MinConfidence=min_confidence
            )
        return tuple(
            Label(
                name=label["Name"],
                confidence=label["Confidence"],
                parents=tuple(parent["Name"] for parent in label.get("Parents", ())),
            )
            for label in answer["Labels"]
        )

    def faces(self, image: Proxy) -> tuple[Face, ...]:
        """The faces; Rekognition finds the 100 largest."""
        with translated("Rekognition", _ERRORS, AnalysisUnavailable):
            answer = self._client.detect_faces(Image=_reference(image))
        return tuple(
            Face(box=_box(face["BoundingBox"]), confidence=face["Confidence"]) for face in answer["FaceDetails"]
        )

    def text(self, image: Proxy) -> tuple[TextLine, ...]:
        """The lines of text, from top to bottom; Rekognition reads 100 words."""
        with translated("Rekognition", _ERRORS, AnalysisUnavailable):
            answer = self._client.detect_text(Image=_reference(image))
        return tuple(
            TextLine(
                text=found["DetectedText"],
                confidence=found["Confidence"],
                box=_box(found["Geometry"]["BoundingBox"]),
            )
            for found in answer["TextDetections"]
            if found["Type"] == "LINE"
        )

    def moderation(self, image: Proxy, *, min_confidence: float) -> tuple[tuple[ModerationLabel, ...], str]:
        """Unwanted content of at least ``min_confidence`` percent, and the version of the model that looked.

        Names are those of https://docs.aws.amazon.com/rekognition/latest/dg/moderation-api.html; a label comes with
        its parents as labels of their own.
        """
        with translated("Rekognition", _ERRORS, AnalysisUnavailable):
            answer = self._client.detect_moderation_labels(Image=_reference(image), MinConfidence=min_confidence)
        labels = tuple(
            ModerationLabel(name=label["Name"], confidence=label["Confidence"], parent=label.get("ParentName", ""))
            for label in answer["ModerationLabels"]
        )
        return labels, answer["ModerationModelVersion"]

    def properties(self, image: Proxy) -> ImageProperties:
        """Sharpness, brightness, contrast, and at most 12 dominant colours."""
        with translated("Rekognition", _ERRORS, AnalysisUnavailable):
            answer = self._client.detect_labels(Image=_reference(image), Features=["IMAGE_PROPERTIES"])
        properties = answer["ImageProperties"]
        quality = properties["Quality"]
        return ImageProperties(
            sharpness=quality["Sharpness"],
            brightness=quality["Brightness"],
            contrast=quality["Contrast"],
            dominant_colors=tuple(
                DominantColor(
                    # HexCode comes with and without its #; the numbers have one form.
                    hex=f"#{color['Red']:02x}{color['Green']:02x}{color['Blue']:02x}",
                    name=color["CSSColor"],
                    percent=color["PixelPercent"],
                )
                for color in properties["DominantColors"]
            ),
        )


def _reference(image: Proxy) -> ImageTypeDef:
    return {"S3Object": {"Bucket": image.bucket, "Name": image.key}}


def _box(box: BoundingBoxTypeDef) -> Box:
    return Box(left=box["Left"], top=box["Top"], width=box["Width"], height=box["Height"])
