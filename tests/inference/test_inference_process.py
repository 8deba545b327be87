"""The process as SageMaker starts and stops it: ``serve``, SIGTERM, and what it says where it cannot start."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.loopback import free_port

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "inference_image", *arguments]


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running process and its port."""
    port = free_port()
    arguments = command("serve", "--host", "127.0.0.1", "--port", str(port))
    with subprocess.Popen(arguments, cwd=ROOT, env={"THREADS": "1"}, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_ready(process, port)
            yield process, port
        finally:
            process.kill()


def wait_until_ready(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            assert httpx.get(f"http://127.0.0.1:{port}/ping").status_code == 200
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the process did not answer /ping")


def test_sigterm_finishes_the_request_that_has_begun_and_takes_no_other(
    server: tuple[subprocess.Popen[str], int], encode: Callable[..., bytes], astronaut: Image.Image
) -> None:
    process, port = server
    picture = encode(astronaut, "JPEG")
    head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # Given a request whose body the app has begun to wait for
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 100")

        # When the process is told to stop
        process.send_signal(signal.SIGTERM)
        while is_listening(port):
            time.sleep(0.05)
        connection.sendall(picture)

        # Then the request is still answered, and the process ends by itself
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        while connection.recv(65536):
            pass
    assert process.wait(timeout=30) in (0, -signal.SIGTERM)


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return False
    return True


def test_a_model_that_is_missing_is_in_the_log_and_in_the_health_check(tmp_path: Path) -> None:
    environment = {"MASK_ENGINE": "u2net", "MODEL_PATH": str(tmp_path)}
    arguments = command("serve", "--host", "127.0.0.1", "--port", str(free_port()))
    with subprocess.Popen(arguments, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            log = next(line for line in process.stderr if "Not ready" in line)
        finally:
            process.kill()

    assert f"{tmp_path}/u2net.onnx does not exist" in log


def test_settings_out_of_range_end_the_process_and_are_named() -> None:
    environment = {"MAX_PIXELS": "-1", "MASK_ENGINE": "../../etc/passwd"}

    finished = subprocess.run(
        command("serve"), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert finished.returncode == 1
    assert {line.partition(":")[0] for line in finished.stderr.splitlines()} == {"MAX_PIXELS", "MASK_ENGINE"}


def test_help_lists_the_options() -> None:
    finished = subprocess.run(command("--help"), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

    assert all(word in finished.stdout for word in ("serve", "--host", "--port"))
