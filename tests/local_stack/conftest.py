"""Servers of the local stack inside the test process, on ports of their own."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from moto.server import ThreadedMotoServer

from scripts.local_stack.service import HOST
from scripts.local_stack.services import CREDENTIALS
from tests.loopback import serving

Serve = Callable[[FastAPI], str]


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """S3 and SageMaker's control plane."""
    server = ThreadedMotoServer(HOST, port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _aws_is_moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serve an app until the module's tests are done; gives its base URL."""
    with contextlib.ExitStack() as running:
        yield lambda app: running.enter_context(serving(app))
