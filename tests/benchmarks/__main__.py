"""Run the benchmarks, print one table, and write ``.bench/results.json``.

    make bench [ONLY="B3 B4 G1 ..."]

G1 names G1-320 and G1-1024. Every figure is taken beside its peers in this one run; an absolute time means nothing on
another machine.
"""

import argparse
import functools
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.cost import cost
from tests.benchmarks.cutout import measure_memory, measure_time
from tests.benchmarks.edges import edges
from tests.benchmarks.encoding import lossless_file
from tests.benchmarks.gpu import on_gpu
from tests.benchmarks.masks import measure_mask, measure_normalisation
from tests.benchmarks.measure import Row
from tests.benchmarks.serving import serving
from tests.benchmarks.thumbnails import measure_cutout, measure_jpeg

RESULTS = Path(__file__).resolve().parents[2] / ".bench" / "results.json"

BENCHMARKS: dict[str, Callable[[], Row]] = {
    "B1": measure_mask,
    "B2": measure_time,
    "B3": lossless_file,
    "B4": measure_jpeg,
    "B5": measure_cutout,
    "B6-320": functools.partial(measure_normalisation, 320),
    "B6-1024": functools.partial(measure_normalisation, 1024),
    "B7": serving,
    "B9-24": functools.partial(measure_memory, 24),
    "B9-50": functools.partial(measure_memory, 50),
    "B10": edges,
    "B11": cost,
    "G1-320": functools.partial(on_gpu, "G1-320"),
    "G1-1024": functools.partial(on_gpu, "G1-1024"),
    "G2": functools.partial(on_gpu, "G2"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure against the peers.")
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"which to run, of {', '.join(BENCHMARKS)} (default: all)")
    named = {each: _matching(each) for each in parser.parse_args().ids}
    if unknown := [each for each, ids in named.items() if not ids]:
        parser.error(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
    ids = list(itertools.chain(*named.values())) or list(BENCHMARKS)
    console = Console()
    rows = []
    for each in ids:
        with console.status(f"Measuring {each}"):
            rows.append(BENCHMARKS[each]())
        console.print(f"{each} done")
    console.print(_table(rows))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
    return 0


def _matching(name: str) -> list[str]:
    """Benchmarks of that id, or of one that continues it after a hyphen."""
    return [each for each in BENCHMARKS if f"{each}-".startswith(f"{name}-")]


def _table(rows: list[Row]) -> Table:
    table = Table("", "work", "ours", "peers", "floor", "ratio", "goal", "met")
    for row in rows:
        peers = "\n".join(f"{name} {value:,.1f}" for name, value in row.peers.items())
        floor = "" if row.floor is None else f"{row.floor:,.1f}"
        ours = "not measured: no GPU" if row.ours is None else f"{row.ours:,.1f}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        met = {True: "yes", False: "no", None: ""}[row.met]
        table.add_row(row.id, row.work, ours, peers, floor, ratio, row.goal, met)
    return table


if __name__ == "__main__":
    sys.exit(main())
