"""Resuming a picture by the API: what FAILED or was cut off, once, and nothing else."""

import functools
import json
from typing import Any

import boto3
import pytest

from functions.core.errors import WorkflowUnavailable
from functions.core.models import Status
from functions.core.workflow import Workflow
from tests.unit.record_table import EXECUTION, STATE_MACHINE

ABSENT = "01890000-0000-7000-8000-000000000000"
ROLE = "arn:aws:iam::123456789012:role/steps"


@functools.lru_cache
def _client() -> Any:
    """One for all tests, as the API keeps its own: making them would be most of the tests' time."""
    return boto3.client("stepfunctions")


@pytest.fixture
def step_functions(records) -> Any:  # noqa: ARG001 - AWS must be in memory first
    client = _client()
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
    client.create_state_machine(name="process-image", definition=json.dumps(definition), roleArn=ROLE)
    return client


def resume(api, image_id: str, **query: str):
    return api.get(f"/results/{image_id}/resume", method="POST", **query)


def test_a_failed_picture_is_processed_again_by_one_execution(api, make_record, step_functions):
    record = make_record(status=Status.FAILED, execution_arn=EXECUTION)

    answers = [resume(api, record.image_id) for _ in range(2)]

    (started,) = step_functions.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    assert answers[0].status == 202, answers[0].text
    assert answers[0].body == {"execution_arn": started["executionArn"]}
    assert answers[1].status in (202, 409)
    described = step_functions.describe_execution(executionArn=started["executionArn"])
    event = json.loads(described["input"])
    assert (event["resume_of"], event["detail"]["object"]["key"]) == (EXECUTION, record.upload_key)


def test_a_picture_that_was_cut_off_is_processed_again(api, make_record, step_functions):
    started = step_functions.start_execution(stateMachineArn=STATE_MACHINE, name="cut-off", input="{}")
    record = make_record(status=Status.PROCESSING, execution_arn=started["executionArn"])

    running = resume(api, record.image_id)
    step_functions.stop_execution(executionArn=started["executionArn"])
    stopped = resume(api, record.image_id)

    assert (running.status, stopped.status) == (409, 202)


@pytest.mark.parametrize("status", [status for status in Status if status not in (Status.FAILED, Status.PROCESSING)])
def test_nothing_else_is_resumed(api, make_record, step_functions, status):
    answer = resume(api, make_record(status=status, execution_arn=EXECUTION).image_id)

    assert answer.status == 409
    assert answer.body["detail"] == f"The picture is {status}, and only one that FAILED or was cut off can be resumed."
    assert not step_functions.list_executions(stateMachineArn=STATE_MACHINE)["executions"]


@pytest.mark.parametrize("image_id", [ABSENT, "7", "..", "x" * 4000])
@pytest.mark.usefixtures("step_functions")
def test_an_absent_a_malformed_and_anothers_id_are_not_found(api, make_record, image_id):
    of_alice = make_record("alice", status=Status.FAILED, execution_arn=EXECUTION).image_id

    assert resume(api, image_id).status == 404
    assert resume(api, of_alice).status == 404
    assert resume(api, of_alice, user_id="alice").status == 202


def test_a_workflow_that_does_not_answer_may_be_asked_again(api, make_record, monkeypatch):
    def refuse(*_: object) -> None:
        raise WorkflowUnavailable("Step Functions refused StartExecution (ThrottlingException).")

    monkeypatch.setattr(Workflow, "resume", refuse)
    answer = resume(api, make_record(status=Status.FAILED, execution_arn=EXECUTION).image_id)

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
