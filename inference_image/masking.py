"""From an invocation to its mask: bounded admission, decoding, batched inference and encoding, each overlapping.

What is in memory at once, beside the engine, with ``batch = min(engine.max_batch, MAX_BATCH)`` and
``runs = engine.max_runs``:

- encoded pictures: at most ``(MAX_WAITING + runs * batch) * MAX_SIZE_BYTES``;
- decoded pictures: at most ``((runs + 1) * batch + 2 * THREADS) * MAX_PIXELS * 3`` bytes: a batch in each run, the
  next one ready, one in each worker's hands, and one each whose caller left while it was decoded; and Pillow's own
  copies of the ``THREADS`` that are being decoded, at most ``8 * MAX_PIXELS`` bytes each;
- embeddings, of an engine that takes prompts: at most ``MAX_EMBEDDINGS_BYTES``, and one for each request.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

from inference_image.batching import Batcher, Inferred
from inference_image.embeddings import Embeddings, Made, NewPicture
from inference_image.engines.mask_engine import Mask, MaskEngine, Picture, Prepared, Prompt, Prompted, PromptedEngine
from inference_image.errors import BadInput, NoRoom, Stopping
from inference_image.invocation import EncodedPicture, Invocation, MaskSize
from inference_image.object_store import ObjectStore
from inference_image.pictures import blank, decode, encode_mask
from inference_image.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class MaskAnswer:
    """A mask as 8-bit grey PNG, and how it was made."""

    png: bytes
    inference_ms: float
    """Time of the model's run, for all pictures in it."""
    queue_ms: float
    """Time spent waiting, from the last byte of the picture to the start of the run; decoding is not in it."""
    batch_size: int
    """Pictures in the run."""
    embedding: Literal["hit", "miss"] | None = None
    """Of an engine that takes prompts: ``miss`` where the picture's embedding was made for this request."""


@dataclass(frozen=True)
class _Ready:
    prepared: Prepared
    canvas: Picture
    """What ``upscale`` asks for."""
    started: float


