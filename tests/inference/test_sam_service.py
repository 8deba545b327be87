"""Prompts over ``/invocations``: what is taken, and that a picture is decoded and embedded once for all its prompts."""

import asyncio
import hashlib
import io
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import numpy as np
import pytest
from PIL import Image

from inference_image import masking
from inference_image.app import create_app
from inference_image.embeddings import Embedded, EmbeddingCache
from inference_image.engines.mask_engine import Embedding, Mask, Picture, Prepared, Prompted
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings
from tests.inference.held_engine import LIVENESS_S, HeldEngine
from tests.inference.sam_models import write_sam
from tests.unit.pictures import stored

Start = Callable[..., httpx.Client]
Encode = Callable[..., bytes]
Ask = Callable[..., "asyncio.Task[httpx.Response]"]

BOX = {"boxes": [[0.25, 0.25, 0.75, 0.75]]}


@pytest.fixture
def white(encode: Encode) -> bytes:
    return encode(Image.new("RGB", (300, 200), "white"), "PNG")


@pytest.fixture
def sam(start: Start, tmp_path: Path, pictures_bucket: str, white: bytes) -> httpx.Client:
    """An app that serves Segment Anything, and a white picture under the key ``white``."""
    write_sam(tmp_path)
    boto3.client("s3").put_object(Bucket=pictures_bucket, Key="white", Body=white)
    pair = (tmp_path / "sam.onnx").read_bytes() + (tmp_path / "sam.decoder.onnx").read_bytes()
    return start(mask_engine="sam", model_path=tmp_path, model_sha256=hashlib.sha256(pair).hexdigest())


def invoke(client: httpx.Client, options: dict[str, Any], key: str = "white") -> httpx.Response:
    return client.post("/invocations", json={"image": {"bucket": "pictures", "key": key}, "options": options})


