"""GET /health: whether what the API depends on answers."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api.problem import ProblemError, documented
from functions.api.services import Injected
from functions.core.models import Model
from functions.core.observability import logger

router = Router()

_ABSENT = "00000000-0000-0000-0000-000000000000"


class Dependency(Model):
    status: Literal["up", "down"]
    ms: float


class Health(Model):
    version: str
    mask_provider: str
    dependencies: dict[str, Dependency]


@router.get(
    "/health",
    summary="Ask whether everything the API depends on answers",
    operation_id="getHealth",
    responses={200: {"description": "Everything answers"}, **documented(503)},
    cache_control="no-store",
)
def get_health(services: Injected) -> Health:
    settings = services.settings
    dependencies = {
        "table": _ask(lambda: services.records.get(_ABSENT)),
        "uploads_bucket": _ask(lambda: services.images.check(settings.uploads_bucket)),
        "masks_bucket": _ask(lambda: services.images.check(settings.masks_bucket)),
        "results_bucket": _ask(lambda: services.images.check(settings.results_bucket)),
    }
    health = Health(version=settings.version, mask_provider=settings.mask_provider, dependencies=dependencies)
    if down := [name for name, dependency in dependencies.items() if dependency.status == "down"]:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, f"Down: {', '.join(down)}.", **health.model_dump())
    return health


def _ask(question: Callable[[], object]) -> Dependency:
    started = time.perf_counter()
    try:
        question()
        status: Literal["up", "down"] = "up"
    except Exception:  # Whatever it was, the dependency did not answer.
        logger.exception("dependency down")
        status = "down"
    return Dependency(status=status, ms=round((time.perf_counter() - started) * 1000, 1))
