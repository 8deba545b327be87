"""Runs of a few batch sizes in fixed memory, on the CPU: the same runs that a GPU records as CUDA graphs."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state

from inference_image.engines import graphs
from inference_image.engines.graphs import Graphs, NotRecorded, batch_sizes
from inference_image.engines.onnx import OnnxEngine
from inference_image.engines.sessions import CPU, CUDA, open_session
from inference_image.weights import Weights

WriteModel = Callable[..., Path]
Runs = list[tuple[str, int, int]]  # of each run the graph's number, the address of its output, and the thread

SIDE = 32
MAX_BATCH = 6


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "DEVICE", "cpu")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Note what every run with bound memory is asked for."""
    seen: Runs = []
    run = onnxruntime.InferenceSession.run_with_iobinding

    def note(session: Any, binding: Any, options: Any = None) -> None:
        if options:
            address = binding.get_outputs()[0].data_ptr()
            seen.append((options.get_run_config_entry(graphs.GRAPH_ID), address, threading.get_ident()))
        run(session, binding, options)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", note)
    return seen


@pytest.fixture
def model(write_model: WriteModel, tmp_path: Path) -> Path:
    return write_model(tmp_path / "u2net.onnx", side=SIDE, batch=None)


def alone(session: onnxruntime.InferenceSession) -> Callable[[Any], NDArray[np.floating]]:
    return lambda batch: session.run(None, {session.get_inputs()[0].name: np.stack(batch)})[0]


def record(model: Path) -> tuple[Graphs, Callable[[Any], NDArray[np.floating]]]:
    session = open_session(model, threads=1)
    run = alone(session)
    return Graphs(session, MAX_BATCH, run, np.zeros((3, SIDE, SIDE), np.float32)), run


def pictures(count: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 3, SIDE, SIDE)).astype(np.float32)


def load(model: Path, **options: Any) -> OnnxEngine:
    return OnnxEngine(model.stem, Weights(model, hashlib.sha256(model.read_bytes()).hexdigest()), 1, **options)


@pytest.mark.parametrize(
    ("max_batch", "sizes"),
    [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (16, [1, 2, 4, 8, 16]), (17, [1, 2, 4, 8, 16, 17])],
)
def test_sizes_are_powers_of_two_and_the_most(max_batch: int, sizes: list[int]) -> None:
    assert batch_sizes(max_batch) == sizes


def test_every_number_of_pictures_gives_each_what_it_gets_alone(model: Path) -> None:
    recorded, run = record(model)

    for count in range(1, MAX_BATCH + 1):
        batch = pictures(count, seed=count)
        outputs = recorded.run(list(batch))
        assert np.allclose(outputs, np.concatenate([run([picture]) for picture in batch]), atol=1e-6)


def test_each_size_keeps_its_graph_its_memory_and_its_thread(model: Path, runs: Runs) -> None:
    recorded, _ = record(model)
    for count in (1, 2, 3, 4, 5, 6, 3):
        recorded.run(list(pictures(count)))

    # Recorded and tried, the largest first; then the next size that is enough
    assert [number for number, *_ in runs] == [*"44332211", *"1233443"]
    assert len({(number, address) for number, address, _ in runs}) == len(recorded.sizes) == 4
    assert len({thread for *_, thread in runs} - {threading.get_ident()}) == 1


def test_what_a_caller_holds_does_not_change_with_the_next_run(model: Path) -> None:
    recorded, _ = record(model)
    batch = pictures(4)
    first = recorded.run(list(batch))
    held, given = first.copy(), batch.copy()

    recorded.run(list(pictures(4, seed=2)))

    assert np.array_equal(first, held)
    assert np.array_equal(batch, given)


def test_graphs_that_give_something_else_are_refused(model: Path, write_model: WriteModel, tmp_path: Path) -> None:
    other = alone(open_session(write_model(tmp_path / "other.onnx", side=SIDE, gain=3, batch=None), threads=1))

    with pytest.raises(NotRecorded, match="for 6 pictures outputs differ by"):
        Graphs(open_session(model, threads=1), MAX_BATCH, other, np.zeros((3, SIDE, SIDE), np.float32))


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every session say that it runs on a GPU."""
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda _: [CUDA])


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize(("batch", "count", "graph", "sizes"), [(None, 3, "3", "1, 2, 4, 6"), (1, 1, "1", "1")])
def test_an_engine_on_a_gpu_runs_by_its_graphs(
    write_model: WriteModel,
    tmp_path: Path,
    runs: Runs,
    caplog: pytest.LogCaptureFixture,
    batch: int | None,
    count: int,
    graph: str,
    sizes: str,
) -> None:
    model = write_model(tmp_path / "u2net.onnx", side=SIDE, batch=batch)
    caplog.set_level(logging.INFO)
    engine, without = load(model, max_batch=MAX_BATCH), load(model, max_batch=MAX_BATCH, cuda_graphs=False)
    del runs[:]

    masks = engine.infer(list(pictures(count)))

    assert [number for number, *_ in runs] == [graph]
    assert all(map(np.array_equal, masks, without.infer(list(pictures(count)))))
    assert f"u2net runs by CUDA graphs of {sizes} pictures, recorded in" in caplog.text


@pytest.mark.usefixtures("cuda")
def test_a_model_that_cannot_be_recorded_is_served_without_graphs(
    model: Path, runs: Runs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = onnxruntime.InferenceSession

    def refuse(path: Path, options: Any, providers: list[tuple[str, dict[str, str]]]) -> onnxruntime.InferenceSession:
        if any("enable_cuda_graph" in chosen for _, chosen in providers):
            raise onnxruntime_pybind11_state.Fail("nodes have not been partitioned to the CUDAExecutionProvider")
        return opened(path, options, providers=[name for name, _ in providers if name != CUDA])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)

    engine = load(model, max_batch=MAX_BATCH)

    assert len(engine.infer(list(pictures(3)))) == 3
    assert (engine.provider, engine.max_batch) == (CUDA, MAX_BATCH)
    assert runs == []
    assert "u2net runs without CUDA graphs: nodes have not been partitioned" in caplog.text


def test_graphs_that_leave_the_gpu_are_not_used(
    model: Path, runs: Runs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # ONNX Runtime may fall back by itself
    active = iter([CUDA])
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda _: [next(active, CPU)])

    engine = load(model)

    assert (engine.provider, runs) == (CUDA, [])
    assert f"u2net runs without CUDA graphs: with them it runs on {CPU}" in caplog.text


def test_on_a_cpu_nothing_is_recorded(model: Path, runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    load(model).infer(list(pictures(1)))

    assert runs == []
    assert caplog.text == ""
