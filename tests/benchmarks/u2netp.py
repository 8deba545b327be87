"""U2-Net-P as an ONNX file with random weights: the time and the memory of the real one, and no download.

The architecture of Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern
Recognition 2020: eleven residual U-blocks (RSU), six side outputs and one that fuses them; 1.13 million parameters,
batch normalisation folded into the convolutions.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 320
_MIDDLE, _OUT = 16, 64  # channels inside a block and of what it gives
_DILATIONS = (1, 2, 4, 8)  # of the blocks that keep their size
_SIDE_GAIN = 0.05  # keeps the sigmoids out of saturation, so that a change of the input shows in the mask


def write(path: Path, *, seed: int = 2026, batch: int | None = 1, half: bool = False) -> Path:
    """Write the model.

    Args:
        path: the file.
        seed: of the weights.
        batch: the input's first dimension; None leaves it open.
        half: weights, input and outputs in float16.

    Returns:
        ``path``. Input ``image`` (batch, 3, 320, 320), outputs ``d0`` (fused) to ``d6``, (batch, 1, 320, 320), 0 to 1.
    """
    graph = _Graph(np.random.default_rng(seed), np.float16 if half else np.float32)
    outputs = graph.network("image")
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "u2netp",
            [helper.make_tensor_value_info("image", kind, [batch or "batch", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info(name, kind, [batch or "batch", 1, SIDE, SIDE]) for name in outputs],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=10,
    )
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


class _Graph:
    """Nodes and weights as they are added; each method returns the name of its result."""

    def __init__(self, random: np.random.Generator, dtype: type[np.floating]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = random
        self._dtype = dtype

    def network(self, image: str) -> list[str]:
        encoded = [self.block(image, 3, 7)]
        for depth in (6, 5, 4, 0, 0):
            encoded.append(self.block(self.pool(encoded[-1]), _OUT, depth))
        decoded = [encoded[-1]]
        for skip, depth in zip(encoded[-2::-1], (0, 4, 5, 6, 7), strict=True):
            decoded.append(self.block(self.join(self.double(decoded[-1]), skip), 2 * _OUT, depth))
        sides = [self.conv(each, _OUT, 1, gain=_SIDE_GAIN) for each in reversed(decoded)]
        sides = [self.double(side, 2**level) if level else side for level, side in enumerate(sides)]
        fused = self.conv(self.join(*sides), len(sides), 1, kernel=1)
        return [self._add("Sigmoid", [each], f"d{level}") for level, each in enumerate([fused, *sides])]

    def block(self, features: str, channels: int, depth: int) -> str:
        """RSU-``depth``; 0 is RSU-4F, which dilates instead of pooling."""
        levels = depth - 1 if depth else 3
        dilations = [1] * levels + [2] if depth else _DILATIONS
        entry = self.relu_conv(features, channels, _OUT)
        down = [self.relu_conv(entry, _OUT, _MIDDLE, dilations[0])]
        for level in range(1, levels + 1):
            pooled = self.pool(down[-1]) if depth and level < levels else down[-1]
            down.append(self.relu_conv(pooled, _MIDDLE, _MIDDLE, dilations[level]))
        up = down.pop()
        for level in reversed(range(levels)):
            out = _MIDDLE if level else _OUT
            up = self.relu_conv(self.join(up, down[level]), 2 * _MIDDLE, out, 1 if depth else dilations[level])
            if depth and level:
                up = self.double(up)
        return self._add("Add", [up, entry])

    def relu_conv(self, features: str, channels: int, out: int, dilation: int = 1) -> str:
        return self._add("Relu", [self.conv(features, channels, out, dilation=dilation)])

    def conv(
        self, features: str, channels: int, out: int, *, kernel: int = 3, dilation: int = 1, gain: float = 1
    ) -> str:
        # He et al., 2015: keeps the features' variance through the ReLUs.
        spread = gain * (2 / (channels * kernel**2)) ** 0.5
        weight = self._random.normal(0, spread, (out, channels, kernel, kernel))
        inputs = [features, self._constant(weight), self._constant(self._random.normal(0, 0.05, out))]
        pad = dilation * (kernel // 2)
        return self._add("Conv", inputs, dilations=[dilation] * 2, pads=[pad] * 4)

    def pool(self, features: str) -> str:
        return self._add("MaxPool", [features], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)

    def double(self, features: str, scale: int = 2) -> str:
        scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), f"scales{len(self.weights)}")
        self.weights.append(scales)
        return self._add("Resize", [features, "", scales.name], mode="linear")

    def join(self, *features: str) -> str:
        return self._add("Concat", list(features), axis=1)

    def _constant(self, values: NDArray[np.float64]) -> str:
        self.weights.append(numpy_helper.from_array(values.astype(self._dtype), f"w{len(self.weights)}"))
        return str(self.weights[-1].name)

    def _add(self, operation: str, inputs: list[str], output: str | None = None, **attributes: object) -> str:
        output = output or f"{operation.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output
