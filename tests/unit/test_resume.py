"""The command that starts FAILED pictures again, each once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.core.errors import AccessDenied, MatteflowError, WorkflowUnavailable
from functions.core.identity import identify
from functions.core.models import Record, Status, Upload
from functions.core.record_store import RecordStore, new_record
from functions.core.workflow import Workflow
from scripts.resume import Pictures, main, resume
from tests.unit.record_table import EXECUTION, OTHER_EXECUTION, STATE_MACHINE, TABLE, make_records, make_upload, sample

UPLOAD = make_upload()
IMAGE_ID = identify(UPLOAD).image_id
ROLE = "arn:aws:iam::123456789012:role/steps"


class Pipeline:
    """A table, a state machine, and what the command has said."""

    def __init__(self) -> None:
        self.records: RecordStore = make_records()
        self.client = boto3.client("stepfunctions")
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
        self.client.create_state_machine(name="process-image", definition=json.dumps(definition), roleArn=ROLE)
        self.said: list[str] = []

    def end(self, status: Status, upload: Upload = UPLOAD, execution_arn: str = EXECUTION) -> Record:
        record = new_record(identify(upload), upload, status, execution_arn, 90)
        self.records.claim(identify(upload), upload, execution_arn=execution_arn, resume_of=None, ttl_days=90)
        self.records.finish(record)
        return record

    def resume(self, *image_ids: str) -> bool:
        return resume(Pictures(self.records, Workflow(STATE_MACHINE, self.client)), image_ids, self.said.append)

    def executions(self) -> list[dict[str, Any]]:
        """The input of each execution."""
        listed = self.client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
        return [
            json.loads(self.client.describe_execution(executionArn=execution["executionArn"])["input"])
            for execution in listed
        ]


class Stale(RecordStore):
    """A store that lists a picture as FAILED, whatever has become of it since."""

    def __init__(self, record: Record) -> None:
        super().__init__(TABLE)
        self.record = record

    def unfinished(self) -> Iterator[Record]:
        yield self.record


@pytest.fixture
def pipeline(aws: None) -> Pipeline:  # noqa: ARG001 - moto must be there before the table
    return Pipeline()


def test_a_failed_picture_is_started_from_its_own_event(pipeline: Pipeline) -> None:
    pipeline.end(Status.FAILED)
    assert pipeline.resume(IMAGE_ID)
    # Then an execution has the fields of its S3 event that the workflow reads, and knows what it takes up
    (started,) = pipeline.executions()
    detail = sample("s3_object_created")["detail"]
    fields = ("key", "version-id", "etag", "size", "sequencer")
    assert started == {
        "detail": {"bucket": detail["bucket"], "object": {name: detail["object"][name] for name in fields}},
        "resume_of": EXECUTION,
    }
    assert pipeline.said[-1] == "1 resumed."
    assert pipeline.said[0].startswith(f"{IMAGE_ID}: red bicycle + child.jpg is processed again by arn:aws:states:")


def test_all_that_failed_are_resumed_when_none_is_named(pipeline: Pipeline) -> None:
    failed = [pipeline.end(Status.FAILED, make_upload(key=f"uploads/{number}.jpg")) for number in range(3)]
    pipeline.end(Status.SUCCEEDED)
    assert pipeline.resume()
    keys = {started["detail"]["object"]["key"] for started in pipeline.executions()}
    assert keys == {record.upload_key for record in failed}
    assert pipeline.said[-1] == "3 resumed."


def test_it_shows_how_far_it_is_and_how_fast(pipeline: Pipeline) -> None:
    for number in range(3):
        pipeline.end(Status.FAILED, make_upload(key=f"uploads/{number}.jpg"))
    shown: list[str] = []
    pictures = Pictures(pipeline.records, Workflow(STATE_MACHINE, pipeline.client))
    assert resume(pictures, (), pipeline.said.append, shown.append)
    assert [text.split(",")[0] for text in shown] == ["1 resumed", "2 resumed", "3 resumed"]
    assert all(text.endswith(" a second") for text in shown)


def test_resuming_twice_starts_one_execution(pipeline: Pipeline) -> None:
    pipeline.end(Status.FAILED)
    pipeline.resume(IMAGE_ID)
    assert pipeline.resume(IMAGE_ID)
    assert len(pipeline.executions()) == 1


def test_a_refused_name_of_a_running_execution_means_that_it_is_being_resumed(pipeline: Pipeline) -> None:
    # Given a service that refuses the name, as AWS does when the input differs
    record = pipeline.end(Status.FAILED)
    pipeline.resume(IMAGE_ID)
    other_input = record.model_copy(update={"upload": make_upload(size=1)})
    # When the picture is resumed again
    resume(Pictures(Stale(other_input), Workflow(STATE_MACHINE, pipeline.client)), (), pipeline.said.append)
    # Then nothing is started
    assert len(pipeline.executions()) == 1
    assert pipeline.said[-2:] == [f"{IMAGE_ID}: it is being resumed already.", "There was nothing to resume."]


def test_a_resumption_that_ended_before_its_claim_can_be_repeated(pipeline: Pipeline) -> None:
    # Given a resumption that was aborted before the picture was its own
    pipeline.end(Status.FAILED)
    pipeline.resume(IMAGE_ID)
    (first,) = pipeline.client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    pipeline.client.stop_execution(executionArn=first["executionArn"])
    # When it is resumed again, then another execution tries
    assert pipeline.resume(IMAGE_ID)
    assert len(pipeline.executions()) == 2


def test_a_picture_that_was_resumed_meanwhile_is_left_alone(pipeline: Pipeline) -> None:
    # Given a list of failed pictures, one of which another person resumes to its end before its turn
    record = pipeline.end(Status.FAILED)
    pipeline.resume(IMAGE_ID)
    (first,) = pipeline.client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    pipeline.client.stop_execution(executionArn=first["executionArn"])
    pipeline.records.claim(identify(UPLOAD), UPLOAD, execution_arn=OTHER_EXECUTION, resume_of=EXECUTION, ttl_days=90)

    # When its turn comes
    resume(Pictures(Stale(record), Workflow(STATE_MACHINE, pipeline.client)), (), pipeline.said.append)
    # Then nothing is started
    assert len(pipeline.executions()) == 1
    assert pipeline.said[-1] == "There was nothing to resume."


def test_a_resumed_picture_that_failed_again_can_be_resumed_again(pipeline: Pipeline) -> None:
    pipeline.end(Status.FAILED)
    pipeline.resume(IMAGE_ID)
    pipeline.records.claim(identify(UPLOAD), UPLOAD, execution_arn=OTHER_EXECUTION, resume_of=EXECUTION, ttl_days=90)
    pipeline.records.finish(new_record(identify(UPLOAD), UPLOAD, Status.FAILED, OTHER_EXECUTION, 90))
    assert pipeline.resume(IMAGE_ID)
    assert {started["resume_of"] for started in pipeline.executions()} == {EXECUTION, OTHER_EXECUTION}


def test_nothing_failed(pipeline: Pipeline) -> None:
    assert pipeline.resume()
    assert pipeline.said == ["There was nothing to resume."]


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.REJECTED, Status.PARTIAL, Status.BLOCKED])
def test_what_has_not_failed_is_not_resumed(pipeline: Pipeline, status: Status) -> None:
    pipeline.end(status)
    assert not pipeline.resume(IMAGE_ID)
    assert (
        pipeline.said[0] == f"{IMAGE_ID}: it is {status}, and only a picture that FAILED or was cut off can be resumed."
    )
    assert pipeline.executions() == []


def test_a_picture_whose_execution_was_cut_off_is_resumed(pipeline: Pipeline) -> None:
    # Given a picture in process by an execution that runs
    pipeline.end(Status.FAILED)
    pipeline.resume(IMAGE_ID)
    (running,) = pipeline.client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    cut_off = running["executionArn"]
    pipeline.records.claim(identify(UPLOAD), UPLOAD, execution_arn=cut_off, resume_of=EXECUTION, ttl_days=90)
    # Then it is left alone, until the execution is stopped from outside
    assert not pipeline.resume(IMAGE_ID)
    assert pipeline.said[-2].startswith(f"{IMAGE_ID}: it is PROCESSING")
    pipeline.client.stop_execution(executionArn=cut_off)
    assert pipeline.resume(IMAGE_ID)
    assert cut_off in {started.get("resume_of") for started in pipeline.executions()}


def test_an_unknown_id_does_not_keep_the_others_from_being_resumed(pipeline: Pipeline) -> None:
    pipeline.end(Status.FAILED)
    assert not pipeline.resume("nobody", IMAGE_ID)
    assert pipeline.said[0] == "nobody: there is no such picture."
    assert len(pipeline.executions()) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", WorkflowUnavailable),
        ("ExecutionLimitExceeded", WorkflowUnavailable),
        ("StateMachineDoesNotExist", AccessDenied),
        ("AccessDeniedException", AccessDenied),
    ],
)
def test_a_refusal_of_step_functions_is_translated(pipeline: Pipeline, code: str, error: type[MatteflowError]) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "StartExecution")

    record = pipeline.end(Status.FAILED)
    pipeline.client.meta.events.register("before-call", refuse)
    with pytest.raises(error, match=code):
        Workflow(STATE_MACHINE, pipeline.client).resume(record, pipeline.records)


def test_the_command_reads_the_running_local_stack(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.end(Status.FAILED)
    stack = tmp_path / "stack.json"
    # An address that moto answers in this process.
    outputs = {
        "aws_endpoint_url": None,
        "region": "us-east-1",
        "table": TABLE,
        "state_machine_arn": STATE_MACHINE,
    }
    stack.write_text(json.dumps(outputs))
    assert main(["--stack", str(stack), "--id", IMAGE_ID]) == 0
    assert main(["--stack", str(stack), "--id", "nobody"]) == 1
    assert "1 resumed." in capsys.readouterr().out


def test_without_a_stack_the_command_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", str(tmp_path / "stack.json")]) == 1
    assert "make run" in capsys.readouterr().err
