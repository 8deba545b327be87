"""The ONNX engine on small real models: rembg's arithmetic, batches, and every way weights can be missing or wrong."""

import contextlib
import hashlib
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import onnx
import onnxruntime
import pytest
from botocore.exceptions import ClientError
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.capi import onnxruntime_pybind11_state
from PIL import Image, ImageFilter

from inference_image import weights
from inference_image.engines.first_output import with_first_output
from inference_image.engines.load import load_engine
from inference_image.engines.mask_engine import Mask
from inference_image.engines.onnx import OnnxEngine, normalise
from inference_image.engines.sessions import Sessions
from inference_image.errors import InferenceFailed, NoRoom, NotReady
from inference_image.object_store import ObjectStore
from inference_image.registry import MODELS
from inference_image.settings import Resampling, Settings
from inference_image.weights import Weights
from tests.benchmarks import u2netp

WriteModel = Callable[..., Path]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
FAMILIES = {
    "u2net": (*IMAGENET, 320),
    "silueta": (*IMAGENET, 320),
    "isnet-general-use": ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0), 1024),
    "isnet-anime": ((0.485, 0.456, 0.406), (1.0, 1.0, 1.0), 1024),
    "birefnet-general": (*IMAGENET, 1024),
}


PHOTOS = Path(__file__).parents[3] / "shared" / "photos"
PHOTOGRAPHS = sorted(PHOTOS.glob("*.jp*g"))


def load(path: Path, threads: int = 1, **options: Any) -> OnnxEngine:
    """An engine in float32, which every machine has."""
    weights = Weights(path, hashlib.sha256(path.read_bytes()).hexdigest())
    return OnnxEngine(path.stem, weights, threads, use_bfloat16=False, **options)


def infer(engine: OnnxEngine, image: Image.Image) -> Mask:
    return engine.infer([engine.prepare(np.asarray(image))])[0]


def rembg_input(model: str, image: Image.Image) -> NDArray[np.float64]:
    """rembg's published preparation, in float64: shrink, divide by the maximum, normalise. (3, side, side)."""
    mean, deviation, side = FAMILIES[model]
    pixels = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS), np.float64)
    return ((pixels / max(pixels.max(), 1e-6) - mean) / deviation).transpose(2, 0, 1)


