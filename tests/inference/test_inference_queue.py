"""Requests at once: a bounded queue, shared runs, deadlines, callers that leave, and a failing engine."""

import asyncio
import io
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from PIL import Image

from inference_image.app import create_app
from inference_image.engines.mask_engine import Mask, Prepared
from inference_image.engines.onnx import OnnxEngine
from inference_image.errors import NoRoom
from inference_image.settings import Settings
from inference_image.weights import Weights
from tests.inference.held_engine import LIVENESS_S, HeldEngine

Post = Callable[[], "asyncio.Task[httpx.Response]"]

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def picture(encode: Callable[..., bytes], astronaut: Image.Image) -> bytes:
    return encode(astronaut.resize((64, 64)), "JPEG")


def play(
    engine: HeldEngine, settings: Settings, picture: bytes, scene: Callable[[Post, httpx.AsyncClient], Awaitable[None]]
) -> None:
    """Run a scene against an app in this process."""
    app = create_app(settings, engine.load)

    async def run() -> None:
        async with (
            asyncio.timeout(LIVENESS_S),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as http,
        ):
            await scene(lambda: asyncio.create_task(http.post("/invocations", content=picture, headers=JPEG)), http)

    asyncio.run(run())


async def reached(engine: HeldEngine, *, prepared: int = 0, runs: int = 0) -> None:
    await asyncio.to_thread(engine.wait_for, prepared=prepared, runs=runs)


def test_one_runs_one_waits_and_the_third_finds_no_room(picture: bytes) -> None:
    engine = HeldEngine()

    async def scene(post: Post, http: httpx.AsyncClient) -> None:
        running = post()
        await reached(engine, runs=1)

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

    play(engine, Settings(max_waiting=1, threads=1), picture, scene)


def test_a_refused_request_is_answered_before_its_body_comes(start: Callable[..., httpx.Client]) -> None:
    engine = HeldEngine()
    client = start(engine.load, max_waiting=0)
    head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n"
    with connected(client) as first, connected(client) as second:
        first.sendall(head.encode() + b"begun")
        wait_for_metric(client, "matteflow_queue_depth", 1)
        second.sendall(head.encode())

        assert second.recv(1024).startswith(b"HTTP/1.1 503")


@pytest.mark.parametrize(("engines", "ours", "sizes"), [(4, 16, [1, 4]), (16, 3, [1, 3, 1]), (1, 16, [1] * 5)])
def test_requests_that_come_during_a_run_share_the_next(
    picture: bytes, engines: int, ours: int, sizes: list[int]
) -> None:
    engine = HeldEngine(max_batch=engines)

    async def scene(post: Post, _http: httpx.AsyncClient) -> None:
        requests = [post()]
        await reached(engine, runs=1)
        requests += [post() for _ in range(4)]
        await reached(engine, prepared=min(5, 2 * min(engines, ours) + 1))
        engine.release.set()

        answers = await asyncio.gather(*requests)

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert sorted(int(answer.headers["X-Batch-Size"]) for answer in answers) == sorted(
            size for size in sizes for _ in range(size)
        )

    play(engine, Settings(max_batch=ours, batch_wait_ms=1000, threads=1), picture, scene)
    assert engine.batch_sizes == sizes


@pytest.mark.parametrize(("max_batch", "max_runs", "threads", "bound"), [(1, 1, 1, 3), (2, 1, 3, 7), (1, 2, 2, 5)])
def test_pictures_are_decoded_during_a_run_but_no_more_than_memory_is_meant_for(
    picture: bytes, max_batch: int, max_runs: int, threads: int, bound: int
) -> None:
    engine = HeldEngine(max_batch, max_runs=max_runs)

    async def scene(post: Post, http: httpx.AsyncClient) -> None:
        requests = [post() for _ in range(12)]
        await reached(engine, prepared=bound, runs=1)
        await http.get("/ping")
        await asyncio.sleep(0.1)  # time in which one too many would be decoded

        assert engine.prepared == bound

        engine.release.set()
        assert {answer.status_code for answer in await asyncio.gather(*requests)} == {200}

    play(engine, Settings(max_waiting=12, threads=threads), picture, scene)


def test_a_request_past_its_deadline_is_503_and_not_inferred(picture: bytes) -> None:
    engine = HeldEngine()

    async def scene(post: Post, _http: httpx.AsyncClient) -> None:
        running = post()
        await reached(engine, runs=1)

        late = await post()

        assert late.status_code == 503
        assert int(late.headers["Retry-After"]) > 0
        assert "0.2 s" in late.json()["detail"]
        engine.release.set()
        assert (await running).status_code == 503
        assert (await post()).status_code == 200

    play(engine, Settings(deadline_s=0.2, threads=1), picture, scene)
    assert engine.batch_sizes == [1, 1]  # the first one's and the last one's run


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port), timeout=LIVENESS_S)


