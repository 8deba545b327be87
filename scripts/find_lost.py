"""Start the uploads of which no event came: those that lie in the bucket and have no record.

    python -m scripts.find_lost --from TIME [--env NAME]

The reconciler finds an upload that was asked for; this finds one that was put straight into the bucket, too. It lists
the whole bucket, so it is for a person to run. Interrupted, it can be run again: what was started has its record, or
is about to. An upload older than a record lives has none any more, so that ``--from`` is for whoever runs it to say.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from functions.core.errors import MatteflowError
from functions.core.identity import UPLOADS_PREFIX, identify
from functions.core.models import Status, Upload
from functions.core.record_store import new_record
from scripts.deployment import INTERRUPTED, DeploymentError, add_deployment, chosen_deployment
from scripts.replay import moment
from scripts.resume import Pictures

# A younger one's event may be on its way.
UNTIL = timedelta(minutes=15)

_TTL_DAYS = 1  # of a record that is never written


def uploads(s3: Any, bucket: str, start: datetime, end: datetime) -> Iterator[Upload]:
    """Every upload of a period that is still there, as its event would have named it, but for the sequencer."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=UPLOADS_PREFIX):
        for version in page.get("Versions", ()):
            if start <= version["LastModified"] < end and not version["Key"].endswith("/"):
                yield Upload(
                    bucket=bucket,
                    key=version["Key"],
                    version=version["VersionId"],
                    etag=version["ETag"].strip('"'),
                    size=version["Size"],
                    sequencer="0",  # only events tell it; this one sorts before them all
                )


def start_lost(pictures: Pictures, found: Iterator[Upload], console: Console) -> int:
    """Start every upload that has no record, each once; how many were started.

    Raises:
        MatteflowError: DynamoDB or Step Functions did not answer; what was started stays started.
    """
    looked_at = started = 0
    with console.status("Looking") as status:
        for upload in found:
            looked_at += 1
            status.update(f"Looking: {looked_at:,} uploads, {started:,} started")
            identity = identify(upload)
            if pictures.records.get(identity.image_id) is not None:
                continue
            awaited = new_record(identity, upload, Status.AWAITING_UPLOAD, "", _TTL_DAYS)
            lost = awaited.model_copy(update={"execution_arn": None})
            if execution_arn := pictures.workflow.resume(lost, pictures.records):
                console.print(f"{identity.image_id}: {upload.key} is processed by {execution_arn}", markup=False)
                started += 1
    console.print(f"{started:,} of {looked_at:,} uploads had no record, and are processed now.")
    return started


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.find_lost", description="Start the uploads of which no event came."
    )
    parser.add_argument(
        "--from", dest="start", type=moment, required=True, metavar="TIME", help="look at uploads since (ISO 8601)"
    )
    add_deployment(parser)
    options = parser.parse_args(arguments)
    try:
        deployment = chosen_deployment(options)
        found = uploads(
            deployment.client("s3"), deployment.outputs["uploads_bucket"], options.start, datetime.now(UTC) - UNTIL
        )
        start_lost(Pictures.of(deployment), found, Console(soft_wrap=True))
    except (DeploymentError, MatteflowError, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Run it again to go on.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
