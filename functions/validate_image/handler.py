"""Lambda entry of ValidateImage."""

import functools

from functions.core.image_store import ImageStore
from functions.core.models import ValidateImageRequest, ValidateImageResult
from functions.core.observability import step
from functions.core.record_store import RecordStore
from functions.validate_image.settings import Settings
from functions.validate_image.validation import validate_image


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, RecordStore]:
    settings = Settings.from_environment()
    return settings, ImageStore(), RecordStore(settings.table_name)


@step(ValidateImageRequest)
def handler(request: ValidateImageRequest) -> ValidateImageResult:
    settings, images, records = _dependencies()
    return validate_image(request, images=images, records=records, settings=settings)
