"""The API as API Gateway calls it, over stores in memory."""

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.api.handler import handler
from functions.api.services import services
from functions.core.identity import new_image_id
from functions.core.models import Output, Record, Status, Upload
from functions.core.record_store import RecordStore
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET
from tests.unit.lambda_context import Context
from tests.unit.record_table import STATE_MACHINE, TABLE, fixture, make_table

Event = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class Api:
    """Sends events made from the files of ``tests/fixtures``."""

    def send(self, event: Event) -> Answer:
        answer = handler(event, Context())
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def get(self, path: str, event: str = "api_get", method: str = "GET", **query: Any) -> Answer:
        return self.send(_request(event, method, path, query))

    def delete(self, path: str, event: str = "api_get") -> Answer:
        return self.get(path, event, "DELETE")

    def post(self, body: str | dict[str, Any], path: str = "/upload-url", **query: Any) -> Answer:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.send(_request("api_post_upload_url", "POST", path, query) | {"body": text})


def _request(event_name: str, method: str, path: str, query: dict[str, Any]) -> Event:
    event: Event = fixture(event_name)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    event["rawQueryString"] = urlencode(query)
    if query:
        event["queryStringParameters"] = {name: str(value) for name, value in query.items()}
    return event


ENVIRONMENT = {
    "TABLE_NAME": TABLE,
    "UPLOADS_BUCKET": UPLOADS_BUCKET,
    "MASKS_BUCKET": MASKS_BUCKET,
    "RESULTS_BUCKET": RESULTS_BUCKET,
    "APPLY_MASK_FUNCTION": "matteflow-test-apply_mask",
    "STATE_MACHINE_ARN": STATE_MACHINE,
    "AUTH": "none",
    "MASK_PROVIDER": "matteflow-test-endpoint",
    "MODELS": "u2netp,isnet-general-use",
    "VERSION": "0.1.0",
    "MAX_SIZE_BYTES": "1000000",
    "UPLOAD_URL_TTL_S": "600",
    "RESULT_URL_TTL_S": "300",
    "DEFAULT_OPTIONS": json.dumps({"crop": {"margin": 10}, "thumbnail_sizes": [{"width": 64, "height": 48}]}),
}


@functools.lru_cache
def _dynamodb() -> DynamoDBClient:
    """One client for all tests, as the API keeps its own: making them would be most of the tests' time."""
    return boto3.client("dynamodb")


@pytest.fixture
def records(aws: None, monkeypatch: pytest.MonkeyPatch) -> RecordStore:  # noqa: ARG001 - AWS must be in memory first
    """An empty table, as deployed, and the store that the API reads it by."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    make_table(_dynamodb())
    return services().records


@pytest.fixture
def api(records: RecordStore) -> Api:  # noqa: ARG001 - the table must be there
    """The API with sign-in off."""
    return Api()


@pytest.fixture
def configure(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str | None], None]]:  # noqa: ARG001
    """Changes one variable of the function's environment, or takes it away."""

    def change(name: str, value: str | None) -> None:
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
        services.cache_clear()

    yield change
    services.cache_clear()


@pytest.fixture
def signed_in(api: Api, configure: Callable[[str, str | None], None]) -> Api:
    """The API with sign-in on."""
    configure("AUTH", "cognito")
    return api


@pytest.fixture
def load_event() -> Callable[[str], Event]:
    """Loads an event of API Gateway from its file."""
    return fixture


@pytest.fixture
def subject() -> str:
    """Whom the token of ``api_get_signed_in`` names."""
    return str(fixture("api_get_signed_in")["requestContext"]["authorizer"]["jwt"]["claims"]["sub"])


MakeRecord = Callable[..., Record]


@pytest.fixture
def make_record(records: RecordStore) -> MakeRecord:
    """Stores a record of a picture, by default one that is done; each call's is newer than the one before."""
    started = datetime(2026, 1, 1, tzinfo=UTC)
    made = 0

    def make(owner: str = "public", status: Status = Status.SUCCEEDED, **fields: Any) -> Record:
        nonlocal made
        made += 1
        image_id = fields.pop("image_id", None) or new_image_id()
        key = fields.pop("upload_key", f"uploads/{owner}/{image_id}/boat.jpg")
        version = fields.pop("version", f"v{made}")
        now = fields.pop("created_at", (started + timedelta(seconds=made)).isoformat())
        record = Record(
            image_id=image_id,
            owner=owner,
            status=status,
            file_name=fields.pop("file_name", "boat.jpg"),
            upload_key=key,
            upload=Upload(bucket=UPLOADS_BUCKET, key=key, version=version, etag="", size=9, sequencer=f"{made:04X}"),
            outputs=fields.pop("outputs", [_output(image_id, kind, name, side) for kind, name, side in OUTPUTS]),
            created_at=now,
            updated_at=now,
            expires_at=int(started.timestamp()),
            **fields,
        )
        records.create(record)
        return record

    return make


OUTPUTS = (
    ("cutout", "cutout.png", 2000),
    ("thumbnail", "thumbnail_100x100.jpg", 100),
    ("thumbnail", "thumbnail_640x480.jpg", 480),
    ("thumbnail", "thumbnail_1600x1200.jpg", 1200),
    ("cutout_thumbnail", "cutout_thumbnail_640x480.png", 480),
)


def _output(image_id: str, kind: Any, name: str, side: int) -> Output:
    return Output(
        kind=kind, key=f"{image_id}/{name}", format=name.rsplit(".", 1)[-1], width=side, height=side, bytes=1000
    )
