"""Start pictures that FAILED or were cut off again: ``python -m scripts.resume [--id IMAGE_ID ...]``."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import boto3

from functions.core.errors import MatteflowError
from functions.core.models import Record
from functions.core.record_store import RecordStore
from functions.core.workflow import Workflow

DEFAULT_STACK = Path(".local/stack.json")


class DeploymentError(Exception):
    """What is resumed cannot be found; the message says what to do."""


class Deployment(NamedTuple):
    """Where the pictures are: the local stack, or a deployment on AWS."""

    records: RecordStore
    workflow: Workflow


def local_deployment(stack: Path) -> Deployment:
    """The running local stack that a ``stack.json`` describes.

    Raises:
        DeploymentError: there is no such file.
    """
    try:
        outputs = json.loads(stack.read_text())
    except (OSError, ValueError) as error:
        raise DeploymentError(
            f"There is no stack to read in {stack}. Start the local stack (make run), or name a deployment on AWS by "
            "--table and --state-machine-arn."
        ) from error
    session = boto3.Session("test", "test", region_name=outputs["region"])
    endpoint = outputs["aws_endpoint_url"]
    table = session.resource("dynamodb", endpoint_url=endpoint).Table(outputs["table"])
    return Deployment(
        RecordStore(outputs["table"], table),
        Workflow(outputs["state_machine_arn"], session.client("stepfunctions", endpoint_url=endpoint)),
    )


def resume(deployment: Deployment, image_ids: Sequence[str], tell: Callable[[str], None] = print) -> bool:
    """Start the named pictures again, or all that FAILED or were cut off if none is named; tell of each.

    Returns:
        whether every picture that was named could be resumed, and so is processed again now.
    """
    refused = False
    started = 0
    for image_id, record in _chosen(deployment, image_ids):
        if record is None:
            tell(f"{image_id}: there is no such picture.")
            refused = True
        elif not deployment.workflow.has_stopped(record):
            tell(f"{image_id}: it is {record.status}, and only a picture that FAILED or was cut off can be resumed.")
            refused = True
        elif execution_arn := deployment.workflow.resume(record, deployment.records):
            tell(f"{image_id}: {record.file_name} is processed again by {execution_arn}")
            started += 1
        else:
            tell(f"{image_id}: it is being resumed already.")
    tell(f"{started} resumed." if started else "There was nothing to resume.")
    return not refused


def _chosen(deployment: Deployment, image_ids: Sequence[str]) -> Iterable[tuple[str, Record | None]]:
    records = deployment.records
    if image_ids:
        return ((image_id, records.get(image_id)) for image_id in image_ids)
    return ((record.image_id, record) for record in records.unfinished() if deployment.workflow.has_stopped(record))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.resume", description="Start FAILED pictures again, each from its own record."
    )
    parser.add_argument(
        "--id", action="append", default=[], metavar="IMAGE_ID", help="a picture to resume (default: all that FAILED)"
    )
    parser.add_argument(
        "--stack", type=Path, default=DEFAULT_STACK, help="the running local stack (default: %(default)s)"
    )
    parser.add_argument("--table", help="the table of a deployment on AWS, which takes credentials as the AWS CLI does")
    parser.add_argument("--state-machine-arn", help="the state machine of that deployment")
    options = parser.parse_args(arguments)
    if bool(options.table) != bool(options.state_machine_arn):
        parser.error("--table and --state-machine-arn belong together")
    try:
        if options.table:
            deployment = Deployment(RecordStore(options.table), Workflow(options.state_machine_arn))
        else:
            deployment = local_deployment(options.stack)
        return 0 if resume(deployment, options.id) else 1
    except (DeploymentError, MatteflowError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
