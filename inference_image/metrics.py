"""What the serving app counts, in Prometheus' text exposition format 0.0.4."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_image.engines.mask_engine import MaskEngine
from inference_image.masking import MaskAnswer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The app's metrics, in a registry of their own; names and units are Prometheus' (seconds, bytes)."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("matteflow_invocations", "Invocations by status.", ["status"], registry=registry)
        self.received = Counter("matteflow_received_bytes", "Bodies of invocations, as read.", registry=registry)
        self.sent = Counter("matteflow_sent_bytes", "Bodies of the answers to invocations.", registry=registry)
        self._queue_depth = Gauge("matteflow_queue_depth", "Invocations begun and not answered.", registry=registry)
        self._inference = Histogram(
            "matteflow_inference_seconds", "The model's run, of all its pictures.", buckets=_SECONDS, registry=registry
        )
        self._queue = Histogram(
            "matteflow_queue_seconds", "Waiting for a worker and for a run.", buckets=_SECONDS, registry=registry
        )
        self._batch_size = Histogram(
            "matteflow_batch_size", "Pictures in one's run.", buckets=(1, 2, 4, 8, 16, 32), registry=registry
        )
        self._embeddings = Counter(
            "matteflow_embeddings", "Prompts by whether the embedding was kept.", ["result"], registry=registry
        )
        self._model = Info("matteflow_model", "What is loaded, and where it runs.", registry=registry)

    def loaded(self, engine: MaskEngine, queue_depth: Callable[[], int]) -> None:
        """Name the model, and where the queue's depth is read."""
        self._model.info({"model": engine.name, "sha256": engine.sha256 or "", "provider": engine.provider})
        self._queue_depth.set_function(queue_depth)

    def answered(self, answer: MaskAnswer) -> None:
        """Count one mask."""
        self._inference.observe(answer.inference_ms / 1000)
        self._queue.observe(answer.queue_ms / 1000)
        self._batch_size.observe(answer.batch_size)
        if answer.embedding:
            self._embeddings.labels(answer.embedding).inc()

    def exposition(self) -> bytes:
        """All of it as text."""
        return generate_latest(self._registry)


class CountInvocations:
    """ASGI middleware: the status and the bytes of each call of ``/invocations``, whoever answers it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/invocations":
            await self._app(scope, receive, send)
            return
        status = 500  # what an exception that nobody expects becomes, outside of this middleware

        async def count_received() -> Message:
            message = await receive()
            self._metrics.received.inc(len(message.get("body", b"")))
            return message

        async def count_sent(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            self._metrics.sent.inc(len(message.get("body", b"")))
            await send(message)

        try:
            await self._app(scope, count_received, count_sent)
        finally:
            self._metrics.requests.labels(status).inc()
