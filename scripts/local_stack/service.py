"""A process of the local stack: started, waited for, watched and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

HOST = "127.0.0.1"
POLL_S = 0.1
LOG_TAIL_LINES = 20


class StackError(Exception):
    """The local stack cannot do as asked; the message says why and what to do."""


def process_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """What a process of the stack sees: ``extra``, and of this process only what a program needs to run at all.

    A stray ``AWS_PROFILE``, proxy or ``PYTHONPATH`` of the developer's shell must not reach the services, nor the
    functions, which inherit the emulator's environment.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_PROXY": f"{HOST},localhost", **extra}


def displayed(path: Path) -> str:
    """A path as short as it can be typed: from the current folder where it lies under it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def command_line(pid: int) -> str | None:
    """The command line of a running process, or None when there is no such process."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def stop_group(pid: int, grace_s: float) -> None:
    """End the process group that ``pid`` leads: SIGTERM, and after ``grace_s`` seconds SIGKILL for what is left."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while command_line(pid) is not None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(pid, signal.SIGKILL)


def holder_of(port: int) -> str | None:
    """Which process listens on ``port``, as ``name (pid N)``, where this user may see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr or not connection.pid:
                continue
            if connection.laddr.port == port:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


@dataclass
class Service:
    """One process in a process group of its own, whose output goes to ``log``.

    Args:
        command: what to run; it must listen on ``port`` of the loopback interface.
        environment: variables beside those of ``process_environment``.
        readiness_path: answers 200 once the service can be used.
        replaceable: it keeps nothing that matters, so the stack starts it again when it ends by itself.
        grace_s: seconds it has to end by itself when it is stopped.
    """

    name: str
    command: tuple[str, ...]
    port: int
    readiness_path: str
    log: Path
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    replaceable: bool = True
    grace_s: float = 30.0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @property
    def url(self) -> str:
        """Its base URL, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process to be found at this moment, running or crashed; None when it is stopped on purpose."""
        return None if self._process is None else self._process.pid

    @property
    def crashed(self) -> bool:
        """It ended though nobody stopped it."""
        process = self._process
        return process is not None and process.poll() is not None

    def start(self, timeout_s: float = 60.0) -> None:
        """Start it and wait until it is ready.

        Raises:
            StackError: its port is taken, it ended at once, or it is not ready after ``timeout_s`` seconds.
        """
        self.spawn()
        self.wait_until_ready(timeout_s)

    def spawn(self) -> None:
        """Start it without waiting for it.

        Raises:
            StackError: its port is taken.
        """
        with self._lock:
            self.check_port()
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self.command,
                    cwd=self.cwd,
                    env=process_environment(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def check_port(self) -> None:
        """See that its port is free.

        Raises:
            StackError: another process listens there; the message names it where that can be found out.
        """
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                holder = holder_of(self.port) or "another process"
                raise StackError(
                    f"Port {self.port}, which {self.name} needs, is taken by {holder}. End that process, or "
                    f"start with another port: .venv/bin/python -m scripts.local_stack run "
                    f"--{self.name.replace('_', '-')}-port NUMBER"
                ) from error

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until ``readiness_path`` answers 200.

        Raises:
            StackError: it ended, or is not ready after ``timeout_s`` seconds; the message shows the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.crashed:
                raise StackError(f"{self.name} ended with {self.exit_status()}.\n{self.log_tail()}")
            if self.is_ready():
                return
            time.sleep(POLL_S)
        raise StackError(f"{self.name} is not ready after {timeout_s:.0f} s.\n{self.log_tail()}")

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + self.readiness_path, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def exit_status(self) -> str:
        """How the process ended, in words."""
        code = None if self._process is None else self._process.poll()
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit status {code}"

    def log_tail(self) -> str:
        """The last lines of its log, under a line that says where the log is."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"The end of {displayed(self.log)}:", *(f"  {line}" for line in lines)])

    def replace_if_crashed(self) -> bool:
        """Start it again if it ended by itself; say whether it had."""
        with self._lock:
            if not self.crashed:
                return False
            self.spawn()
            return True

    def stop(self) -> None:
        """End it and what it started, and wait until they are gone. A service that is not running is left as it is."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                if process.poll() is None:
                    process.terminate()
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(self.grace_s)
                with contextlib.suppress(ProcessLookupError, PermissionError):  # EPERM: a group of zombies on macOS
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
