"""The table of records as Terraform makes it, in memory, and uploads and executions to fill it with."""

import json
from pathlib import Path
from typing import Any

import boto3

from functions.core.models import Upload
from functions.core.record_store import RecordStore

TABLE = "matteflow-test-records"
STATE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:process-image"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:process-image:first"
OTHER_EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:process-image:second"
FIXTURES = Path(__file__).parents[1] / "fixtures"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def make_records() -> RecordStore:
    attributes = ("image_id", "owner", "upload_key", "created_at")
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "image_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        GlobalSecondaryIndexes=[
            {
                "IndexName": f"{name}-created_at-index",
                "KeySchema": [
                    {"AttributeName": name, "KeyType": "HASH"},
                    {"AttributeName": "created_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for name in ("owner", "upload_key")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return RecordStore(TABLE)


def make_upload(**changes: Any) -> Upload:
    """The upload of the S3 event in the fixtures, with some fields changed."""
    detail = fixture("s3_object_created")["detail"]
    found = detail["object"]
    upload = Upload(
        bucket=detail["bucket"]["name"],
        key=found["key"],
        version=found["version-id"],
        etag=found["etag"],
        size=found["size"],
        sequencer=found["sequencer"],
    )
    return upload.model_copy(update=changes)
