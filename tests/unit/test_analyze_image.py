"""The step AnalyzeImage: five parts at once, each of which may fail alone, and bounded lists."""

import json
import threading
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from functions.analyze_image import handler
from functions.analyze_image.analysis import analyze_image
from functions.analyze_image.settings import Settings
from functions.core.errors import AnalysisUnavailable
from functions.core.image_analysis import ImageAnalysis
from functions.core.image_store import ImageStore
from functions.core.models import (
    ANALYSIS_PARTS,
    Analysis,
    AnalysisPart,
    AnalyzeImageRequest,
    AnalyzeImageResult,
    PartStatus,
    Proxy,
)
from tests.loopback import Posted, Reply, answering
from tests.unit.buckets import MASKS_BUCKET
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, TABLE, fixture, make_upload
from tests.unit.rekognition import PARTS, Rekognition

IMAGE_ID = "01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f"
STATE_LIMIT_BYTES = 256 * 1024
EMPTY: dict[AnalysisPart, object] = {"labels": (), "faces": (), "text": (), "moderation": None, "properties": None}


def request_of(size: tuple[int, int] = (640, 480)) -> AnalyzeImageRequest:
    proxy = Proxy(bucket=MASKS_BUCKET, key=f"{IMAGE_ID}/proxy.jpg", width=size[0], height=size[1])
    return AnalyzeImageRequest(image_id=IMAGE_ID, execution_arn=EXECUTION, upload=make_upload(), proxy=proxy)


class Step:
    def __init__(self, s3: S3Client) -> None:
        self.s3 = s3
        self.rekognition = Rekognition()

    def run(self, size: tuple[int, int] = (640, 480), **settings: Any) -> Analysis:
        return analyze_image(
            request_of(size),
            images=ImageStore(),
            engine=ImageAnalysis(self.rekognition.client),
            settings=Settings(masks_bucket=MASKS_BUCKET, table_name=TABLE, **settings),
        ).analysis

    def kept(self) -> Analysis:
        answer = self.s3.get_object(Bucket=MASKS_BUCKET, Key=f"{IMAGE_ID}/analysis.json")
        assert answer["ContentType"] == "application/json"
        return Analysis.model_validate_json(answer["Body"].read())


@pytest.fixture
def step(s3: S3Client) -> Step:
    return Step(s3)


def test_all_five_parts_are_found_and_kept(step: Step) -> None:
    analysis = step.run()
    assert analysis.parts == dict.fromkeys(ANALYSIS_PARTS, PartStatus.OK)
    assert analysis.reasons == {}
    assert [label.name for label in analysis.labels] == ["Boat", "Water"]
    assert (len(analysis.faces), [line.text for line in analysis.text]) == (1, ["SEA STAR"])
    assert analysis.moderation is not None
    assert (analysis.moderation.blocked, analysis.moderation.model_version) == (False, "7.0")
    assert analysis.properties is not None
    assert analysis.properties.sharpness == 63.9
    assert analysis.key == f"{IMAGE_ID}/analysis.json"
    assert step.kept() == analysis
    assert set(step.rekognition.calls.values()) == {1}


def test_the_parts_are_asked_for_at_once(step: Step) -> None:
    # Given a service that answers no call until it has all five
    all_here = threading.Barrier(5, timeout=10)

    def wait(**_: Any) -> None:
        all_here.wait()

    step.rekognition.client.meta.events.register_first("before-call", wait)
    # Then it comes to an end
    assert set(step.run().parts.values()) == {PartStatus.OK}


@pytest.mark.parametrize("part", ANALYSIS_PARTS)
@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InvalidImageFormatException"])
def test_each_part_fails_alone(step: Step, part: AnalysisPart, code: str) -> None:
    step.rekognition.fail(part, code)
    analysis = step.run()
    assert analysis.parts == {**dict.fromkeys(ANALYSIS_PARTS, PartStatus.OK), part: PartStatus.FAILED}
    assert list(analysis.reasons) == [part]
    assert code in analysis.reasons[part]
    assert {name: getattr(analysis, name) == EMPTY[name] for name in ANALYSIS_PARTS} == {
        name: name == part for name in ANALYSIS_PARTS
    }


def test_no_answer_at_all_is_for_the_workflow_to_retry(step: Step) -> None:
    # Given that one of five failures may pass
    for part in PARTS:
        step.rekognition.fail(part, "AccessDeniedException")
    step.rekognition.fail("text", "ThrottlingException")
    # Then the step fails as a whole, and keeps nothing
    with pytest.raises(AnalysisUnavailable):
        step.run()
    assert step.s3.list_objects_v2(Bucket=MASKS_BUCKET)["KeyCount"] == 0


