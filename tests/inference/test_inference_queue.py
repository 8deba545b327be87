"""One inference at a time, a bounded queue behind it, and what a failing engine does to it."""

import asyncio
import threading
from collections.abc import Callable

import httpx
import numpy as np
from PIL import Image

from inference_image.app import create_app
from inference_image.engines.mask_engine import Mask, Picture
from inference_image.errors import NoRoom
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings


class HeldEngine:
    """An engine whose inferences wait until the test lets them go."""

    name = "held"
    sha256 = None
    provider = "test"

    def __init__(self) -> None:
        self.started = threading.Event()
        self.release = threading.Event()

    def infer(self, picture: Picture) -> Mask:
        self.started.set()
        assert self.release.wait(timeout=30)
        return np.zeros(picture.shape[:2], np.uint8)

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        assert mask.shape == picture.shape[:2]
        return mask


def test_one_runs_one_waits_and_the_third_finds_no_room(encode: Callable[..., bytes], astronaut: Image.Image) -> None:
    engine = HeldEngine()
    app = create_app(Settings(max_waiting=1), lambda _settings, _store: engine)
    picture = encode(astronaut, "JPEG")

    async def scenario() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://t") as http,
        ):

            def post() -> asyncio.Task[httpx.Response]:
                request = http.post("/invocations", content=picture, headers={"Content-Type": "image/jpeg"})
                return asyncio.create_task(request)

            running = post()
            assert await asyncio.to_thread(engine.started.wait, 30)

            # When two more come, one of them waits and the other is refused at once.
            done, pending = await asyncio.wait({post(), post()}, return_when=asyncio.FIRST_COMPLETED)
            (refused,), (waiting,) = done, pending
            assert refused.result().status_code == 503
            assert int(refused.result().headers["Retry-After"]) > 0
            assert "1 requests are waiting" in refused.result().json()["detail"]

            # Health checks are answered all the while.
            assert (await http.get("/ping")).status_code == 200

            await asyncio.sleep(0.05)
            engine.release.set()
            assert (await running).status_code == 200
            answer = await waiting
            assert answer.status_code == 200
            assert float(answer.headers["X-Queue-Ms"]) > float((await running).headers["X-Queue-Ms"])
            assert (await post()).status_code == 200

    asyncio.run(scenario())


class FailingEngine(HeldEngine):
    """An engine that raises what it is given, once."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.release.set()
        self._errors = [error]

    def infer(self, picture: Picture) -> Mask:
        if self._errors:
            raise self._errors.pop()
        return super().infer(picture)


def invoke_twice(start: Callable[..., httpx.Client], engine: FailingEngine, picture: bytes) -> list[httpx.Response]:
    def load(_settings: Settings, _store: ObjectStore) -> FailingEngine:
        return engine

    client = start(load, max_waiting=0)
    headers = {"Content-Type": "image/jpeg"}
    return [client.post("/invocations", content=picture, headers=headers) for _ in range(2)]


def test_an_accelerator_without_memory_is_503_and_the_next_request_works(
    start: Callable[..., httpx.Client], encode: Callable[..., bytes], astronaut: Image.Image
) -> None:
    engine = FailingEngine(NoRoom("The accelerator's memory is full."))

    first, second = invoke_twice(start, engine, encode(astronaut, "JPEG"))

    assert (first.status_code, second.status_code) == (503, 200)
    assert first.headers["Retry-After"]


def test_an_unexpected_failure_is_a_500_that_tells_nothing_and_the_next_request_works(
    start: Callable[..., httpx.Client], encode: Callable[..., bytes], astronaut: Image.Image
) -> None:
    engine = FailingEngine(RuntimeError("secret path"))

    first, second = invoke_twice(start, engine, encode(astronaut, "JPEG"))

    assert (first.status_code, second.status_code) == (500, 200)
    assert first.headers["content-type"] == "application/problem+json"
    assert "secret" not in first.text
