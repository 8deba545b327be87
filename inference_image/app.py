"""The HTTP side: SageMaker's two routes around one engine."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import quote

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from inference_image.engines.load import load_engine
from inference_image.engines.mask_engine import MaskEngine
from inference_image.errors import NotReady, ServingError, Unavailable
from inference_image.invocation import CUSTOM_ATTRIBUTES, read_invocation
from inference_image.masking import MaskAnswer, MaskService
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings

logger = logging.getLogger(__name__)


def create_app(settings: Settings, load: Callable[[Settings, ObjectStore], MaskEngine] = load_engine) -> FastAPI:
    """Make the app. The engine is loaded when the app starts; where it cannot be, the app still answers, with 503.

    Args:
        settings: limits, and which engine.
        load: makes the engine; raises ``NotReady`` with the reason where it cannot.
    """
    store = ObjectStore()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            app.state.service = MaskService(await to_thread.run_sync(load, settings, store), store, settings)
            app.state.not_ready = None
        except NotReady as reason:
            logger.error("Not ready: %s", reason)
            app.state.not_ready = str(reason)
        yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.exception_handler(ServingError)(_serving_problem)
    app.exception_handler(HTTPException)(_http_problem)
    app.exception_handler(Exception)(_unexpected_problem)

    def ready_service() -> MaskService:
        if app.state.not_ready:
            raise NotReady(app.state.not_ready)
        service: MaskService = app.state.service
        return service

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        engine = ready_service().engine
        return {"model": engine.name, "provider": engine.provider}

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        service = ready_service()
        with service.admit():
            answer = await service.mask(await read_invocation(request, settings.max_size_bytes))
        return Response(answer.png, media_type="image/png", headers=_facts(service.engine, answer))

    return app


def _facts(engine: MaskEngine, answer: MaskAnswer) -> dict[str, str]:
    """Each fact as a header of its own, and all of them in the one header that SageMaker lets through."""
    facts = {
        "model": engine.name,
        "model-sha256": engine.sha256,
        "provider": engine.provider,
        "inference-ms": f"{answer.inference_ms:.1f}",
        "queue-ms": f"{answer.queue_ms:.1f}",
        "batch-size": "1",  # pictures in one run of the model
    }
    known = {name: quote(value) for name, value in facts.items() if value is not None}
    attributes = ";".join(f"{name}={value}" for name, value in known.items())
    return {f"X-{name.title()}": value for name, value in known.items()} | {CUSTOM_ATTRIBUTES: attributes}


def _problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _serving_problem(_: Request, error: ServingError) -> Response:
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Unavailable) else None
    return _problem(error.status, str(error), headers)


async def _http_problem(_: Request, error: HTTPException) -> Response:
    return _problem(HTTPStatus(error.status_code), error.detail, dict(error.headers or {}))


async def _unexpected_problem(_: Request, __: Exception) -> Response:
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The app failed; its log says why.")
