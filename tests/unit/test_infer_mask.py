"""The step InferMask: the answer is checked and measured, and kept beside the state of its workflow."""

import json

import numpy as np
import pytest
from mypy_boto3_s3 import S3Client
from PIL import Image

from functions.core.errors import MaskRejected
from functions.core.image_store import ImageStore
from functions.core.mask_engine import EngineAnswer, MaskEngine
from functions.core.mask_measures import MaskMeasures, measure
from functions.core.models import (
    Box,
    ImageFacts,
    InferMaskRequest,
    InferMaskResult,
    MaskFacts,
    ProcessingOptions,
    Proxy,
)
from functions.infer_mask import handler
from functions.infer_mask.inference import infer_mask
from tests.unit.buckets import MASKS_BUCKET
from tests.unit.endpoint import Endpoint
from tests.unit.lambda_context import Context
from tests.unit.pictures import decoded, encoded
from tests.unit.record_table import EXECUTION, TABLE, make_upload

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

ENVIRONMENT = {"MASKS_BUCKET": MASKS_BUCKET, "TABLE_NAME": TABLE, "MASK_TIER": "realtime", "MASK_PROVIDER": "masks"}


class FakeEngine(MaskEngine):
    """It answers with the same bytes, and remembers what it was asked."""

    def __init__(self, png: bytes) -> None:
        self.png = png
        self.asked: list[tuple[Proxy, str | None]] = []

    def infer(self, proxy: Proxy, model: str | None = None) -> EngineAnswer:
        self.asked.append((proxy, model))
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
    assert engine.asked == [(REQUEST.proxy, "u2netp")]
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
    assert (mask.width, mask.height) == SIZE
    assert (mask.coverage, mask.confidence, mask.edge_softness, mask.flags) == (0.5, 100, 0, ())
    assert (mask.parts, mask.touches) == (1, ("left", "top", "bottom"))
    assert mask.subject == Box(left=0, top=0, width=0.5, height=1)
    # And beside it lies what the workflow knows
    metadata = s3.get_object(Bucket=MASKS_BUCKET, Key=f"{IMAGE_ID}/metadata.json")
    assert metadata["ContentType"] == "application/json"
    state = json.loads(metadata["Body"].read())
    assert state.pop("written_at").startswith("20")
    assert state.pop("state") == "InferMask"
    assert state.pop("mask") == mask.model_dump(mode="json")
    assert state == REQUEST.model_dump(mode="json", exclude={"task_token"})


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


def test_the_measures_of_a_kept_mask_are_metrics(s3: S3Client, capsys: pytest.CaptureFixture[str]) -> None:
    mask = run(s3, FakeEngine(left_half()))
    metrics = json.loads(capsys.readouterr().out)
    (described,) = metrics["_aws"]["CloudWatchMetrics"]
    assert {each["Name"]: (each["Unit"], *metrics[each["Name"]]) for each in described["Metrics"]} == {
        "MaskCoverage": ("None", mask.coverage),
        "MaskConfidence": ("Percent", mask.confidence),
        "MaskEdgeSoftness": ("None", mask.edge_softness),
        "MaskParts": ("Count", mask.parts),
    }
    assert metrics["model"] == "u2netp"


def test_a_mask_that_is_not_kept_has_no_metrics(s3: S3Client, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MaskRejected):
        run(s3, FakeEngine(b""))
    assert capsys.readouterr().out == ""


def measured(mask: bytes) -> MaskMeasures:
    return measure(decoded(mask))


def squares(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (100, 80), value: int = 255) -> bytes:
    """A mask with these boxes (left, top, right, bottom, in pixels) filled."""
    alpha = np.zeros((size[1], size[0]), np.uint8)
    for left, top, right, bottom in boxes:
        alpha[top:bottom, left:right] = value
    return png(alpha)


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


def test_the_softness_of_an_edge_is_the_share_of_alpha_that_lies_in_it() -> None:
    # Given a hard subject of 100 pixels, with as much alpha again in pixels of two fifths
    alpha = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    alpha[:10, :10] = 255
    alpha[20:30, :25] = 102
    # Then half of it is soft
    assert measured(png(alpha)).edge_softness == pytest.approx(0.5)


@pytest.mark.parametrize(("value", "softness"), [(25, 0), (26, 1), (229, 1), (230, 0), (0, 0)])
def test_nearly_clear_and_nearly_opaque_are_no_soft_edge(value: int, softness: float) -> None:
    assert measured(png(value)).edge_softness == softness


@pytest.mark.parametrize(
    ("mask", "parts"),
    [
        (squares(), 0),
        (squares((10, 10, 30, 30)), 1),
        (squares((10, 10, 30, 30), (30, 30, 50, 50)), 1),
        (squares((10, 10, 30, 30), (31, 30, 50, 50)), 2),
        (squares((0, 0, 40, 25), (50, 50, 51, 51)), 1),
        (squares((0, 0, 37, 27), (50, 50, 51, 51)), 2),
        (squares((10, 10, 30, 30), value=127), 0),
        (squares((10, 10, 30, 30), value=128), 1),
        (squares((100, 100, 900, 1400), (1200, 100, 2000, 1400), (1050, 0, 1058, 8), size=(2048, 1536)), 2),
    ],
    ids=["none", "one", "corner", "gap", "crumb", "piece", "not foreground", "foreground", "full size"],
)
def test_the_pieces_of_the_foreground_are_counted(mask: bytes, parts: int) -> None:
    assert measured(mask).parts == parts


@pytest.mark.parametrize(
    ("box", "touches"),
    [
        ((1, 1, 99, 79), ()),
        ((0, 1, 99, 79), ("left",)),
        ((1, 0, 99, 79), ("top",)),
        ((1, 1, 100, 79), ("right",)),
        ((1, 1, 99, 80), ("bottom",)),
        ((0, 0, 100, 80), ("left", "top", "right", "bottom")),
    ],
)
def test_a_border_is_touched_by_foreground_in_its_outermost_pixels(
    box: tuple[int, int, int, int], touches: tuple[str, ...]
) -> None:
    assert measured(squares(box)).touches == touches
    assert measured(squares(box, value=127)).touches == ()


def test_the_subject_is_the_box_around_all_foreground() -> None:
    mask = squares((10, 20, 30, 40), (60, 50, 75, 60))
    assert measured(mask).subject == Box(left=0.1, top=0.25, width=0.65, height=0.5)
    assert measured(squares((10, 20, 30, 40), value=127)).subject is None


def test_every_mask_has_measures_in_range() -> None:
    random = np.random.default_rng(0)
    facts = {"bucket": "b", "key": "k", "width": 1, "height": 1, "model": "m", "provider": "p", "inference_ms": 1}
    for size in [(1, 1), (1, 700), (700, 1), *[SIZE] * 20]:
        mask = measured(png(random.integers(0, 256, (size[1], size[0]), np.uint8)))
        assert MaskFacts.model_validate(facts | mask._asdict())


def test_the_handler_answers_with_the_mask_and_its_time(
    s3: S3Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    s3.put_object(Bucket=MASKS_BUCKET, Key=REQUEST.proxy.key, Body=b"proxy")
    endpoint.answer_with_mask(left_half())
    answer = handler.handler(REQUEST.model_dump(mode="json"), Context())
    assert answer.pop("elapsed_ms") > 0
    mask = InferMaskResult.model_validate(answer).mask
    assert (mask.key, mask.model, mask.coverage) == (f"{IMAGE_ID}/mask.png", "u2netp", 0.5)
    (sent,) = endpoint.received
    assert (sent.path, sent.body) == ("/endpoints/masks/invocations", b"proxy")
