"""Trying, measuring and feeding what makes the masks, without the SDK; tests/e2e/ has the command with it."""

import base64
import hashlib
import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from functions.core.mask_engine import CUSTOM_ATTRIBUTES
from functions.core.mask_function import MaskFunction
from inference_image import weights
from inference_image.errors import NotReady
from inference_image.object_store import ObjectStore
from inference_image.registry import find_model
from inference_image.settings import Settings
from inference_image.weights import find_weights
from scripts.deployment import Deployment
from scripts.endpoint import (
    AsyncTier,
    EndpointError,
    FunctionTier,
    Mask,
    RealtimeTier,
    benchmark,
    connect,
    publish,
    read_picture,
    smoke,
)
from tests.unit.buckets import MASKS_BUCKET as MASKS
from tests.unit.endpoint import FACTS, Endpoint

NAME = "matteflow-dev-inference"
KNOWN = {"model": "u2netp", "provider": "CPUExecutionProvider", "inference-ms": "12.5", "batch-size": "2"}


def picture(size: tuple[int, int] = (40, 30)) -> bytes:
    jpeg = io.BytesIO()
    Image.new("RGB", size, "white").save(jpeg, "JPEG")
    return jpeg.getvalue()


def mask_of(size: tuple[int, int] = (40, 30), text: str | None = None) -> bytes:
    """Half of it is foreground."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    facts = PngInfo()
    if text:
        facts.add_text(CUSTOM_ATTRIBUTES, text)
    png = io.BytesIO()
    mask.save(png, "PNG", pnginfo=facts)
    return png.getvalue()


@dataclass(frozen=True)
class Answers:
    """A tier that answers always the same."""

    mask: Mask

    def infer(self, _jpeg: bytes) -> Mask:
        return self.mask


class Accepted(NamedTuple):
    """What the SDK says of a request that it has handed in."""

    output_location: str = f"s3://{MASKS}/inference/1.out"
    failure_location: str = f"s3://{MASKS}/inference/1-error.out"


def test_a_mask_is_looked_at() -> None:
    found = smoke(Answers(Mask(mask_of(), KNOWN)), picture())
    assert (found["model"], found["provider"], found["inference"]) == ("u2netp", "CPUExecutionProvider", "12 ms")
    assert (found["mask"], found["covered"]) == ("40 x 30, levels 0 to 255", "50.0 %")


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (Mask(mask_of((20, 15)), KNOWN), r"PNG L of \(20, 15\), not a grey PNG of \(40, 30\)"),
        (Mask(picture(), KNOWN), "JPEG RGB"),
        (Mask(mask_of((40, 30)), {"model": "u2netp"}), "does not say its inference-ms, provider"),
    ],
)
def test_what_is_no_mask_of_the_picture_is_said(mask: Mask, says: str) -> None:
    with pytest.raises(EndpointError, match=says):
        smoke(Answers(mask), picture())


def test_a_mask_of_nothing_is_said() -> None:
    png = io.BytesIO()
    Image.new("L", (40, 30), 255).save(png, "PNG")
    with pytest.raises(EndpointError, match="255 everywhere"):
        smoke(Answers(Mask(png.getvalue(), KNOWN)), picture())


def test_a_picture_is_sent_as_a_proxy(tmp_path: Path) -> None:
    Image.new("RGBA", (3000, 100), "red").save(tmp_path / "wide.png")
    sent = Image.open(io.BytesIO(read_picture(tmp_path / "wide.png")))
    assert (sent.format, sent.mode, sent.size) == ("JPEG", "RGB", (2000, 67))
    with pytest.raises(EndpointError, match="not a picture"):
        read_picture(Path(__file__))


def test_a_real_time_endpoint_answers_with_the_mask_and_its_facts(endpoint: Endpoint) -> None:
    endpoint.answer_with_mask(mask_of())
    runtime = boto3.client("sagemaker-runtime")

    def invoke(*, body: bytes, content_type: str, accept: str) -> Any:
        answer = runtime.invoke_endpoint(EndpointName=NAME, Body=body, ContentType=content_type, Accept=accept)
        return type("Answer", (), {"body": answer["Body"], "custom_attributes": answer["CustomAttributes"]})

    mask = RealtimeTier(invoke).infer(picture())
    assert mask.png == mask_of()
    assert mask.facts["model"] == "u2netp"
    assert endpoint.received[0].headers["content-type"] == "image/jpeg"


def asynchronous(s3: S3Client, *, put: str, content: bytes, asked: list[Mapping[str, str]]) -> Callable[..., Accepted]:
    def invoke_async(**request: str) -> Accepted:
        bucket, _, key = request["input_location"].removeprefix("s3://").partition("/")
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == picture()
        assert key.endswith("/proxy.jpg")  # what the endpoint's role may read
        asked.append(request)
        s3.put_object(Bucket=MASKS, Key=put, Body=content)
        return Accepted()

    return invoke_async


def test_an_asynchronous_mask_is_fetched_and_nothing_is_left(s3: S3Client) -> None:
    asked: list[Mapping[str, str]] = []
    png = mask_of(text=FACTS)
    tier = AsyncTier(asynchronous(s3, put="inference/1.out", content=png, asked=asked), s3, MASKS)
    mask = tier.infer(picture())
    assert mask == Mask(png, {**mask.facts, "model": "u2netp"})
    assert asked[0]["custom_attributes"] == "facts=in-body"
    assert "Contents" not in s3.list_objects_v2(Bucket=MASKS)


def test_why_an_asynchronous_mask_was_not_made_is_said(s3: S3Client) -> None:
    failed = asynchronous(s3, put="inference/1-error.out", content=b"too large", asked=[])
    with pytest.raises(EndpointError, match="made no mask: too large"):
        AsyncTier(failed, s3, MASKS).infer(picture())
    assert "Contents" not in s3.list_objects_v2(Bucket=MASKS)


def test_the_function_reads_the_picture_from_s3(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def infer(_: MaskFunction, proxy: Any) -> Any:
        assert s3.get_object(Bucket=proxy.bucket, Key=proxy.key)["Body"].read() == picture()
        assert (proxy.width, proxy.height) == (40, 30)
        return type("Answer", (), {"png": mask_of(), "model": "classical", "provider": "OpenCV", "inference_ms": 9.0})

    monkeypatch.setattr(MaskFunction, "infer", infer)
    deployment = Deployment(
        {"mask_tier": "lambda", "mask_provider": NAME, "masks_bucket": MASKS}, boto3.Session(region_name="us-east-1")
    )
    tier = connect(deployment)
    assert isinstance(tier, FunctionTier)
    assert smoke(tier, picture())["provider"] == "OpenCV"
    assert "Contents" not in s3.list_objects_v2(Bucket=MASKS)


def test_without_the_sdk_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    outputs = {"mask_tier": "realtime", "mask_provider": NAME, "masks_bucket": MASKS}
    with pytest.raises(EndpointError, match="make endpoint"):
        connect(Deployment(outputs, boto3.Session(region_name="us-east-1")))


class Busy:
    """Every third request is turned away."""

    def __init__(self) -> None:
        self.asked = 0

    def infer(self, _jpeg: bytes) -> Mask:
        self.asked += 1
        if self.asked % 3 == 0:
            refusal = {"Error": {"Code": "ModelError", "Message": "busy"}, "OriginalStatusCode": 503}
            raise ClientError(refusal, "InvokeEndpoint")  # type: ignore[arg-type]
        return Mask(mask_of(), {**KNOWN, "inference-ms": str(self.asked)})


def test_a_benchmark_counts_masks_batches_and_refusals() -> None:
    answered: list[None] = []
    report = benchmark(Busy(), picture(), 9, 1, lambda: answered.append(None))
    assert len(answered) == report.requests == 9
    assert report.errors == {"ModelError 503": 3}
    assert report.batch_sizes == {"2": 6}
    assert report.inference_p50_ms == 4.5  # of 1, 2, 4, 5, 7, 8
    assert report.p50_ms is not None
    assert report.p99_ms is not None
    assert report.p50_ms <= report.p99_ms
    assert report.pictures_per_second > 0
    assert (report.models, report.providers) == (["u2netp"], ["CPUExecutionProvider"])


def test_a_benchmark_of_nothing_but_refusals_has_no_times() -> None:
    class Closed:
        def infer(self, _jpeg: bytes) -> Mask:
            raise EndpointError("closed")

    report = benchmark(Closed(), picture(), 4, 2, lambda: None)
    assert (report.p50_ms, report.pictures_per_second, report.errors) == (None, 0, {"EndpointError": 4})


@pytest.mark.parametrize("model", ["own", "u2net-fp16"])
def test_what_is_published_is_what_the_container_takes(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setattr(weights, "DOWNLOADS", tmp_path / "downloads")
    (tmp_path / f"{model}.onnx").write_bytes(b"weights")
    requests: list[dict[str, Any]] = []
    s3.meta.events.register("before-parameter-build.s3.PutObject", lambda params, **_: requests.append(dict(params)))
    sha256 = publish(s3, MASKS, "models/", model, tmp_path)
    assert base64.b64decode(requests[0]["ChecksumSHA256"]).hex() == sha256 == hashlib.sha256(b"weights").hexdigest()
    assert s3.head_object(Bucket=MASKS, Key=f"models/{model}.onnx")["Metadata"] == {"sha256": sha256}
    settings = Settings(
        mask_engine=model,
        model_path=tmp_path / "nothing-here",
        model_artifact_bucket=MASKS,
        model_artifact_prefix="models/",
        model_sha256=sha256,
    )
    found = find_weights(find_model(model), settings, ObjectStore())
    assert found.path.read_bytes() == b"weights"
    # Other weights under the same key are refused
    s3.put_object(Bucket=MASKS, Key=f"models/{model}.onnx", Body=b"other weights")
    found.path.unlink()
    with pytest.raises(NotReady, match=f"MODEL_SHA256 asks for {sha256}"):
        find_weights(find_model(model), settings, ObjectStore())


def test_weights_that_are_not_there_say_how_to_fetch_them(s3: S3Client, tmp_path: Path) -> None:
    for model in ("u2net", "u2net-fp16"):
        with pytest.raises(EndpointError, match=rf"{model}\.onnx. Fetch it: make models MODEL={model}$"):
            publish(s3, MASKS, "models/", model, tmp_path)
    (tmp_path / "own.onnx").write_bytes(b"weights")
    with pytest.raises(EndpointError, match="cannot be put into s3://nobodys/models/"):
        publish(s3, "nobodys", "models/", "own", tmp_path)
