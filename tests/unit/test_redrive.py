"""The command that sends what the queues keep: each message where it was meant to go, and none lost."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from functions.core.announcer import Announcer
from functions.core.models import Notice, SaveResultResult, Status
from scripts import redrive as command
from scripts.deployment import Deployment
from scripts.redrive import DeadLetters, Queue, Redelivery, Refused, Undelivered, main, redrive
from tests.unit.record_table import EXECUTION, STATE_MACHINE, fixture, make_upload, sample

ROLE = "arn:aws:iam::123456789012:role/steps"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:matteflow-test-record_failure"
UPLOAD_RULE = "arn:aws:events:us-east-1:123456789012:rule/matteflow-test-upload-arrived"


class Operation:
    """A deployment in memory, and what the command says of it."""

    def __init__(self, queue: str) -> None:
        self.sqs, self.sns = boto3.client("sqs"), boto3.client("sns")
        self.step_functions = boto3.client("stepfunctions")
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
        self.step_functions.create_state_machine(name="process-image", definition=json.dumps(definition), roleArn=ROLE)
        boto3.client("events").put_rule(Name="upload-arrived", EventPattern='{"source": ["aws.s3"]}')
        self.topic = self.sns.create_topic(Name="notices")["TopicArn"]
        self.url = self.sqs.create_queue(QueueName=queue)["QueueUrl"]
        self.deployment = Deployment(
            {
                "state_machine_arn": STATE_MACHINE,
                "event_rule_name": "upload-arrived",
                "topic_arn": self.topic,
                "dead_letter_queue_url": self.url,
                "undelivered_queue_url": self.url,
            },
            boto3.Session(region_name="us-east-1"),
        )
        self.console = Console(record=True, width=200)

    def keep(self, body: Any, **attributes: str) -> None:
        """Put a message into the queue, as EventBridge or the workflow does."""
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def kept(self) -> list[Any]:
        """The bodies of what is in the queue and could be received now."""
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in messages.get("Messages", ())]

    def started(self) -> list[Any]:
        executions = self.step_functions.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
        arns = [execution["executionArn"] for execution in executions]
        return [json.loads(self.step_functions.describe_execution(executionArn=arn)["input"]) for arn in arns]

    def redrive(self, meant: Any, **options: Any) -> bool:
        return redrive(Queue(self.sqs, self.url), meant.redelivery, self.console, **options)

    @property
    def said(self) -> str:
        return self.console.export_text(clear=False)


@pytest.fixture
def operation(aws: None, monkeypatch: pytest.MonkeyPatch) -> Operation:  # noqa: ARG001 - moto must be there before the queue
    monkeypatch.setattr(command, "_WAIT_S", 0)
    return Operation("kept")


def refused_by_rule(**changes: str) -> dict[str, str]:
    return {"RULE_ARN": UPLOAD_RULE, "TARGET_ARN": STATE_MACHINE, "ERROR_CODE": "NO_PERMISSIONS"} | changes


def refuse(*_: object, **__: object) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "StartExecution")


def test_an_upload_that_could_not_start_is_started_once(operation: Operation) -> None:
    # Given the same event twice, as SQS may give it
    event = sample("s3_object_created")
    for _ in range(2):
        operation.keep(event, **refused_by_rule())
    assert operation.redrive(DeadLetters(operation.deployment))
    assert operation.started() == [event]
    assert operation.kept() == []
    assert "2 sent: uploads (NO_PERMISSIONS)" in operation.said


def test_what_is_refused_again_stays(operation: Operation) -> None:
    event = sample("s3_object_created")
    operation.keep(event, **refused_by_rule())
    meant = DeadLetters(operation.deployment)
    meant._step_functions.meta.events.register("before-call", refuse)
    assert not operation.redrive(meant)
    assert operation.kept() == [event]
    assert "ThrottlingException" in operation.said
    assert "1 refused again" in operation.said


@pytest.mark.parametrize("failed", [False, True])
def test_a_function_that_could_not_be_run_is_run_to_its_end(
    operation: Operation, monkeypatch: pytest.MonkeyPatch, failed: bool
) -> None:
    event = fixture("execution_status_change")
    operation.keep(event, **refused_by_rule(TARGET_ARN=FUNCTION))
    invoked: list[Mapping[str, Any]] = []

    def invoke(**call: Any) -> dict[str, Any]:
        invoked.append(call)
        error = {"FunctionError": "Unhandled"} if failed else {}
        return error | {"Payload": io.BytesIO(json.dumps(fixture("lambda_error")).encode())}

    meant = DeadLetters(operation.deployment)
    monkeypatch.setattr(meant._lambda, "invoke", invoke)
    assert operation.redrive(meant) is not failed
    ((name, payload),) = [(call["FunctionName"], json.loads(call["Payload"])) for call in invoked]
    assert (name, payload) == (FUNCTION, event)
    assert operation.kept() == ([event] if failed else [])
    said = (
        fixture("lambda_error")["errorType"]
        if failed
        else "1 sent: events for matteflow-test-record_failure (NO_PERMISSIONS)"
    )
    assert said in operation.said


@pytest.mark.parametrize("message", [{"detail": {"bucket": {"name": "somebody-elses"}}}, "not JSON", ["a list"]])
def test_what_the_workflow_cannot_read_is_shown_and_stays_until_it_goes_to_a_file(
    operation: Operation, tmp_path: Path, message: Any
) -> None:
    operation.keep(message)
    meant = DeadLetters(operation.deployment)
    assert not operation.redrive(meant)
    text = message if isinstance(message, str) else json.dumps(message)
    assert text in operation.said

    # The one before let it go, so that it is seen again at once.
    file = tmp_path / "unreadable.jsonl"
    assert operation.redrive(meant, discard=file)
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"body": text, "attributes": {}}]
    assert operation.redrive(meant)
    assert "The queue is empty." in operation.said


def test_notices_and_events_are_sent_as_they_would_have_been(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given what a topic and a bus refused
    refusing = Announcer("arn:aws:sns:us-east-1:123456789012:gone", "gone", operation.url)
    saved = SaveResultResult(
        image_id="00000000-0000-7000-8000-000000000000",
        owner="public",
        status=Status.SUCCEEDED,
        status_reason=None,
        notice=Notice(subject="It is done", message="boat.jpg is done"),
    )
    monkeypatch.setattr(refusing, "_put", refuse)
    refusing.announce(saved, make_upload(), EXECUTION)
    subscriber = operation.sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    operation.sns.subscribe(
        TopicArn=operation.topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:subscriber",
        Attributes={"FilterPolicy": json.dumps({"status": ["SUCCEEDED"], "owner": ["public"]})},
    )
    meant = Undelivered(operation.deployment)
    put: list[Mapping[str, Any]] = []
    monkeypatch.setattr(
        meant._announcer._events, "put_events", lambda **call: put.extend(call["Entries"]) or {"Entries": [{}]}
    )
    assert operation.redrive(meant)
    (message,) = operation.sqs.receive_message(QueueUrl=subscriber)["Messages"]
    notice = json.loads(message["Body"])
    assert (notice["Subject"], notice["Message"]) == ("It is done", "boat.jpg is done")
    (event,) = put
    assert (event["EventBusName"], event["Source"], event["DetailType"]) == ("default", "matteflow", "Image Processed")
    assert json.loads(event["Detail"])["execution_arn"] == EXECUTION
    assert operation.kept() == []
    assert "1 sent: notices" in operation.said
    assert "1 sent: events" in operation.said


def test_a_dry_run_only_looks(operation: Operation) -> None:
    event = sample("s3_object_created")
    operation.keep(event, **refused_by_rule())
    assert operation.redrive(DeadLetters(operation.deployment), dry_run=True)
    assert operation.started() == []
    assert operation.kept() == [event]
    assert "1 to send: uploads (NO_PERMISSIONS)" in operation.said


def test_more_than_one_answer_of_sqs_holds_are_all_sent(operation: Operation) -> None:
    for number in range(23):
        operation.keep(sample("s3_object_created") | {"id": f"event-{number}"}, **refused_by_rule())
    assert operation.redrive(DeadLetters(operation.deployment))
    assert len(operation.started()) == 23


def test_interrupted_it_leaves_what_it_has_not_sent(operation: Operation) -> None:
    events = [sample("s3_object_created") | {"id": f"event-{number}"} for number in range(3)]
    for event in events:
        operation.keep(event, **refused_by_rule())
    sent: list[str] = []

    def interrupt() -> None:
        if sent:
            raise KeyboardInterrupt
        sent.append("one")

    with pytest.raises(KeyboardInterrupt):
        redrive(Queue(operation.sqs, operation.url), lambda _: Redelivery("sent", interrupt), operation.console)
    assert len(operation.kept()) == 2


def test_a_function_that_fails_is_a_refusal(operation: Operation) -> None:
    def fail() -> None:
        raise Refused("StoreUnavailable")

    operation.keep({"kept": True})
    assert not redrive(Queue(operation.sqs, operation.url), lambda _: Redelivery("run", fail), operation.console)
    assert operation.kept() == [{"kept": True}]


def test_without_a_stack_the_command_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letter", "--stack", str(tmp_path / "stack.json")]) == 1
    assert "make run" in capsys.readouterr().err
