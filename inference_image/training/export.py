"""Write the trained network as the ONNX file that is served: ``python -m inference_image.training.export``.

The file keeps its weights in half precision, which halves it, and computes in single; its initializers have the
network's own names, batch normalisation included (ONNX Runtime folds it), so that training can start from the file.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from inference_image.registry import BUNDLED
from inference_image.training.network import MaskNetwork
from inference_image.training.train import FOLDER

NAME = "matteflow"
SIDE = 256  # pixels, as the last pictures of the training have
LARGEST_DIFFERENCE = 0.01  # of alpha, between the file and the network: what half precision may cost


class _Served(nn.Module):
    """The network as it is served: alpha at full size, nothing else."""

    def __init__(self, network: MaskNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network(pictures)[0].sigmoid()


def export(network: MaskNetwork, path: Path) -> None:
    """Write ``path``, once tried: input ``image`` (n, 3, SIDE, SIDE), float32; output ``alpha`` (n, 1, SIDE, SIDE).

    Raises:
        ValueError: the file does not compute what the network does.
    """
    served, part = _Served(network).eval(), path.with_suffix(".part")
    example = torch.randn(2, 3, SIDE, SIDE)
    torch.onnx.export(
        served,
        (example,),
        part,
        input_names=["image"],
        output_names=["alpha"],
        dynamic_axes={"image": {0: "n"}, "alpha": {0: "n"}},
        opset_version=17,
        training=torch.onnx.TrainingMode.PRESERVE,  # else batch normalisation is folded into other names
        do_constant_folding=False,
        dynamo=False,
    )
    model = onnx.load(part)
    _halve(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, part)
    with torch.no_grad():
        expected = served(example).numpy()
    (found,) = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"]).run(
        None, {"image": example.numpy()}
    )
    if (difference := float(np.abs(found - expected).max())) > LARGEST_DIFFERENCE:
        raise ValueError(f"{path} differs from the network by {difference:.4f} of alpha.")
    part.replace(path)


def _halve(graph: onnx.GraphProto) -> None:
    """Store each array of float32 weights as float16, behind a cast to float32."""
    casts = []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size > 1:
            name = weights.name
            weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def main() -> int:
    """Read the arguments, export, and say where to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=BUNDLED / f"{NAME}.onnx")
    arguments = parser.parse_args()
    network = MaskNetwork()
    kept = torch.load(FOLDER / "checkpoint.pt", map_location="cpu", weights_only=True)
    network.load_state_dict(kept["state"][1])
    export(network, arguments.to)
    print(f"{arguments.to}: {arguments.to.stat().st_size / 1e6:.2f} MB, after {kept['step']} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
