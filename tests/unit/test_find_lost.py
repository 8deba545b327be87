"""The commands that look for pictures nothing has happened to: what lies in the bucket, and the reconciler at once."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client

from functions.core.identity import identify, new_image_id
from functions.core.models import Status
from functions.core.record_store import RecordStore, new_record
from scripts import deployment, find_lost, reconcile
from tests.unit.buckets import UPLOADS_BUCKET
from tests.unit.record_table import EXECUTION, STATE_MACHINE, TABLE, make_upload

ROLE = "arn:aws:iam::123456789012:role/steps"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A stack.json whose AWS is moto's, in this process."""
    stack = tmp_path / "stack.json"
    outputs = {
        "aws_endpoint_url": None,
        "region": "us-east-1",
        "table": TABLE,
        "state_machine_arn": STATE_MACHINE,
        "uploads_bucket": UPLOADS_BUCKET,
        "function_names": {"reconcile_records": "matteflow-test-reconcile_records"},
    }
    stack.write_text(json.dumps(outputs))
    return stack


def started() -> list[str]:
    """The key and version that each execution was started with."""
    client = boto3.client("stepfunctions")
    executions = client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    inputs = [client.describe_execution(executionArn=each["executionArn"])["input"] for each in executions]
    found = [json.loads(each)["detail"]["object"] for each in inputs]
    return sorted(f"{each['key']} {each['version-id']}" for each in found)


def test_what_has_no_record_is_started_once(
    s3: S3Client,
    records: RecordStore,
    stack: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(find_lost, "UNTIL", timedelta(0))
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
    boto3.client("stepfunctions").create_state_machine(
        name="process-image", definition=json.dumps(definition), roleArn=ROLE
    )

    def put(key: str) -> str:
        return f"{key} {s3.put_object(Bucket=UPLOADS_BUCKET, Key=key, Body=b'picture')['VersionId']}"

    # Given two versions of a file, an upload that was asked for and has lost its record, and what is not to be started
    lost = [put("uploads/a b+c.jpg"), put("uploads/a b+c.jpg"), put(f"uploads/public/{new_image_id()}/boat.jpg")]
    known = put("uploads/known.jpg").split()
    upload = make_upload(bucket=UPLOADS_BUCKET, key=known[0], version=known[1])
    records.create(new_record(identify(upload), upload, Status.SUCCEEDED, EXECUTION, 90))
    put("uploads/folder/")
    put("elsewhere/boat.jpg")
    gone = put("uploads/gone.jpg").split()
    s3.delete_object(Bucket=UPLOADS_BUCKET, Key=gone[0], VersionId=gone[1])
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    for _ in range(2):
        assert find_lost.main(["--from", since, "--stack", str(stack)]) == 0

    assert started() == sorted(lost)
    assert "3 of 4 uploads had no record" in capsys.readouterr().out


def test_what_is_too_young_or_too_old_is_left_alone(
    s3: S3Client, records: RecordStore, stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert records
    s3.put_object(Bucket=UPLOADS_BUCKET, Key="uploads/now.jpg", Body=b"picture")
    assert find_lost.main(["--from", "2026-01-01", "--stack", str(stack)]) == 0
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert find_lost.main(["--from", later, "--stack", str(stack)]) == 0
    assert capsys.readouterr().out.count("0 of 0 uploads had no record") == 2


class Functions:
    """Lambda, which answers what a test tells it to."""

    def __init__(self, answer: Any, **fields: str) -> None:
        self._answer = {"Payload": io.BytesIO(json.dumps(answer).encode()), **fields}
        self.invoked: list[str] = []

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.invoked.append(call["FunctionName"])
        return self._answer


def test_the_reconciler_runs_at_once_and_says_what_it_found(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = Functions({"started_unnoticed": 2, "started_cut_off": 1, "absent_uploads": 3})
    monkeypatch.setattr(deployment.Deployment, "client", lambda *_: functions)
    assert reconcile.main(["--stack", str(stack)]) == 0
    assert functions.invoked == ["matteflow-test-reconcile_records"]
    said = capsys.readouterr().out
    assert "2 whose upload nobody noticed, 1 whose execution ended unnoticed" in said
    assert "never came: 3" in said


def test_a_reconciler_that_fails_says_why(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"errorType": "StoreUnavailable", "errorMessage": "DynamoDB is down."}
    monkeypatch.setattr(deployment.Deployment, "client", lambda *_: Functions(error, FunctionError="Unhandled"))
    assert reconcile.main(["--stack", str(stack)]) == 1
    assert "StoreUnavailable: DynamoDB is down." in capsys.readouterr().err
