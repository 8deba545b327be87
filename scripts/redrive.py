"""Send what a queue of a deployment keeps to where it was meant to go.

    python -m scripts.redrive dead-letter|undelivered [--dry-run] [--discard FILE] [--env NAME]

``dead-letter`` holds events that EventBridge could not give to the workflow or to a function, and events that the
workflow could not read; ``undelivered`` holds notices and events that SNS or EventBridge refused. A message leaves its
queue only after what it asks for has succeeded. What cannot be sent to anybody is shown and stays, or goes to a file.
SQS moves messages by itself (``StartMessageMoveTask``) to queues only, and none of these came from one.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from functions.core.announcer import Announcer, is_event, is_notice
from scripts.deployment import (
    INTERRUPTED,
    RUN_CONFIG,
    Deployment,
    DeploymentError,
    FunctionFailed,
    add_deployment,
    chosen_deployment,
    run_function,
)

QUEUES = {"dead-letter": "dead_letter_queue_url", "undelivered": "undelivered_queue_url"}

_HELD_S = 900  # a message that is being worked on is hidden so long; whatever ends this command, it comes back
_WAIT_S = 1  # asking for a second asks all of SQS's servers
_SHOWN = 1000  # characters of a message


class Refused(Exception):
    """Where the message was meant to go it was refused again; the message says by what."""


class Message(NamedTuple):
    """A message of a queue; ``body`` is None where it is not a JSON object."""

    id: str
    receipt: str
    text: str
    body: Mapping[str, Any] | None
    attributes: Mapping[str, str]


class Redelivery(NamedTuple):
    """What a message is, in words, and the sending of it, which raises what AWS does, or Refused."""

    what: str
    send: Callable[[], None]


class Queue:
    """The messages of one queue, each once."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self._held: dict[str, Message] = {}

    def about(self) -> int:
        """About how many messages there are."""
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    def messages(self) -> Iterator[Message]:
        """Every message, until there is none that was not here before."""
        while True:
            received = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HELD_S,
                WaitTimeSeconds=_WAIT_S,
                MessageAttributeNames=["All"],
            )
            new = [_message(each) for each in received.get("Messages", ()) if each["MessageId"] not in self._held]
            if not new:
                return
            self._held |= {message.id: message for message in new}
            yield from new

    def delete(self, message: Message) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)
        del self._held[message.id]

    def release(self) -> None:
        """Let whoever asks next see what is still here."""
        for message in self._held.values():
            self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=0)


class DeadLetters:
    """What the messages of the dead-letter queue ask for.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """

    def __init__(self, deployment: Deployment) -> None:
        self._state_machine_arn = deployment.outputs["state_machine_arn"]
        self._step_functions = deployment.client("stepfunctions")
        self._lambda = deployment.client("lambda", RUN_CONFIG)

    def redelivery(self, message: Message) -> Redelivery | None:
        """What an event's target should have done; None for what the workflow could not read."""
        target = message.attributes.get("TARGET_ARN", "")
        reason = message.attributes.get("ERROR_CODE", "no reason given")
        if message.body is None:
            return None
        if target == self._state_machine_arn and "id" in message.body:
            name = f"redrive-{message.body['id']}"
            return Redelivery(f"uploads ({reason})", lambda: self._start(name, message.text))
        if ":function:" in target:
            function = target.rpartition(":")[2]
            return Redelivery(f"events for {function} ({reason})", lambda: self._run(target, message.text))
        return None

    def _start(self, name: str, event: str) -> None:
        """Start the execution of an event, named after it, so that sending it twice starts one."""
        try:
            self._step_functions.start_execution(stateMachineArn=self._state_machine_arn, name=name, input=event)
        except self._step_functions.exceptions.ExecutionAlreadyExists:
            return  # it was started before this command could delete the message

    def _run(self, function: str, event: str) -> None:
        """Run a function on an event, to its end."""
        try:
            run_function(self._lambda, function, event)
        except FunctionFailed as error:
            raise Refused(error.error_type) from error