def test_what_no_retry_can_help_is_not_retried(step: Step) -> None:
    for part in PARTS:
        step.rekognition.fail(part, "AccessDeniedException")
    assert set(step.run().parts.values()) == {PartStatus.FAILED}


@pytest.mark.parametrize("size", [(79, 640), (640, 79), (1, 1)])
def test_a_picture_too_small_is_not_sent(step: Step, size: tuple[int, int]) -> None:
    analysis = step.run(size)
    assert analysis.parts == dict.fromkeys(ANALYSIS_PARTS, PartStatus.TOO_SMALL)
    assert f"{size[0]} x {size[1]}" in analysis.reasons["labels"]
    assert not step.rekognition.calls
    assert step.kept() == analysis


def test_the_smallest_picture_is_sent(step: Step) -> None:
    assert set(step.run((80, 80)).parts.values()) == {PartStatus.OK}


@pytest.mark.parametrize(
    ("name", "parent", "blocked"),
    [
        ("Violence", "", True),
        ("Weapons", "Violence", True),
        ("Weapon Violence", "Weapons", False),
        ("Alcohol", "", False),
        ("violence", "", False),
    ],
)
def test_content_is_blocked_by_the_names_in_the_settings(step: Step, name: str, parent: str, blocked: bool) -> None:
    found = [{"Name": name, "ParentName": parent, "Confidence": 75.0}]
    step.rekognition.answers["DetectModerationLabels"]["ModerationLabels"] = found
    moderation = step.run(blocked_moderation="Explicit, Violence").moderation
    assert moderation is not None
    assert moderation.blocked is blocked


@pytest.mark.parametrize(
    "quality", [{}, {"Sharpness": "very", "Brightness": 1.0, "Contrast": 1.0}], ids=["gone", "odd"]
)
def test_an_answer_of_another_form_fails_its_own_part_alone(step: Step, quality: dict[str, Any]) -> None:
    step.rekognition.answers["IMAGE_PROPERTIES"]["ImageProperties"]["Quality"] = quality
    analysis = step.run()
    assert analysis.parts == dict.fromkeys(ANALYSIS_PARTS, PartStatus.OK) | {"properties": PartStatus.FAILED}
    assert analysis.moderation is not None


def test_what_travels_is_bounded_and_what_is_kept_is_complete(step: Step) -> None:
    # Given the most that Rekognition finds, with the longest of words
    answers = step.rekognition.answers
    answers["GENERAL_LABELS"]["Labels"] *= 50
    answers["DetectFaces"]["FaceDetails"] *= 100
    (line,) = (found for found in answers["DetectText"]["TextDetections"] if found["Type"] == "LINE")
    answers["DetectText"]["TextDetections"] = [line | {"DetectedText": "🐈" * 300}] * 100
    answers["DetectModerationLabels"]["ModerationLabels"] *= 20
    # When it is analysed
    analysis = step.run()
    # Then a state can carry it, even with every character escaped, and nothing is lost from what is kept
    assert (len(analysis.labels), len(analysis.faces), len(analysis.text)) == (100, 50, 50)
    assert {len(line.text) for line in analysis.text} == {200}
    payload = json.dumps(AnalyzeImageResult(analysis=analysis).model_dump(mode="json"))
    assert len(payload) < STATE_LIMIT_BYTES * 0.75
    kept = step.kept()
    assert (len(kept.faces), len(kept.text), len(kept.text[0].text)) == (100, 100, 300)


def test_the_settings_reach_rekognition(step: Step) -> None:
    asked: list[dict[str, Any]] = []
    step.rekognition.client.meta.events.register("provide-client-params", lambda params, **_: asked.append(params))
    step.run(max_labels=7, label_min_confidence=66, moderation_min_confidence=77)
    thresholds = [(params.get("MaxLabels"), params["MinConfidence"]) for params in asked if "MinConfidence" in params]
    assert sorted(thresholds, key=str) == [(7, 66), (None, 77)]


@pytest.mark.usefixtures("s3")
def test_the_handler_answers_with_the_analysis_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def recognize(posted: Posted) -> Reply:
        operation = posted.headers["x-amz-target"].removeprefix("RekognitionService.")
        answer = fixture("rekognition")[json.loads(posted.body).get("Features", [operation])[0]]
        return Reply(json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"})

    monkeypatch.setenv("MASKS_BUCKET", MASKS_BUCKET)
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    with answering(recognize) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", url)
        answer = handler.handler(request_of().model_dump(mode="json"), Context())
    assert answer.pop("elapsed_ms") > 0
    analysis = AnalyzeImageResult.model_validate(answer).analysis
    assert analysis.parts == dict.fromkeys(ANALYSIS_PARTS, PartStatus.OK)
    assert [label.name for label in analysis.labels] == ["Boat", "Water"]
