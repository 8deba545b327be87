"""Lambda entry of record_failure, which EventBridge tells of executions that did not succeed."""

import functools
from typing import Annotated

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from functions.core.announcer import Announcer
from functions.core.observability import Event, logger
from functions.core.record_store import RecordStore
from functions.core.settings import EnvironmentModel
from functions.record_failure.execution_end import ExecutionEnd
from functions.record_failure.recording import record_failure


class Settings(EnvironmentModel):
    table_name: str
    uploads_bucket: str
    topic_arn: str
    event_bus_name: str
    undelivered_queue_url: str
    results_url: str
    record_ttl_days: Annotated[int, Field(ge=1)] = 90


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, RecordStore, Announcer]:
    settings = Settings.from_environment()
    announcer = Announcer(settings.topic_arn, settings.event_bus_name, settings.undelivered_queue_url)
    return settings, RecordStore(settings.table_name), announcer


@logger.inject_lambda_context(clear_state=True)
def handler(event: Event, _context: LambdaContext) -> None:
    settings, records, announcer = _dependencies()
    record_failure(
        ExecutionEnd.model_validate(event["detail"]),
        records=records,
        announcer=announcer,
        uploads_bucket=settings.uploads_bucket,
        ttl_days=settings.record_ttl_days,
        results_url=settings.results_url,
    )
