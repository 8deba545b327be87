"""Fixtures of every unit test: an AWS that is never the real one."""

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test credentials, one region, and none of the developer's endpoints or profiles."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def aws() -> Iterator[None]:
    """AWS in memory for the length of one test."""
    with mock_aws():
        yield


@pytest.fixture
def s3(aws: None) -> S3Client:  # noqa: ARG001 - moto must be there before the client
    """An S3 client with the three buckets made; uploads are versioned, as deployed."""
    client = boto3.client("s3")
    for bucket in (UPLOADS_BUCKET, MASKS_BUCKET, RESULTS_BUCKET):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=UPLOADS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def lambda_context() -> LambdaContext:
    """What Lambda tells a handler about its invocation."""
    context = SimpleNamespace(
        function_name="step",
        memory_limit_in_mb=2048,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:step",
        aws_request_id="00000000-0000-0000-0000-000000000000",
    )
    return cast(LambdaContext, context)
