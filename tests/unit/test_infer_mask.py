"""The step InferMask: the answer is checked and measured, and kept beside the state of its workflow."""

import json

import numpy as np
import pytest
from mypy_boto3_s3 import S3Client
from PIL import Image

from functions.core.errors import MaskRejected
from functions.core.image_store import ImageStore
from functions.core.mask_engine import EngineAnswer, MaskEngine
from functions.core.models import (
    ImageFacts,
    InferMaskRequest,
    InferMaskResult,
    MaskFacts,
    ProcessingOptions,
    Proxy,
)
from functions.infer_mask import handler
from functions.infer_mask.histogram import MaskHistogram
from functions.infer_mask.inference import infer_mask
from tests.unit.buckets import MASKS_BUCKET
from tests.unit.endpoint import Endpoint
from tests.unit.lambda_context import Context
from tests.unit.pictures import decoded, encoded
from tests.unit.record_table import EXECUTION, make_upload

SIZE = (64, 48)
IMAGE_ID = "01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f"
REQUEST = InferMaskRequest(
    image_id=IMAGE_ID,
    execution_arn=EXECUTION,
    upload=make_upload(),
    image=ImageFacts(format="JPEG", width=640, height=480, mode="RGB", size_bytes=48213, sha256="0" * 64),
    proxy=Proxy(bucket=MASKS_BUCKET, key=f"{IMAGE_ID}/proxy.jpg", width=SIZE[0], height=SIZE[1]),
    options=ProcessingOptions(model="u2netp"),
)


class FakeEngine(MaskEngine):
    """An endpoint that answers with the same bytes, and remembers what it was sent."""

    def __init__(self, png: bytes) -> None:
        self.png = png
        self.sent: list[tuple[bytes, str | None]] = []

    def infer(self, jpeg: bytes, model: str | None = None) -> EngineAnswer:
        self.sent.append((jpeg, model))
        return EngineAnswer(self.png, "u2netp", "ab12", "CPUExecutionProvider", 12.5)


def png(alpha: "np.ndarray[tuple[int, int], np.dtype[np.uint8]] | int", size: tuple[int, int] = SIZE) -> bytes:
    pixels = alpha if isinstance(alpha, np.ndarray) else np.full((size[1], size[0]), alpha, np.uint8)
    return encoded(Image.fromarray(pixels))


def left_half() -> bytes:
    alpha = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    alpha[:, : SIZE[0] // 2] = 255
    return png(alpha)


def run(s3: S3Client, engine: MaskEngine) -> MaskFacts:
    s3.put_object(Bucket=MASKS_BUCKET, Key=REQUEST.proxy.key, Body=b"proxy")
    return infer_mask(REQUEST, images=ImageStore(), engine=engine, masks_bucket=MASKS_BUCKET).mask


def test_the_mask_is_kept_with_the_state_of_the_workflow(s3: S3Client) -> None:
    # When the endpoint answers with a mask
    engine = FakeEngine(left_half())
    mask = run(s3, engine)
    # Then it was asked once, for the proxy's mask, with the model that the owner wanted
    assert engine.sent == [(b"proxy", "u2netp")]
    # And the mask is kept as it came
    assert mask.key == f"{IMAGE_ID}/mask.png"
    kept = s3.get_object(Bucket=MASKS_BUCKET, Key=mask.key)
    assert (kept["Body"].read(), kept["ContentType"]) == (engine.png, "image/png")
    # And its facts are the endpoint's and those measured
    assert (mask.model, mask.model_sha256, mask.provider, mask.inference_ms) == (
        "u2netp",
        "ab12",
        "CPUExecutionProvider",
        12.5,
    )
    assert ((mask.width, mask.height), mask.coverage, mask.confidence, mask.flags) == (SIZE, 0.5, 100, ())
    # And beside it lies what the workflow knows
    metadata = s3.get_object(Bucket=MASKS_BUCKET, Key=f"{IMAGE_ID}/metadata.json")
    assert metadata["ContentType"] == "application/json"
    state = json.loads(metadata["Body"].read())
    assert state.pop("written_at").startswith("20")
    assert state.pop("state") == "InferMask"
    assert state.pop("mask") == mask.model_dump(mode="json")
    assert state == REQUEST.model_dump(mode="json")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (png(0, (48, 64)), "48 x 64 pixels, not an 8-bit grey one of 64 x 48"),
        (png(0, (63, 48)), "63 x 48"),
        (encoded(Image.new("RGB", SIZE)), "mode RGB"),
        (encoded(Image.new("LA", SIZE)), "mode LA"),
        (encoded(Image.new("1", SIZE)), "mode 1"),
        (encoded(Image.new("I;16", SIZE)), "mode I;16"),
        (encoded(Image.new("L", SIZE), "JPEG"), "not a sound PNG"),
        (b"", "not a sound PNG"),
        (b'{"detail": "no"}', "not a sound PNG"),
        (left_half()[:-40], "not a sound PNG"),
        (left_half()[:60], "not a sound PNG"),
    ],
)
def test_what_is_no_mask_of_the_picture_is_never_kept(s3: S3Client, answer: bytes, reason: str) -> None:
    with pytest.raises(MaskRejected, match=reason):
        run(s3, FakeEngine(answer))
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=MASKS_BUCKET)["Contents"]] == [REQUEST.proxy.key]


