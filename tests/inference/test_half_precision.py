"""Models in half precision: as exact as a mask's 255 levels need, or not there at all."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from inference_image.engines.load import load_engine
from inference_image.object_store import ObjectStore
from inference_image.registry import MODELS
from inference_image.settings import Settings
from inference_image.weights import digest
from scripts.half_precision import NotConverted, convert
from scripts.models import main, provide
from tests.benchmarks import u2netp

WriteModel = Callable[..., Path]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with U2-Net-P's shape, for small pictures, under a name of one's own, and the same in half precision."""
    folder = tmp_path_factory.mktemp("models")
    u2netp.write(folder / "mine.onnx", network=u2netp.U2NETP._replace(side=64))
    provide("mine-fp16", folder)
    return folder


def test_the_mask_is_within_a_level_and_the_file_half_the_size(models: Path, astronaut: Image.Image) -> None:
    whole, half = (
        load_engine(Settings(mask_engine=name, model_path=models, threads=1), ObjectStore())
        for name in ("mine", "mine-fp16")
    )
    picture = np.asarray(astronaut.rotate(90))  # another one than it was tried with
    masks = [engine.infer([engine.prepare(picture)])[0].astype(int) for engine in (whole, half)]

    assert np.abs(masks[0] - masks[1]).mean() < 1
    assert half.prepare(picture).dtype == np.float16
    assert models.joinpath("mine-fp16.onnx").stat().st_size < 0.6 * models.joinpath("mine.onnx").stat().st_size
    assert sorted(path.name for path in models.iterdir()) == ["mine-fp16.onnx", "mine.onnx"]


def test_weights_and_values_between_are_float16(models: Path) -> None:
    graph = onnx.load(models / "mine-fp16.onnx").graph

    kinds = {weight.name[0]: weight.data_type for weight in graph.initializer}
    assert kinds == {"w": onnx.TensorProto.FLOAT16, "s": onnx.TensorProto.FLOAT}  # scales of Resize are always float
    assert "Cast" not in {node.op_type for node in graph.node}


def test_the_command_converts_the_published_file_and_says_how_well(
    write_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published = write_model(tmp_path / "u2net.onnx", side=64)
    monkeypatch.setitem(MODELS, "u2net", replace(MODELS["u2net"], checksum=f"sha256:{digest([published], 'sha256')}"))
    monkeypatch.setattr(sys, "argv", ["models", "u2net-fp16", "--to", str(tmp_path)])

    assert main() == 0

    said = capsys.readouterr().out
    assert "Converted: the mask of a photograph differs by 0.0" in said
    assert "a run takes any number of pictures" in said
    assert "Apache-2.0" in said
    assert f"MASK_ENGINE=u2net-fp16 MODEL_PATH={tmp_path} python -m inference_image serve" in said


def test_the_converted_model_takes_batches(models: Path, astronaut: Image.Image) -> None:
    half = load_engine(Settings(mask_engine="mine-fp16", model_path=models, threads=1), ObjectStore())
    prepared = [half.prepare(np.asarray(astronaut.rotate(angle))) for angle in (0, 180)]

    together = half.infer(prepared)

    alone = [half.infer([each])[0] for each in prepared]
    assert all(np.abs(mask.astype(int) - single).max() <= 1 for mask, single in zip(together, alone, strict=True))


def test_sizes_that_an_export_computes_do_not_keep_it_from_taking_batches(
    write_model: WriteModel, tmp_path: Path
) -> None:
    # Given a mask that is shrunk and enlarged to the size it had, as PyTorch exports it
    path = write_model(tmp_path / "mine.onnx", side=64)
    model = onnx.load(path)
    model.opset_import[0].version = 11
    model.graph.node[0].output[0] = "large"
    for name, value in {"zero": [0], "two": [2], "four": [4]}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value), name))
    for operation, inputs, output, attributes in (
        ("MaxPool", ["large"], "small", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Shape", ["small"], "shape", {}),
        ("Slice", ["shape", "zero", "two", "zero"], "kept", {}),
        ("Shape", ["large"], "wanted", {}),
        ("Slice", ["wanted", "two", "four", "zero"], "sides", {}),
        ("Concat", ["kept", "sides"], "sizes", {"axis": 0}),
        ("Constant", [], "empty", {"value": onnx.numpy_helper.from_array(np.empty(0, np.float32))}),
        ("Resize", ["small", "empty", "empty", "sizes"], "mask", {"mode": "linear"}),
    ):
        model.graph.node.append(onnx.helper.make_node(operation, inputs, [output], **attributes))
    onnx.save(onnx.shape_inference.infer_shapes(model), path)

    assert convert(path, tmp_path / "mine-fp16.onnx").takes_batches


def test_a_model_made_for_one_picture_a_run_stays_so(write_model: WriteModel, tmp_path: Path) -> None:
    path = write_model(tmp_path / "mine.onnx", side=64)
    model = onnx.load(path)
    model.graph.node[0].output[0] = "convolved"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 1, 64, 64]), "shape"))
    model.graph.node.append(onnx.helper.make_node("Reshape", ["convolved", "shape"], ["mask"]))
    onnx.save(model, path)

    assert not convert(path, tmp_path / "mine-fp16.onnx").takes_batches

    converted = onnx.load(tmp_path / "mine-fp16.onnx").graph
    assert [value.type.tensor_type.shape.dim[0].dim_value for value in (*converted.input, *converted.output)] == [1, 1]


