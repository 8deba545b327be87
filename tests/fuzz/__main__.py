"""Mutate pictures and see that each is rejected in words, or taken with outputs that are what they say.

    python -m tests.fuzz --count 100000 --seed 1 --workers 2
    python -m tests.fuzz --replay .fuzz/1-4711-failed

A file may take 5 s of processor time and 1 GiB of memory, and may end no process. Those that fail are kept in the
folder, each with its reason beside it.
"""

import argparse
import collections
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.examination import examine
from tests.fuzz.seeds import seeds
from tests.fuzz.workers import Examine, Outcome, examine_one, file_of, outcomes

FOLDER = Path(__file__).resolve().parents[2] / ".fuzz"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=str(__doc__).split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which files (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: one a processor)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where files that fail are kept (default: .fuzz)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="examine this one file, in this process")
    chosen = parser.parse_args(arguments)
    console = Console(stderr=True)
    if chosen.replay:
        outcome = examine_one(examine, chosen.replay.read_bytes())
        console.print(outcome.reason or f"It is {outcome.name}.", markup=False)
        return 1 if outcome.reason else 0
    return fuzz(chosen.count, chosen.seed, chosen.workers, chosen.folder, examine, console)


def fuzz(count: int, seed: int, workers: int, folder: Path, examine: Examine, console: Console) -> int:
    """Examine the first ``count`` files of a seed; the exit code is 0 if none failed."""
    files = list(seeds().values())
    started = time.monotonic()
    counts: collections.Counter[str] = collections.Counter()
    failures = 0
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("", total=count)
            for outcome in outcomes(count, seed, workers, files, examine):
                counts[outcome.name] += 1
                progress.update(task, advance=1, description=_listed(counts))
                if outcome.reason:
                    failures += 1
                    kept = _keep(outcome, file_of(files, seed, outcome.number), seed, folder)
                    progress.console.print(f"{kept}: {outcome.reason.strip().splitlines()[-1]}", markup=False)
    except KeyboardInterrupt:
        console.print("Stopped.")
    done = sum(counts.values())
    console.print(f"{done:,} files in {time.monotonic() - started:.0f} s: {_listed(counts)}")
    return 1 if failures or done < count else 0


def _keep(outcome: Outcome, data: bytes, seed: int, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seed}-{outcome.number}-{outcome.name}"
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(str(outcome.reason))
    return path


def _listed(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