class Undelivered:
    """What the messages of the queue of undelivered notices and events ask for."""

    def __init__(self, deployment: Deployment) -> None:
        outputs = deployment.outputs
        sns, events, sqs = (deployment.client(service) for service in ("sns", "events", "sqs"))
        bus = events.describe_rule(Name=outputs["event_rule_name"])["EventBusName"]
        self._announcer = Announcer(outputs["topic_arn"], bus, outputs["undelivered_queue_url"], sns, events, sqs)

    def redelivery(self, message: Message) -> Redelivery | None:
        """To be sent as the workflow would have sent it; None for what is neither a notice nor an event."""
        body = message.body
        if body is None or not (is_notice(body) or is_event(body)):
            return None
        return Redelivery("notices" if is_notice(body) else "events", lambda: self._announcer.send(body))


def redrive(
    queue: Queue,
    redelivery_of: Callable[[Message], Redelivery | None],
    console: Console,
    *,
    dry_run: bool = False,
    discard: Path | None = None,
) -> bool:
    """Do what every message of a queue asks for, and print how many there were of each kind.

    Args:
        dry_run: only count and show them.
        discard: the file to which the messages go, a line of JSON each, that ask for nothing; None leaves them.

    Returns:
        whether nothing was refused, and nothing stays that asks for nothing.
    """
    counts: Counter[str] = Counter()
    unreadable = refused = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Looking" if dry_run else "Sending", total=queue.about())
            for message in queue.messages():
                progress.advance(task)
                redelivery = redelivery_of(message)
                if redelivery is None:
                    if discard is None or dry_run:
                        unreadable += 1
                        console.print(f"Not to be sent: {message.text[:_SHOWN]}", markup=False)
                    else:
                        _keep(message, discard)
                        queue.delete(message)
                        counts[f"moved to {discard}"] += 1
                elif dry_run:
                    counts[f"to send: {redelivery.what}"] += 1
                else:
                    try:
                        redelivery.send()
                    except (ClientError, BotoCoreError, Refused) as error:
                        refused += 1
                        console.print(f"Refused again, and kept: {error}", markup=False)
                        continue
                    queue.delete(message)
                    counts[f"sent: {redelivery.what}"] += 1
    finally:
        queue.release()
        for what, count in counts.most_common():
            console.print(f"{count:,} {what}", highlight=False)
    if refused:
        console.print(f"{refused:,} refused again: they stay in the queue.")
    if unreadable:
        console.print(f"{unreadable:,} stay that nobody can be sent. To move them to a file: DISCARD=unreadable.jsonl")
    if not counts and not refused and not unreadable:
        console.print("The queue is empty.")
    return not (refused or unreadable)


def _message(received: Mapping[str, Any]) -> Message:
    try:
        body = json.loads(received["Body"])
    except ValueError:
        body = None
    attributes = received.get("MessageAttributes", {})
    return Message(
        id=received["MessageId"],
        receipt=received["ReceiptHandle"],
        text=received["Body"],
        body=body if isinstance(body, dict) else None,
        attributes={name: value.get("StringValue", "") for name, value in attributes.items()},
    )


def _keep(message: Message, file: Path) -> None:
    """Write a message to the end of a file, and have it on the disk."""
    with file.open("a") as lines:
        lines.write(json.dumps({"body": message.text, "attributes": dict(message.attributes)}) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.redrive", description="Send what a queue keeps to where it was meant to go."
    )
    parser.add_argument("queue", choices=QUEUES)
    parser.add_argument("--dry-run", action="store_true", help="only count and show the messages")
    parser.add_argument(
        "--discard", type=Path, metavar="FILE", help="move the messages that nobody can be sent to the end of this file"
    )
    add_deployment(parser)
    options = parser.parse_args(arguments)
    try:
        deployment = chosen_deployment(options)
        meant = DeadLetters(deployment) if options.queue == "dead-letter" else Undelivered(deployment)
        queue = Queue(deployment.client("sqs"), deployment.outputs[QUEUES[options.queue]])
        console = Console(soft_wrap=True)
        done = redrive(queue, meant.redelivery, console, dry_run=options.dry_run, discard=options.discard)
    except (DeploymentError, ClientError, BotoCoreError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. What was not sent is in the queue; run it again.", file=sys.stderr)
        return INTERRUPTED
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
