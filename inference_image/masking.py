"""One engine behind a bounded queue: blocking work runs in a thread, one inference at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread

from inference_image.engines.mask_engine import MaskEngine
from inference_image.errors import BadInput, NoRoom
from inference_image.invocation import EncodedPicture, Invocation
from inference_image.object_store import ObjectStore
from inference_image.pictures import decode, encode_mask
from inference_image.settings import Settings


@dataclass(frozen=True)
class MaskAnswer:
    """A mask as 8-bit grey PNG, and how long it took."""

    png: bytes
    inference_ms: float
    """Time in the engine, without decoding and encoding."""
    queue_ms: float
    """Time from the last byte of the picture to the start of the work on it."""


class MaskService:
    """Answers invocations with a loaded engine."""

    def __init__(self, engine: MaskEngine, store: ObjectStore, settings: Settings) -> None:
        self.engine = engine
        self._store = store
        self._settings = settings
        self._turn = CapacityLimiter(1)  # also what bounds memory: one decoded picture at a time
        self._admitted = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a place in the queue; taken before the body is read, so that waiting bodies are bounded too.

        Raises:
            NoRoom: ``max_waiting`` requests wait already.
        """
        if self._admitted > self._settings.max_waiting:
            raise NoRoom(f"{self._settings.max_waiting} requests are waiting already.")
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def mask(self, invocation: Invocation) -> MaskAnswer:
        """Wait for a turn and make the mask.

        Raises:
            BadInput: the picture cannot be used, or the model asked for is not the one that is loaded.
            TooLarge: the picture is over a limit.
            Unavailable: S3 or the engine has no room.
        """
        if invocation.model not in (None, self.engine.name):
            raise BadInput(f"The model {invocation.model!r} is not loaded; {self.engine.name!r} is.")
        encoded = await self._fetch(invocation)
        return await to_thread.run_sync(self._work, invocation, encoded, time.perf_counter(), limiter=self._turn)

    async def _fetch(self, invocation: Invocation) -> EncodedPicture:
        source = invocation.picture
        if isinstance(source, EncodedPicture):
            return source
        limit = self._settings.max_size_bytes
        return EncodedPicture(await to_thread.run_sync(self._store.read_picture, source.bucket, source.key, limit))

    def _work(self, invocation: Invocation, encoded: EncodedPicture, submitted: float) -> MaskAnswer:
        started = time.perf_counter()
        picture = decode(encoded.body, self._settings.max_pixels, encoded.content_type)
        decoded = time.perf_counter()
        mask = self.engine.infer(picture)
        if invocation.mask_size == "image":
            mask = self.engine.upscale(mask, picture)
        inferred = time.perf_counter()
        return MaskAnswer(encode_mask(mask), 1000 * (inferred - decoded), 1000 * (started - submitted))
