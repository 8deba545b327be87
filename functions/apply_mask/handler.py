"""Lambda entry of ApplyMask."""

import functools
from typing import Annotated

from pydantic import Field

from functions.apply_mask.publishing import apply_mask
from functions.core.image_store import ImageStore
from functions.core.models import ApplyMaskRequest, ApplyMaskResult
from functions.core.observability import step
from functions.core.progress import Progress
from functions.core.settings import EnvironmentModel


class Settings(EnvironmentModel):
    results_bucket: str
    table_name: str
    max_pixels: Annotated[int, Field(ge=1)] = 50_000_000


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, Progress]:
    settings = Settings.from_environment()
    return settings, ImageStore(), Progress("apply_mask", settings.table_name)


@step(ApplyMaskRequest)
def handler(request: ApplyMaskRequest) -> ApplyMaskResult:
    settings, images, progress = _dependencies()
    with progress.of(request.image_id, request.execution_arn):
        return apply_mask(
            request, images=images, results_bucket=settings.results_bucket, max_pixels=settings.max_pixels
        )
