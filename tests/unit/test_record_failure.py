"""The function that EventBridge tells of executions that did not succeed: the picture is FAILED, and its owner told."""

import json
from typing import Any

import boto3
import pytest

from functions.core.identity import identify
from functions.core.models import Record, Status
from functions.core.record_store import RecordStore, new_record
from functions.record_failure import handler
from tests.statemachine.workflow import STATES
from tests.unit.buckets import UPLOADS_BUCKET
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, OTHER_EXECUTION, TABLE, fixture, make_upload, sample

UPLOAD = make_upload(bucket=UPLOADS_BUCKET)
IMAGE_ID = identify(UPLOAD).image_id


class Messages:
    """What subscribers of the topic and of the bus get, and what is kept: each is a queue."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs = boto3.client("sqs")
        self.topic = boto3.client("sns").create_topic(Name="notices")["TopicArn"]
        for name in ("notices", "events", "undelivered"):
            self.sqs.create_queue(QueueName=name)
        boto3.client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=self._arn("notices"))
        events = boto3.client("events")
        events.put_rule(Name="all", EventPattern='{"source": ["matteflow"], "detail-type": ["Image Processed"]}')
        events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": self._arn("events")}])
        self.set(monkeypatch, EVENT_BUS_NAME="default", TOPIC_ARN=self.topic)
        self.set(monkeypatch, UNDELIVERED_QUEUE_URL=self._url("undelivered"))

    def set(self, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    def of(self, queue: str) -> list[Any]:
        """Those that have come since the last look."""
        found = self.sqs.receive_message(QueueUrl=self._url(queue), MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]

    def _url(self, queue: str) -> str:
        return self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def _arn(self, queue: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=self._url(queue), AttributeNames=["QueueArn"])
        return attributes["Attributes"]["QueueArn"]


@pytest.fixture
def messages(records: RecordStore, monkeypatch: pytest.MonkeyPatch) -> Messages:  # noqa: ARG001
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("UPLOADS_BUCKET", UPLOADS_BUCKET)
    monkeypatch.setenv("RESULTS_URL", "https://api.example.com/results")
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    return Messages(monkeypatch)


def tell(status: str = "TIMED_OUT", started_with: Any = None, **changes: Any) -> None:
    """Tell the function of the end of an execution that was started by the upload's event."""
    event = fixture("execution_status_change")
    if started_with is None:
        started_with = sample("s3_object_created")
        started_with["detail"]["bucket"]["name"] = UPLOADS_BUCKET
    event["detail"] |= {"status": status, "input": json.dumps(started_with), **changes}
    handler.handler(event, Context())


def claim(records: RecordStore, execution_arn: str = EXECUTION, resume_of: str | None = None) -> None:
    records.claim(identify(UPLOAD), UPLOAD, execution_arn=execution_arn, resume_of=resume_of, ttl_days=90)


def stored(records: RecordStore) -> Record:
    record = records.get(IMAGE_ID)
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("status", "error", "cause", "reason"),
    [
        ("TIMED_OUT", None, None, "Processing took longer than it may (TIMED_OUT)."),
        ("ABORTED", "Operator", "why", "Processing was stopped (ABORTED)."),
        (
            "FAILED",
            "States.DataLimitExceeded",
            "too large",
            "The results were too large for the workflow (States.DataLimitExceeded).",
        ),
        (
            "FAILED",
            "StoreUnavailable",
            '{"errorMessage": "DynamoDB refused UpdateItem."}',
            "DynamoDB refused UpdateItem (StoreUnavailable).",
        ),
    ],
)
def test_a_picture_whose_execution_was_cut_off_failed_and_its_owner_is_told(
    records: RecordStore, messages: Messages, status: str, error: str | None, cause: str | None, reason: str
) -> None:
    # Given a picture whose mask was being made
    claim(records)
    records.begin_step(IMAGE_ID, EXECUTION, "infer_mask")
    # When its execution has ended
    tell(status, error=error, cause=cause)
    # Then it is FAILED for a reason in plain words, and so is the step
    record = stored(records)
    assert (record.status, record.execution_arn) == (Status.FAILED, EXECUTION)
    assert record.status_reason == f"{reason} The original is kept, and the picture can be resumed."
    assert (record.steps["infer_mask"].state, record.steps["infer_mask"].reason) == ("failed", "The step was cut off.")
    # And it is told as the workflow tells it
    (notice,), (event,) = messages.of("notices"), messages.of("events")
    attributes = {name: attribute["Value"] for name, attribute in notice["MessageAttributes"].items()}
    assert attributes == {"status": "FAILED", "image_id": IMAGE_ID, "owner": "public"}
    assert record.status_reason in notice["Message"]
    assert notice["Subject"] == "Matteflow: red bicycle + child.jpg failed"
    assert set(attributes) == set(STATES["PublishFailureNotice"]["Arguments"]["MessageAttributes"])
    (told,) = STATES["PublishFailureEvent"]["Arguments"]["Entries"]
    assert (event["source"], event["detail-type"], set(event["detail"])) == (
        told["Source"],
        told["DetailType"],
        set(told["Detail"]),
    )
    assert event["detail"] == {
        **attributes,
        "status_reason": record.status_reason,
        "upload": UPLOAD.model_dump(),
        "execution_arn": EXECUTION,
    }


