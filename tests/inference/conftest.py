"""Pictures, tiny models and running apps for the tests of the inference container."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import numpy as np
import onnx
import pytest
import skimage.data
from moto import mock_aws
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image

from inference_image import weights
from inference_image.app import create_app
from inference_image.engines.load import load_engine
from inference_image.settings import Settings
from scripts import chosen_model
from tests.loopback import serving
from tests.unit.pictures import encoded

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def sample() -> Callable[[str], NDArray[np.uint8]]:
    """A photograph that comes with scikit-image, by name: uint8, (H, W, 3)."""

    def load(name: str) -> NDArray[np.uint8]:
        return np.asarray(getattr(skimage.data, name)())

    return load


@pytest.fixture(scope="session")
def astronaut(sample: Callable[[str], NDArray[np.uint8]]) -> Image.Image:
    """A woman in a spacesuit before a flag and a model of a shuttle, 512 x 512."""
    return Image.fromarray(sample("astronaut"))


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Encode a Pillow image in memory: ``encode(image, "JPEG", **options)``."""
    return encoded


@pytest.fixture(autouse=True)
def chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the model that the developer chose alone."""
    monkeypatch.setattr(chosen_model, "CHOSEN", tmp_path / ".models" / "chosen.json")


@pytest.fixture
def start() -> Iterator[Callable[..., httpx.Client]]:
    """Serve an app: ``start(max_pixels=100)`` takes settings, and ``load`` for another engine than the classical."""
    with contextlib.ExitStack() as running:

        def start_app(load: Any = load_engine, **settings: Any) -> httpx.Client:
            url = running.enter_context(
                serving(create_app(Settings(**{"threads": 1, "mask_engine": "classical", **settings}), load))
            )
            return running.enter_context(httpx.Client(base_url=url, timeout=60))

        yield start_app


@pytest.fixture
def pictures_bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An empty bucket in an S3 of this process, from which nothing was downloaded yet."""
    monkeypatch.setattr(weights, "DOWNLOADS", tmp_path / "downloads")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="pictures")
        yield "pictures"


@pytest.fixture
def write_model() -> Callable[..., Path]:
    """Write a real ONNX file whose mask is the mean of the normalised channels, convolved with a fixed 5 x 5 kernel.

    ``write_model(folder / "u2net.onnx", side=320)``; ``side=None`` leaves the size open, ``gain`` scales the output,
    ``masks`` is how many masks it gives; ``batch=None`` leaves the number of pictures open.
    """

    def write(path: Path, side: int | None = 320, gain: float = 1.0, masks: int = 1, batch: int | None = 1) -> Path:
        kernel = np.random.default_rng(0).normal(size=(masks, 3, 5, 5)).astype(np.float32) * np.float32(gain)
        height, width = (side, side) if side else ("height", "width")
        graph = helper.make_graph(
            [helper.make_node("Conv", ["image", "kernel"], ["mask"], pads=[2, 2, 2, 2])],
            "tiny",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch or "batch", 3, height, width])],
            [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [batch or "batch", masks, height, width])],
            [onnx.numpy_helper.from_array(kernel, "kernel")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        path.write_bytes(model.SerializeToString())
        return path

    return write
