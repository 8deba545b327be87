"""Embeddings of pictures, kept for the next prompt."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from inference_image.batching import Batcher, Inferred
from inference_image.engines.mask_engine import Embedding, Prepared, PromptedEngine


class Embedded(NamedTuple):
    """An embedding, and the height and width in pixels of its picture as a person sees it."""

    embedding: Embedding
    shape: tuple[int, int]


class NewPicture(NamedTuple):
    """A prepared picture that has no embedding yet."""

    digest: bytes
    prepared: Prepared
    shape: tuple[int, int]


class Made(NamedTuple):
    """What ``Embeddings.make`` gave, and whether the engine ran for it or another request's run came first."""

    embedded: Embedded
    ran: bool


class EmbeddingCache:
    """Embeddings by their pictures' digests; the least recently used go first. Thread-safe.

    Args:
        max_bytes: of all embeddings together.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Embedded] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, digest: bytes) -> Embedded | None:
        """The embedding of that picture, where it is kept."""
        with self._lock:
            if found := self._kept.get(digest):
                self._kept.move_to_end(digest)
            return found

    def keep(self, digest: bytes, embedded: Embedded) -> None:
        """Keep a new embedding, and drop old ones as far as it needs their place."""
        with self._lock:
            self._kept[digest] = embedded
            self._bytes += embedded.embedding.features.nbytes
            while self._bytes > self._max_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.embedding.features.nbytes


class Embeddings:
    """Makes embeddings one at a time, in a thread of their own: a prompt to a known picture waits for none of them."""

    def __init__(self, engine: PromptedEngine, max_bytes: int) -> None:
        self._engine = engine
        self._cache = EmbeddingCache(max_bytes)
        self._batcher = Batcher(self._make, max_batch=1, wait_s=0)

    async def run(self) -> NoReturn:
        """Serve for ever; to be cancelled."""
        await self._batcher.run()

    def find(self, digest: bytes) -> Embedded | None:
        """The embedding of that picture, where it is kept."""
        return self._cache.find(digest)

    async def make(self, picture: NewPicture) -> Inferred[Made]:
        """Embed a picture. Cancelled before its run starts, it costs none; later, the embedding is kept all the same.

        Raises:
            Exception: what the engine raised.
        """
        return await self._batcher.infer(picture)

    def _make(self, batch: Sequence[NewPicture]) -> list[Made]:
        return [self._make_once(picture) for picture in batch]

    def _make_once(self, picture: NewPicture) -> Made:
        if found := self._cache.find(picture.digest):  # made while this one waited
            return Made(found, ran=False)
        (embedding,) = self._engine.embed([picture.prepared])
        embedded = Embedded(embedding, picture.shape)
        self._cache.keep(picture.digest, embedded)
        return Made(embedded, ran=True)
