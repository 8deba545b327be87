"""The supervisor as a process: one a home, and nothing left when it ends, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from scripts.build import PROJECT
from scripts.local_stack.lock import AlreadyRunningError, Lock
from scripts.local_stack.service import command_line
from scripts.local_stack.services import Ports

TIMEOUT_S = 60
SERVICES = 7
WITH_TERRAFORM = SERVICES + 1

Run = Callable[..., "subprocess.Popen[str]"]


def local_stack(home: Path, ports: Ports, command: str) -> list[str]:
    options = [f"--{name.replace('_', '-')}-port={port}" for name, port in asdict(ports).items()]
    return [sys.executable, "-m", "scripts.local_stack", command, f"--home={home}", *options]


@pytest.fixture
def ports() -> Ports:
    return Ports.free()


@pytest.fixture
def run(tmp_path: Path, ports: Ports) -> Iterator[Run]:
    """Start the stack of ``tmp_path`` as a process of its own, and wait until it has started so many processes."""
    started: list[subprocess.Popen[str]] = []

    def start(processes: int) -> "subprocess.Popen[str]":
        supervisor = subprocess.Popen(
            local_stack(tmp_path, ports, "run"),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(supervisor)
        deadline = time.monotonic() + TIMEOUT_S
        while len(recorded(tmp_path)) < processes:
            assert supervisor.poll() is None, supervisor.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return supervisor

    yield start
    for supervisor in started:
        if supervisor.poll() is None:
            supervisor.terminate()
            supervisor.communicate()
    subprocess.run(local_stack(tmp_path, ports, "down"), cwd=PROJECT, check=True, capture_output=True)


def recorded(home: Path) -> list[int]:
    """The processes that the supervisor has started."""
    try:
        return [int(pid) for pid in json.loads((home / "processes.json").read_text())]
    except (FileNotFoundError, ValueError):  # not written yet, or being written
        return []


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if command_line(pid) is not None]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", [1, WITH_TERRAFORM], ids=["while services start", "while Terraform runs"])
def test_a_start_that_is_stopped_halfway_leaves_no_process(
    run: Run, tmp_path: Path, processes: int, stop: signal.Signals
) -> None:
    supervisor = run(processes)
    pids = recorded(tmp_path)

    supervisor.send_signal(stop)
    said, _ = supervisor.communicate(timeout=TIMEOUT_S)

    assert supervisor.returncode == 0, said
    assert alive(pids) == []
    assert not (tmp_path / "processes.json").exists()
    assert Lock(tmp_path).holder is None


def test_what_a_killed_supervisor_leaves_is_stopped_and_nothing_else(run: Run, tmp_path: Path, ports: Ports) -> None:
    supervisor = run(SERVICES)
    pids = recorded(tmp_path)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.communicate()
    assert len(alive(pids)) >= SERVICES
    # given also a process that got the number of one that had ended
    processes = json.loads((tmp_path / "processes.json").read_text())
    (tmp_path / "processes.json").write_text(json.dumps({**processes, str(os.getpid()): "another program"}))

    subprocess.run(local_stack(tmp_path, ports, "down"), cwd=PROJECT, check=True, timeout=TIMEOUT_S)

    assert alive(pids) == []


def test_a_second_run_says_that_the_first_one_is_there(run: Run, tmp_path: Path, ports: Ports) -> None:
    supervisor = run(1)

    second = subprocess.run(
        local_stack(tmp_path, ports, "run"), cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )

    assert second.returncode == 0
    assert f"already running (pid {supervisor.pid})" in second.stdout
    assert supervisor.poll() is None


def test_a_home_is_locked_while_its_holder_lives(tmp_path: Path) -> None:
    first, second = Lock(tmp_path), Lock(tmp_path)

    first.acquire()
    with pytest.raises(AlreadyRunningError) as running:
        second.acquire()
    assert running.value.pid == second.holder == os.getpid()
    first.release()

    assert second.holder is None
    second.acquire()
    second.release()


def test_the_demo_of_a_missing_file_says_so_and_starts_nothing(tmp_path: Path, ports: Ports) -> None:
    said = subprocess.run(
        [*local_stack(tmp_path / "home", ports, "demo"), str(tmp_path / "no.jpg")],
        cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip

    assert said.returncode == 1
    assert f"There is no file {tmp_path / 'no.jpg'}" in said.stdout
    assert not (tmp_path / "home").exists()
