"""A short run of the fuzzing, and that it would see what it is there to see."""

import io
import math
import os
import signal
import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.fuzz import workers
from tests.fuzz.__main__ import fuzz, main
from tests.fuzz.examination import examine
from tests.fuzz.seeds import seeds


@pytest.mark.filterwarnings("ignore")
def test_a_few_hundred_mutated_pictures_are_rejected_or_taken(tmp_path: Path) -> None:
    console = Console(file=io.StringIO())
    code = fuzz(400, 1, 2, tmp_path, examine, console)
    said = console.file.getvalue()
    assert code == 0, said
    assert "rejected" in said
    assert "taken" in said


def _die(data: bytes) -> str:
    if len(data) % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return "taken"


def _fail(data: bytes) -> str:
    raise AssertionError(f"{len(data)} bytes")


def _spin(_: bytes) -> str:
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    return "taken"


def _hang(_: bytes) -> str:
    time.sleep(60)
    return "taken"


def _grow(_: bytes) -> str:
    return f"taken {len(bytes(64 * 2**20))}"


@pytest.mark.parametrize(
    ("examine_badly", "limits", "reason"),
    [
        (_die, {}, "died"),
        (_fail, {}, "bytes"),
        (_spin, {"MAX_CPU_S": 0.1}, "processor time"),
        (_hang, {"_MAX_WALL_S": 0.1}, "Nothing came of it"),
        (_grow, {"MAX_MEMORY_MIB": 16}, "MiB of memory"),
    ],
)
def test_each_failure_is_told_and_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    examine_badly: workers.Examine,
    limits: dict[str, float],
    reason: str,
) -> None:
    for name, limit in limits.items():
        monkeypatch.setattr(workers, name, limit)
    said = io.StringIO()
    # When eight files are examined by what fails
    assert fuzz(8, 1, 2, tmp_path, examine_badly, Console(file=said, width=400)) == 1
    # Then every file has an outcome, whatever became of its process
    assert "8 files" in said.getvalue()
    assert reason in said.getvalue()
    # And each that failed is kept as it was, with the reason
    kept = [path for path in tmp_path.iterdir() if path.suffix == ".txt"]
    assert kept
    for path in kept:
        assert reason in path.read_text()
        number = int(path.stem.split("-")[1])
        assert path.with_suffix("").read_bytes() == workers.file_of(list(seeds().values()), 1, number)


def test_a_file_can_be_examined_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MAX_MEMORY_MIB", math.inf)  # other tests may have taken more in this process
    path = tmp_path / "file"
    path.write_bytes(b"no picture")
    assert main(["--replay", str(path)]) == 0
    assert "rejected" in capsys.readouterr().err
