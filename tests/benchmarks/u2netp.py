"""U2-Net-P as an ONNX file with random weights: the time and the memory of the real one, and no download.

The architecture of Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern
Recognition 2020: eleven residual U-blocks (RSU), six side outputs and one that fuses them; 1.13 million parameters,
batch normalisation folded into the convolutions. U2-Net has more channels, 44 million parameters; IS-Net (Qin et al.,
"Highly Accurate Dichotomous Image Segmentation", ECCV 2022) begins by halving the picture, and fuses nothing.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 320
_DILATIONS = (1, 2, 4, 8)  # of the blocks that keep their size
_SIDE_GAIN = 0.05  # keeps the sigmoids out of saturation, so that a change of the input shows in the mask


class Block(NamedTuple):
    """RSU-``depth``; 0 is RSU-4F, which dilates instead of pooling."""

    depth: int
    middle: int
    """Channels inside."""
    out: int


class Network(NamedTuple):
    """Which blocks, and around them what."""

    side: int
    """Pixels of the square input."""
    encoder: tuple[Block, ...]
    decoder: tuple[Block, ...]
    stem: int | None = None
    """Channels of a convolution that halves the picture first; None for none."""


U2NETP = Network(
    SIDE, tuple(Block(depth, 16, 64) for depth in (7, 6, 5, 4, 0, 0)), tuple(Block(d, 16, 64) for d in (0, 4, 5, 6, 7))
)
U2NET = Network(
    SIDE,
    (
        Block(7, 32, 64),
        Block(6, 32, 128),
        Block(5, 64, 256),
        Block(4, 128, 512),
        Block(0, 256, 512),
        Block(0, 256, 512),
    ),
    (Block(0, 256, 512), Block(4, 128, 256), Block(5, 64, 128), Block(6, 32, 64), Block(7, 16, 64)),
)
ISNET = U2NET._replace(side=1024, stem=64)


def write(
    path: Path, *, network: Network = U2NETP, seed: int = 2026, batch: int | None = 1, half: bool = False
) -> Path:
    """Write the model.

    Args:
        path: the file.
        network: its architecture.
        seed: of the weights.
        batch: the input's first dimension; None leaves it open.
        half: weights, input and outputs in float16.

    Returns:
        ``path``. Input ``image`` (batch, 3, side, side), outputs ``d0`` (the fused one, which IS-Net lacks) to ``d6``,
        (batch, 1, side, side), 0 to 1.
    """
    graph = _Graph(np.random.default_rng(seed), np.float16 if half else np.float32)
    outputs = graph.network("image", network)
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            path.stem,
            [helper.make_tensor_value_info("image", kind, [batch or "batch", 3, network.side, network.side])],
            [
                helper.make_tensor_value_info(name, kind, [batch or "batch", 1, network.side, network.side])
                for name in outputs
            ],
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

    def network(self, image: str, network: Network) -> list[str]:
        features, channels = image, 3
        if network.stem:
            features, channels = self.conv(image, channels, network.stem, stride=2), network.stem
        encoded: list[str] = []
        for block in network.encoder:
            encoded.append(self.block(self.pool(features) if encoded else features, channels, block))
            features, channels = encoded[-1], block.out
        decoded = [encoded[-1]]
        for skip, skipped, block in zip(encoded[-2::-1], network.encoder[-2::-1], network.decoder, strict=True):
            joined = self.join(self.double(decoded[-1]), skip)
            decoded.append(self.block(joined, channels + skipped.out, block))
            channels = block.out
        given = (network.encoder[-1], *network.decoder)
        sides = [
            self.conv(each, block.out, 1, gain=_SIDE_GAIN)
            for each, block in reversed([*zip(decoded, given, strict=True)])
        ]
        halved = 1 if network.stem else 0
        sides = [
            self.double(side, 2 ** (level + halved)) if level + halved else side for level, side in enumerate(sides)
        ]
        if network.stem:
            return [self._add("Sigmoid", [each], f"d{level}") for level, each in enumerate(sides, 1)]
        fused = self.conv(self.join(*sides), len(sides), 1, kernel=1)
        return [self._add("Sigmoid", [each], f"d{level}") for level, each in enumerate([fused, *sides])]

    def block(self, features: str, channels: int, block: Block) -> str:
        depth, middle, _ = block
        levels = depth - 1 if depth else 3
        dilations = [1] * levels + [2] if depth else _DILATIONS
        entry = self.relu_conv(features, channels, block.out)
        down = [self.relu_conv(entry, block.out, middle, dilations[0])]
        for level in range(1, levels + 1):
            pooled = self.pool(down[-1]) if depth and level < levels else down[-1]
            down.append(self.relu_conv(pooled, middle, middle, dilations[level]))
        up = down.pop()
        for level in reversed(range(levels)):
            out = middle if level else block.out
            up = self.relu_conv(self.join(up, down[level]), 2 * middle, out, 1 if depth else dilations[level])
            if depth and level:
                up = self.double(up)
        return self._add("Add", [up, entry])

    def relu_conv(self, features: str, channels: int, out: int, dilation: int = 1) -> str:
        return self._add("Relu", [self.conv(features, channels, out, dilation=dilation)])

    def conv(
        self,
        features: str,
        channels: int,
        out: int,
        *,
        kernel: int = 3,
        dilation: int = 1,
        stride: int = 1,
        gain: float = 1,
    ) -> str:
        # He et al., 2015: keeps the features' variance through the ReLUs.
        spread = gain * (2 / (channels * kernel**2)) ** 0.5
        weight = self._random.normal(0, spread, (out, channels, kernel, kernel))
        inputs = [features, self._constant(weight), self._constant(self._random.normal(0, 0.05, out))]
        pad = dilation * (kernel // 2)
        return self._add("Conv", inputs, dilations=[dilation] * 2, pads=[pad] * 4, strides=[stride] * 2)

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
