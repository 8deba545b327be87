"""How things are measured: contenders interleaved in one process, the median of several runs, as a ratio."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

RUNS = 5


class Row(NamedTuple):
    """One line of the table and of ``.bench/results.json``.

    ``ours``, ``peers`` and ``floor`` are in the unit that ``work`` names; ``ratio`` is what ``goal`` is about. Where
    there is no GPU to measure on, ``ours``, ``ratio`` and ``met`` are None, and ``peers`` is empty.
    """

    id: str
    work: str
    ours: float | None
    peers: dict[str, float]
    floor: float | None
    ratio: float | None
    goal: str
    met: bool | None


def interleaved(contenders: Mapping[str, Callable[[], Any]], runs: int = RUNS) -> dict[str, float]:
    """The median time of each contender in milliseconds: one warm-up, then ``runs`` rounds of all in turn."""
    for contender in contenders.values():
        contender()
    times_ms: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender()
            times_ms[name].append((time.perf_counter() - started) * 1000)
    return {name: round(statistics.median(values), 1) for name, values in times_ms.items()}
