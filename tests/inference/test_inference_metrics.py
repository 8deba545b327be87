"""What ``/metrics`` says, as Prometheus would read it."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

Start = Callable[..., httpx.Client]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(client: httpx.Client) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_answer_is_counted_by_status_and_in_bytes(
    start: Start, encode: Callable[..., bytes], astronaut: Image.Image
) -> None:
    client = start()
    picture = encode(astronaut, "JPEG")

    answers = [
        client.post("/invocations", content=body, headers={"Content-Type": media_type})
        for body, media_type in ((picture, "image/jpeg"), (picture, "image/jpeg"), (b"none", "image/png"), (b"", ""))
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 400, 415]
    found = samples(client)
    by_status = {labels: value for (name, labels), value in found.items() if name == "matteflow_invocations_total"}
    assert by_status == {(("status", "200"),): 2, (("status", "400"),): 1, (("status", "415"),): 1}
    assert found["matteflow_received_bytes_total", ()] == 2 * len(picture) + len(b"none")
    assert found["matteflow_sent_bytes_total", ()] == sum(len(answer.content) for answer in answers)
    assert found["matteflow_queue_depth", ()] == 0


def test_the_histograms_hold_what_the_headers_say(
    start: Start, encode: Callable[..., bytes], astronaut: Image.Image
) -> None:
    client = start()

    headers = client.post(
        "/invocations", content=encode(astronaut, "JPEG"), headers={"Content-Type": "image/jpeg"}
    ).headers

    found = samples(client)
    for header, metric in (("X-Inference-Ms", "inference"), ("X-Queue-Ms", "queue")):
        assert found[f"matteflow_{metric}_seconds_count", ()] == 1
        assert found[f"matteflow_{metric}_seconds_sum", ()] == pytest.approx(float(headers[header]) / 1000, abs=1e-4)
    assert found["matteflow_batch_size_bucket", (("le", "1.0"),)] == 1


def test_the_model_and_its_provider_are_named(start: Start, write_model: Callable[..., Path], tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.onnx")
    client = start(mask_engine="tiny", model_path=tmp_path, bfloat16=False)

    (labels,) = (dict(labels) for name, labels in samples(client) if name == "matteflow_model_info")

    assert (labels["model"], labels["provider"]) == ("tiny", "CPUExecutionProvider")
    assert len(labels["sha256"]) == 64


def test_refusals_without_a_model_are_counted_too(start: Start) -> None:
    client = start(required_provider="CUDAExecutionProvider")

    client.post("/invocations", headers={"Content-Type": "image/png"})

    assert samples(client)["matteflow_invocations_total", (("status", "503"),)] == 1
