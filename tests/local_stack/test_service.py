"""A process of the local stack: its port, its crash, its end."""

import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.local_stack.service import HOST, Service, StackError, command_line, stop_group
from tests.loopback import free_port

SERVER = """
    import sys
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    print("serving", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""
STUBBORN_PARENT = """
    import signal, subprocess, sys
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("child", child.pid, flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""

MakeService = Callable[..., Service]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def make_service(tmp_path: Path, port: int) -> Iterator[MakeService]:
    made: list[Service] = []

    def make(program: str, grace_s: float = 5.0) -> Service:
        command = (sys.executable, "-c", textwrap.dedent(program), str(port))
        service = Service("sample", command, port, "/", tmp_path / "sample.log", tmp_path, grace_s=grace_s)
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()


def is_gone(pid: int, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while command_line(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_service_is_ready_when_it_answers_and_gone_when_it_is_stopped(make_service: MakeService) -> None:
    service = make_service(SERVER)

    service.start()
    pid = service.pid
    assert pid is not None
    assert service.is_ready()
    service.stop()

    assert is_gone(pid)
    assert not service.crashed
    assert "serving" in service.log.read_text()


def test_a_taken_port_is_named_with_its_holder_and_nothing_is_started(make_service: MakeService, port: int) -> None:
    with socket.socket() as taker:
        taker.bind((HOST, port))
        taker.listen()

        with pytest.raises(StackError, match=rf"Port {port}, which sample needs, is taken by .*--sample-port"):
            make_service(SERVER).start()


def test_a_crash_at_start_shows_the_end_of_the_log(make_service: MakeService) -> None:
    service = make_service("raise SystemExit('no model here')")

    with pytest.raises(StackError, match=r"sample ended with exit status 1(.|\n)*no model here"):
        service.start()


def test_a_service_that_never_answers_is_given_up(make_service: MakeService) -> None:
    service = make_service("import time; time.sleep(600)")

    with pytest.raises(StackError, match="not ready after 1 s"):
        service.start(timeout_s=1.0)


def test_stopping_ends_a_service_that_ignores_it_and_its_children(make_service: MakeService) -> None:
    service = make_service(STUBBORN_PARENT, grace_s=0.5)
    service.start()
    pid, child = service.pid, int(service.log.read_text().split()[1])
    assert pid is not None

    service.stop()

    assert is_gone(pid)
    assert is_gone(child)


def test_only_a_crash_is_replaced(make_service: MakeService) -> None:
    service = make_service(SERVER)
    service.start()
    first = service.pid
    assert first is not None
    assert not service.replace_if_crashed()

    os.kill(first, signal.SIGKILL)
    assert is_gone(first)
    assert service.exit_status() == "signal SIGKILL"
    assert service.replace_if_crashed()
    service.wait_until_ready()
    assert service.pid != first

    service.stop()
    assert not service.replace_if_crashed()


def test_a_process_group_of_an_earlier_run_is_ended(make_service: MakeService) -> None:
    service = make_service(SERVER)
    service.start()
    assert service.pid is not None

    stop_group(service.pid, grace_s=5.0)

    assert is_gone(service.pid)
    assert service.crashed
