"""Lambda entry of reconcile_records, which EventBridge runs on a schedule."""

import functools
from datetime import timedelta
from typing import Annotated

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from functions.core.image_store import ImageStore
from functions.core.observability import Event, logger
from functions.core.record_store import RecordStore
from functions.core.settings import EnvironmentModel
from functions.core.workflow import Workflow
from functions.reconcile_records.reconciling import reconcile_records

Seconds = Annotated[int, Field(ge=1)]


class Settings(EnvironmentModel):
    table_name: str
    uploads_bucket: str
    state_machine_arn: str
    upload_within_s: Seconds
    end_within_s: Seconds


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, RecordStore, Workflow]:
    settings = Settings.from_environment()
    return settings, ImageStore(), RecordStore(settings.table_name), Workflow(settings.state_machine_arn)


@logger.inject_lambda_context(clear_state=True)
def handler(_event: Event, _context: LambdaContext) -> dict[str, int]:
    settings, images, records, workflow = _dependencies()
    return reconcile_records(
        images=images,
        records=records,
        workflow=workflow,
        uploads_bucket=settings.uploads_bucket,
        upload_within=timedelta(seconds=settings.upload_within_s),
        end_within=timedelta(seconds=settings.end_within_s),
    )
