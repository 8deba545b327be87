"""Models in bfloat16, which a CPU with AVX-512 computes as one with AMX does, more slowly."""

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inference_image.engines import bfloat16
from inference_image.engines.load import load_engine
from inference_image.engines.onnx import OnnxEngine
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings
from inference_image.weights import Weights
from tests.benchmarks import u2netp

openvino = pytest.importorskip("openvino", reason="OpenVINO is for x86")
if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
    pytest.skip("this CPU has no bfloat16", allow_module_level=True)

Sample = Callable[[str], NDArray[np.uint8]]
WriteModel = Callable[..., Path]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "is_fast", lambda: True)


@pytest.fixture(scope="module")
def real_shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return u2netp.write(tmp_path_factory.mktemp("model") / "u2net.onnx", batch=None)


def load(path: Path, **options: Any) -> OnnxEngine:
    return OnnxEngine(path.stem, Weights(path, hashlib.sha256(path.read_bytes()).hexdigest()), 2, **options)


def write(path: Path, nodes: list[onnx.NodeProto], weights: dict[str, NDArray[np.float32]], side: int) -> Path:
    """A model from ``image`` to ``mask``."""
    image, mask = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", [1, 3, side, side]), ("mask", None))
    )
    initializers = [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, path.stem, [image], [mask], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def test_masks_are_within_a_level_of_those_in_float32_on_average(real_shape: Path, sample: Sample) -> None:
    short, whole = load(real_shape), load(real_shape, use_bfloat16=False)

    assert (short.provider, whole.provider) == ("OpenVINO", "CPUExecutionProvider")
    for name in ("astronaut", "coffee", "chelsea"):
        prepared = whole.prepare(sample(name))
        (mask,), (expected,) = short.infer([prepared]), whole.infer([prepared])
        assert 0 < np.abs(mask.astype(int) - expected).mean() <= 1
        assert mask.std() > 10


def test_pictures_together_and_side_by_side_get_the_masks_that_they_get_alone(real_shape: Path, sample: Sample) -> None:
    engine = load(real_shape)
    prepared = [engine.prepare(np.rot90(sample("astronaut"), turns)) for turns in range(4)]
    alone = [engine.infer([planes])[0] for planes in prepared]

    with ThreadPoolExecutor(4) as threads:  # more than the engine's runs at a time
        beside = list(threads.map(lambda planes: engine.infer([planes])[0], prepared * 3))

    assert all(map(np.array_equal, engine.infer(prepared), alone))
    assert all(map(np.array_equal, beside, alone * 3))


def test_a_model_that_loses_by_it_runs_in_float32(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["sum"]),
        helper.make_node("Mul", ["sum", "hundred"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["mask"]),  # of an angle that bfloat16 rounds to about 1
    ]
    weights = {"kernel": np.ones((1, 3, 1, 1), np.float32), "hundred": np.array(100, np.float32)}
    path = write(tmp_path / "waves.onnx", nodes, weights, 64)

    assert load(path).provider == "CPUExecutionProvider"
    assert "waves computes in float32 and not in bfloat16: its mask differs by" in caplog.text


def test_a_model_whose_output_has_another_size_runs_in_float32(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scales = np.array([1, 1, 12 / 37, 12 / 37], np.float32)  # 37 times it is 11.99... or 12, as one rounds
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["sum"]),
        helper.make_node("Resize", ["sum", "", "scales"], ["mask"], mode="linear"),
    ]
    path = write(tmp_path / "smaller.onnx", nodes, {"kernel": np.ones((1, 3, 1, 1), np.float32), "scales": scales}, 37)

    assert load(path).provider == "CPUExecutionProvider"
    assert "smaller computes in float32 and not in bfloat16: operands could not be broadcast" in caplog.text


def test_a_required_float32_is_kept(write_model: WriteModel, tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.onnx", side=64)
    settings = Settings(mask_engine="tiny", model_path=tmp_path, required_provider="CPUExecutionProvider")

    assert load_engine(settings, ObjectStore()).provider == "CPUExecutionProvider"


@pytest.mark.parametrize("options", [{"use_bfloat16": False}, {"resampling": "rembg"}])
def test_who_asks_for_float32_gets_it(write_model: WriteModel, tmp_path: Path, options: dict[str, Any]) -> None:
    assert load(write_model(tmp_path / "tiny.onnx", side=64), **options).provider == "CPUExecutionProvider"


def test_a_cpu_without_amx_computes_in_float32(
    write_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bfloat16, "is_fast", lambda: False)

    assert load(write_model(tmp_path / "tiny.onnx", side=64)).provider == "CPUExecutionProvider"


def test_without_openvino_the_engine_computes_in_float32(
    write_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    caplog.set_level(logging.INFO)

    assert load(write_model(tmp_path / "tiny.onnx", side=64)).provider == "CPUExecutionProvider"
    assert "tiny computes in float32 and not in bfloat16" in caplog.text


def test_nothing_is_reported_to_anybody(write_model: WriteModel, tmp_path: Path) -> None:
    """Reports of ONNX Runtime's and OpenVINO's leave files in the user's home; OpenVINO's threads are Python's."""
    program = """if True:
        import hashlib, sys, threading
        from pathlib import Path
        from inference_image.engines import bfloat16
        from inference_image.engines.onnx import OnnxEngine
        from inference_image.weights import Weights
        bfloat16.is_fast = lambda: True
        started, start = [], threading.Thread.start
        threading.Thread.start = lambda self: (started.append(self.name), start(self))
        print(OnnxEngine("tiny", Weights(Path(sys.argv[1]), ""), 1).provider, started)
    """
    model = write_model(tmp_path / "tiny.onnx", side=64)
    home = tmp_path / "home"
    home.mkdir()

    run = subprocess.run(
        [sys.executable, "-c", program, str(model)],
        env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stdout == "OpenVINO []\n", run.stderr
    assert list(home.iterdir()) == []
