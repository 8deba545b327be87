"""The step SaveResult: which terminal record an end becomes, in which words, and what people are told of it."""

import json
from datetime import datetime
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import EndpointConnectionError

from functions.core.errors import StoreUnavailable
from functions.core.identity import identify
from functions.core.models import (
    ANALYSIS_PARTS,
    Analysis,
    Box,
    DominantColor,
    Face,
    Failure,
    ImageFacts,
    ImageProperties,
    Label,
    MaskFacts,
    Moderation,
    ModerationLabel,
    Output,
    PartStatus,
    ProcessingOptions,
    Record,
    SaveResultRequest,
    SaveResultResult,
    Status,
    TextLine,
    ThumbnailSize,
    Upload,
)
from functions.core.record_store import RecordStore
from functions.core.saving import save_result
from functions.save_result import handler
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, OTHER_EXECUTION, TABLE, fixture, make_upload

ITEM_LIMIT_BYTES = 400 * 1024
RESULTS_URL = "https://api.example.com/results"
UPLOAD = make_upload()
IMAGE_ID = identify(UPLOAD).image_id
IMAGE = ImageFacts(format="JPEG", width=4000, height=3000, mode="RGB", size_bytes=2_148_213, sha256="0" * 64)
MASK = MaskFacts(
    bucket="masks",
    key=f"{IMAGE_ID}/mask.png",
    width=2048,
    height=1536,
    model="u2netp",
    provider="CPUExecutionProvider",
    inference_ms=123.4,
    coverage=0.3,
    confidence=97.25,
    edge_softness=0.02,
    parts=1,
    touches=("left", "bottom"),
    subject=Box(left=0, top=0.25, width=0.5, height=0.75),
)
ANALYSIS = Analysis(
    parts=dict.fromkeys(ANALYSIS_PARTS, PartStatus.OK),
    labels=tuple(Label(name=name, confidence=98.4) for name in ("Boat", "Water", "Sea", "Sky", "Sail", "Rope")),
    moderation=Moderation(blocked=False),
    key=f"{IMAGE_ID}/analysis.json",
)
OUTPUT = Output(kind="cutout", key=f"{IMAGE_ID}/cutout.png", format="png", width=4000, height=3000, bytes=123456)


def claim(records: RecordStore, execution_arn: str = EXECUTION, upload: Upload = UPLOAD) -> None:
    records.claim(identify(upload), upload, execution_arn=execution_arn, resume_of=None, ttl_days=90)


def success(**changes: Any) -> SaveResultRequest:
    fields = {
        "outcome": Status.SUCCEEDED,
        "execution_arn": EXECUTION,
        "upload": UPLOAD,
        "image": IMAGE,
        "mask": MASK,
        "analysis": ANALYSIS,
        "outputs": (OUTPUT,),
        "timings": {"validate_image": 120.5, "infer_mask": 900.1},
    }
    return SaveResultRequest.model_validate(fields | changes)


def end(outcome: Status, error: str, cause: str) -> SaveResultRequest:
    return SaveResultRequest.model_validate(
        {
            "outcome": outcome,
            "execution_arn": EXECUTION,
            "upload": UPLOAD,
            "failure": Failure(error=error, cause=cause),
        }
    )


def lambda_error(error: str, message: str) -> str:
    return json.dumps(fixture("lambda_error") | {"errorType": error, "errorMessage": message})


def save(records: RecordStore, request: SaveResultRequest) -> SaveResultResult:
    return save_result(request, records=records, ttl_days=90, results_url=RESULTS_URL)


def stored(records: RecordStore) -> Record:
    record = records.get(IMAGE_ID)
    assert record is not None
    return record


def test_a_success_is_stored_whole_and_told(records: RecordStore) -> None:
    claim(records)
    result = save(records, success())
    # Then the record holds everything
    record = stored(records)
    assert (record.status, record.status_reason) == (Status.SUCCEEDED, None)
    assert (record.image, record.mask, record.outputs) == (IMAGE, MASK, (OUTPUT,))
    assert (record.labels, record.analysis_parts, record.analysis_key) == (
        ANALYSIS.labels,
        ANALYSIS.parts,
        ANALYSIS.key,
    )
    assert (record.moderation, record.timings) == (ANALYSIS.moderation, {"validate_image": 120.5, "infer_mask": 900.1})
    # And people are told what it is and where
    assert (result.image_id, result.owner, result.status) == (IMAGE_ID, "public", Status.SUCCEEDED)
    assert result.notice.subject == "Matteflow: red bicycle + child.jpg is ready"
    assert result.notice.message == (
        "red bicycle + child.jpg is ready.\n"
        "\n"
        "Status: SUCCEEDED\n"
        "File:   red bicycle + child.jpg, JPEG, 4000 x 3000 pixels, 2.1 MB\n"
        "Labels: Boat (98 %), Water (98 %), Sea (98 %), Sky (98 %), Sail (98 %)\n"
        f"Result: {RESULTS_URL}/{IMAGE_ID}"
    )