def scaled(path: Path, up: float, down: float) -> Path:
    """Let a model's values go up by one factor, and down again by another."""
    model = onnx.load(path)
    model.graph.node[0].output[0] = "large"
    for name, factor in (("up", up), ("down", down)):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(factor).reshape(1), name))
    model.graph.node.append(onnx.helper.make_node("Mul", ["large", "up"], ["larger"]))
    model.graph.node.append(onnx.helper.make_node("Mul", ["larger", "down"], ["mask"]))
    onnx.save(model, path)
    return path


def test_values_that_would_overflow_on_a_gpu_are_found_on_the_cpu(write_model: WriteModel, tmp_path: Path) -> None:
    model = scaled(write_model(tmp_path / "mine.onnx", side=64), 1e5, 1e-5)

    with pytest.raises(NotConverted, match="In half precision larger would overflow: it reaches"):
        convert(model, tmp_path / "mine-fp16.onnx")

    assert [path.name for path in tmp_path.iterdir()] == ["mine.onnx"]


def test_a_value_that_is_no_number_hides_none_that_would_overflow(write_model: WriteModel, tmp_path: Path) -> None:
    path = scaled(write_model(tmp_path / "mine.onnx", side=64), 1e5, 1e-5)
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "small"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    for operation, inputs, output in (
        ("Div", ["zero", "zero"], "nan"),
        ("IsNaN", ["nan"], "is_nan"),
        ("Where", ["is_nan", "small", "nan"], "mask"),
    ):
        node = onnx.helper.make_node(operation, inputs, [output])
        model.graph.node.insert(0, node) if operation == "Div" else model.graph.node.append(node)
    onnx.save(model, path)

    with pytest.raises(NotConverted, match="In half precision larger would overflow"):
        convert(path, tmp_path / "mine-fp16.onnx")


def test_old_files_and_descriptions_of_what_is_gone_are_taken(write_model: WriteModel, tmp_path: Path) -> None:
    # Given a file that lists its weights before its input, one of them a number, and a value that nothing makes
    path = scaled(write_model(tmp_path / "mine.onnx", side=64), 2, 0.5)
    model = onnx.load(path)
    for weight in model.graph.initializer:
        if weight.name == "up":
            weight.CopyFrom(onnx.numpy_helper.from_array(np.float32(2), "up"))
        described = onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
        model.graph.input.insert(0, described)
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("gone", onnx.TensorProto.FLOAT, [1]))
    onnx.save(model, path)

    assert convert(path, tmp_path / "mine-fp16.onnx").takes_batches


def test_a_model_that_loses_too_much_is_not_kept(write_model: WriteModel, tmp_path: Path) -> None:
    model = write_model(tmp_path / "mine.onnx", side=64, gain=1e-8)  # weights less than float16 can tell apart

    with pytest.raises(NotConverted, match=r"mine\.onnx loses too much in half precision"):
        convert(model, tmp_path / "mine-fp16.onnx")

    assert [path.name for path in tmp_path.iterdir()] == ["mine.onnx"]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"<html>", "cannot be converted: mine.onnx is not a usable model"), (None, "already")]
)
def test_what_is_no_model_or_is_converted_is_said(
    models: Path, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(content or models.joinpath("mine-fp16.onnx").read_bytes())

    with pytest.raises(NotConverted, match=reason):
        convert(path, tmp_path / "mine-fp16.onnx")
