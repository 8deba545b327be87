"""Fixtures of every unit test: an AWS that is never the real one."""

import io
import os
from collections.abc import Iterator

import pytest
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from functions.core.observability import logger
from functions.core.record_store import RecordStore
from tests.loopback import answering
from tests.unit.buckets import make_buckets
from tests.unit.endpoint import Endpoint
from tests.unit.record_table import make_records


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
    """An S3 client with the three buckets made."""
    return make_buckets()


@pytest.fixture
def records(aws: None) -> RecordStore:  # noqa: ARG001 - moto must be there before the table
    """An empty table, as deployed."""
    return make_records()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """The endpoint that every new client of SageMaker's runtime calls."""
    endpoint = Endpoint()
    with answering(endpoint) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url)
        yield endpoint


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log during the test."""
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream
