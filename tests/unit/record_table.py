"""The table of records as Terraform makes it, in memory, and uploads and executions to fill it with."""

import json
from pathlib import Path
from typing import Any

import boto3
from mypy_boto3_dynamodb import DynamoDBClient

from functions.core.models import Upload
from functions.core.record_store import OWNER_INDEX, UNSETTLED_INDEX, UPLOAD_KEY_INDEX, RecordStore

TABLE = "matteflow-test-records"
STATE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:process-image"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:process-image:first"
OTHER_EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:process-image:second"
FIXTURES = Path(__file__).parents[1] / "fixtures"
SAMPLES = Path(__file__).parents[2] / "statemachine" / "samples"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def sample(name: str) -> Any:
    """An input of the state machine."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def make_records() -> RecordStore:
    make_table(boto3.client("dynamodb"))
    return RecordStore(TABLE)


def make_table(dynamodb: DynamoDBClient) -> None:
    attributes = ("image_id", "owner", "upload_key", "created_at", "unsettled", "updated_at")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "image_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": key, "KeyType": "HASH"},
                    {"AttributeName": sort_key, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": projection},
            }
            for index, key, sort_key, projection in (
                (OWNER_INDEX, "owner", "created_at", "ALL"),
                (UPLOAD_KEY_INDEX, "upload_key", "created_at", "ALL"),
                (UNSETTLED_INDEX, "unsettled", "updated_at", "KEYS_ONLY"),
            )
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def make_upload(**changes: Any) -> Upload:
    """The upload of the sample of an S3 event, with some fields changed."""
    detail = sample("s3_object_created")["detail"]
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
