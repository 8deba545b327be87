"""What the app serves by which name, under which licence, and that a file is the one that was meant."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from inference_image.engines.load import load_engine
from inference_image.errors import NotReady
from inference_image.object_store import ObjectStore
from inference_image.registry import MODELS, Model, Output, find_model
from inference_image.settings import Settings

WriteModel = Callable[..., Path]

LICENCES_SEEN = "MIT|Apache-2.0|BRIA|none stated|your own"


def start(folder: Path, name: str, **settings: object) -> str:
    """Load an engine as the app does at start; gives its name."""
    chosen = Settings.model_validate({"mask_engine": name, "model_path": folder, "threads": 1, **settings})
    return load_engine(chosen, ObjectStore()).name


def md5(path: Path) -> str:
    return f"md5:{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_entry_is_whole(model: Model) -> None:
    assert model.source.startswith("https://") or (Path(__file__).parents[2] / model.source).is_file()
    assert re.search(LICENCES_SEEN, model.licence)
    for part in model.parts:
        assert (part.release_file is None) == (part.checksum is None or part.is_bundled)
        assert part.checksum is None or re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", part.checksum)
    assert model.output is not Output.CLASSES or model.unserved
    assert all(deviation > 0 for deviation in model.deviation)


def test_no_two_models_are_one_file() -> None:
    checksums = [part.checksum for model in MODELS.values() for part in model.parts if part.checksum]

    assert len(set(checksums)) == len(checksums)


def test_a_name_of_your_own_is_prepared_as_u2net() -> None:
    mine, u2net = find_model("mine"), MODELS["u2net"]

    assert mine == replace(u2net, name="mine", licence=mine.licence, release_file=None, checksum=None)


@pytest.mark.parametrize("name", ["u2net", "isnet-general-use", "birefnet-general", "bria-rmbg"])
def test_a_model_in_half_precision_is_prepared_and_licensed_as_the_whole_one(name: str) -> None:
    half = find_model(f"{name}-fp16")

    assert half == replace(MODELS[name], name=f"{name}-fp16", release_file=None, checksum=None)


def test_a_model_of_your_own_needs_no_checksum(write_model: WriteModel, tmp_path: Path) -> None:
    write_model(tmp_path / "mine.onnx")

    assert start(tmp_path, "mine") == "mine"


def test_the_published_file_is_taken(write_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "u2net.onnx")
    monkeypatch.setitem(MODELS, "u2net", replace(MODELS["u2net"], checksum=md5(path)))

    assert start(tmp_path, "u2net") == "u2net"


@pytest.mark.parametrize("name", ["u2net", "bria-rmbg"])
def test_an_altered_file_is_refused(write_model: WriteModel, tmp_path: Path, name: str) -> None:
    write_model(tmp_path / f"{name}.onnx")

    with pytest.raises(NotReady, match=f"is not the file that is published as {name}"):
        start(tmp_path, name, allow_non_commercial_models=True)


def test_a_hash_of_your_own_wins_over_the_published_one(write_model: WriteModel, tmp_path: Path) -> None:
    path = write_model(tmp_path / "u2net.onnx")

    assert start(tmp_path, "u2net", model_sha256=hashlib.sha256(path.read_bytes()).hexdigest()) == "u2net"
    with pytest.raises(NotReady, match="MODEL_SHA256"):
        start(tmp_path, "u2net", model_sha256="0" * 64)


@pytest.mark.parametrize("name", ["u2net", "u2net-fp16"])
def test_a_missing_file_of_a_known_model_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotReady, match=re.escape(f"{tmp_path}/{name}.onnx does not exist")) as refused:
        start(tmp_path, name)

    assert "silueta" not in str(refused.value)


@pytest.mark.parametrize("name", ["u2nett", "u2nett-fp16"])
def test_an_unknown_name_without_a_file_is_answered_with_what_there_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotReady, match=re.escape(f"{tmp_path}/{name}.onnx does not exist")) as refused:
        start(tmp_path, name)

    assert all(name in str(refused.value) for name in ("classical", *MODELS))


def test_a_non_commercial_model_needs_leave(
    write_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(tmp_path / "bria-rmbg.onnx")
    monkeypatch.setitem(MODELS, "bria-rmbg", replace(MODELS["bria-rmbg"], checksum=md5(path)))

    write_model(tmp_path / "bria-rmbg-fp16.onnx")

    for name in ("bria-rmbg", "bria-rmbg-fp16"):
        with pytest.raises(NotReady, match="ALLOW_NON_COMMERCIAL_MODELS"):
            start(tmp_path, name)
        assert start(tmp_path, name, allow_non_commercial_models="true") == name


def test_what_gives_no_single_mask_is_refused_with_its_reason(write_model: WriteModel, tmp_path: Path) -> None:
    write_model(tmp_path / "u2net_cloth_seg.onnx")

    with pytest.raises(NotReady, match="three kinds of clothes"):
        start(tmp_path, "u2net_cloth_seg")
