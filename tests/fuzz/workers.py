"""Processes that examine files: one that dies, hangs or takes too much memory is replaced, and its file reported."""

import contextlib
import multiprocessing
import os
import random
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from tests.fuzz.mutations import mutate

MAX_CPU_S = 5.0
MAX_MEMORY_MIB = 1024
# A machine may be busy with other things; what hangs is ended all the same.
_MAX_WALL_S = 60.0
_MAX_ADDRESS_SPACE = 4 * 2**30

Examine = Callable[[bytes], str]


class Outcome(NamedTuple):
    """How one mutated file fared; ``reason`` says why it is a failure, if it is one."""

    number: int
    name: str
    reason: str | None = None


def file_of(seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """The ``number``-th mutated file of a seed."""
    return mutate(seeds, random.Random(f"{seed}:{number}"))  # noqa: S311 - it has to be the same again


def examine_one(examine: Examine, data: bytes, number: int = 0) -> Outcome:
    """Examine one file in this process."""
    started = time.process_time()
    try:
        outcome = Outcome(number, examine(data))
    except Exception:
        outcome = Outcome(number, "failed", traceback.format_exc())
    cpu_s = time.process_time() - started
    if cpu_s > MAX_CPU_S:
        outcome = Outcome(number, "slow", f"It took {cpu_s:.1f} s of processor time; the limit is {MAX_CPU_S:.0f} s.")
    if _peak_mib() > MAX_MEMORY_MIB:
        outcome = Outcome(
            number, "large", f"It took {_peak_mib():,} MiB of memory; the limit is {MAX_MEMORY_MIB:,} MiB."
        )
    return outcome


def outcomes(count: int, seed: int, workers: int, seeds: Sequence[bytes], examine: Examine) -> Iterator[Outcome]:
    """Examine the first ``count`` mutated files of a seed in so many processes; every file has one outcome."""
    running = [_Worker(range(first, count, workers), seed, seeds, examine) for first in range(workers)]
    try:
        while running:
            ready = wait([worker.connection for worker in running], timeout=1)
            for worker in list(running):
                outcome = worker.receive() if worker.connection in ready else worker.stop_if_it_hangs()
                if outcome:
                    yield outcome
                if worker.ended:
                    running.remove(worker)
                    if worker.numbers:
                        running.append(_Worker(worker.numbers, seed, seeds, examine))
    finally:
        for worker in running:
            worker.stop()


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class _Worker:
    """One process; ``numbers`` are those of the files that have no outcome yet."""

    def __init__(self, numbers: Sequence[int], seed: int, seeds: Sequence[bytes], examine: Examine) -> None:
        self.numbers, self.ended = numbers, False
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(theirs, numbers, seed, seeds, examine), daemon=True)
        self._process.start()
        theirs.close()
        self._heard_at = time.monotonic()

    def receive(self) -> Outcome | None:
        """The next outcome; None from a process that ended by itself and as it should."""
        try:
            outcome: Outcome = self.connection.recv()
        except EOFError:
            self.stop()
            code = self._process.exitcode
            return self._ended_at_a_file(f"The process died (exit code {code}).") if code else None
        self._heard_at = time.monotonic()
        self.numbers = self.numbers[1:]
        return outcome

    def stop_if_it_hangs(self) -> Outcome | None:
        if time.monotonic() - self._heard_at < _MAX_WALL_S:
            return None
        self.stop(kill=True)
        return self._ended_at_a_file(f"Nothing came of it in {_MAX_WALL_S:.0f} s.")

    def stop(self, kill: bool = False) -> None:
        if kill or self._process.is_alive():
            self._process.join(timeout=0 if kill else 1)
            self._process.kill()
        self._process.join()
        self.connection.close()
        self.ended = True

    def _ended_at_a_file(self, reason: str) -> Outcome:
        number, self.numbers = self.numbers[0], self.numbers[1:]
        return Outcome(number, "died", reason)


def _work(connection: Connection, numbers: Sequence[int], seed: int, seeds: Sequence[bytes], examine: Examine) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one ends the others
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # metrics
    os.dup2(nowhere, 2)  # what decoders have to say
    with contextlib.suppress(BrokenPipeError):
        for number in numbers:
            outcome = examine_one(examine, file_of(seeds, seed, number), number)
            connection.send(outcome)
            if outcome.name == "large":
                return  # a peak never falls, so every later file would be one, too