def rembg_mask(model: Path, image: Image.Image) -> NDArray[np.uint8]:
    """The mask by rembg's published steps: prepare, run, stretch, enlarge."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    planes = rembg_input(model.stem, image).astype(np.float32)
    output = session.run(None, {"image": planes[None]})[0][0, 0]
    if model.stem.startswith("birefnet"):
        output = 1 / (1 + np.exp(-output))
    stretched = (output - output.min()) / (output.max() - output.min()) * 255
    enlarged = Image.fromarray(stretched.astype(np.uint8)).resize(image.size, Image.Resampling.LANCZOS)
    return np.asarray(enlarged)


@pytest.mark.parametrize("resampling", ["fast", "rembg"])
@pytest.mark.parametrize("size_is_open", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_masks_equal_rembgs(
    write_model: WriteModel,
    tmp_path: Path,
    astronaut: Image.Image,
    family: str,
    size_is_open: bool,
    resampling: Resampling,
) -> None:
    model = write_model(tmp_path / f"{family}.onnx", side=None if size_is_open else FAMILIES[family][2])
    image = astronaut.crop((0, 0, 500, 400)).point(lambda value: value * 0.8)  # a maximum below 255
    engine = load(model, resampling=resampling)

    mask = engine.upscale(infer(engine, image), np.asarray(image))

    difference = np.abs(mask.astype(int) - rembg_mask(model, image))
    assert difference.mean() <= (0.01 if resampling == "rembg" else 1)  # of 255
    assert mask.std() > 10


@pytest.fixture(scope="module")
def real_shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """U2-Net-P with random weights: as deep as the real one, so that a change of the input can grow in it."""
    return u2netp.write(tmp_path_factory.mktemp("model") / "u2net.onnx", batch=None)


@pytest.mark.skipif(not PHOTOGRAPHS, reason="the photographs are not on this machine")
def test_fast_masks_of_photographs_are_within_a_level_of_rembgs_on_average(real_shape: Path) -> None:
    engine = load(real_shape)

    def difference(path: Path) -> float:
        image = Image.open(path).convert("RGB")
        mask = engine.upscale(infer(engine, image), np.asarray(image))
        return float(np.abs(mask.astype(int) - rembg_mask(real_shape, image)).mean())

    differences = {path.name: difference(path) for path in PHOTOGRAPHS}
    assert max(differences.values()) <= 1, differences


def test_masks_of_a_large_picture_stay_within_a_level_of_rembgs_on_average(
    real_shape: Path, astronaut: Image.Image
) -> None:
    image = astronaut.resize((2100, 1500), Image.Resampling.BICUBIC)  # averaged twofold before it is resampled
    engine = load(real_shape)

    mask = engine.upscale(infer(engine, image), np.asarray(image))

    assert np.abs(mask.astype(int) - rembg_mask(real_shape, image)).mean() <= 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("brightest", [255, 180, 1, 0])
def test_the_input_is_rembgs_to_a_millionth(astronaut: Image.Image, family: str, brightest: int) -> None:
    side = FAMILIES[family][2]
    image = astronaut.resize((side, side)).point(lambda level: level * brightest // 255)

    planes = normalise(np.asarray(image), MODELS[family])

    assert planes.dtype == np.float32
    assert planes.flags.c_contiguous
    assert np.abs(planes - rembg_input(family, image)).max() <= 1e-6


def test_the_file_decides_the_input_size(write_model: WriteModel, tmp_path: Path, astronaut: Image.Image) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", side=64))

    assert infer(engine, astronaut).shape == (64, 64)


def test_a_file_in_half_precision_gives_nearly_the_same_mask(
    real_shape: Path, tmp_path: Path, astronaut: Image.Image
) -> None:
    half = load(u2netp.write(tmp_path / "u2net.onnx", half=True))

    assert half.prepare(np.asarray(astronaut)).dtype == np.float16
    difference = np.abs(infer(half, astronaut).astype(int) - infer(load(real_shape), astronaut))
    assert difference.mean() < 2  # of 255


def test_a_batch_gives_each_picture_the_mask_that_it_gets_alone(real_shape: Path, astronaut: Image.Image) -> None:
    engine = load(real_shape)
    pictures = [astronaut, astronaut.rotate(90), astronaut.crop((100, 50, 400, 300))]

    masks = engine.infer([engine.prepare(np.asarray(picture)) for picture in pictures])

    for picture, mask in zip(pictures, masks, strict=True):
        assert np.abs(mask.astype(int) - infer(engine, picture)).max() <= 1  # sums may be taken in another order
    assert not np.array_equal(masks[0], masks[1])


@pytest.mark.parametrize(
    ("provider", "file_batch", "taken"),
    [("CUDAExecutionProvider", None, 8), ("CUDAExecutionProvider", 1, 1), ("CPUExecutionProvider", None, 1)],
)
def test_batches_are_for_files_that_leave_them_open_on_an_accelerator(
    write_model: WriteModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    file_batch: int | None,
    taken: int,
) -> None:
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda _: [provider])

    model = write_model(tmp_path / "u2net.onnx", side=64, batch=file_batch)
    assert load(model, max_batch=8).max_batch == taken


@pytest.mark.parametrize(("threads", "side", "runs"), [(2, 320, 2), (1, 320, 1), (2, 1024, 1)])
def test_runs_side_by_side_are_for_several_threads_and_small_models(
    write_model: WriteModel, tmp_path: Path, threads: int, side: int, runs: int
) -> None:
    assert load(write_model(tmp_path / "tiny.onnx", side=side), threads=threads).max_runs == runs


def test_runs_side_by_side_give_each_picture_the_mask_that_it_gets_alone(
    real_shape: Path, astronaut: Image.Image
) -> None:
    engine = load(real_shape, threads=2)
    prepared = [engine.prepare(np.asarray(astronaut.rotate(angle))) for angle in (0, 90, 180, 270)]

    with ThreadPoolExecutor(engine.max_runs) as threads:
        together = list(threads.map(lambda planes: engine.infer([planes])[0], prepared))

    for planes, mask in zip(prepared, together, strict=True):
        assert np.abs(mask.astype(int) - engine.infer([planes])[0]).max() <= 1


def test_runs_side_by_side_have_all_threads(write_model: WriteModel, tmp_path: Path) -> None:
    model = write_model(tmp_path / "tiny.onnx", side=64)
    sessions = Sessions(Weights(model, hashlib.sha256(model.read_bytes()).hexdigest()), model, threads=6)

    # A session's threads are one fewer than it is told, for each caller is one too
    assert load(model, threads=6).max_runs == 2
    assert 2 + sessions._shared_session.get_session_options().intra_op_num_threads - 1 == 6


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_has_changed_since_serves_no_run(
    write_model: WriteModel, tmp_path: Path, is_replaced: bool
) -> None:
    model = write_model(tmp_path / "tiny.onnx", side=64)
    sessions = Sessions(Weights(model, hashlib.sha256(model.read_bytes()).hexdigest()), model, threads=2)
    picture = np.random.default_rng(0).normal(size=(3, 64, 64)).astype(np.float32)
    output = sessions.run([picture])
    model.unlink()
    if is_replaced:
        write_model(tmp_path / "tiny.onnx", side=64, gain=0)

    with sessions._idle_threads():  # beside another run
        assert np.array_equal(sessions.run([picture]), output)


def test_weights_are_in_memory_once(real_shape: Path) -> None:
    tracemalloc.start()
    try:
        engine = load(real_shape)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert engine.max_batch == 1  # it is still there
    assert held < real_shape.stat().st_size / 2  # ONNX Runtime's own copy is not Python's


def test_what_only_further_outputs_need_is_left_out(real_shape: Path) -> None:
    whole, cut = onnx.load(real_shape), onnx.load_from_string(bytes(with_first_output(real_shape)))

    onnx.checker.check_model(cut, full_check=True)
    assert [output.name for output in cut.graph.output] == ["d0"]
    left_out = [node.op_type for node in whole.graph.node if node not in cut.graph.node]
    assert left_out == ["Sigmoid"] * 6
    assert cut.opset_import == whole.opset_import


def test_what_a_graph_within_the_first_outputs_node_needs_is_kept(tmp_path: Path) -> None:
    # Given a mask by either branch of an If, which reads a node's value from without, and an output beside it
    def branch(name: str, value: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node("Identity", [value], [name])], name, [], [output])

    branches = {"then_branch": branch("then", "doubled"), "else_branch": branch("else", "image")}
    nodes = [
        helper.make_node("Add", ["image", "image"], ["doubled"]),
        helper.make_node("Mul", ["image", "unused"], ["side"]),
        helper.make_node("If", ["yes"], ["mask"], **branches),
    ]
    shape = [1, 1, 2, 2]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("image", "mask", "side")]
    constants = [
        helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
        helper.make_tensor("unused", TensorProto.FLOAT, [1], [3.0]),
    ]
    graph = helper.make_graph(nodes, "either", values[:1], values[1:], constants)
    path = tmp_path / "either.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)

    cut = bytes(with_first_output(path))

    kept = onnx.load_from_string(cut).graph
    assert [node.op_type for node in kept.node] == ["Add", "If"]
    assert [constant.name for constant in kept.initializer] == ["yes"]
    image = np.arange(4, dtype=np.float32).reshape(shape)
    session = onnxruntime.InferenceSession(cut, providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {"image": image})[0], 2 * image)


def value(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 2, 2])


def doubled_beside(side: list[onnx.NodeProto], inputs: list[str], ir_version: int) -> onnx.ModelProto:
    """A mask that is twice the picture, resized to its own size, and beside it an output ``side``."""
    weights = {"two": np.full((1, 1, 2, 2), 2), "three": np.full((1, 1, 2, 2), 3)}
    mask = [
        helper.make_node("Mul", ["image", "two"], ["doubled"]),
        helper.make_node("Constant", [], ["scales"], value_floats=[1.0] * 4),
        helper.make_node("Resize", ["doubled", "", "scales"], ["mask"]),
    ]
    graph = helper.make_graph(
        [*side, *mask],
        "doubled",
        [value(name) for name in inputs],
        [value("mask"), value("side")],
        [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=ir_version)


@pytest.mark.parametrize("kind", ["weights are inputs", "outputs without a name", "weights in another file"])
def test_the_first_output_is_cut_out_of_any_file(tmp_path: Path, kind: str) -> None:
    side, inputs, ir_version = [helper.make_node("Mul", ["image", "three"], ["side"])], ["image"], 8
    if kind == "weights are inputs":  # as up to version 3 they have to be
        inputs, ir_version = ["three", "image", "two"], 3
    elif kind == "outputs without a name":
        side = [
            *(helper.make_node("Mul", ["image", "three"], [f"in{each}"]) for each in "ab"),
            *(helper.make_node("MaxPool", [f"in{each}"], [f"out{each}", ""], kernel_shape=[1, 1]) for each in "ab"),
            helper.make_node("Add", ["outa", "outb"], ["side"]),
        ]
    path, is_external = tmp_path / "doubled.onnx", kind == "weights in another file"
    onnx.save(doubled_beside(side, inputs, ir_version), path, save_as_external_data=is_external, size_threshold=0)

    session = onnxruntime.InferenceSession(with_first_output(path), providers=["CPUExecutionProvider"])

    image = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    assert [each.name for each in session.get_inputs()] == ["image"]
    assert np.array_equal(session.run(["mask"], {"image": image})[0], 2 * image)


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty file"), (bytes(10), "It is no ONNX file")])
def test_what_holds_no_model_is_said(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(content)

    with pytest.raises(NotReady, match=rf"tiny\.onnx is not a usable model: .*{reason}"):
        load(path)


def test_preparing_in_several_threads_changes_nothing(real_shape: Path, astronaut: Image.Image) -> None:
    engine = load(real_shape)
    pictures = [np.asarray(astronaut.rotate(angle)) for angle in range(0, 320, 40)]

    with ThreadPoolExecutor(4) as threads:
        prepared = list(threads.map(engine.prepare, pictures))

    for picture, planes in zip(pictures, prepared, strict=True):
        assert np.array_equal(planes, engine.prepare(picture))


def test_a_guided_mask_follows_the_pictures_edge(write_model: WriteModel, tmp_path: Path) -> None:
    # Given a white square before black, and the blurred mask that a small model would give
    picture = np.zeros((640, 640, 3), np.uint8)
    picture[203:437, 203:437] = 255
    alpha = picture[..., 0]
    small = Image.fromarray(alpha).resize((80, 80), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.7))
    model = write_model(tmp_path / "u2net.onnx", side=80)

    def error(resampling: Resampling) -> float:
        mask = load(model, resampling=resampling).upscale(np.asarray(small), picture)
        assert mask.shape == (640, 640)
        return float(np.abs(mask.astype(int) - alpha).mean())

    assert error("guided") < 0.6 * error("fast")


@pytest.mark.parametrize("resampling", ["fast", "rembg", "guided"])
@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (3, 2)])
def test_tiny_and_thin_pictures_get_a_mask_of_their_size(
    write_model: WriteModel, tmp_path: Path, size: tuple[int, int], resampling: Resampling
) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", side=64), resampling=resampling)
    image = Image.new("RGB", size, "teal")

    assert engine.upscale(infer(engine, image), np.asarray(image)).shape == size[::-1]


def test_a_flat_output_is_an_empty_mask(write_model: WriteModel, tmp_path: Path, astronaut: Image.Image) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", gain=0))

    assert not infer(engine, astronaut).any()


def test_an_output_that_is_not_finite_is_no_mask(
    write_model: WriteModel, tmp_path: Path, astronaut: Image.Image
) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx", gain=1e38))

    with pytest.raises(InferenceFailed):
        infer(engine, astronaut)


@pytest.mark.parametrize("error", [onnxruntime_pybind11_state.RuntimeException, RuntimeError])
def test_a_full_accelerator_is_no_room(
    write_model: WriteModel,
    tmp_path: Path,
    astronaut: Image.Image,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    engine = load(write_model(tmp_path / "u2net.onnx"))

    def out_of_memory(*_: object) -> None:
        raise error("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1")

    monkeypatch.setattr(engine._runner, "run", out_of_memory)

    with pytest.raises(NoRoom):
        infer(engine, astronaut)


@pytest.mark.parametrize("name", ["tiny", "tiny.onnx"])
def test_weights_come_from_the_model_folder_by_name_with_or_without_suffix(
    write_model: WriteModel, tmp_path: Path, name: str
) -> None:
    path = write_model(tmp_path / "tiny.onnx")

    engine = load_engine(Settings(mask_engine=name, model_path=tmp_path, bfloat16=False), ObjectStore())

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


@pytest.mark.parametrize("is_known", [True, False])
def test_weights_are_downloaded_once_where_it_is_known_which_file_is_right(
    write_model: WriteModel, tmp_path: Path, pictures_bucket: str, is_known: bool
) -> None:
    s3, content = boto3.client("s3"), write_model(tmp_path / "source.onnx").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    settings = Settings(
        mask_engine="tiny",
        model_path=tmp_path / "empty",
        model_artifact_bucket=pictures_bucket,
        model_sha256=sha256 if is_known else None,
    )

    def start() -> str | None:
        return load_engine(settings, ObjectStore()).sha256

    # Given weights that were downloaded, and then damaged on the disk
    s3.put_object(Bucket=pictures_bucket, Key="tiny.onnx", Body=content)
    start()
    weights.DOWNLOADS.joinpath("tiny.onnx").write_bytes(content[:-9])
    # When the app starts again, then it has them whole, and no second copy
    assert start() == sha256
    assert [path.name for path in weights.DOWNLOADS.iterdir()] == ["tiny.onnx"]
    # And it needs S3 no more, unless the file may have changed there
    s3.delete_object(Bucket=pictures_bucket, Key="tiny.onnx")
    with contextlib.nullcontext() if is_known else pytest.raises(NotReady):
        assert start() == sha256


@pytest.mark.parametrize("code", ["503", "500", "429", "Throttling", "SlowDown"])
def test_weights_that_s3_cannot_give_now_leave_the_app_not_ready(
    tmp_path: Path, pictures_bucket: str, code: str
) -> None:
    store = ObjectStore()

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "later"}}, "HeadObject")

    store._client.meta.events.register("before-call", refuse)

    with pytest.raises(NotReady, match="later"):
        load_engine(Settings(mask_engine="tiny", model_path=tmp_path, model_artifact_bucket=pictures_bucket), store)


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


def test_a_model_that_fails_when_it_runs_is_refused(write_model: WriteModel, tmp_path: Path) -> None:
    # Given a file that says it takes any size, and a sum in it that only 64 x 64 pixels fit
    path = write_model(tmp_path / "tiny.onnx", side=None)
    model = onnx.load(path)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1, 64, 64), np.float32), "offset"))
    model.graph.node[0].output[0] = "convolved"
    model.graph.node.append(onnx.helper.make_node("Add", ["convolved", "offset"], ["mask"]))
    onnx.save(model, path)

    with pytest.raises(NotReady, match=r"tiny\.onnx is not a usable model"):
        load_engine(Settings(mask_engine="tiny", model_path=tmp_path), ObjectStore())


def test_a_model_of_several_masks_is_refused(write_model: WriteModel, tmp_path: Path) -> None:
    path = write_model(tmp_path / "clothes.onnx", masks=4)

    with pytest.raises(NotReady, match="not one mask"):
        load(path)


def test_a_provider_that_is_required_and_not_active_is_refused(write_model: WriteModel, tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.onnx")
    settings = Settings(mask_engine="tiny", model_path=tmp_path, required_provider="TensorrtExecutionProvider")

    with pytest.raises(NotReady, match="tiny runs on"):
        load_engine(settings, ObjectStore())
