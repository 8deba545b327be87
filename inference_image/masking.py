"""From an invocation to its mask: bounded admission, decoding, batched inference and encoding, each overlapping.

What is in memory at once, beside the engine, with ``batch = min(engine.max_batch, MAX_BATCH)``:

- encoded pictures: at most ``(MAX_WAITING + batch) * MAX_SIZE_BYTES``;
- decoded pictures: at most ``(2 * batch + 2 * THREADS) * MAX_PIXELS * 3`` bytes: a batch in its run, the next one
  ready, one in each worker's hands, and one each whose caller left while it was decoded; and Pillow's own copies of the
  ``THREADS`` that are being decoded, at most ``8 * MAX_PIXELS`` bytes each.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

from inference_image.batching import Batcher, Inferred
from inference_image.engines.mask_engine import MaskEngine, Picture, Prepared
from inference_image.errors import BadInput, NoRoom, Stopping
from inference_image.invocation import EncodedPicture, Invocation, MaskSize
from inference_image.object_store import ObjectStore
from inference_image.pictures import decode, encode_mask
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
        self._capacity = max_batch + settings.max_waiting
        self._batcher = Batcher(engine, max_batch, settings.batch_wait_ms / 1000)
        self._decoded = asyncio.Semaphore(2 * max_batch + settings.threads)
        self._workers = ThreadPoolExecutor(settings.threads, "codec")
        self._stopping = False

    @classmethod
    @asynccontextmanager
    async def running(cls, engine: MaskEngine, store: ObjectStore, settings: Settings) -> AsyncIterator[Self]:
        """A service that infers for as long as the context lasts."""
        service = cls(engine, store, settings)
        batches = asyncio.create_task(service._batcher.run())
        try:
            yield service
        finally:
            batches.cancel()

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
            BadInput: the picture cannot be used, or the model asked for is not the one that is loaded.
            TooLarge: the picture is over a limit.
            Unavailable: S3 or the engine has no room.
        """
        if invocation.model not in (None, self.engine.name):
            raise BadInput(f"The model {invocation.model!r} is not loaded; {self.engine.name!r} is.")
        encoded = await self._fetch(invocation)
        submitted = time.perf_counter()
        async with self._decoded:
            ready = await self._in_worker(lambda: self._prepare(encoded))
            inferred = await self._batcher.infer(ready.prepared)
            png = await self._in_worker(lambda: self._encode(inferred, ready.canvas, invocation.mask_size))
        waited_ms = 1000 * (ready.started - submitted) + inferred.waited_ms
        return MaskAnswer(png, inferred.inference_ms, waited_ms, inferred.batch_size)

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

    def _encode(self, inferred: Inferred, canvas: Picture, size: MaskSize) -> bytes:
        mask = self.engine.upscale(inferred.mask, canvas) if size == "image" else inferred.mask
        return encode_mask(mask)
