"""The process as SageMaker starts, checks and stops it, and what it says where it cannot start."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.loopback import HOST, free_port

ROOT = Path(__file__).parents[2]
LIVENESS_S = 60  # after so long without progress something hangs
DRAIN_LIMIT_S = 30  # SageMaker kills then


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "inference_image", *arguments]


@contextmanager
def running(port: int, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The process, once it answers; killed at the end."""
    arguments = command("serve", "--host", HOST, "--port", str(port))
    with subprocess.Popen(
        arguments, cwd=ROOT, env={"THREADS": "1", **environment}, stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: ping(port) == 200, process)
            yield process
        finally:
            process.kill()


def ping(port: int) -> int | None:
    """The health check's status; None where nothing listens."""
    try:
        return httpx.get(f"http://{HOST}:{port}/ping", timeout=LIVENESS_S).status_code
    except httpx.TransportError:
        return None


def wait_until(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIVENESS_S
    while not done():
        assert process.poll() is None, "the process ended"
        assert time.monotonic() < deadline, f"not within {LIVENESS_S} s"
        time.sleep(0.02)


def request(picture: bytes) -> bytes:
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    )
    return head.encode() + picture


def received(connection: socket.socket) -> bytes:
    """All until the server hangs up."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_has_begun_refuses_the_rest_and_exits_with_0(
    encode: Callable[..., bytes], astronaut: Image.Image, signal_number: int
) -> None:
    picture = encode(astronaut, "JPEG")
    port = free_port()
    with running(port) as process, socket.create_connection((HOST, port), LIVENESS_S) as connection:
        # Given a request whose body the app has begun to wait for
        connection.sendall(
            request(picture).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n", 1)[: -len(picture)]
        )
        assert connection.recv(1024).startswith(b"HTTP/1.1 100")

        # When the process is told to stop
        process.send_signal(signal_number)
        wait_until(lambda: ping(port) == 503, process)

        # Then another request is refused, and the first one still answered
        refused = httpx.post(
            f"http://{HOST}:{port}/invocations", content=picture, headers={"Content-Type": "image/jpeg"}
        )
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        connection.sendall(picture)
        answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 200")
        head, _, png = answer.partition(b"\r\n\r\n")
        assert f"content-length: {len(png)}".encode() in head
        assert process.wait(DRAIN_LIMIT_S) == 0


def test_a_request_that_never_ends_does_not_keep_it_from_stopping() -> None:
    port = free_port()
    with running(port) as process, socket.create_connection((HOST, port), LIVENESS_S) as connection:
        connection.sendall(request(bytes(1000))[:-1])
        wait_until(lambda: "queue_depth 1.0" in httpx.get(f"http://{HOST}:{port}/metrics").text, process)

        process.send_signal(signal.SIGTERM)

        assert process.wait(DRAIN_LIMIT_S) == 0


def test_without_a_model_it_stops_too(tmp_path: Path) -> None:
    port = free_port()
    arguments = command("serve", "--host", HOST, "--port", str(port))
    environment = {"MASK_ENGINE": "u2net", "MODEL_PATH": str(tmp_path)}
    with subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: ping(port) == 503, process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(DRAIN_LIMIT_S) == 0
        finally:
            process.kill()


def test_killed_while_busy_its_callers_learn_it_and_the_next_process_works(
    encode: Callable[..., bytes], astronaut: Image.Image
) -> None:
    picture = encode(astronaut, "JPEG")
    port = free_port()
    with running(port) as process:
        connections = [socket.create_connection((HOST, port), LIVENESS_S) for _ in range(8)]
        for connection in connections:
            connection.sendall(request(picture))
        wait_until(lambda: "queue_depth 0.0" not in httpx.get(f"http://{HOST}:{port}/metrics").text, process)
        process.kill()
        process.wait(LIVENESS_S)

    for connection in connections:
        with connection, suppress(ConnectionResetError):
            received(connection)  # ends: a time-out would fail
    with running(port):
        answer = httpx.post(
            f"http://{HOST}:{port}/invocations", content=picture, headers={"Content-Type": "image/jpeg"}
        )
    assert answer.status_code == 200


def test_health_checks_are_answered_within_2_s_under_400_connections(
    encode: Callable[..., bytes], astronaut: Image.Image, write_model: Callable[..., Path], tmp_path: Path
) -> None:
    """Callers that are refused come again, as the workflow does, until each has its mask."""
    write_model(tmp_path / "tiny.onnx")
    picture = encode(astronaut.resize((256, 256)), "JPEG")
    port = free_port()
    seen: set[int] = set()
    slowest_s = 0.0

    async def call(content: bytes) -> int:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(content)
            status = int((await reader.readline()).split()[1])
            await drain(reader)
            return status
        finally:
            writer.close()

    async def drain(reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))

    async def until_masked() -> None:
        while (status := await call(request(picture))) != 200:
            seen.add(status)
            await asyncio.sleep(0.5)
        seen.add(status)

    async def check(stop: asyncio.Event) -> None:
        nonlocal slowest_s
        while not stop.is_set():
            started = time.monotonic()
            assert await call(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n") == 200
            slowest_s = max(slowest_s, time.monotonic() - started)
            await asyncio.sleep(0.05)

    async def scene() -> None:
        stop = asyncio.Event()
        checking = asyncio.create_task(check(stop))
        await asyncio.gather(*(until_masked() for _ in range(400)))
        stop.set()
        await checking

    with running(port, MASK_ENGINE="tiny", MODEL_PATH=str(tmp_path)):
        asyncio.run(scene())

    assert seen == {200, 503}
    assert slowest_s < 2


def test_a_port_in_use_ends_the_process_with_a_reason() -> None:
    with socket.create_server((HOST, 0)) as taken:
        arguments = command("serve", "--host", HOST, "--port", str(taken.getsockname()[1]))
        finished = subprocess.run(
            arguments, cwd=ROOT, env={}, capture_output=True, text=True, timeout=LIVENESS_S, check=False
        )

    assert finished.returncode > 0
    assert "address already in use" in finished.stderr


def test_a_model_that_is_missing_is_in_the_log_and_in_the_health_check(tmp_path: Path) -> None:
    environment = {"MASK_ENGINE": "u2net", "MODEL_PATH": str(tmp_path)}
    arguments = command("serve", "--host", HOST, "--port", str(free_port()))
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
