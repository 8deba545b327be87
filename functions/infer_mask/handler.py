"""Lambda entry of InferMask."""

import functools
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel

from functions.core.image_store import ImageStore
from functions.core.mask_endpoint import AsyncMaskEndpoint, MaskEndpoint
from functions.core.mask_function import MaskFunction
from functions.core.models import InferMaskRequest
from functions.core.observability import step
from functions.core.progress import Progress
from functions.core.settings import EnvironmentModel
from functions.infer_mask.inference import infer_mask
from functions.infer_mask.submission import submit_mask


class Settings(EnvironmentModel):
    """``mask_provider`` is the name of the endpoint or, in the tier ``lambda``, of the function."""

    masks_bucket: str
    table_name: str
    mask_tier: Literal["realtime", "async", "lambda"]
    mask_provider: str


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, Progress, Callable[[InferMaskRequest], BaseModel]]:
    """The settings, the step's progress, and the way to a mask that the deployment has."""
    settings = Settings.from_environment()
    progress = Progress("infer_mask", settings.table_name)
    images, provider = ImageStore(), settings.mask_provider
    keep = functools.partial(infer_mask, images=images, masks_bucket=settings.masks_bucket)
    match settings.mask_tier:
        case "realtime":
            return settings, progress, functools.partial(keep, engine=MaskEndpoint(provider, images))
        case "lambda":
            return settings, progress, functools.partial(keep, engine=MaskFunction(provider))
        case "async":
            endpoint = AsyncMaskEndpoint(provider)
            submit = functools.partial(submit_mask, images=images, endpoint=endpoint, progress=progress)
            return settings, progress, functools.partial(submit, masks_bucket=settings.masks_bucket)


@step(InferMaskRequest)
def handler(request: InferMaskRequest) -> BaseModel:
    settings, progress, infer = _dependencies()
    with progress.of(request.image_id, request.execution_arn, goes_on=settings.mask_tier == "async"):
        return infer(request)
