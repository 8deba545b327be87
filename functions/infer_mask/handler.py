"""Lambda entry of InferMask."""

import functools

from functions.core.image_store import ImageStore
from functions.core.mask_engine import MaskEngine
from functions.core.models import InferMaskRequest, InferMaskResult
from functions.core.observability import step
from functions.core.progress import Progress
from functions.core.settings import EnvironmentModel
from functions.infer_mask.inference import infer_mask


class Settings(EnvironmentModel):
    masks_bucket: str
    table_name: str
    endpoint_name: str


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, MaskEngine, Progress]:
    settings = Settings.from_environment()
    progress = Progress("infer_mask", settings.table_name)
    return settings, ImageStore(), MaskEngine(settings.endpoint_name), progress


@step(InferMaskRequest)
def handler(request: InferMaskRequest) -> InferMaskResult:
    settings, images, engine, progress = _dependencies()
    with progress.of(request.image_id, request.execution_arn):
        return infer_mask(request, images=images, engine=engine, masks_bucket=settings.masks_bucket)
