"""The benchmarks of the GPU: what they say where there is none, and that they run, here on the CPU."""

import functools
import json
import sys
from pathlib import Path

import pytest

from inference_image.engines import graphs
from inference_image.engines.sessions import CPU
from tests.benchmarks import gpu, measure, u2netp


@pytest.mark.parametrize("name", gpu.NETWORKS)
def test_without_a_gpu_a_row_has_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(gpu, "PYTHON", tmp_path / "python")

    row = gpu.on_gpu(name)

    assert (row.id, row.ours, row.peers, row.floor, row.ratio, row.met) == (name, None, {}, None, None, None)


def test_where_the_gpus_environment_finds_none_its_row_has_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "PYTHON", Path(sys.executable))

    assert gpu.on_gpu("G2").ours is None


@pytest.mark.parametrize(("name", "peer"), [("G1-320", "rembg's way"), ("G2", "FP16 without a graph")])
def test_measurements_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, peer: str
) -> None:
    small = ("U2-Net-P", u2netp.U2NETP._replace(side=64))
    for target, attribute, value in (
        (gpu, "CUDA", CPU),
        (graphs, "DEVICE", "cpu"),
        (gpu, "NETWORKS", dict.fromkeys(gpu.NETWORKS, small)),
        (gpu, "BATCH", 2),
        (gpu, "PICTURES", 4),
        (gpu, "REPEATS", 1),
        (gpu, "interleaved", functools.partial(measure.interleaved, runs=1)),
        (sys, "argv", ["gpu", name]),
    ):
        monkeypatch.setattr(target, attribute, value)

    gpu.main()

    row = measure.Row(**json.loads(capsys.readouterr().out))
    assert row.ours is not None
    assert row.ours > 0
    assert row.peers.keys() == {peer}
    assert row.ratio == pytest.approx((row.ours / row.peers[peer]) ** (1 if name == "G1-320" else -1), abs=0.01)
    assert "mean error 0." in row.work
