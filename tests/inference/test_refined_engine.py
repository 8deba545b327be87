"""The network that comes with the app, and what GrabCut makes of its masks."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from inference_image.engines.load import load_engine
from inference_image.engines.mask_engine import MaskEngine
from inference_image.engines.onnx import OnnxEngine
from inference_image.errors import NotReady
from inference_image.object_store import ObjectStore
from inference_image.registry import BUNDLED, MODELS
from inference_image.settings import Settings
from tests.benchmarks.agreement import REFERENCES, agreement, mask_of

Sample = Callable[[str], NDArray[np.uint8]]

MODEL = MODELS["matteflow"]
WEIGHTS = BUNDLED / "matteflow.onnx"
LOWEST_MEAN_IOU = 0.8
MOST_BYTES = 6_000_000


@pytest.fixture(scope="module")
def engine() -> MaskEngine:
    return load_engine(Settings(threads=1), ObjectStore())


def intersection_over_union(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_it_is_the_default_and_its_weights_come_with_the_app_and_are_small(engine: MaskEngine) -> None:
    assert engine.name == "matteflow"
    assert f"sha256:{engine.sha256}" == MODEL.checksum
    assert WEIGHTS.stat().st_size < MOST_BYTES


def test_training_can_start_from_the_weights() -> None:
    names = {weights.name for weights in onnx.load(WEIGHTS).graph.initializer}

    assert {"network.encoder.0.0.0.weight.half", "network.encoder.0.0.1.running_var.half"} <= names
    assert "network.context.merge.1.weight.half" in names  # a level that learned nothing shares another's


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS.name).write_bytes(WEIGHTS.read_bytes()[:-1] + b"x")

    with pytest.raises(NotReady, match="not the file that is published as matteflow"):
        load_engine(Settings(mask_engine="matteflow", model_path=tmp_path, threads=1), ObjectStore())


def test_a_guess_is_refined_to_the_edge_of_the_colours(engine: MaskEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.full((300, 400, 3), (40, 60, 160), np.uint8)
    cv2.rectangle(picture, (120, 80), (279, 219), (200, 90, 30), cv2.FILLED)
    subject = np.all(picture == (200, 90, 30), axis=2)
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
    blob = np.zeros((320, 320), np.uint8)
    cv2.ellipse(blob, (160, 160), (85, 95), 0, 0, 360, 255, cv2.FILLED)
    guess = cv2.GaussianBlur(blob, (0, 0), 12)
    monkeypatch.setattr(OnnxEngine, "infer", lambda *_: [guess])

    refined = mask_of(engine, noisy) > 127

    guessed = cv2.resize(guess, (400, 300)) > 127
    assert intersection_over_union(guessed, subject) < 0.9
    assert intersection_over_union(refined, subject) > 0.98


def test_where_the_network_cannot_tell_what_stands_out_is_the_subject(
    engine: MaskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.full((300, 400, 3), (90, 120, 60), np.uint8)
    cv2.circle(picture, (200, 160), 70, (230, 60, 50), cv2.FILLED)
    monkeypatch.setattr(OnnxEngine, "infer", lambda *_: [np.full((256, 256), 127, np.uint8)])

    mask = mask_of(engine, picture) > 127

    assert intersection_over_union(mask, picture[..., 0] == 230) > 0.98


def test_a_network_that_sees_nothing_gives_an_empty_mask(
    engine: MaskEngine, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnnxEngine, "infer", lambda *_: [np.zeros((320, 320), np.uint8)])

    assert not mask_of(engine, sample("astronaut")).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (79, 79), (900, 30)])
def test_tiny_and_thin_pictures_get_a_mask_of_their_size(engine: MaskEngine, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)

    mask = mask_of(engine, picture)

    assert mask.shape == shape
    assert mask.dtype == np.uint8


@pytest.mark.skipif(not REFERENCES, reason="the photographs with reference masks are not on this machine")
def test_masks_of_photographs_agree_with_the_reference(engine: MaskEngine) -> None:
    scores = agreement(engine)

    assert np.mean(list(scores.values())) >= LOWEST_MEAN_IOU, scores