class MaskService:
    """Answers invocations with a loaded engine. Made by ``running``."""

    def __init__(self, engine: MaskEngine, store: ObjectStore, settings: Settings) -> None:
        self.engine = engine
        self.admitted = 0
        """Requests that have begun and are not answered yet."""
        self._store = store
        self._settings = settings
        max_batch = min(engine.max_batch, settings.max_batch)
        max_runs = engine.max_runs
        self._capacity = max_runs * max_batch + settings.max_waiting
        self._batcher = Batcher(engine.infer, max_batch, settings.batch_wait_ms / 1000, max_runs)
        self._decoded = asyncio.Semaphore((max_runs + 1) * max_batch + settings.threads)
        self._workers = ThreadPoolExecutor(settings.threads, "codec")
        self._stopping = False
        self._embeddings = (
            Embeddings(engine, settings.max_embeddings_bytes) if isinstance(engine, PromptedEngine) else None
        )

    @classmethod
    @asynccontextmanager
    async def running(cls, engine: MaskEngine, store: ObjectStore, settings: Settings) -> AsyncIterator[Self]:
        """A service that infers for as long as the context lasts."""
        service = cls(engine, store, settings)
        runs = [asyncio.create_task(runner.run()) for runner in (service._batcher, service._embeddings) if runner]
        try:
            yield service
        finally:
            for run in runs:
                run.cancel()

    def stop(self) -> None:
        """Take no more requests; those admitted are finished."""
        self._stopping = True

    def check_open(self) -> None:
        """Say whether requests are taken.

        Raises:
            Stopping: they are no longer.
        """
        if self._stopping:
            raise Stopping("The app is stopping.")

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a place in the queue; taken before the body is read, so that waiting bodies are bounded too.

        Raises:
            NoRoom: ``max_waiting`` requests wait already.
            Stopping: the process is about to end.
        """
        self.check_open()
        if self.admitted >= self._capacity:
            raise NoRoom(f"{self._settings.max_waiting} requests are waiting already.")
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def mask(self, invocation: Invocation) -> MaskAnswer:
        """Decode the picture, wait for a run, and encode the mask. A caller that is cancelled costs no run.

        Raises:
            BadInput: the picture cannot be used, the model asked for is not the one that is loaded, or it takes prompts
                and there is none, or the other way round.
            TooLarge: the picture is over a limit.
            Unavailable: S3 or the engine has no room.
        """
        if invocation.model not in (None, self.engine.name):
            raise BadInput(f"The model {invocation.model!r} is not loaded; {self.engine.name!r} is.")
        if self._embeddings is None:
            if invocation.prompt:
                raise BadInput(f"options.points, options.boxes: {self.engine.name!r} takes none.")
            return await self._mask(await self._fetch(invocation), invocation.mask_size)
        if invocation.prompt is None:
            raise BadInput(
                f"{self.engine.name!r} must be told what to find: send application/json with options.points, each "
                "[x, y, 1 on the subject or 0 beside it], or options.boxes, each [left, top, right, bottom], in "
                "fractions of the picture."
            )
        encoded = await self._fetch(invocation)
        return await self._prompted_mask(self._embeddings, encoded, invocation.prompt, invocation.mask_size)

    async def _mask(self, encoded: EncodedPicture, size: MaskSize) -> MaskAnswer:
        submitted = time.perf_counter()
        async with self._decoded:
            ready = await self._in_worker(lambda: self._prepare(encoded))
            inferred = await self._batcher.infer(ready.prepared)
            png = await self._in_worker(lambda: self._encode(inferred.output, ready.canvas, size))
        waited_ms = 1000 * (ready.started - submitted) + inferred.waited_ms
        return MaskAnswer(png, inferred.inference_ms, waited_ms, inferred.batch_size)

    async def _prompted_mask(
        self, embeddings: Embeddings, encoded: EncodedPicture, prompt: Prompt, size: MaskSize
    ) -> MaskAnswer:
        digest = await self._in_worker(hashlib.sha256(encoded.body).digest)
        if kept := embeddings.find(digest):
            embedded, ran, waited_ms, inference_ms = kept, False, 0.0, 0.0
        else:
            (embedded, ran), _, waited_ms, inference_ms = await self._embed(embeddings, digest, encoded)
        inferred = await self._batcher.infer(Prompted(embedded.embedding, prompt))
        png = await self._in_worker(lambda: self._encode(inferred.output, blank(embedded.shape), size))
        return MaskAnswer(
            png,
            inference_ms + inferred.inference_ms,
            waited_ms + inferred.waited_ms,
            inferred.batch_size,
            "miss" if ran else "hit",
        )

    async def _embed(self, embeddings: Embeddings, digest: bytes, encoded: EncodedPicture) -> Inferred[Made]:
        submitted = time.perf_counter()
        async with self._decoded:
            ready = await self._in_worker(lambda: self._prepare(encoded))
            made = await embeddings.make(NewPicture(digest, ready.prepared, ready.canvas.shape[:2]))
        return made._replace(waited_ms=1000 * (ready.started - submitted) + made.waited_ms)

    async def _fetch(self, invocation: Invocation) -> EncodedPicture:
        source = invocation.picture
        if isinstance(source, EncodedPicture):
            return source
        limit = self._settings.max_size_bytes
        return EncodedPicture(await asyncio.to_thread(self._store.read_picture, source.bucket, source.key, limit))

    async def _in_worker(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _prepare(self, encoded: EncodedPicture) -> _Ready:
        started = time.perf_counter()
        limit, side = self._settings.max_pixels, self.engine.sufficient_side
        decoded = decode(encoded.body, limit, encoded.content_type, side)
        return _Ready(self.engine.prepare(decoded.picture), decoded.canvas, started)

    def _encode(self, mask: Mask, canvas: Picture, size: MaskSize) -> bytes:
        return encode_mask(self.engine.upscale(mask, canvas) if size == "image" else mask)