def wait_for_metric(client: httpx.Client, name: str, value: float) -> None:
    deadline = time.monotonic() + LIVENESS_S
    while f"{name} {value:.1f}\n" not in client.get("/metrics").text:
        assert time.monotonic() < deadline, client.get("/metrics").text
        time.sleep(0.01)


def test_a_body_that_does_not_come_ends_with_the_deadline(start: Callable[..., httpx.Client]) -> None:
    with connected(start(HeldEngine().load, deadline_s=0.2)) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\nbegun"
        )

        assert connection.recv(1024).startswith(b"HTTP/1.1 503")


@pytest.mark.parametrize("sent", ["half", "all"])
def test_a_caller_that_hangs_up_is_not_inferred_and_leaves_its_place(
    start: Callable[..., httpx.Client], picture: bytes, sent: str
) -> None:
    engine = HeldEngine()
    client = start(engine.load, max_waiting=1)
    request = (
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    ).encode() + picture
    with connected(client) as running:
        running.sendall(request)
        engine.wait_for(runs=1)
        with connected(client) as leaving:
            leaving.sendall(request if sent == "all" else request[: len(request) // 2])
            wait_for_metric(client, "matteflow_queue_depth", 2)

        wait_for_metric(client, "matteflow_queue_depth", 1)

        wait_for_metric(client, 'matteflow_invocations_total{status="499"}', 1)
        engine.release.set()
        assert running.recv(1024).startswith(b"HTTP/1.1 200")
    assert client.post("/invocations", content=picture, headers=JPEG).status_code == 200
    assert engine.batch_sizes == [1, 1]


def test_an_accelerator_without_memory_is_503_and_the_next_request_works(
    start: Callable[..., httpx.Client], picture: bytes
) -> None:
    engine = HeldEngine(1, NoRoom("The accelerator's memory is full."))
    engine.release.set()
    client = start(engine.load, max_waiting=0)

    first, second = (client.post("/invocations", content=picture, headers=JPEG) for _ in range(2))

    assert (first.status_code, second.status_code) == (503, 200)
    assert first.headers["Retry-After"]


def test_an_unexpected_failure_is_a_500_that_tells_nothing_and_the_next_request_works(
    start: Callable[..., httpx.Client], picture: bytes
) -> None:
    engine = HeldEngine(1, RuntimeError("secret path"))
    engine.release.set()
    client = start(engine.load, max_waiting=0)

    first, second = (client.post("/invocations", content=picture, headers=JPEG) for _ in range(2))

    assert (first.status_code, second.status_code) == (500, 200)
    assert first.headers["content-type"] == "application/problem+json"
    assert "secret" not in first.text


class HeldOnnxEngine(OnnxEngine):
    """Takes batches on the CPU too, and holds its runs until it is let go."""

    def __init__(self, name: str, weights: Weights, threads: int) -> None:
        super().__init__(name, weights, threads)
        self.max_batch = 4
        self.begun, self.release = threading.Event(), threading.Event()

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        self.begun.set()
        assert self.release.wait(LIVENESS_S)
        return super().infer(batch)


def test_a_shared_run_gives_each_picture_the_mask_that_it_gets_alone(
    encode: Callable[..., bytes], astronaut: Image.Image, write_model: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_model(tmp_path / "tiny.onnx")
    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, path)
    engine = HeldOnnxEngine("tiny", Weights(path, "0" * 64), threads=1)
    app = create_app(Settings(threads=1, batch_wait_ms=1000), lambda _settings, _store: engine)
    turned = [astronaut.rotate(60 * n).resize((200 + 10 * n, 160)) for n in range(5)]
    pictures = [encode(picture, "JPEG") for picture in turned]

    async def run() -> tuple[list[httpx.Response], list[httpx.Response]]:
        transport = httpx.ASGITransport(app)
        async with (
            asyncio.timeout(LIVENESS_S),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://t", timeout=LIVENESS_S) as http,
        ):

            def post(picture: bytes) -> asyncio.Task[httpx.Response]:
                return asyncio.create_task(http.post("/invocations", content=picture, headers=JPEG))

            first = post(pictures[0])
            await asyncio.to_thread(engine.begun.wait, LIVENESS_S)
            others = [post(picture) for picture in pictures[1:]]
            await asyncio.sleep(0.1)
            engine.release.set()
            together = await asyncio.gather(first, *others)
            return together, [await post(picture) for picture in pictures]

    together, alone = asyncio.run(run())

    assert [answer.headers["X-Batch-Size"] for answer in together] == ["1", "4", "4", "4", "4"]
    assert {answer.headers["X-Batch-Size"] for answer in alone} == {"1"}
    for one, other, picture in zip(together, alone, turned, strict=True):
        masks = [np.asarray(Image.open(io.BytesIO(answer.content)), np.int16) for answer in (one, other)]
        assert masks[0].shape == picture.size[::-1]
        assert np.abs(masks[0] - masks[1]).max() <= 1
        assert masks[0].std() > 10
