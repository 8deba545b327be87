"""The ONNX engine on small real models: rembg's arithmetic, and every way weights can be missing or wrong."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import boto3
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state
from PIL import Image

from inference_image.engines.load import load_engine
from inference_image.engines.onnx import OnnxEngine
from inference_image.errors import InferenceFailed, NoRoom, NotReady
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings
from inference_image.weights import Weights

WriteModel = Callable[..., Path]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
FAMILIES = {
    "u2net": (*IMAGENET, 320),
    "silueta": (*IMAGENET, 320),
    "isnet-general-use": ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0), 1024),
    "isnet-anime": ((0.485, 0.456, 0.406), (1.0, 1.0, 1.0), 1024),
    "birefnet-general": (*IMAGENET, 1024),
}


def load(path: Path) -> OnnxEngine:
    return OnnxEngine(path.stem, Weights(path, hashlib.sha256(path.read_bytes()).hexdigest()), threads=1)


def rembg_mask(model: Path, image: Image.Image) -> NDArray[np.uint8]:
    """The mask by rembg's published steps, in float64: divide by the maximum, normalise, run, stretch, enlarge."""
    mean, deviation, side = FAMILIES[model.stem]
    pixels = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS), np.float64)
    normalised = (pixels / pixels.max() - mean) / deviation
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    output = session.run(None, {"image": normalised.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    if model.stem.startswith("birefnet"):
        output = 1 / (1 + np.exp(-output))
    stretched = (output - output.min()) / (output.max() - output.min()) * 255
    enlarged = Image.fromarray(stretched.astype(np.uint8)).resize(image.size, Image.Resampling.LANCZOS)
    return np.asarray(enlarged)


@pytest.mark.parametrize("size_is_open", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_masks_equal_rembgs(
    write_model: WriteModel, tmp_path: Path, astronaut: Image.Image, family: str, size_is_open: bool
) -> None:
    model = write_model(tmp_path / f"{family}.onnx", side=None if size_is_open else FAMILIES[family][2])
    image = astronaut.crop((0, 0, 500, 400)).point(lambda value: value * 0.8)  # a maximum below 255
    picture = np.asarray(image)
    engine = load(model)

    mask = engine.upscale(engine.infer(picture), picture)

    difference = np.abs(mask.astype(int) - rembg_mask(model, image))
    assert difference.mean() <= 1  # of 255
    assert mask.std() > 10


def test_the_file_decides_the_input_size(write_model: WriteModel, tmp_path: Path, astronaut: Image.Image) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", side=64))

    assert engine.infer(np.asarray(astronaut)).shape == (64, 64)


def test_a_flat_output_is_an_empty_mask(write_model: WriteModel, tmp_path: Path, astronaut: Image.Image) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", gain=0))

    assert not engine.infer(np.asarray(astronaut)).any()


def test_an_output_that_is_not_finite_is_no_mask(
    write_model: WriteModel, tmp_path: Path, astronaut: Image.Image
) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", gain=1e38))

    with pytest.raises(InferenceFailed):
        engine.infer(np.asarray(astronaut))


def test_a_full_accelerator_is_no_room(
    write_model: WriteModel, tmp_path: Path, astronaut: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx"))

    def out_of_memory(*_: object) -> None:
        message = "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1"
        raise onnxruntime_pybind11_state.RuntimeException(message)

    monkeypatch.setattr(engine, "_run", out_of_memory)

    with pytest.raises(NoRoom):
        engine.infer(np.asarray(astronaut))


@pytest.mark.parametrize("name", ["tiny", "tiny.onnx"])
def test_weights_come_from_the_model_folder_by_name_with_or_without_suffix(
    write_model: WriteModel, tmp_path: Path, name: str
) -> None:
    path = write_model(tmp_path / "tiny.onnx")

    engine = load_engine(Settings(mask_engine=name, model_path=tmp_path), ObjectStore())

    assert engine.name == "tiny"
    assert engine.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert engine.provider == "CPUExecutionProvider"


@pytest.mark.parametrize("prefix", ["", "models", "models/"])
def test_weights_come_from_the_artifact_bucket_where_the_folder_has_none(
    write_model: WriteModel, tmp_path: Path, pictures_bucket: str, prefix: str
) -> None:
    content = write_model(tmp_path / "source.onnx").read_bytes()
    key = "models/tiny.onnx" if prefix else "tiny.onnx"
    boto3.client("s3").put_object(Bucket=pictures_bucket, Key=key, Body=content)
    settings = Settings(
        mask_engine="tiny",
        model_path=tmp_path / "empty",
        model_artifact_bucket=pictures_bucket,
        model_artifact_prefix=prefix,
        model_sha256=hashlib.sha256(content).hexdigest(),
    )

    assert load_engine(settings, ObjectStore()).sha256 == settings.model_sha256


@pytest.mark.usefixtures("pictures_bucket")
@pytest.mark.parametrize("bucket", ["pictures", "no-such-bucket"])
def test_weights_that_are_nowhere_are_named(tmp_path: Path, bucket: str) -> None:
    settings = Settings(mask_engine="tiny", model_path=tmp_path, model_artifact_bucket=bucket)

    with pytest.raises(NotReady, match=f"s3://{bucket}/tiny.onnx"):
        load_engine(settings, ObjectStore())


def test_weights_with_another_hash_are_refused(write_model: WriteModel, tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.onnx")
    settings = Settings(mask_engine="tiny", model_path=tmp_path, model_sha256="0" * 64)

    with pytest.raises(NotReady, match="MODEL_SHA256"):
        load_engine(settings, ObjectStore())


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x08\x0a"], ids=["empty", "html", "cut off"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tiny.onnx").write_bytes(content)

    with pytest.raises(NotReady, match=r"tiny\.onnx is not a usable model"):
        load_engine(Settings(mask_engine="tiny", model_path=tmp_path), ObjectStore())


def test_a_model_of_several_masks_is_refused(write_model: WriteModel, tmp_path: Path) -> None:
    path = write_model(tmp_path / "u2net_cloth_seg.onnx", masks=4)

    with pytest.raises(NotReady, match="not one mask"):
        load(path)


def test_a_provider_that_is_required_and_not_active_is_refused(write_model: WriteModel, tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.onnx")
    settings = Settings(mask_engine="tiny", model_path=tmp_path, required_provider="TensorrtExecutionProvider")

    with pytest.raises(NotReady, match="tiny runs on"):
        load_engine(settings, ObjectStore())