def test_a_doubtful_result_asks_for_a_look(records: RecordStore) -> None:
    claim(records)
    result = save(records, success(needs_review=True))
    assert stored(records).needs_review
    assert "Please have a look" in result.notice.message


def test_a_failed_part_makes_it_partial_in_plain_words(records: RecordStore) -> None:
    claim(records)
    parts = ANALYSIS.parts | {"text": PartStatus.FAILED, "properties": PartStatus.FAILED}
    reasons = dict.fromkeys(("text", "properties"), "Rekognition could not be reached (ReadTimeoutError).")
    result = save(records, success(analysis=ANALYSIS.model_copy(update={"parts": parts, "reasons": reasons})))
    assert result.status == stored(records).status == Status.PARTIAL
    assert result.status_reason == (
        "The cut-out is done, but a part of the analysis failed: text, image properties "
        "(Rekognition could not be reached (ReadTimeoutError))."
    )
    assert result.status_reason in result.notice.message


def test_a_picture_too_small_to_analyse_is_a_success(records: RecordStore) -> None:
    claim(records)
    parts = dict.fromkeys(ANALYSIS_PARTS, PartStatus.TOO_SMALL)
    assert save(records, success(analysis=Analysis(parts=parts))).status == Status.SUCCEEDED


def test_what_is_blocked_names_what_was_found(records: RecordStore) -> None:
    claim(records)
    moderation = Moderation(
        blocked=True,
        labels=(ModerationLabel(name="Violence", confidence=91.2), ModerationLabel(name="Weapons", confidence=88)),
    )
    analysis = ANALYSIS.model_copy(update={"moderation": moderation})
    result = save(records, success(outcome=Status.BLOCKED, analysis=analysis, outputs=()))
    assert result.status == stored(records).status == Status.BLOCKED
    assert result.status_reason is not None
    assert result.status_reason.endswith("found in it: Violence (91 %), Weapons (88 %).")
    assert result.notice.subject == "Matteflow: red bicycle + child.jpg was blocked"


def test_a_rejection_says_what_the_step_said(records: RecordStore) -> None:
    claim(records)
    error = fixture("lambda_error")
    result = save(records, end(Status.REJECTED, "ImageRejected", json.dumps(error)))
    assert result.status == stored(records).status == Status.REJECTED
    assert result.status_reason == stored(records).status_reason == error["errorMessage"]
    assert error["errorMessage"] in result.notice.message
    assert f"File:   {UPLOAD.key}" in result.notice.message


@pytest.mark.parametrize(
    ("error", "cause", "reason"),
    [
        (
            "MaskEngineBusy",
            lambda_error("MaskEngineBusy", "The inference endpoint masks takes no connection."),
            "The server that finds the subject has no room or is not ready (MaskEngineBusy).",
        ),
        (
            "StoreUnavailable",
            lambda_error("StoreUnavailable", "S3 did not answer in time."),
            "S3 did not answer in time (StoreUnavailable).",
        ),
        (
            "ValidationError",
            lambda_error("ValidationError", "1 validation error for Secret"),
            "An unexpected error occurred (ValidationError).",
        ),
        ("States.Timeout", "", "A step did not finish in time (States.Timeout)."),
        (
            "Runtime.ExitError",
            '{"errorType": "Runtime.ExitError"}',
            "A step ended without an answer, perhaps for want of memory (Runtime.ExitError).",
        ),
        ("StoreUnavailable", "no JSON", "An unexpected error occurred (StoreUnavailable)."),
        ("StoreUnavailable", "[1]", "An unexpected error occurred (StoreUnavailable)."),
        ("json", "{}", "An unexpected error occurred (json)."),
        ("", "", "An unexpected error occurred ()."),
    ],
)
def test_a_failure_is_told_in_plain_words_and_can_be_resumed(
    records: RecordStore, error: str, cause: str, reason: str
) -> None:
    claim(records)
    result = save(records, end(Status.FAILED, error, cause))
    assert result.status == stored(records).status == Status.FAILED
    assert result.status_reason == f"{reason} The original is kept, and the picture can be resumed."
    for text in (result.notice.message, stored(records).model_dump_json()):
        assert "Secret" not in text
        assert "/var/task" not in text


