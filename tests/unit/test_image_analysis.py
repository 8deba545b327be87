"""Rekognition through the adapter: what is asked and read, and which error each refusal becomes."""

from collections.abc import Callable

import pytest
from botocore import exceptions as botocore_errors

from functions.core.errors import AccessDenied, AnalysisRefused, AnalysisUnavailable, MatteflowError
from functions.core.image_analysis import ImageAnalysis
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
from tests.unit.rekognition import Rekognition

PROXY = Proxy(bucket="masks", key="id/proxy.jpg", width=640, height=480)
REFERENCE = {"S3Object": {"Bucket": "masks", "Name": "id/proxy.jpg"}}


@pytest.fixture
def rekognition() -> Rekognition:
    return Rekognition()


@pytest.fixture
def analysis(rekognition: Rekognition) -> ImageAnalysis:
    return ImageAnalysis(rekognition.client)


def test_labels_come_with_their_parents(analysis: ImageAnalysis, rekognition: Rekognition) -> None:
    assert analysis.labels(PROXY, max_labels=100, min_confidence=55) == (
        Label(name="Boat", confidence=98.72, parents=("Transportation", "Vehicle")),
        Label(name="Water", confidence=81.5),
    )
    assert rekognition.last_params == {
        "Image": REFERENCE,
        "Features": ["GENERAL_LABELS"],
        "MaxLabels": 100,
        "MinConfidence": 55,
    }


def test_faces_may_reach_outside_the_picture(analysis: ImageAnalysis, rekognition: Rekognition) -> None:
    assert analysis.faces(PROXY) == (Face(box=Box(left=-0.01, top=0.3, width=0.12, height=0.2), confidence=99.97),)
    assert rekognition.last_params == {"Image": REFERENCE}


def test_text_is_read_by_the_line(analysis: ImageAnalysis) -> None:
    assert analysis.text(PROXY) == (
        TextLine(text="SEA STAR", confidence=96.4, box=Box(left=0.3, top=0.6, width=0.2, height=0.05)),
    )


def test_moderation_names_labels_parents_and_model(analysis: ImageAnalysis, rekognition: Rekognition) -> None:
    labels = (
        ModerationLabel(name="Alcoholic Beverages", confidence=88.1, parent="Alcohol"),
        ModerationLabel(name="Alcohol", confidence=88.1),
    )
    assert analysis.moderation(PROXY, min_confidence=60) == (labels, "7.0")
    assert rekognition.last_params == {"Image": REFERENCE, "MinConfidence": 60}


def test_properties_are_those_of_the_whole_picture(analysis: ImageAnalysis, rekognition: Rekognition) -> None:
    assert analysis.properties(PROXY) == ImageProperties(
        sharpness=63.9,
        brightness=71.3,
        contrast=82.4,
        dominant_colors=(DominantColor(hex="#4682b4", name="steelblue", percent=42.1),),
    )
    assert rekognition.last_params == {"Image": REFERENCE, "Features": ["IMAGE_PROPERTIES"]}


CALLS: dict[str, Callable[[ImageAnalysis], object]] = {
    "labels": lambda analysis: analysis.labels(PROXY, max_labels=100, min_confidence=55),
    "faces": lambda analysis: analysis.faces(PROXY),
    "text": lambda analysis: analysis.text(PROXY),
    "moderation": lambda analysis: analysis.moderation(PROXY, min_confidence=60),
    "properties": lambda analysis: analysis.properties(PROXY),
}


@pytest.mark.parametrize("part", CALLS)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", AnalysisUnavailable),
        ("ProvisionedThroughputExceededException", AnalysisUnavailable),
        ("InternalServerError", AnalysisUnavailable),
        ("503", AnalysisUnavailable),
        ("ImageTooLargeException", AnalysisRefused),
        ("InvalidImageFormatException", AnalysisRefused),
        ("InvalidParameterException", AnalysisRefused),
        ("InvalidS3ObjectException", AccessDenied),
        ("AccessDeniedException", AccessDenied),
    ],
)
def test_a_refusal_is_translated(
    analysis: ImageAnalysis, rekognition: Rekognition, part: str, code: str, error: type[MatteflowError]
) -> None:
    rekognition.fail(part, code)
    with pytest.raises(error, match=rf"Rekognition refused Detect\w+ \({code}\)") as raised:
        CALLS[part](analysis)
    assert isinstance(raised.value.__cause__, botocore_errors.ClientError)


@pytest.mark.parametrize(
    "fault",
    [botocore_errors.ReadTimeoutError(endpoint_url="x"), botocore_errors.EndpointConnectionError(endpoint_url="x")],
)
def test_a_lost_connection_is_the_analysis_unavailable(
    analysis: ImageAnalysis, rekognition: Rekognition, fault: Exception
) -> None:
    rekognition.fail("faces", fault)
    with pytest.raises(AnalysisUnavailable, match=type(fault).__name__):
        analysis.faces(PROXY)


def test_a_refusal_that_no_table_names_is_raised_as_it_is(analysis: ImageAnalysis, rekognition: Rekognition) -> None:
    rekognition.fail("faces", "ExpiredTokenException")
    with pytest.raises(botocore_errors.ClientError, match="ExpiredTokenException"):
        analysis.faces(PROXY)
