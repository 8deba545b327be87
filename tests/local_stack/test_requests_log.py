"""What a process asks of AWS is logged without its doing."""

import json
import subprocess
import sys
from pathlib import Path

from scripts.local_stack.services import RECORDER

ASK = """
import boto3
from botocore.config import Config

once = Config(retries={"total_max_attempts": 1})
s3 = boto3.client("s3", config=once)
s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "signed.jpg"})
for ask in (
    lambda: s3.put_object(Bucket="photos", Key="a b.jpg", Body=b"pixels"),
    lambda: boto3.resource("dynamodb", config=once).Table("records").get_item(Key={"image_id": "1"}),
):
    try:
        ask()
    except Exception:
        pass
"""


def test_every_request_is_logged_by_what_it_is_about_also_one_that_nobody_answers(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",  # where nobody listens
        "AWS_LAMBDA_FUNCTION_NAME": "a-function",
        "AWS_REQUESTS_LOG": str(log),
        "PYTHONPATH": str(RECORDER),
    }

    subprocess.run([sys.executable, "-c", ASK], env=environment, check=True)

    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(line.pop("at") > 0 for line in logged)
    by = {"by": "a-function", "status": None}
    assert logged == [
        {"service": "s3", "operation": "PutObject", "parameters": {"Bucket": "photos", "Key": "a b.jpg"}, **by},
        {"service": "dynamodb", "operation": "GetItem", "parameters": {"TableName": "records"}, **by},
    ]
