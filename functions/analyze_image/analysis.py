"""What a picture shows: five parts asked for at once, each of which may fail alone."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from pydantic import ValidationError

from functions.analyze_image.settings import Settings
from functions.core.errors import AnalysisRefused, AnalysisUnavailable, MatteflowError
from functions.core.image_analysis import MIN_SIDE, ImageAnalysis
from functions.core.image_store import ImageStore
from functions.core.models import (
    ANALYSIS_PARTS,
    Analysis,
    AnalysisPart,
    AnalyzeImageRequest,
    AnalyzeImageResult,
    Moderation,
    PartStatus,
    Proxy,
)
from functions.core.observability import logger

# What travels through the workflow (256 KB a state) and into the record (400 KB).
_MAX_FACES = 50
_MAX_LINES = 50
_MAX_LINE_CHARACTERS = 200


def analyze_image(
    request: AnalyzeImageRequest, *, images: ImageStore, engine: ImageAnalysis, settings: Settings
) -> AnalyzeImageResult:
    """Analyse the proxy, and write the complete analysis to the masks bucket as ``analysis.json``.

    A part that fails is FAILED, with its reason, and its facts are absent; a proxy with a side under 80 pixels is not
    sent, and every part of it is TOO_SMALL. The analysis returned holds at most 100 labels, 50 faces and 50 lines of
    text of 200 characters.

    Raises:
        AnalysisUnavailable: every part failed, and one of them may succeed later.
        StoreUnavailable, AccessDenied: from S3.
    """
    proxy = request.proxy
    too_small = min(proxy.width, proxy.height) < MIN_SIDE
    found = _too_small(proxy) if too_small else _collect(_ask(proxy, engine, settings))
    analysis = found.model_copy(update={"key": f"{request.image_id}/analysis.json"})
    images.put(
        settings.masks_bucket, str(analysis.key), analysis.model_dump_json(indent=2).encode(), "application/json"
    )
    return AnalyzeImageResult(analysis=_bounded(analysis))


def _too_small(proxy: Proxy) -> Analysis:
    reason = f"{proxy.width} x {proxy.height} pixels are too few to analyse: no side may be under {MIN_SIDE}."
    return Analysis(
        parts=dict.fromkeys(ANALYSIS_PARTS, PartStatus.TOO_SMALL), reasons=dict.fromkeys(ANALYSIS_PARTS, reason)
    )


def _ask(proxy: Proxy, engine: ImageAnalysis, settings: Settings) -> dict[AnalysisPart, Future[Any]]:
    """Ask for every part at once; when this returns, each has answered or failed."""
    calls: dict[AnalysisPart, Callable[[], Any]] = {
        "labels": lambda: engine.labels(
            proxy, max_labels=settings.max_labels, min_confidence=settings.label_min_confidence
        ),
        "faces": lambda: engine.faces(proxy),
        "text": lambda: engine.text(proxy),
        "moderation": lambda: _moderate(proxy, engine, settings),
        "properties": lambda: engine.properties(proxy),
    }
    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return {part: threads.submit(call) for part, call in calls.items()}


def _moderate(proxy: Proxy, engine: ImageAnalysis, settings: Settings) -> Moderation:
    labels, model_version = engine.moderation(proxy, min_confidence=settings.moderation_min_confidence)
    blocked = any({label.name, label.parent} & {*settings.blocked_moderation} for label in labels)
    return Moderation(blocked=blocked, labels=labels, model_version=model_version)


def _collect(answers: dict[AnalysisPart, Future[Any]]) -> Analysis:
    """The analysis made of the parts that answered; what no adapter's table names is raised.

    An answer in another form than documented fails its own part only: moderation must not fall with a colour.
    """
    facts: dict[AnalysisPart, Any] = {}
    failures: dict[AnalysisPart, MatteflowError] = {}
    for part, answer in answers.items():
        try:
            facts[part] = answer.result()
        except MatteflowError as failure:
            logger.warning("part of the analysis failed", part=part, reason=str(failure))
            failures[part] = failure
        except (KeyError, ValidationError):
            logger.exception("part of the analysis not understood", part=part)
            failures[part] = AnalysisRefused("Rekognition's answer was not understood.")
    if not facts and any(isinstance(failure, AnalysisUnavailable) for failure in failures.values()):
        raise AnalysisUnavailable("No part of the image analysis answered.")
    return Analysis(
        parts={part: PartStatus.OK if part in facts else PartStatus.FAILED for part in answers},
        reasons={part: str(failure) for part, failure in failures.items()},
        **facts,
    )


def _bounded(analysis: Analysis) -> Analysis:
    lines = (line.model_copy(update={"text": line.text[:_MAX_LINE_CHARACTERS]}) for line in analysis.text[:_MAX_LINES])
    return analysis.model_copy(update={"faces": analysis.faces[:_MAX_FACES], "text": tuple(lines)})
