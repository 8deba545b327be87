"""Start pictures that FAILED or were cut off again: ``python -m scripts.resume [--env NAME] [--id IMAGE_ID ...]``."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from functions.core.errors import MatteflowError
from functions.core.models import Record
from functions.core.record_store import RecordStore
from functions.core.workflow import Workflow
from scripts.deployment import INTERRUPTED, Deployment, DeploymentError, add_deployment, chosen_deployment


class Pictures(NamedTuple):
    """The records of a deployment, and the workflow that resumes them."""

    records: RecordStore
    workflow: Workflow

    @classmethod
    def of(cls, deployment: Deployment) -> "Pictures":
        outputs = deployment.outputs
        return cls(
            RecordStore(outputs["table"], deployment.table()),
            Workflow(outputs["state_machine_arn"], deployment.client("stepfunctions")),
        )


def resume(
    pictures: Pictures,
    image_ids: Sequence[str],
    tell: Callable[[str], None] = print,
    show: Callable[[str], None] = lambda _: None,
) -> bool:
    """Start the named pictures again, or all that FAILED or were cut off if none is named.

    Args:
        tell: is told of each picture, and how many there were.
        show: is told how far it is, and how fast it goes.

    Returns:
        whether every picture that was named could be resumed, and so is processed again now.
    """
    refused = False
    started = 0
    begun_at = time.monotonic()
    for image_id, record in _chosen(pictures, image_ids):
        if record is None:
            tell(f"{image_id}: there is no such picture.")
            refused = True
        elif not pictures.workflow.has_stopped(record):
            tell(f"{image_id}: it is {record.status}, and only a picture that FAILED or was cut off can be resumed.")
            refused = True
        elif execution_arn := pictures.workflow.resume(record, pictures.records):
            tell(f"{image_id}: {record.file_name} is processed again by {execution_arn}")
            started += 1
            show(f"{started:,} resumed, {started / (time.monotonic() - begun_at):.1f} a second")
        else:
            tell(f"{image_id}: it is being resumed already.")
    tell(f"{started:,} resumed." if started else "There was nothing to resume.")
    return not refused


def _chosen(pictures: Pictures, image_ids: Sequence[str]) -> Iterable[tuple[str, Record | None]]:
    records = pictures.records
    if image_ids:
        return ((image_id, records.get(image_id)) for image_id in image_ids)
    return ((record.image_id, record) for record in records.unfinished() if pictures.workflow.has_stopped(record))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.resume", description="Start FAILED pictures again, each from its own record."
    )
    parser.add_argument(
        "--id", action="append", default=[], metavar="IMAGE_ID", help="a picture to resume (default: all that FAILED)"
    )
    add_deployment(parser)
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        pictures = Pictures.of(chosen_deployment(options))
        with console.status("Looking") as status:
            return 0 if resume(pictures, options.id, console.print, status.update) else 1
    except KeyboardInterrupt:
        print("Interrupted. What was resumed is processed; run it again for the others.", file=sys.stderr)
        return INTERRUPTED
    except (DeploymentError, MatteflowError, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