def test_an_end_that_is_told_twice_is_recorded_and_announced_once(records: RecordStore, messages: Messages) -> None:
    claim(records)
    tell()
    first = stored(records)
    tell()
    assert stored(records) == first
    assert len(messages.of("notices")) == len(messages.of("events")) == 1


def test_a_picture_that_was_never_claimed_has_failed_too(records: RecordStore, messages: Messages) -> None:
    tell("ABORTED")
    assert stored(records).status == Status.FAILED
    assert len(messages.of("notices")) == 1


def test_a_picture_that_was_deleted_stays_deleted(records: RecordStore, messages: Messages) -> None:
    records.delete(IMAGE_ID)
    tell()
    assert records.get(IMAGE_ID) is None
    assert messages.of("notices") == []


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.REJECTED, Status.FAILED])
def test_what_the_execution_saved_itself_stands(records: RecordStore, messages: Messages, status: Status) -> None:
    claim(records)
    records.finish(new_record(identify(UPLOAD), UPLOAD, status, EXECUTION, 90))
    saved = stored(records)
    tell("FAILED", error="SQS.QueueDoesNotExist")
    assert stored(records) == saved
    assert messages.of("notices") == messages.of("events") == []


def test_a_picture_that_another_execution_took_up_is_left_to_it(records: RecordStore, messages: Messages) -> None:
    claim(records)
    claim(records, OTHER_EXECUTION, resume_of=EXECUTION)
    taken_up = stored(records)
    tell()
    assert stored(records) == taken_up
    assert messages.of("notices") == messages.of("events") == []


@pytest.mark.parametrize("started_with", [{}, [], {"detail": {"object": {}}}, sample("s3_object_created")], ids=str)
def test_an_execution_of_no_picture_of_ours_is_ignored(
    records: RecordStore, messages: Messages, started_with: Any
) -> None:
    tell("FAILED", started_with, error="MalformedEvent")
    assert records.get(IMAGE_ID) is None
    assert messages.of("notices") == []


def test_an_input_that_is_not_in_the_event_is_survived(messages: Messages) -> None:
    tell(input=None, inputDetails={"included": False})
    assert messages.of("notices") == []


def test_what_cannot_be_sent_is_kept(records: RecordStore, messages: Messages, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a topic and a bus that are gone
    claim(records)
    messages.set(monkeypatch, TOPIC_ARN=f"{messages.topic}-gone", EVENT_BUS_NAME="gone")
    # When an execution was cut off, then the record is written, and both messages are kept as the workflow keeps them
    tell()
    record = stored(records)
    assert record.status == Status.FAILED
    notice, event = messages.of("undelivered")
    picture = {"image_id": IMAGE_ID, "owner": "public", "status": "FAILED"}
    assert notice.items() >= picture.items()
    assert set(notice) == set(STATES["KeepFailureNotice"]["Arguments"]["MessageBody"])
    assert event == {
        **picture,
        "status_reason": record.status_reason,
        "upload": UPLOAD.model_dump(),
        "execution_arn": EXECUTION,
    }
