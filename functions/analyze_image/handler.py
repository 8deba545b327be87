"""Lambda entry of AnalyzeImage."""

import functools

from functions.analyze_image.analysis import analyze_image
from functions.analyze_image.settings import Settings
from functions.core.image_analysis import ImageAnalysis
from functions.core.image_store import ImageStore
from functions.core.models import AnalyzeImageRequest, AnalyzeImageResult
from functions.core.observability import step
from functions.core.progress import Progress


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, ImageAnalysis, Progress]:
    settings = Settings.from_environment()
    return settings, ImageStore(), ImageAnalysis(), Progress("analyze_image", settings.table_name)


@step(AnalyzeImageRequest)
def handler(request: AnalyzeImageRequest) -> AnalyzeImageResult:
    settings, images, engine, progress = _dependencies()
    with progress.of(request.image_id, request.execution_arn):
        return analyze_image(request, images=images, engine=engine, settings=settings)