def test_a_failure_before_anything_was_claimed_is_recorded(records: RecordStore) -> None:
    save(records, end(Status.FAILED, "StoreUnavailable", ""))
    assert stored(records).status == Status.FAILED
    assert stored(records).upload == UPLOAD


def test_a_rerun_says_the_same(records: RecordStore) -> None:
    claim(records)
    assert save(records, success()) == save(records, success())


def processing_times(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, float]]:
    """Status and milliseconds of each value that was published."""
    published = [line for line in capsys.readouterr().out.splitlines() if "ProcessingTime" in line]
    return [(line["status"], line["ProcessingTime"][0]) for line in map(json.loads, published)]


def test_a_picture_is_one_value_of_the_processing_time_however_often_its_end_is_saved(
    records: RecordStore, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a picture that was claimed, and its end saved twice
    claim(records)
    save(records, success())
    save(records, success())
    save(records, end(Status.FAILED, "StoreUnavailable", ""))
    # Then its time is from the claim to its record
    record = stored(records)
    elapsed = datetime.fromisoformat(record.updated_at) - datetime.fromisoformat(
        record.steps["validate_image"].started_at
    )
    assert processing_times(capsys) == [("SUCCEEDED", pytest.approx(elapsed.total_seconds() * 1000))]


def test_a_picture_that_fails_before_its_first_step_counts_too(
    records: RecordStore, capsys: pytest.CaptureFixture[str]
) -> None:
    save(records, end(Status.FAILED, "StoreUnavailable", ""))
    assert processing_times(capsys) == [("FAILED", 0)]


def test_a_failure_after_the_result_tells_of_the_result(records: RecordStore) -> None:
    claim(records)
    saved = save(records, success())
    assert save(records, end(Status.FAILED, "States.Timeout", "")) == saved


def test_a_result_that_comes_too_late_says_so(records: RecordStore) -> None:
    # Given an execution that was cut off, and another that has taken the picture up
    claim(records)
    records.claim(identify(UPLOAD), UPLOAD, execution_arn=OTHER_EXECUTION, resume_of=EXECUTION, ttl_days=90)
    newer = stored(records)
    # When the older one ends
    result = save(records, success())
    # Then the record is the newer one's, and the notice does not claim otherwise
    assert result.notice.subject.endswith("was superseded")
    assert stored(records) == newer
    assert result.status_reason is not None
    assert result.status_reason.startswith("This result was not kept")
    assert result.status_reason in result.notice.message


def test_a_table_that_does_not_answer_is_for_the_workflow_to_retry() -> None:
    table = boto3.resource("dynamodb").Table(TABLE)

    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://dynamodb")

    table.meta.client.meta.events.register("before-call", fail)
    with pytest.raises(StoreUnavailable):
        save(RecordStore(TABLE, table), success())


@pytest.mark.parametrize(
    "file_name",
    [
        "boat.jpg",
        "n" * 900 + ".jpg",
        "Ø" * 400,
        "Cafe\u0301 🐈.jpg",
        "a\nBcc: someone@example.com\r.jpg",
        "gpj.\u202etaob",
        "\u202e\n",
        " ",
    ],
)
@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.REJECTED])
def test_a_notice_can_be_sent_whatever_the_file_is_called(records: RecordStore, file_name: str, status: Status) -> None:
    upload = make_upload(key=f"uploads/{file_name}")
    claim(records, upload=upload)
    request = success() if status == Status.SUCCEEDED else end(status, "ImageRejected", "")
    notice = save(records, request.model_copy(update={"upload": upload})).notice
    assert notice.subject.isascii()
    assert notice.subject.isprintable()
    assert len(notice.subject) < 100
    assert all(line.isprintable() for line in notice.message.split("\n"))
    assert not [line for line in notice.message.split("\n") if line.startswith("Bcc")]


def test_a_long_reason_is_cut(records: RecordStore) -> None:
    claim(records)
    result = save(records, end(Status.REJECTED, "ImageRejected", lambda_error("ImageRejected", "x" * 5000)))
    assert result.status_reason is not None
    assert len(result.status_reason) == 500
    result = save(
        records,
        end(Status.FAILED, "StoreUnavailable", lambda_error("StoreUnavailable", "x" * 5000)).model_copy(
            update={"upload": make_upload(key="uploads/other.jpg")}
        ),
    )
    assert result.status_reason is not None
    assert len(result.status_reason) == 500
    assert result.status_reason.endswith("can be resumed.")


