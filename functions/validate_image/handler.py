"""Lambda entry of ValidateImage."""

import functools

from functions.core.identity import identify
from functions.core.image_store import ImageStore
from functions.core.models import ValidateImageRequest, ValidateImageResult
from functions.core.observability import step
from functions.core.progress import Progress
from functions.core.record_store import RecordStore
from functions.validate_image.settings import Settings
from functions.validate_image.validation import validate_image


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, RecordStore, Progress]:
    settings = Settings.from_environment()
    progress = Progress("validate_image", settings.table_name)
    return settings, ImageStore(), RecordStore(settings.table_name), progress


@step(ValidateImageRequest)
def handler(request: ValidateImageRequest) -> ValidateImageResult:
    settings, images, records, progress = _dependencies()
    # The claim of the picture is the beginning.
    with progress.of(identify(request.upload).image_id, request.execution_arn, is_begun=True):
        return validate_image(request, images=images, records=records, settings=settings)
