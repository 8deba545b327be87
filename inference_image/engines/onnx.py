"""Any single-mask ONNX model that rembg runs, with rembg's own arithmetic before and after it."""

from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors
from PIL import Image

from inference_image.engines.mask_engine import Mask, Picture
from inference_image.errors import InferenceFailed, NoRoom, NotReady
from inference_image.weights import Weights

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")  # by preference

_LOAD_ERRORS = (
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NotImplemented,
    onnxruntime_errors.RuntimeException,
    ValueError,  # inputs of another number or rank
)


@dataclass(frozen=True)
class Preparation:
    """How a family of models wants its input, and what its output is."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    side: int
    """Pixels of the square input, where the file leaves it open."""
    output_is_logit: bool = False


IMAGENET_MEAN = (0.485, 0.456, 0.406)
U2NET = Preparation(IMAGENET_MEAN, (0.229, 0.224, 0.225), 320)
BIREFNET = Preparation(IMAGENET_MEAN, (0.229, 0.224, 0.225), 1024, output_is_logit=True)

# By file stem, as in rembg's sessions; a model of another name is prepared as U2-Net, the commonest.
PREPARATIONS = {
    "isnet-general-use": Preparation((0.5, 0.5, 0.5), (1.0, 1.0, 1.0), 1024),
    "isnet-anime": Preparation(IMAGENET_MEAN, (1.0, 1.0, 1.0), 1024),
    "birefnet-general": BIREFNET,
    "birefnet-general-lite": BIREFNET,
    "birefnet-portrait": BIREFNET,
    "birefnet-dis": BIREFNET,
    "birefnet-hrsod": BIREFNET,
    "birefnet-cod": BIREFNET,
    "birefnet-massive": BIREFNET,
}


class OnnxEngine:
    """One ONNX Runtime session, warmed up.

    Args:
        name: the file's stem, which chooses the ``Preparation``.
        weights: the model file; one float32 input (1, 3, H, W), a first output (1, 1, h, w).
        threads: CPU threads of one inference.

    Raises:
        NotReady: the file is no such model.
    """

    def __init__(self, name: str, weights: Weights, threads: int) -> None:
        self.name = name
        self.sha256 = weights.sha256
        self._preparation = PREPARATIONS.get(name, U2NET)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        available = onnxruntime.get_available_providers()
        onnxruntime.preload_dlls()  # CUDA and cuDNN lie in their wheels, off the loader's path; nothing on a CPU build
        try:
            self._session = onnxruntime.InferenceSession(
                weights.path, options, providers=[provider for provider in PROVIDERS if provider in available]
            )
            inputs, self._output = self._session.get_inputs(), self._session.get_outputs()[0].name
            self._input, self._size = inputs[0].name, self._input_size(inputs[0].shape)
            shape = self._run(np.zeros((*self._size[::-1], 3), np.uint8)).shape
        except _LOAD_ERRORS as exc:
            raise NotReady(f"{weights.path.name} is not a usable model: {exc}") from exc
        if len(shape) != 4 or shape[:2] != (1, 1):
            raise NotReady(f"{weights.path.name} gives an array of shape {shape}, not one mask (1, 1, H, W).")
        self.provider: str = self._session.get_providers()[0]  # what is active, which may be less than was asked for

    def infer(self, picture: Picture) -> Mask:
        """Run the model.

        Args:
            picture: sRGB, uint8, (H, W, 3).

        Returns:
            The output stretched to 0..255, uint8, at the model's size; all 0 where the output is flat.

        Raises:
            InferenceFailed: the output holds NaN or infinity.
            NoRoom: the accelerator's memory is full; ONNX Runtime frees what the failed run held.
        """
        resized = Image.fromarray(picture).resize(self._size, Image.Resampling.LANCZOS)
        try:
            output = self._run(np.asarray(resized))[0, 0]
        except (onnxruntime_errors.Fail, onnxruntime_errors.RuntimeException) as exc:
            if "Failed to allocate memory" in str(exc):
                raise NoRoom("The accelerator's memory is full.") from exc
            raise
        if self._preparation.output_is_logit:
            output = 1 / (1 + np.exp(-output))
        low, high = output.min(), output.max()
        if not np.isfinite((low, high)).all():
            raise InferenceFailed(f"{self.name} gave a mask with values that are not finite.")
        stretched = (output - low) / max(high - low, np.finfo(np.float32).tiny)
        return np.asarray(stretched * 255, np.uint8)

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        """Resample the mask to the picture's size. Returns uint8, (H, W)."""
        height, width = picture.shape[:2]
        return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.LANCZOS))

    def _input_size(self, shape: list[int | str | None]) -> tuple[int, int]:
        """Width and height in pixels: from the file where it fixes them, else the family's."""
        height, width = (side if isinstance(side, int) else self._preparation.side for side in shape[2:])
        return width, height

    def _run(self, pixels: Picture) -> NDArray[np.float32]:
        """Normalise as rembg does (divided by the picture's own maximum, not 255) and fetch the first output only."""
        planes = pixels.astype(np.float32) / max(pixels.max(), 1e-6)
        planes = (planes - np.array(self._preparation.mean)) / np.array(self._preparation.deviation)
        batch = np.ascontiguousarray(planes.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
        output: NDArray[np.float32] = self._session.run([self._output], {self._input: batch})[0]
        return output
