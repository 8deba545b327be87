"""The marks that a step leaves on its picture's record, and that no step waits or fails for them."""

import io
import socket
import time

import boto3
import pytest

from functions.core.errors import MaskEngineBusy
from functions.core.identity import identify
from functions.core.models import Record, StepProgress
from functions.core.progress import Progress
from functions.core.record_store import RecordStore
from tests.loopback import HOST
from tests.unit.record_table import EXECUTION, OTHER_EXECUTION, TABLE, make_upload

UPLOAD = make_upload()
IMAGE_ID = identify(UPLOAD).image_id


def step_of(records: RecordStore) -> StepProgress | None:
    record = records.get(IMAGE_ID)
    assert record is not None
    return record.steps.get("infer_mask")


@pytest.fixture
def claimed(records: RecordStore) -> RecordStore:
    """A picture that an execution owns."""
    records.claim(identify(UPLOAD), UPLOAD, execution_arn=EXECUTION, resume_of=None, ttl_days=90)
    return records


@pytest.fixture
def progress(claimed: RecordStore) -> Progress:  # noqa: ARG001 - the table must be there
    return Progress("infer_mask", TABLE)


def test_a_step_is_running_and_then_done(claimed: RecordStore, progress: Progress) -> None:
    with progress.of(IMAGE_ID, EXECUTION):
        running = step_of(claimed)
    done = step_of(claimed)
    assert running is not None
    assert done is not None
    assert (running.state, running.attempts, running.ended_at) == ("running", 1, None)
    assert (done.state, done.attempts, done.reason) == ("done", 1, None)
    assert running.started_at == done.started_at <= str(done.ended_at)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (MaskEngineBusy("The endpoint has no room."), "The endpoint has no room."),
        (KeyError("secret"), "The step ended with an unexpected error."),
    ],
)
def test_a_failure_leaves_its_reason_and_a_retry_counts(
    claimed: RecordStore, progress: Progress, failure: Exception, reason: str
) -> None:
    # Given a try that failed
    with pytest.raises(type(failure)), progress.of(IMAGE_ID, EXECUTION):
        raise failure
    failed = step_of(claimed)
    assert failed is not None
    assert (failed.state, failed.reason, failed.attempts) == ("failed", reason, 1)
    assert failed.ended_at is not None
    # When the step is tried again
    with progress.of(IMAGE_ID, EXECUTION):
        again = step_of(claimed)
    # Then it is the second try of what began with the first
    assert again == StepProgress(state="running", started_at=failed.started_at, attempts=2)


def test_a_step_that_has_begun_elsewhere_is_only_ended(claimed: RecordStore, progress: Progress) -> None:
    claimed.begin_step(IMAGE_ID, EXECUTION, "infer_mask")
    claimed.mark_step(IMAGE_ID, EXECUTION, "infer_mask", "warming")
    warming = step_of(claimed)
    with progress.of(IMAGE_ID, EXECUTION, is_begun=True):
        assert step_of(claimed) == warming
    done = step_of(claimed)
    assert warming is not None
    assert done is not None
    assert (warming.state, done.state, done.attempts) == ("warming", "done", 1)


@pytest.mark.parametrize("execution_arn", [OTHER_EXECUTION, None])
def test_an_execution_that_does_not_own_the_picture_marks_nothing(
    claimed: RecordStore, progress: Progress, execution_arn: str | None
) -> None:
    with progress.of(IMAGE_ID, execution_arn):
        pass
    assert step_of(claimed) is None


def test_a_store_that_refuses_stops_no_step(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    progress = Progress("infer_mask", TABLE)
    error = boto3.client("dynamodb").exceptions.ClientError

    def refuse(**_: object) -> None:
        asked.append("once")
        raise error({"Error": {"Code": "ResourceNotFoundException"}}, "UpdateItem")

    monkeypatch.setattr(progress._records, "begin_step", lambda *_: refuse())
    with progress.of(IMAGE_ID, EXECUTION):
        pass
    assert asked == ["once"], "the end is not tried"
    assert "progress not marked" in log.getvalue()


def test_a_store_that_does_not_answer_delays_a_step_by_about_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://{HOST}:{silent.getsockname()[1]}")
        progress = Progress("infer_mask", TABLE)
        started = time.perf_counter()
        with progress.of(IMAGE_ID, EXECUTION):
            pass
        assert time.perf_counter() - started < 2


def test_a_claim_begins_validation_anew_and_a_retry_of_it_counts(claimed: RecordStore) -> None:
    def validation() -> StepProgress:
        record = claimed.get(IMAGE_ID)
        assert isinstance(record, Record)
        return record.steps["validate_image"]

    first = validation()
    claimed.mark_step(IMAGE_ID, EXECUTION, "validate_image", "failed", "no")
    claimed.claim(identify(UPLOAD), UPLOAD, execution_arn=EXECUTION, resume_of=None, ttl_days=90)
    assert validation() == StepProgress(state="running", started_at=first.started_at, attempts=2)
    claimed.claim(identify(UPLOAD), UPLOAD, execution_arn=OTHER_EXECUTION, resume_of=EXECUTION, ttl_days=90)
    assert validation().attempts == 1
    assert validation().started_at > first.started_at