def mask_of(response: httpx.Response) -> Mask:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def test_a_second_prompt_neither_decodes_nor_embeds_again(sam: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = invoke(sam, BOX)

    monkeypatch.setattr(masking, "decode", None)
    second = invoke(sam, {"points": [[0.5, 0.5, 1]]})
    again = invoke(sam, BOX)

    assert [answer.headers["X-Embedding"] for answer in (first, second, again)] == ["miss", "hit", "hit"]
    assert "embedding=hit" in again.headers["X-Amzn-SageMaker-Custom-Attributes"]
    assert np.array_equal(mask_of(again), mask_of(first))
    assert mask_of(first)[100, 80] > 240  # in the box, and off the disc around the point
    assert mask_of(second)[100, 80] == 0
    counted = [line for line in sam.get("/metrics").text.splitlines() if line.startswith("matteflow_embeddings_total")]
    assert counted == [
        'matteflow_embeddings_total{result="miss"} 1.0',
        'matteflow_embeddings_total{result="hit"} 2.0',
    ]


@pytest.mark.parametrize(("size", "shape"), [("image", (200, 300)), ("model", (683, 1024))])
def test_a_mask_comes_at_the_pictures_or_at_the_models_size(
    sam: httpx.Client, size: str, shape: tuple[int, int]
) -> None:
    mask = mask_of(invoke(sam, {**BOX, "mask_size": size}))

    assert mask.shape == shape
    assert np.mean(mask > 127) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_fractions_are_of_the_picture_as_a_person_sees_it(sam: httpx.Client, encode: Encode, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encode(stored(Image.new("RGB", (300, 200), "white"), orientation), "JPEG", exif=exif)
    boto3.client("s3").put_object(Bucket="pictures", Key="turned", Body=turned)
    box = {"boxes": [[0, 0, 0.5, 0.2]]}

    for mask in (mask_of(invoke(sam, box, "turned")) for _ in range(2)):
        assert mask.shape == (200, 300)
        assert mask[:30, :140].min() > 127
        assert not mask[50:].any()
        assert not mask[:, 160:].any()


class HeldPromptedEngine(HeldEngine):
    """Its embeddings wait until the test lets them go; a mask is its picture, as grey."""

    sufficient_side = 1024

    def __init__(self) -> None:
        super().__init__()
        self.embedded: list[int] = []
        """How bright the pictures were."""

    def embed(self, batch: Sequence[Prepared]) -> list[Embedding]:
        with self._progress:
            self.embedded += [int(picture.mean()) for picture in batch]
            self._progress.notify_all()
        assert self.release.wait(LIVENESS_S)
        return [Embedding(picture, picture.shape[:2]) for picture in batch]

    def infer(self, batch: Sequence[Prompted]) -> list[Mask]:
        return [prompted.embedding.features.mean(axis=2).astype(np.uint8) for prompted in batch]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        assert mask.shape == picture.shape[:2]
        return mask

    def wait_for_embedding(self, *levels: int) -> None:
        """Block until just these pictures are embedded or being so."""
        with self._progress:
            done = self._progress.wait_for(lambda: self.embedded == list(levels), LIVENESS_S)
        assert done, self.embedded


@pytest.fixture
def prompted(start: Start) -> httpx.Client:
    """An app whose engine takes prompts; what it refuses, it refuses before it looks for the picture."""
    return start(HeldPromptedEngine().load)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"points": [[1.01, 0.5, 1]]}, "options.points.0.0: "),
        ({"points": [[0.5, -0.1, 1]]}, "options.points.0.1: "),
        ({"points": [[0.5, 0.5, 2]]}, "options.points.0.2: "),
        ({"points": [[0.5, 0.5]]}, "options.points.0.2: "),
        ({"points": [["x", 0.5, 1]]}, "options.points.0.0: "),
        ({"points": [[0.5, 0.5, 1]] * 65}, "options.points: "),
        ({"boxes": [[0.1, 0.1, 0.9]]}, "options.boxes.0.3: "),
        ({"boxes": [[0.9, 0.1, 0.1, 0.9]]}, "options.boxes.0: "),
        ({"boxes": [[0.1, 0.5, 0.9, 0.5]]}, "options.boxes.0: "),
        ({"boxes": [[0.1, 0.1, 0.9, 0.9]] * 17}, "options.boxes: "),
        ({"point": [[0.5, 0.5, 1]]}, "options.point: "),
        ({}, "'held' must be told what to find: send application/json with options.points"),
        ({"points": [], "boxes": []}, "'held' must be told what to find"),
    ],
)
def test_a_wrong_prompt_is_400_and_names_the_field(prompted: httpx.Client, options: dict[str, Any], field: str) -> None:
    response = invoke(prompted, options)

    assert response.status_code == 400
    assert response.json()["detail"].startswith(field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_400(prompted: httpx.Client, number: str) -> None:
    body = '{"image": {"bucket": "pictures", "key": "white"}, "options": {"points": [[%s, 0.5, 1]]}}' % number  # noqa: UP031

    response = prompted.post("/invocations", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert "options.points.0.0" in response.json()["detail"]


def test_a_picture_alone_is_400_and_told_what_to_send(prompted: httpx.Client, white: bytes) -> None:
    response = prompted.post("/invocations", content=white, headers={"Content-Type": "image/png"})

    assert response.status_code == 400
    assert "options.points" in response.json()["detail"]


def test_a_prompt_to_a_model_that_takes_none_is_400(start: Start) -> None:
    response = invoke(start(), BOX)

    assert response.status_code == 400
    assert response.json()["detail"] == "options.points, options.boxes: 'classical' takes none."


class GreyPictures(ObjectStore):
    """Each key is how bright its picture is."""

    def read_picture(self, bucket: str, key: str, max_size_bytes: int) -> bytes:  # noqa: ARG002
        file = io.BytesIO()
        Image.new("RGB", (40, 30), (int(key),) * 3).save(file, "PNG")
        return file.getvalue()


def play(
    engine: HeldPromptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    scene: Callable[[Ask], Awaitable[None]],
    **settings: Any,
) -> None:
    """Run a scene against an app in this process: ``ask(level)`` sends a prompt to the picture of that brightness."""
    monkeypatch.setattr("inference_image.app.ObjectStore", GreyPictures)
    app = create_app(Settings(threads=2, **settings), engine.load)

    async def run() -> None:
        async with (
            asyncio.timeout(LIVENESS_S),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as http,
        ):

            def ask(level: int) -> asyncio.Task[httpx.Response]:
                body = {"image": {"bucket": "pictures", "key": str(level)}, "options": BOX}
                return asyncio.create_task(http.post("/invocations", json=body))

            await scene(ask)

    asyncio.run(run())


def test_prompts_at_once_to_a_new_picture_embed_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = HeldPromptedEngine()

    async def scene(ask: Ask) -> None:
        requests = [ask(9) for _ in range(3)]
        await asyncio.to_thread(engine.wait_for, prepared=3)
        await asyncio.to_thread(engine.wait_for_embedding, 9)
        engine.release.set()

        answers = await asyncio.gather(*requests)

        assert sorted(answer.headers["X-Embedding"] for answer in answers) == ["hit", "hit", "miss"]
        assert all((mask_of(answer) == 9).all() for answer in answers)

    play(engine, monkeypatch, scene)
    assert engine.embedded == [9]


def test_a_prompt_to_a_known_picture_waits_for_no_other_pictures_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = HeldPromptedEngine()

    async def scene(ask: Ask) -> None:
        engine.release.set()
        await ask(1)
        engine.release.clear()
        held = ask(2)
        await asyncio.to_thread(engine.wait_for_embedding, 1, 2)

        known = await ask(1)

        assert not held.done()
        assert known.headers["X-Embedding"] == "hit"
        engine.release.set()
        assert (await held).headers["X-Embedding"] == "miss"

    play(engine, monkeypatch, scene)


def test_a_request_past_its_deadline_costs_no_run_unless_that_has_begun_and_then_its_embedding_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = HeldPromptedEngine()

    async def scene(ask: Ask) -> None:
        begun = ask(1)
        await asyncio.to_thread(engine.wait_for_embedding, 1)
        waiting = ask(2)
        assert {answer.status_code for answer in await asyncio.gather(begun, waiting)} == {503}
        engine.release.set()

        assert (await ask(1)).headers["X-Embedding"] == "hit"

    play(engine, monkeypatch, scene, deadline_s=0.3)
    assert engine.embedded == [1]


def test_without_room_for_embeddings_each_prompt_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = HeldPromptedEngine()
    engine.release.set()

    async def scene(ask: Ask) -> None:
        assert [(await ask(5)).headers["X-Embedding"] for _ in range(2)] == ["miss", "miss"]

    play(engine, monkeypatch, scene, max_embeddings_bytes=0)
    assert engine.embedded == [5, 5]


def embedded(size_bytes: int) -> Embedded:
    return Embedded(Embedding(np.zeros(size_bytes, np.uint8), (1, 1)), (1, 1))


def test_the_least_recently_used_embeddings_make_place() -> None:
    cache = EmbeddingCache(max_bytes=100)
    cache.keep(b"a", embedded(40))
    cache.keep(b"b", embedded(40))
    cache.find(b"a")

    cache.keep(b"c", embedded(60))

    assert [cache.find(digest) is not None for digest in (b"a", b"b", b"c")] == [True, False, True]


class YieldingDigest(bytes):
    """Lets another thread go on wherever it is looked up."""

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


def test_a_cache_is_whole_whoever_uses_it() -> None:
    cache = EmbeddingCache(max_bytes=2)
    digests = [YieldingDigest([number]) for number in range(3)] * 200

    def find() -> None:
        for digest in digests:
            cache.find(digest)

    with ThreadPoolExecutor(1) as thread:
        finding = thread.submit(find)
        for digest in digests:
            if cache.find(digest) is None:
                cache.keep(digest, embedded(1))
        finding.result()

    assert sum(cache.find(digest) is not None for digest in digests[:3]) == 2
