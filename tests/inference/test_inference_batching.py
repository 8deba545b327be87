"""Which pictures share a run, and that nothing but time depends on it."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from inference_image.batching import Batcher, Inferred
from inference_image.errors import InferenceFailed
from tests.inference.held_engine import LIVENESS_S, HeldEngine

NEVER_S = 3600.0


def grey(level: int) -> np.ndarray:
    return np.full((2, 2, 3), level, np.uint8)


def play(
    engine: HeldEngine,
    scene: Callable[[Batcher], Awaitable[None]],
    max_batch: int,
    wait_s: float = 0,
) -> None:
    """Run a scene beside a running batcher."""

    async def both() -> None:
        batcher = Batcher(lambda batch: engine.infer(batch), max_batch, wait_s, engine.max_runs)
        running = asyncio.create_task(batcher.run())
        async with asyncio.timeout(LIVENESS_S):
            await scene(batcher)
        running.cancel()

    asyncio.run(both())


def ask(batcher: Batcher, level: int) -> asyncio.Task[Inferred]:
    return asyncio.create_task(batcher.infer(grey(level)))


async def begun(engine: HeldEngine, runs: int) -> None:
    await asyncio.to_thread(engine.wait_for, runs=runs)


def test_pictures_that_came_during_a_run_share_the_next_and_each_gets_its_own_mask() -> None:
    engine = HeldEngine(max_batch=4)

    async def scene(batcher: Batcher) -> None:
        first = ask(batcher, 0)
        await begun(engine, 1)
        others = [ask(batcher, level) for level in range(1, 6)]
        await asyncio.sleep(0)
        engine.release.set()

        answers = await asyncio.gather(first, *others)

        assert [answer.batch_size for answer in answers] == [1, 4, 4, 4, 4, 1]
        assert [answer.output[0, 0] for answer in answers] == list(range(6))

    play(engine, scene, max_batch=4)
    assert engine.batch_sizes == [1, 4, 1]


def test_an_engine_that_takes_runs_side_by_side_gets_so_many_and_no_more() -> None:
    engine = HeldEngine(max_runs=2)

    async def scene(batcher: Batcher) -> None:
        asked = [ask(batcher, level) for level in range(4)]
        await begun(engine, 2)
        await asyncio.sleep(0.05)  # time in which one too many would begin
        assert engine.batch_sizes == [1, 1]
        engine.release.set()

        answers = await asyncio.gather(*asked)

        assert [answer.output[0, 0] for answer in answers] == list(range(4))

    play(engine, scene, max_batch=1)
    assert engine.batch_sizes == [1] * 4


def test_an_idle_engine_runs_a_lone_picture_at_once() -> None:
    engine = HeldEngine(max_batch=4)
    engine.release.set()

    async def scene(batcher: Batcher) -> None:
        assert (await ask(batcher, 7)).batch_size == 1

    play(engine, scene, max_batch=4, wait_s=NEVER_S)


def test_a_busy_engines_next_run_is_held_back_until_it_is_full() -> None:
    engine = HeldEngine(max_batch=2)

    async def scene(batcher: Batcher) -> None:
        first = ask(batcher, 0)
        await begun(engine, 1)
        second = ask(batcher, 1)
        await asyncio.sleep(0)
        engine.release.set()
        await first
        assert engine.batch_sizes == [1]

        third = ask(batcher, 2)

        assert [answer.batch_size for answer in await asyncio.gather(second, third)] == [2, 2]

    play(engine, scene, max_batch=2, wait_s=NEVER_S)


def test_a_run_is_held_back_no_longer_than_the_window() -> None:
    engine = HeldEngine(max_batch=2)

    async def scene(batcher: Batcher) -> None:
        first = ask(batcher, 0)
        await begun(engine, 1)
        second = ask(batcher, 1)
        await asyncio.sleep(0)
        engine.release.set()

        assert [answer.batch_size for answer in await asyncio.gather(first, second)] == [1, 1]

    play(engine, scene, max_batch=2, wait_s=0.01)


def test_a_picture_that_nobody_waits_for_is_not_inferred() -> None:
    engine = HeldEngine(max_batch=4)

    async def scene(batcher: Batcher) -> None:
        first = ask(batcher, 0)
        await begun(engine, 1)
        left, stayed = ask(batcher, 1), ask(batcher, 2)
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        engine.release.set()

        assert (await first).output[0, 0] == 0
        assert (await stayed).output[0, 0] == 2
        assert left.cancelled()

    play(engine, scene, max_batch=4)
    assert engine.batch_sizes == [1, 1]


def test_a_caller_that_leaves_during_the_run_takes_nothing_from_the_others() -> None:
    engine = HeldEngine(max_batch=4)

    async def scene(batcher: Batcher) -> None:
        left, stayed = ask(batcher, 1), ask(batcher, 2)
        await begun(engine, 1)
        left.cancel()
        await asyncio.sleep(0)
        engine.release.set()

        assert (await stayed).output[0, 0] == 2
        assert (await ask(batcher, 3)).output[0, 0] == 3

    play(engine, scene, max_batch=4)
    assert engine.batch_sizes == [2, 1]


def test_a_failing_batch_is_run_again_a_picture_at_a_time() -> None:
    # Given a batch that fails, and of its pictures alone the first
    engine = HeldEngine(4, InferenceFailed("together"), InferenceFailed("the first"))

    async def scene(batcher: Batcher) -> None:
        both = ask(batcher, 1), ask(batcher, 2)
        await begun(engine, 1)
        engine.release.set()

        failed, made = await asyncio.gather(*both, return_exceptions=True)

        assert isinstance(failed, InferenceFailed)
        assert str(failed) == "the first"
        assert isinstance(made, Inferred)
        assert (made.output[0, 0], made.batch_size) == (2, 1)

    play(engine, scene, max_batch=4)
    assert engine.batch_sizes == [2, 1, 1]


def test_an_engine_that_loses_a_mask_fails_the_picture_and_not_the_batcher(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = HeldEngine(max_batch=1)
    engine.release.set()

    async def scene(batcher: Batcher) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(engine, "infer", lambda _: [])
            with pytest.raises(ValueError, match="zip"):
                await ask(batcher, 1)
        assert (await ask(batcher, 2)).output[0, 0] == 2

    play(engine, scene, max_batch=1)
