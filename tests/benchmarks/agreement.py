"""How well masks agree with U2-Net's on real photographs: ``python -m tests.benchmarks.agreement``."""

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from inference_image.engines.load import load_engine
from inference_image.engines.mask_engine import Mask, MaskEngine, Picture
from inference_image.engines.onnx import OnnxEngine
from inference_image.object_store import ObjectStore
from inference_image.registry import BUNDLED
from inference_image.settings import Settings
from inference_image.weights import Weights, digest

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
REFERENCES = sorted(PHOTOS.glob("*.u2net.png"))


def mask_of(engine: MaskEngine, picture: Picture) -> Mask:
    """The mask of one picture, uint8, at its size."""
    return engine.upscale(engine.infer([engine.prepare(picture)])[0], picture)


def agreement(engine: MaskEngine) -> dict[str, float]:
    """Intersection over union with U2-Net's mask, both cut at half, by the photograph's name."""
    return {reference.name.split(".")[0]: _intersection_over_union(engine, reference) for reference in REFERENCES}


def _intersection_over_union(engine: MaskEngine, reference: Path) -> float:
    path = next(PHOTOS.glob(f"{reference.name.split('.')[0]}.[jp]*g"))
    photograph = np.asarray(Image.open(path).convert("RGB"))
    found = mask_of(engine, photograph) > 127
    subject = np.asarray(Image.open(reference).convert("L")) > 127
    return float((found & subject).sum() / (found | subject).sum())


def main() -> int:
    """Print a line of a table for each engine."""
    if not REFERENCES:
        sys.exit(f"There are no photographs with reference masks in {PHOTOS}.")
    threads = os.cpu_count() or 1
    weights = BUNDLED / "matteflow.onnx"
    engines = {
        name: load_engine(Settings(mask_engine=name, threads=threads), ObjectStore())
        for name in ("classical", "matteflow")
    } | {"its network alone": OnnxEngine("matteflow", Weights(weights, digest([weights], "sha256")), threads)}
    names = [reference.name.split(".")[0] for reference in REFERENCES]
    print("|".join(["", " engine ", " mean ", *(f" {name} " for name in names), ""]))
    print("|".join(["", *["---"] * (len(names) + 2), ""]))
    for name, engine in engines.items():
        scores = agreement(engine)
        cells = [f"{np.mean(list(scores.values())):.3f}", *(f"{score:.3f}" for score in scores.values())]
        print("|".join(["", f" {name} ", *(f" {cell} " for cell in cells), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