def measured(mask: bytes) -> MaskHistogram:
    return MaskHistogram(tuple(decoded(mask).histogram()))


@pytest.mark.parametrize(
    ("value", "coverage", "confidence", "flags"),
    [
        (0, 0, 0, ("empty_mask",)),
        (255, 1, 100, ("full_mask",)),
        (127, 127 / 255, 100 / 255, ("empty_mask",)),
        (128, 128 / 255, 100 / 255, ("full_mask",)),
        (230, 230 / 255, 100 * (2 * 230 / 255 - 1), ("full_mask",)),
    ],
)
def test_an_even_mask_is_measured(value: int, coverage: float, confidence: float, flags: tuple[str, ...]) -> None:
    mask = measured(png(value))
    assert mask.coverage == pytest.approx(coverage)
    assert mask.confidence == pytest.approx(confidence)
    assert mask.flags == flags


def test_a_large_certain_background_does_not_hide_a_doubtful_subject() -> None:
    # Given a small subject of which the engine was not sure
    alpha = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    alpha[:8, :8] = 150
    # Then the confidence is that in the subject
    assert measured(png(alpha)).confidence == pytest.approx(100 * (2 * 150 / 255 - 1))


@pytest.mark.parametrize(
    ("foreground_pixels", "flags"), [(9, ("empty_mask",)), (10, ()), (9990, ()), (9991, ("full_mask",))]
)
def test_a_thousandth_of_the_picture_is_a_subject(foreground_pixels: int, flags: tuple[str, ...]) -> None:
    alpha = np.zeros(10_000, np.uint8)
    alpha[:foreground_pixels] = 255
    assert measured(png(alpha.reshape(100, 100))).flags == flags


def test_every_mask_has_a_coverage_and_confidence_in_range() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        mask = measured(png(random.integers(0, 256, (SIZE[1], SIZE[0]), np.uint8)))
        assert 0 <= mask.coverage <= 1
        assert 0 <= mask.confidence <= 100


def test_the_handler_answers_with_the_mask_and_its_time(
    s3: S3Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASKS_BUCKET", MASKS_BUCKET)
    monkeypatch.setenv("ENDPOINT_NAME", "masks")
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    s3.put_object(Bucket=MASKS_BUCKET, Key=REQUEST.proxy.key, Body=b"proxy")
    endpoint.answer_with_mask(left_half())
    answer = handler.handler(REQUEST.model_dump(mode="json"), Context())
    assert answer.pop("elapsed_ms") > 0
    mask = InferMaskResult.model_validate(answer).mask
    assert (mask.key, mask.model, mask.coverage) == (f"{IMAGE_ID}/mask.png", "u2netp", 0.5)
    (sent,) = endpoint.received
    assert (sent.path, sent.body) == ("/endpoints/masks/invocations", b"proxy")
