"""The HTTP side: SageMaker's two routes around one engine, and Prometheus' one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from inference_image.engines.load import load_engine
from inference_image.engines.mask_engine import MaskEngine
from inference_image.errors import NotReady, ServingError, TooLate, Unavailable
from inference_image.invocation import CUSTOM_ATTRIBUTES, custom_attributes, read_invocation
from inference_image.masking import MaskAnswer, MaskService
from inference_image.metrics import CONTENT_TYPE, CountInvocations, Metrics
from inference_image.object_store import ObjectStore
from inference_image.pictures import with_text
from inference_image.settings import Settings

logger = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST = 499  # nginx's; nobody receives it, the metrics name it

T = TypeVar("T")


def create_app(settings: Settings, load: Callable[[Settings, ObjectStore], MaskEngine] = load_engine) -> FastAPI:
    """Make the app. The engine is loaded when the app starts; where it cannot be, the app still answers, with 503.

    ``app.state.service`` is the running ``MaskService``, None before start and where no engine could be loaded.

    Args:
        settings: limits, and which engine.
        load: makes the engine; raises ``NotReady`` with the reason where it cannot.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = ObjectStore()
        try:
            engine = await asyncio.to_thread(load, settings, store)
        except NotReady as reason:
            logger.error("Not ready: %s", reason)
            app.state.not_ready = str(reason)
            yield
            return
        async with MaskService.running(engine, store, settings) as service:
            metrics.loaded(engine, lambda: service.admitted)
            app.state.service = service
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.state.service = None
    app.exception_handler(ServingError)(_serving_problem)
    app.exception_handler(HTTPException)(_http_problem)
    app.exception_handler(ClientDisconnect)(_nobody_to_answer)
    app.exception_handler(Exception)(_unexpected_problem)
    app.add_middleware(CountInvocations, metrics=metrics)

    def ready_service() -> MaskService:
        service: MaskService | None = app.state.service
        if service is None:
            raise NotReady(app.state.not_ready)
        return service

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        service = ready_service()
        service.check_open()
        return {"model": service.engine.name, "provider": service.engine.provider}

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        service = ready_service()
        with service.admit():
            try:
                async with asyncio.timeout(settings.deadline_s):
                    invocation = await read_invocation(request, settings.max_size_bytes)
                    answer = await _while_connected(request, service.mask(invocation))
            except TimeoutError as exc:
                raise TooLate(f"No mask was made within {settings.deadline_s:g} s.") from exc
        metrics.answered(answer)
        headers = _facts(service.engine, answer)
        png = answer.png
        if custom_attributes(request).get("facts") == "in-body":  # of an asynchronous answer nothing else is kept
            png = with_text(png, CUSTOM_ATTRIBUTES, headers[CUSTOM_ATTRIBUTES])
        return Response(png, media_type="image/png", headers=headers)

    @app.get("/metrics")
    async def exposition() -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return app


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work for a request whose body is read; it is cancelled when the caller hangs up.

    Raises:
        ClientDisconnect: the caller has.
    """

    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = working, _ = asyncio.create_task(work), asyncio.create_task(hung_up())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in tasks:
            task.cancel()


def _facts(engine: MaskEngine, answer: MaskAnswer) -> dict[str, str]:
    """Each fact as a header of its own, and all of them in the one header that SageMaker lets through."""
    facts = {
        "model": engine.name,
        "model-sha256": engine.sha256,
        "provider": engine.provider,
        "inference-ms": f"{answer.inference_ms:.1f}",
        "queue-ms": f"{answer.queue_ms:.1f}",
        "batch-size": str(answer.batch_size),
        "embedding": answer.embedding,
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


async def _nobody_to_answer(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _unexpected_problem(_: Request, __: Exception) -> Response:
    # The server hangs up after such an error; a caller that is not told would send its next request into that.
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The app failed; its log says why.", {"Connection": "close"})
