"""One supervisor a home."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from scripts.local_stack.service import StackError


class AlreadyRunningError(StackError):
    """Another process has this stack; ``pid`` is its supervisor."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"The local stack is already running (pid {pid}).")
        self.pid = pid


class Lock:
    """At most one supervisor a home: the operating system frees the lock when its holder dies, however it dies."""

    def __init__(self, home: Path) -> None:
        self._path = home / "supervisor.lock"
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """Take the lock and leave this process's pid in it.

        Raises:
            AlreadyRunningError: another supervisor holds it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                file.seek(0)
                raise AlreadyRunningError(int(file.read() or 0)) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds it."""
        return self._file is not None

    @property
    def holder(self) -> int | None:
        """The pid of the supervisor that holds it, or None."""
        probe = Lock(self._path.parent)
        try:
            probe.acquire()
        except AlreadyRunningError as running:
            return running.pid
        probe.release()
        return None
