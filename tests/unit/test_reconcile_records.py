"""The function that runs on a schedule: what nobody noticed is started again, once."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client

from functions.core.identity import identify, new_image_id
from functions.core.models import Status
from functions.core.record_store import RecordStore, new_record
from functions.reconcile_records import handler, reconciling
from tests.unit.buckets import UPLOADS_BUCKET
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, STATE_MACHINE, TABLE, make_upload

ROLE = "arn:aws:iam::123456789012:role/steps"


class Deployment:
    """Records of a day ago, or of now, and a state machine whose executions run until they are stopped."""

    def __init__(self, records: RecordStore, s3: S3Client) -> None:
        self.records = records
        self.s3 = s3
        self.client = boto3.client("stepfunctions")
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
        self.client.create_state_machine(name="process-image", definition=json.dumps(definition), roleArn=ROLE)

    def add(
        self, status: Status, age: timedelta = timedelta(days=1), execution_arn: str | None = None
    ) -> tuple[str, str]:
        """A record of a presigned upload; its id and key."""
        image_id = new_image_id()
        upload = make_upload(bucket=UPLOADS_BUCKET, key=f"uploads/public/{image_id}/boat.jpg")
        record = new_record(identify(upload), upload, status, execution_arn or EXECUTION, 90)
        then = (datetime.now(UTC) - age).isoformat()
        made = {"created_at": then, "updated_at": then}
        awaited = {"upload": None, "execution_arn": None} if status == Status.AWAITING_UPLOAD else {}
        self.records.create(record.model_copy(update=made | awaited))
        return image_id, upload.key

    def put(self, key: str) -> str:
        """Upload; the version."""
        return self.s3.put_object(Bucket=UPLOADS_BUCKET, Key=key, Body=b"picture")["VersionId"]

    def start(self) -> str:
        return self.client.start_execution(stateMachineArn=STATE_MACHINE, input="{}")["executionArn"]

    def started(self) -> list[dict[str, Any]]:
        """The inputs of the executions that were started for pictures."""
        listed = self.client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
        described = [self.client.describe_execution(executionArn=each["executionArn"])["input"] for each in listed]
        return [json.loads(each) for each in described if each != "{}"]


@pytest.fixture
def deployment(records: RecordStore, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    variables = {
        "TABLE_NAME": TABLE,
        "UPLOADS_BUCKET": UPLOADS_BUCKET,
        "STATE_MACHINE_ARN": STATE_MACHINE,
        "UPLOAD_WITHIN_S": "1800",
        "END_WITHIN_S": "7200",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    return Deployment(records, s3)


def reconcile() -> dict[str, int]:
    return handler.handler({}, Context())


def test_an_upload_whose_event_never_came_is_started_once(deployment: Deployment) -> None:
    _, key = deployment.add(Status.AWAITING_UPLOAD)
    deployment.put(key)
    version = deployment.put(key)
    reconcile()
    reconcile()
    # Then there is one execution, of the newest version, as its event would have started it
    (event,) = deployment.started()
    found = event["detail"]["object"]
    assert (event["detail"]["bucket"]["name"], found["key"], found["version-id"]) == (UPLOADS_BUCKET, key, version)
    assert (found["size"], len(found["etag"]), found["sequencer"]) == (7, 32, "0")
    assert event["resume_of"] is None


def test_an_execution_that_ended_before_its_claim_is_started_again(deployment: Deployment) -> None:
    _, key = deployment.add(Status.AWAITING_UPLOAD)
    deployment.put(key)
    reconcile()
    (execution,) = deployment.client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    deployment.client.stop_execution(executionArn=execution["executionArn"])
    reconcile()
    assert len(deployment.started()) == 2


def test_an_upload_that_can_still_come_is_waited_for(deployment: Deployment) -> None:
    _, key = deployment.add(Status.AWAITING_UPLOAD, timedelta(minutes=29))
    deployment.put(key)
    reconcile()
    assert deployment.started() == []


@pytest.mark.parametrize("is_deleted", [False, True])
def test_an_upload_that_is_not_there_is_looked_for_once(deployment: Deployment, is_deleted: bool) -> None:
    image_id, key = deployment.add(Status.AWAITING_UPLOAD)
    if is_deleted:
        deployment.put(key)
        deployment.s3.delete_object(Bucket=UPLOADS_BUCKET, Key=key)
    reconcile()
    deployment.put(key)
    reconcile()
    assert deployment.started() == []
    assert deployment.records.get(image_id).status == Status.AWAITING_UPLOAD  # type: ignore[union-attr]


def test_a_picture_whose_execution_ended_unnoticed_is_resumed_once(deployment: Deployment) -> None:
    stopped = deployment.start()
    deployment.client.stop_execution(executionArn=stopped)
    deployment.add(Status.PROCESSING, execution_arn=stopped)
    reconcile()
    reconcile()
    (event,) = deployment.started()
    assert event["resume_of"] == stopped


def test_a_picture_whose_execution_runs_or_may_run_is_left_alone(deployment: Deployment) -> None:
    deployment.add(Status.PROCESSING, execution_arn=deployment.start())
    deployment.add(Status.PROCESSING, timedelta(minutes=119))
    reconcile()
    assert deployment.started() == []


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.REJECTED])
def test_what_has_ended_is_left_alone(deployment: Deployment, status: Status) -> None:
    _, key = deployment.add(status)
    deployment.put(key)
    reconcile()
    assert deployment.started() == []


@pytest.mark.parametrize(("minutes", "is_deleted"), [(29, False), (31, True)])
def test_what_was_uploaded_to_a_deleted_picture_is_deleted_once_no_more_can_come(
    deployment: Deployment, minutes: int, is_deleted: bool
) -> None:
    image_id, key = deployment.add(Status.AWAITING_UPLOAD)
    deployment.records.delete(image_id, key)
    deployment.put(key)
    deployment.put(key + ".other")
    deployment.records._table.update_item(
        Key={"image_id": image_id},
        UpdateExpression="SET updated_at = :then",
        ExpressionAttributeValues={":then": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()},
    )
    reconcile()
    listed = deployment.s3.list_object_versions(Bucket=UPLOADS_BUCKET)["Versions"]
    assert [version["Key"] for version in listed] == ([] if is_deleted else [key]) + [key + ".other"]
    assert deployment.records.get(image_id) is None
    assert deployment.started() == []
    # It is looked at once.
    assert len(deployment.records.late_uploads(datetime.now(UTC), 10)) == (0 if is_deleted else 1)


def test_a_run_is_bounded_and_the_next_one_goes_on(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "_MOST", 2)
    for minutes in (50, 40, 30):
        deployment.add(Status.AWAITING_UPLOAD, timedelta(minutes=minutes))
    _, last = deployment.add(Status.AWAITING_UPLOAD, timedelta(minutes=30))
    deployment.put(last)
    reconcile()
    assert deployment.started() == []
    reconcile()
    assert [event["detail"]["object"]["key"] for event in deployment.started()] == [last]


def test_a_run_tells_what_it_did(deployment: Deployment, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    _, key = deployment.add(Status.AWAITING_UPLOAD)
    deployment.put(key)
    deployment.add(Status.AWAITING_UPLOAD)
    deployment.add(Status.PROCESSING)
    found = {"started_unnoticed": 1, "started_cut_off": 1, "absent_uploads": 1}
    assert reconcile() == found
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line == line | found
    (metrics,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert metrics["Reconciled"] == [2.0]


def test_a_run_that_starts_nothing_tells_no_metric(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    deployment.add(Status.AWAITING_UPLOAD)
    reconcile()
    assert "_aws" not in capsys.readouterr().out
