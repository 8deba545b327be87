"""Lambda entry of SaveResult."""

import functools
from typing import Annotated

from pydantic import Field

from functions.core.models import SaveResultRequest, SaveResultResult
from functions.core.observability import step
from functions.core.record_store import RecordStore
from functions.core.saving import save_result
from functions.core.settings import EnvironmentModel


class Settings(EnvironmentModel):
    table_name: str
    results_url: str
    record_ttl_days: Annotated[int, Field(ge=1)] = 90


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, RecordStore]:
    settings = Settings.from_environment()
    return settings, RecordStore(settings.table_name)


@step(SaveResultRequest)
def handler(request: SaveResultRequest) -> SaveResultResult:
    settings, records = _dependencies()
    return save_result(request, records=records, ttl_days=settings.record_ttl_days, results_url=settings.results_url)
