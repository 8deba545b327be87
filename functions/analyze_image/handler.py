"""Lambda entry of AnalyzeImage."""

import functools

from functions.analyze_image.analysis import analyze_image
from functions.analyze_image.settings import Settings
from functions.core.image_analysis import ImageAnalysis
from functions.core.image_store import ImageStore
from functions.core.models import AnalyzeImageRequest, AnalyzeImageResult
from functions.core.observability import step


@functools.lru_cache(maxsize=1)
def _dependencies() -> tuple[Settings, ImageStore, ImageAnalysis]:
    return Settings.from_environment(), ImageStore(), ImageAnalysis()


@step(AnalyzeImageRequest)
def handler(request: AnalyzeImageRequest) -> AnalyzeImageResult:
    settings, images, engine = _dependencies()
    return analyze_image(request, images=images, engine=engine, settings=settings)
