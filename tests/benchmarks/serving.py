"""B7: pictures a second over HTTP, beside ``rembg s`` and a loop of bare model runs, each in a process of its own."""

import http.client
import io
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from PIL import Image

from tests.benchmarks import u2netp
from tests.benchmarks.inputs import photograph
from tests.benchmarks.measure import RUNS, Row
from tests.loopback import HOST, free_port

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = (1, 4, 16)
THREADS = os.cpu_count() or 1
SAMPLE_S = 3.0  # of one figure
PROXY_SIDE = 2000  # pixels of the longer side of the workflow's proxies, as in functions.validate_image.settings
START_S = 120


class Call(NamedTuple):
    """A request as the client sends it, over and over, to a port of this machine."""

    port: int
    path: str
    headers: dict[str, str]
    body: bytes


def proxy() -> bytes:
    """A photograph as the workflow sends it: JPEG, 2048 x 1536, quality 90."""
    file = io.BytesIO()
    photograph(12).resize((PROXY_SIDE, PROXY_SIDE * 3 // 4), Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
    return file.getvalue()


def serving() -> Row:
    """Measure with a file of U2-Net-P's shape; rembg, with its ``cli`` extra, lies beside this interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        return served(u2netp.write(Path(folder) / "u2netp-shape.onnx"), ROOT / ".tools" / "rembg" / "bin" / "rembg")


def served(model: Path, rembg: Path, runs: int = RUNS) -> Row:
    """Measure with one file: a warm-up, then ``runs`` rounds of the floor and both servers at 1, 4 and 16 in turn."""
    picture = proxy()
    with ExitStack() as processes:
        bare_runs = processes.enter_context(_worker(_run_model, model))
        ours = processes.enter_context(_our_server(model, picture))
        in_float32 = processes.enter_context(_our_server(model, picture, BFLOAT16="false"))
        theirs = processes.enter_context(_rembg_server(model, rembg, picture))
        provider = _provider(ours)
        difference = float(np.abs(_mask(ours).astype(int) - _mask(theirs)).mean())
        contenders: dict[str, Callable[[], float]] = {"floor": partial(bare_runs, 0)}
        servers = (("ours", ours, AT_ONCE), ("ours in float32", in_float32, AT_ONCE[-1:]), ("rembg s", theirs, AT_ONCE))
        for name, call, numbers in servers:
            send = processes.enter_context(_worker(_send_requests, call))
            for at_once in numbers:
                contenders[f"{name} at {at_once}"] = partial(send, at_once)
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(runs + 1):
            for name, contender in contenders.items():
                rates[name].append(contender())
    median = {name: round(statistics.median(values[1:]), 2) for name, values in rates.items()}
    floor, most = median.pop("floor"), median.pop(f"ours at {AT_ONCE[-1]}")
    ratio, peer = most / floor, most / median[f"rembg s at {AT_ONCE[-1]}"]
    work = (
        f"HTTP /invocations, pictures/s at {AT_ONCE[-1]} at once: JPEG {PROXY_SIDE} px, mask at full size, "
        f"by {provider}; {peer:.1f} x rembg s, masks differ by {difference:.2f} of 255"
    )
    goal = "at least 0.95 of the floor, 3 x rembg s"
    return Row("B7", work, most, median, floor, round(ratio, 2), goal, ratio >= 0.95 and peer >= 3)


@contextmanager
def _our_server(model: Path, picture: bytes, **settings: str) -> Iterator[Call]:
    port = free_port()
    environment = {
        "MASK_ENGINE": model.stem,
        "MODEL_PATH": str(model.parent),
        "THREADS": str(THREADS),
        "MAX_WAITING": str(AT_ONCE[-1]),
        **settings,
    }
    command = [sys.executable, "-m", "inference_image", "serve", "--host", HOST, "--port", str(port)]
    with _server(command, environment, port, "/ping"):
        yield Call(port, "/invocations", {"Content-Type": "image/jpeg"}, picture)


@contextmanager
def _rembg_server(model: Path, rembg: Path, picture: bytes) -> Iterator[Call]:
    """The model by its path, which must lie in rembg's own folder; the mask alone; no user interface beside it."""
    port = free_port()
    environment = {"U2NET_HOME": str(model.parent), "OMP_NUM_THREADS": str(THREADS)}
    command = [str(rembg), "s", "--host", HOST, "--port", str(port), "--log_level", "warning", "--no-ui"]
    parts = {"model": b"u2net_custom", "om": b"true", 'file"; filename="picture.jpg': picture}
    body = b"".join(
        b'--part\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=part"}
    extras = json.dumps({"model_path": str(model)}).replace(" ", "").replace('"', "%22")
    with _server(command, environment, port, "/openapi.json"):
        yield Call(port, f"/api/remove?extras={extras}", headers, body + b"--part--\r\n")


@contextmanager
def _server(command: list[str], environment: dict[str, str], port: int, health: str) -> Iterator[None]:
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + START_S
            while not _answers(port, health):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} does not serve.")
                time.sleep(0.1)
            yield
        finally:
            process.kill()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _provider(call: Call) -> str:
    connection = http.client.HTTPConnection(HOST, call.port)
    connection.request("GET", "/ping")
    provider: str = json.load(connection.getresponse())["provider"]
    connection.close()
    return provider


def _mask(call: Call) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(_post(http.client.HTTPConnection(HOST, call.port), call))))


@contextmanager
def _worker(measure: Callable[..., None], subject: Path | Call) -> Iterator[Callable[[int], float]]:
    """A process that measures pictures a second whenever it is told a number at once."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(theirs, subject), daemon=True)
    process.start()
    theirs.close()  # so that a worker that failed is noticed, and not waited for

    def ask(at_once: int) -> float:
        ours.send(at_once)
        rate: float = ours.recv()
        return rate

    try:
        yield ask
    finally:
        process.kill()
        process.join()


def _run_model(pipe: Connection, model: Path) -> None:
    """The floor: the same file and threads, ready input, the mask's output alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    image, mask = session.get_inputs()[0].name, session.get_outputs()[0].name
    pixels = np.random.default_rng(0).normal(size=(1, 3, u2netp.SIDE, u2netp.SIDE)).astype(np.float32)
    while True:
        pipe.recv()
        started = time.perf_counter()
        done = 0
        while (taken_s := time.perf_counter() - started) < SAMPLE_S:
            session.run([mask], {image: pixels})
            done += 1
        pipe.send(done / taken_s)


def _send_requests(pipe: Connection, call: Call) -> None:
    """Callers in a closed loop; each keeps its connection and has one request under way."""
    with ThreadPoolExecutor(AT_ONCE[-1]) as callers:

        def repeat(started: float) -> int:
            connection = http.client.HTTPConnection(HOST, call.port)
            done = 0
            while time.perf_counter() - started < SAMPLE_S:
                _post(connection, call)
                done += 1
            connection.close()
            return done

        while True:
            at_once = pipe.recv()
            started = time.perf_counter()
            done = sum(callers.map(repeat, [started] * at_once))
            pipe.send(done / (time.perf_counter() - started))


def _post(connection: http.client.HTTPConnection, call: Call) -> bytes:
    connection.request("POST", call.path, call.body, call.headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {body[:300]!r}")
    return body