def test_the_largest_record_fits_in_an_item(records: RecordStore) -> None:
    # Given the most of everything that the steps give
    cat = "🐈"
    box = Box(left=1 / 3, top=1 / 3, width=1 / 3, height=1 / 3)
    labels = tuple(Label(name="n" * 50, confidence=100 / 3, parents=("p" * 50,) * 5) for _ in range(100))
    found = tuple(ModerationLabel(name="n" * 60, confidence=100 / 3, parent="p" * 60) for _ in range(100))
    analysis = Analysis(
        parts=dict.fromkeys(ANALYSIS_PARTS, PartStatus.FAILED),
        reasons=dict.fromkeys(ANALYSIS_PARTS, cat * 5000),
        labels=labels,
        faces=(Face(box=box, confidence=100 / 3),) * 50,
        text=(TextLine(text=cat * 200, confidence=100 / 3, box=box),) * 50,
        moderation=Moderation(blocked=True, labels=found, model_version="7.0"),
        properties=ImageProperties(
            sharpness=100 / 3,
            brightness=100 / 3,
            contrast=100 / 3,
            dominant_colors=(DominantColor(hex="#abcdef", name="lightgoldenrodyellow", percent=100 / 3),) * 12,
        ),
        key="k" * 1024,
    )
    upload = make_upload(key="uploads/" + "k" * 1016)
    sizes = tuple(ThumbnailSize(width=width, height=4096, fit="contain") for width in range(4087, 4097))
    records.create(
        Record(
            image_id=identify(upload).image_id,
            owner="public",
            status=Status.AWAITING_UPLOAD,
            file_name=cat * 255,
            upload_key=upload.key,
            options=ProcessingOptions(thumbnail_sizes=sizes),
            created_at="2025-01-01T00:00:00+00:00",
            updated_at="2025-01-01T00:00:00+00:00",
            expires_at=2_000_000_000,
        )
    )
    claim(records, upload=upload)
    exif: dict[str, str | int | float] = {f"fact_{number}": cat * 64 for number in range(10)}
    request = success(
        upload=upload,
        image=IMAGE.model_copy(update={"exif": exif}),
        analysis=analysis,
        outputs=(OUTPUT.model_copy(update={"key": "k" * 200, "window": box}),) * 27,
    )
    # When they are stored
    result = save(records, request)
    # Then the item is far from the limit
    item = boto3.resource("dynamodb").Table(TABLE).get_item(Key={"image_id": result.image_id})["Item"]
    size_bytes = len(json.dumps(TypeSerializer().serialize(item), ensure_ascii=False).encode())
    assert 50_000 < size_bytes < ITEM_LIMIT_BYTES * 0.75


def test_every_step_has_ended_when_its_execution_has(records: RecordStore) -> None:
    # Given an execution one of whose steps was killed, and one of which may still be at work
    claim(records)
    records.mark_step(IMAGE_ID, EXECUTION, "validate_image", "done")
    records.begin_step(IMAGE_ID, EXECUTION, "infer_mask")
    records.mark_step(IMAGE_ID, EXECUTION, "infer_mask", "failed", "The endpoint has no room.")
    records.begin_step(IMAGE_ID, EXECUTION, "analyze_image")
    before = stored(records).steps
    # When its failure is saved
    save(records, end(Status.FAILED, "MaskEngineBusy", lambda_error("MaskEngineBusy", "The endpoint has no room.")))
    # Then what has ended is kept, what has not was cut off, and the saving itself is done
    steps = stored(records).steps
    assert {name: (step.state, step.reason) for name, step in steps.items()} == {
        "validate_image": ("done", None),
        "infer_mask": ("failed", "The endpoint has no room."),
        "analyze_image": ("failed", "The step was cut off."),
        "save_result": ("done", None),
    }
    assert all(step.ended_at for step in steps.values())
    assert {name: steps[name] for name in ("validate_image", "infer_mask")} == {
        name: before[name] for name in ("validate_image", "infer_mask")
    }


def test_a_step_whose_end_was_not_marked_is_done_when_the_picture_is(records: RecordStore) -> None:
    claim(records)
    records.begin_step(IMAGE_ID, EXECUTION, "apply_mask")
    save(records, success())
    assert {step.state for step in stored(records).steps.values()} == {"done"}
    # And a mark that comes late changes nothing
    assert records.mark_step(IMAGE_ID, EXECUTION, "apply_mask", "failed", "late") is None
    assert stored(records).steps["apply_mask"].state == "done"


def test_the_handler_answers_with_the_result_and_its_time(
    records: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("RESULTS_URL", RESULTS_URL)
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    claim(records)
    answer = handler.handler(success().model_dump(mode="json"), Context())
    assert answer.pop("elapsed_ms") > 0
    result = SaveResultResult.model_validate(answer)
    assert result.status == stored(records).status == Status.SUCCEEDED
    assert f"{RESULTS_URL}/{IMAGE_ID}" in result.notice.message
