"""Servers for tests: in a thread of the test process, on the loopback interface, each on a port of its own."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI

HOST = "127.0.0.1"
TIMEOUT_S = 30


def free_port() -> int:
    """A port that nothing uses at this moment, for a process that has to be told one."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app; gives its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="critical"))
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + TIMEOUT_S
            while not server.started:
                assert thread.is_alive(), "the app did not start"
                assert time.monotonic() < deadline, f"the app did not start within {TIMEOUT_S} s"
                time.sleep(0.01)
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(TIMEOUT_S)


class Posted(NamedTuple):
    """A request; the names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    body: bytes
    headers: Mapping[str, str]
    status: int = 200


@contextmanager
def answering(answer: Callable[[Posted], Reply | None]) -> Iterator[str]:
    """Answer every POST with what the function makes of it, or hang up where that is None; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(Posted(self.path, headers, body))
            if reply is None:
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Nothing: the test knows what it sends."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
