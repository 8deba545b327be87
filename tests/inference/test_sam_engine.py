"""Segment Anything's arithmetic on small real files: where masks lie, and which pairs of files are taken."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_image.engines.load import load_engine
from inference_image.engines.mask_engine import Mask, Prompt, Prompted, PromptedEngine
from inference_image.engines.sam import SIDE
from inference_image.errors import InferenceFailed, NotReady
from inference_image.object_store import ObjectStore
from inference_image.registry import MODELS
from inference_image.settings import Settings
from tests.inference.sam_models import RADIUS, write_sam

Pixels = NDArray[np.uint8]

SHAPES = [(1000, 1500), (1500, 1000), (300, 200), (700, 700), (60, 1200)]
WHOLE = Prompt(boxes=((0, 0, 1, 1),))


def pair_sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "sam.onnx").read_bytes() + (folder / "sam.decoder.onnx").read_bytes()).hexdigest()


def load(folder: Path) -> PromptedEngine:
    settings = Settings(mask_engine="sam", model_path=folder, model_sha256=pair_sha256(folder), threads=1)
    engine = load_engine(settings, ObjectStore())
    assert isinstance(engine, PromptedEngine)
    return engine


def mask_of(engine: PromptedEngine, picture: Pixels, prompt: Prompt) -> Mask:
    (embedding,) = engine.embed([engine.prepare(picture)])
    (mask,) = engine.infer([Prompted(embedding, prompt)])
    return engine.upscale(mask, picture)


def agreement(mask: Mask, expected: NDArray[np.bool_]) -> float:
    """Intersection over union, the mask cut at half."""
    found = mask > 127
    return float((found & expected).sum() / (found | expected).sum())


def fractions(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each pixel's centre, x (1, W) and y (H, 1)."""
    height, width = shape
    return (np.arange(width)[None] + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> PromptedEngine:
    return load(write_sam(tmp_path_factory.mktemp("sam")))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_boxs_mask_lies_in_the_box(engine: PromptedEngine, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 255, np.uint8)

    mask = mask_of(engine, picture, Prompt(boxes=((0.1, 0.2, 0.4, 0.9),)))

    assert (mask.shape, mask.dtype) == (shape, np.uint8)
    x, y = fractions(shape)
    assert agreement(mask, (x > 0.1) & (x < 0.4) & (y > 0.2) & (y < 0.9)) > 0.97


@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
def test_a_points_mask_lies_around_the_point(engine: PromptedEngine, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 255, np.uint8)

    mask = mask_of(engine, picture, Prompt(points=((0.7, 0.25, 1),)))

    x, y = fractions(shape)
    side = max(shape)
    distance = np.hypot((x - 0.7) * shape[1], (y - 0.25) * shape[0])
    assert agreement(mask, distance < RADIUS * side / SIDE) > 0.97


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_mask_follows_the_pictures_content(engine: PromptedEngine, shape: tuple[int, int]) -> None:
    x, y = fractions(shape)
    bright = (x < 0.3) | (y > 0.8)

    mask = mask_of(engine, np.where(bright[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2), WHOLE)

    assert agreement(mask, bright) > 0.93


def test_a_point_beside_the_subject_takes_from_a_box(engine: PromptedEngine) -> None:
    shape = (800, 1000)
    picture = np.full((*shape, 3), 255, np.uint8)

    mask = mask_of(engine, picture, Prompt(points=((0.5, 0.5, 0),), boxes=((0.2, 0.2, 0.9, 0.9),)))

    x, y = fractions(shape)
    hole = np.hypot((x - 0.5) * 1000, (y - 0.5) * 800) < RADIUS * 1000 / SIDE
    assert agreement(mask, (x > 0.2) & (x < 0.9) & (y > 0.2) & (y < 0.9) & ~hole) > 0.97


def test_every_pixel_counts_without_aliasing(engine: PromptedEngine) -> None:
    stripes = np.zeros((2048, 4096, 3), np.uint8)
    stripes[:, 2::4] = 255  # a quarter as bright as white: dark to whoever averages, white to whoever skips

    assert not (mask_of(engine, stripes, WHOLE) > 127).any()


@pytest.mark.parametrize("scores", [(0.9, 0.1, 0.2), (0.1, 0.2, 0.9), (0.3, 0.8, 0.5, 0.1)], ids=str)
def test_of_several_masks_the_best_scored_is_taken(tmp_path: Path, scores: tuple[float, ...]) -> None:
    picture = np.full((400, 600, 3), 255, np.uint8)

    mask = mask_of(load(write_sam(tmp_path, scores)), picture, Prompt(boxes=((0, 0, 0.5, 1),)))

    assert agreement(mask, np.broadcast_to(fractions((400, 600))[0] < 0.5, (400, 600))) > 0.97


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (1, 9000)], ids=str)
def test_tiny_and_thin_pictures_get_a_mask_of_their_size(engine: PromptedEngine, shape: tuple[int, int]) -> None:
    mask = mask_of(engine, np.full((*shape, 3), 255, np.uint8), WHOLE)

    assert mask.shape == shape


