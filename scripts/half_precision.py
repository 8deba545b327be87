"""A model's weights and arithmetic in half precision (float16), as NVIDIA's tensor cores are fastest with."""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import skimage
from onnx import TensorProto, helper
from onnxruntime.transformers import float16
from PIL import Image

from inference_image.engines.mask_engine import Prepared
from inference_image.engines.onnx import OnnxEngine
from inference_image.engines.sessions import LOAD_ERRORS, open_session
from inference_image.errors import ServingError
from inference_image.weights import Weights, digest

PHOTOGRAPH = Path(skimage.__file__).parent / "data" / "astronaut.png"
THREADS = os.cpu_count() or 1
LARGEST_ERROR = 1.0  # of 255, on average, in the photograph's mask
LARGEST_VALUE = float(np.finfo(np.float16).max) / 2  # which leaves room for photographs that go further


class NotConverted(Exception):
    """The model does not work in half precision; the message says why, for a person."""


class Converted(NamedTuple):
    """What a model became."""

    error: float
    """Of the photograph's mask, beside that of the original: the mean of the absolute difference, of 255."""
    takes_batches: bool
    """Whether it takes several pictures in one run."""


def convert(source: Path, target: Path) -> Converted:
    """Convert a model of one file, and try it on the CPU with a photograph.

    Published models take one picture a run; where nothing in them depends on it, the converted one takes any number.

    Args:
        source: the model, float32, named as the registry does.
        target: where to put it; input and output are float16 too. It appears only once it is tried.

    Raises:
        NotConverted: it is no such model, its masks differ by more than ``LARGEST_ERROR``, or values in it are beyond
            ``LARGEST_VALUE``.
    """
    photograph = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    try:
        engine = _engine(source, source.stem)
        prepared = engine.prepare(photograph)
        if prepared.dtype == np.float16:
            raise NotConverted(f"{source.name} is in half precision already.")
        model = onnx.load(source)
        with tempfile.TemporaryDirectory(prefix=".conversion-", dir=target.parent) as unfinished:
            part = Path(unfinished) / target.name
            onnx.save(_with_peaks(model), part)
            _check_range(part, prepared)
            # Its default list keeps in float32 what has no float16; Resize, Sigmoid and the rest lose nothing by it.
            converted = float16.convert_float_to_float16(model)
            onnx.save(_with_open_batch(converted), part)
            takes_batches = _takes_batches(part, prepared.astype(np.float16))
            if not takes_batches:
                onnx.save(converted, part)
            half = _engine(part, source.stem)
            (mask,), (half_mask,) = engine.infer([prepared]), half.infer([half.prepare(photograph)])
            error = float(np.abs(mask.astype(int) - half_mask).mean())
            if error > LARGEST_ERROR:
                raise NotConverted(f"{source.name} loses too much in half precision: {error:.2f} of 255 on average.")
            part.replace(target)
    except (ServingError, *LOAD_ERRORS) as exc:
        raise NotConverted(f"{source.name} cannot be converted: {exc}") from exc
    except OSError as exc:
        raise NotConverted(f"{target} could not be written: {exc}") from exc
    return Converted(error, takes_batches)


def _with_open_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, whose input and outputs may hold any number of pictures."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    del opened.graph.value_info[:]  # shapes for one picture
    weights = {weight.name for weight in opened.graph.initializer}  # old files list them among the inputs
    for value in (*opened.graph.input, *opened.graph.output):
        if value.name not in weights and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return opened


def _takes_batches(path: Path, prepared: Prepared) -> bool:
    """Whether two pictures in one run give what each gives alone."""
    batch = np.stack([prepared, prepared[:, ::-1]])
    try:
        session = open_session(path, THREADS)
        name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
        together = session.run([output], {name: batch})[0].astype(np.float32)
        alone = np.concatenate([session.run([output], {name: each[None]})[0] for each in batch]).astype(np.float32)
    except LOAD_ERRORS:
        return False
    return together.shape == alone.shape and bool(np.abs(together - alone).max() <= 0.01 * np.ptp(alone))


def _engine(path: Path, name: str) -> OnnxEngine:
    return OnnxEngine(name, Weights(path, digest([path], "sha256")), THREADS, use_bfloat16=False)


def _with_peaks(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, whose outputs are instead how far each value in it reaches from 0."""
    watched = onnx.shape_inference.infer_shapes(model)
    graph = watched.graph
    made = {name for node in graph.node for name in node.output}  # a file may describe values that it has no more
    names = [
        value.name
        for value in (*graph.value_info, *graph.output)
        if value.name in made and value.type.tensor_type.elem_type == TensorProto.FLOAT
    ]
    del graph.output[:]
    for name in names:
        absolute, peak = f"{name}:absolute", f"{name}:peak"
        graph.node.append(helper.make_node("Abs", [name], [absolute]))
        graph.node.append(helper.make_node("ReduceMax", [absolute], [peak], keepdims=0))
        graph.output.append(helper.make_tensor_value_info(peak, TensorProto.FLOAT, []))
    return watched


def _check_range(watched: Path, prepared: Prepared) -> None:
    """Look at every value between the nodes: a CPU computes in float32, so that only a GPU would overflow.

    Raises:
        NotConverted: one is beyond ``LARGEST_VALUE``.
    """
    session = open_session(watched, THREADS)
    peaks = session.run(None, {session.get_inputs()[0].name: prepared[None]})
    names = [output.name for output in session.get_outputs()]
    peak, output = max((peak, name) for peak, name in zip(peaks, names, strict=True) if not np.isnan(peak))
    if peak > LARGEST_VALUE:
        raise NotConverted(f"In half precision {output.removesuffix(':peak')} would overflow: it reaches {peak:,.0f}.")
