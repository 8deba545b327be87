"""G1 and G2: pictures a second on an NVIDIA GPU, and the time of one, beside the same network run as rembg runs it.

ONNX Runtime for CUDA has an environment of its own, which ``make bench`` makes where there is a GPU; elsewhere the rows
hold no figure.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inference_image.engines.graphs import Graphs
from inference_image.engines.sessions import CUDA, open_session
from tests.benchmarks import u2netp
from tests.benchmarks.measure import Row, interleaved

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".tools" / "bench-gpu" / "bin" / "python"
THREADS = os.cpu_count() or 1
BATCH = 16
PICTURES = 64  # of one figure
REPEATS = 100  # of what takes a millisecond or so
NETWORKS = {"G1-320": ("U2-Net", u2netp.U2NET), "G1-1024": ("IS-Net", u2netp.ISNET), "G2": ("U2-Net", u2netp.U2NET)}
GOALS = {
    "G1-320": "at least 10x, mean error within 1 of 255; 2,500 on an H200",
    "G1-1024": "at least 10x, mean error within 1 of 255; 1,000 on an H200",
    "G2": "at least 3x, mean error within 1 of 255",
}

Run = Callable[[list[NDArray[np.floating]]], NDArray[np.floating]]


def on_gpu(name: str) -> Row:
    """Run G1-320, G1-1024 or G2 in the GPU's environment, if there is one."""
    if not PYTHON.exists():
        return _row(name)
    command = [PYTHON, "-m", "tests.benchmarks.gpu", name]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Row(**json.loads(said.splitlines()[-1]))  # ONNX Runtime may have said something before


def main() -> None:
    """Measure the one that is named, and print its row as JSON."""
    name = sys.argv[1]
    _, network = NETWORKS[name]
    with tempfile.TemporaryDirectory() as folder:
        half = u2netp.write(Path(folder) / "half.onnx", network=network, batch=None, half=True)
        if open_session(half, THREADS).get_providers()[0] != CUDA:
            row = _row(name)
        elif name == "G2":
            row = _latency(name, half, network.side)
        else:
            row = _throughput(name, half, u2netp.write(Path(folder) / "whole.onnx", network=network), network.side)
    print(json.dumps(row._asdict()))


def _throughput(name: str, half: Path, whole: Path, side: int) -> Row:
    """G1: in float16, 16 at a time by CUDA graphs; the peer in float32, one by one, every output fetched."""
    pictures = list(np.random.default_rng(0).standard_normal((PICTURES, 3, side, side), np.float32))
    halves = [picture.astype(np.float16) for picture in pictures]
    graphs = Graphs(open_session(half, THREADS, cuda_graphs=True), BATCH, _eagerly(half), halves[0])
    peer = onnxruntime.InferenceSession(whole, providers=[CUDA])

    def ours() -> NDArray[np.floating]:
        return np.concatenate([graphs.run(halves[at : at + BATCH]) for at in range(0, PICTURES, BATCH)])

    def theirs() -> NDArray[np.floating]:
        return np.concatenate([peer.run(None, {"image": picture[None]})[0] for picture in pictures])

    times = interleaved({"ours": ours, "rembg's way": theirs})
    error = float(np.abs(ours().astype(np.float32) - theirs()).mean() * 255)
    rates = {contender: round(PICTURES * 1000 / time_ms, 1) for contender, time_ms in times.items()}
    return _row(name, rates, rates["ours"] / rates["rembg's way"], error)


def _latency(name: str, half: Path, side: int) -> Row:
    """G2: one picture, from the host's memory and back into it."""
    picture = np.random.default_rng(0).standard_normal((3, side, side), np.float32).astype(np.float16)
    eagerly = _eagerly(half)
    graphs = Graphs(open_session(half, THREADS, cuda_graphs=True), 1, eagerly, picture)

    def repeat(run: Run) -> None:
        for _ in range(REPEATS):
            run([picture])

    times = interleaved({"ours": lambda: repeat(graphs.run), "FP16 without a graph": lambda: repeat(eagerly)})
    error = float(np.abs(graphs.run([picture]).astype(np.float32) - eagerly([picture])).mean() * 255)
    return _row(name, times, times["FP16 without a graph"] / times["ours"], error)


def _eagerly(model: Path) -> Run:
    """The first output of a plain run."""
    session = open_session(model, THREADS)
    output = session.get_outputs()[0].name
    return lambda batch: session.run([output], {"image": np.stack(batch)})[0]


def _row(name: str, figures: dict[str, float] | None = None, ratio: float | None = None, error: float = 0) -> Row:
    """A row of figures by contender, or of none; ``error`` is the mean one, of 255."""
    title, network = NETWORKS[name]
    unit = f"ms for {REPEATS} runs of one picture" if name == "G2" else "pictures/s"
    work = f"{title}'s shape at {network.side} px, FP16, CUDA graphs: {unit}"
    if figures is None or ratio is None:
        return Row(name, work, None, {}, None, None, GOALS[name], None)
    peers = {contender: figure for contender, figure in figures.items() if contender != "ours"}
    work += f"; mean error {error:.3f} of 255"
    met = ratio >= (3 if name == "G2" else 10) and error <= 1
    return Row(name, work, figures["ours"], peers, None, round(ratio, 2), GOALS[name], met)


if __name__ == "__main__":
    main()