def test_nothing_found_is_an_empty_mask(engine: PromptedEngine) -> None:
    assert not mask_of(engine, np.zeros((300, 400, 3), np.uint8), WHOLE).any()


def test_a_score_that_is_not_finite_is_no_mask(tmp_path: Path) -> None:
    engine = load(write_sam(tmp_path, [float("nan")]))

    with pytest.raises(InferenceFailed, match="not finite"):
        mask_of(engine, np.zeros((30, 40, 3), np.uint8), WHOLE)


def test_files_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    write_sam(tmp_path)
    encoder, decoder = tmp_path / "sam.onnx", tmp_path / "sam.decoder.onnx"
    decoder.write_bytes(encoder.read_bytes())

    with pytest.raises(NotReady, match=r"sam\.onnx with sam\.decoder\.onnx is not a usable model"):
        load(tmp_path)


def start(folder: Path, **settings: object) -> str:
    chosen = Settings.model_validate({"mask_engine": "sam", "model_path": folder, "threads": 1, **settings})
    return load_engine(chosen, ObjectStore()).sha256 or ""


def test_a_missing_decoder_is_named(tmp_path: Path) -> None:
    write_sam(tmp_path)
    (tmp_path / "sam.decoder.onnx").unlink()

    with pytest.raises(NotReady, match=r"sam\.decoder\.onnx does not exist, and MODEL_ARTIFACT_BUCKET is not set\.$"):
        start(tmp_path)


def test_both_files_must_be_those_that_are_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sam(tmp_path)
    encoder, decoder = (tmp_path / "sam.onnx").read_bytes(), (tmp_path / "sam.decoder.onnx").read_bytes()
    published = [f"md5:{hashlib.md5(file, usedforsecurity=False).hexdigest()}" for file in (encoder, decoder)]
    sam = MODELS["sam"]
    assert sam.decoder
    taken = replace(sam, checksum=published[0], decoder=replace(sam.decoder, checksum=published[1]))

    monkeypatch.setitem(MODELS, "sam", taken)
    assert start(tmp_path) == pair_sha256(tmp_path)

    (tmp_path / "sam.decoder.onnx").write_bytes(decoder + b"\0")
    with pytest.raises(NotReady, match=r"is not the file that is published as sam\.decoder"):
        start(tmp_path)


def test_a_hash_of_your_own_covers_both_files(tmp_path: Path) -> None:
    sha256 = pair_sha256(write_sam(tmp_path))
    decoder = tmp_path / "sam.decoder.onnx"

    assert start(tmp_path, model_sha256=sha256) == sha256
    decoder.write_bytes(decoder.read_bytes() + b"\0")
    with pytest.raises(NotReady, match="MODEL_SHA256"):
        start(tmp_path, model_sha256=sha256)
