"""Pictures of several requests in one run of the model, and runs side by side."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, NamedTuple, NoReturn, TypeVar

from inference_image.engines.mask_engine import Prepared

Output = TypeVar("Output")


class Inferred(NamedTuple, Generic[Output]):
    """What a model made of one picture, and the run that it came from."""

    output: Output
    batch_size: int
    waited_ms: float
    """From the call of ``Batcher.infer`` to the start of the run."""
    inference_ms: float
    """The whole run's time."""


@dataclass(eq=False)
class _Waiting(Generic[Output]):
    prepared: Prepared
    since: float
    inferred: asyncio.Future[Inferred[Output]]


class Batcher(Generic[Output]):
    """A few runs of a model at a time, each with the pictures that wait when it starts.

    Args:
        infer: runs the model; called from ``max_runs`` threads, with 1 to ``max_batch`` pictures.
        max_batch: most pictures of one run.
        wait_s: how long a run is held back for more pictures. After an idle time it is not: a lone picture would only
            lose by it.
        max_runs: most runs at a time.
    """

    def __init__(
        self, infer: Callable[[Sequence[Prepared]], list[Output]], max_batch: int, wait_s: float, max_runs: int = 1
    ) -> None:
        self._run_model = infer
        self._max_batch = max_batch
        self._wait_s = wait_s
        self._max_runs = max_runs
        self._waiting: deque[_Waiting[Output]] = deque()
        self._arrived = asyncio.Event()
        self._threads = ThreadPoolExecutor(max_runs, "inference")

    async def infer(self, prepared: Prepared) -> Inferred[Output]:
        """Wait for a run with room. Cancelled before that run starts, the picture is left out of it.

        Raises:
            Exception: what the model's run raised for this picture.
        """
        waiting: _Waiting[Output] = _Waiting(prepared, time.perf_counter(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        try:
            return await waiting.inferred
        finally:
            with suppress(ValueError):  # its run has taken it
                self._waiting.remove(waiting)

    async def run(self) -> NoReturn:
        """Serve for ever; to be cancelled."""
        async with asyncio.TaskGroup() as others:
            for _ in range(self._max_runs - 1):
                others.create_task(self._run_in_turn())
            await self._run_in_turn()

    async def _run_in_turn(self) -> NoReturn:
        loop = asyncio.get_running_loop()
        while True:
            if not (batch := await self._collect()):
                continue
            outcomes = await loop.run_in_executor(self._threads, self._infer, batch)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if waiting.inferred.done():  # cancelled during the run
                    continue
                if isinstance(outcome, Exception):
                    waiting.inferred.set_exception(outcome)
                else:
                    waiting.inferred.set_result(outcome)

    async def _collect(self) -> list[_Waiting[Output]]:
        wait_s = self._wait_s if self._waiting else 0
        await self._at_least(1)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._at_least(self._max_batch)
        return [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]

    async def _at_least(self, count: int) -> None:
        while len(self._waiting) < count:
            self._arrived.clear()
            await self._arrived.wait()

    def _infer(self, batch: Sequence[_Waiting[Output]]) -> list[Inferred[Output] | Exception]:
        started = time.perf_counter()
        try:
            outputs = self._run_model([waiting.prepared for waiting in batch])
            inference_ms = 1000 * (time.perf_counter() - started)
            return [
                Inferred(output, len(batch), 1000 * (started - waiting.since), inference_ms)
                for output, waiting in zip(outputs, batch, strict=True)
            ]
        except Exception as exc:
            if len(batch) == 1:
                return [exc]
            # One picture's failure, or memory that many need at once, must not fail its neighbours.
            return [outcome for waiting in batch for outcome in self._infer([waiting])]
