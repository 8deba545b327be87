"""The server's memory under many requests, good and bad, with the container's allocator settings."""

import http.client
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import psutil
from PIL import Image

from tests.inference.test_inference_process import ROOT, running
from tests.loopback import HOST, free_port

AT_ONCE, WARM_UP, REQUESTS = 4, 200, 2000
LARGEST_GROWTH = 0.02


def test_memory_grows_by_at_most_2_percent_over_2000_requests(
    encode: Callable[..., bytes], astronaut: Image.Image, write_model: Callable[..., Path], tmp_path: Path
) -> None:
    write_model(tmp_path / "tiny.onnx")
    pictures = [encode(astronaut.resize((side, 640)), "JPEG") for side in range(256, 1280, 128)]
    bodies = [*pictures, pictures[0][:1000], b"no picture"]
    port = free_port()

    def post(count: int) -> Counter[int]:
        connection = http.client.HTTPConnection(HOST, port)
        statuses: Counter[int] = Counter()
        for body in islice(cycle(bodies), count):
            connection.request("POST", "/invocations", body, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            response.read()
            statuses[response.status] += 1
        connection.close()
        return statuses

    def send(count: int) -> Counter[int]:
        with ThreadPoolExecutor(AT_ONCE) as callers:
            return sum(callers.map(post, [count // AT_ONCE] * AT_ONCE), Counter())

    allocator = dict(re.findall(r"(MALLOC_\w+)=(\S+)", (ROOT / "inference_image/Dockerfile").read_text()))
    with running(port, **allocator, MASK_ENGINE="tiny", MODEL_PATH=str(tmp_path)) as process:
        send(WARM_UP)
        before = psutil.Process(process.pid).memory_info().rss

        statuses = send(REQUESTS)

        after = psutil.Process(process.pid).memory_info().rss

    assert statuses == {200: REQUESTS * len(pictures) // len(bodies), 400: REQUESTS * 2 // len(bodies)}
    assert after <= (1 + LARGEST_GROWTH) * before, f"{before} bytes before, {after} after"
