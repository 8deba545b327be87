"""Lambda entry of complete_mask: a notice of SNS."""

import functools

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.complete_mask.completion import complete_mask
from functions.complete_mask.notice import InferenceNotice
from functions.core.image_store import ImageStore
from functions.core.observability import Event, logger
from functions.core.progress import Progress
from functions.core.settings import EnvironmentModel
from functions.core.waiting_tasks import WaitingTasks


class Settings(EnvironmentModel):
    masks_bucket: str
    table_name: str


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, WaitingTasks, Progress]:
    settings = Settings.from_environment()
    return settings, ImageStore(), WaitingTasks(), Progress("infer_mask", settings.table_name)


@logger.inject_lambda_context(clear_state=True)
def handler(event: Event, _context: LambdaContext) -> None:
    settings, images, tasks, progress = _dependencies()
    for record in event["Records"]:
        notice = InferenceNotice.model_validate_json(record["Sns"]["Message"])
        complete_mask(notice, images=images, tasks=tasks, progress=progress, masks_bucket=settings.masks_bucket)
