"""Fetching weights, from a server on the loopback interface: whole, right and licensed, or not there at all."""

import hashlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inference_image.registry import MODELS
from scripts.local_stack.services import inference_settings
from scripts.models import NotFetched, fetch, main, provide
from tests.loopback import HOST, free_port

ROOT = Path(__file__).parents[2]
WEIGHTS = bytes(range(256)) * 5000  # more than one chunk

Answer = Callable[[BaseHTTPRequestHandler], None]


def whole(request: BaseHTTPRequestHandler) -> None:
    assert request.path == "/u2net.onnx"
    _begin(request, len(WEIGHTS))
    request.wfile.write(WEIGHTS)


def other(request: BaseHTTPRequestHandler) -> None:
    _begin(request, len(WEIGHTS))
    request.wfile.write(WEIGHTS[::-1])


def broken_off(request: BaseHTTPRequestHandler) -> None:
    _begin(request, len(WEIGHTS))
    request.wfile.write(WEIGHTS[: len(WEIGHTS) // 2])


def absent(request: BaseHTTPRequestHandler) -> None:
    request.send_error(404)


def _begin(request: BaseHTTPRequestHandler, size: int) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(size))
    request.end_headers()


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """Answer every GET; gives the base URL, and the paths as they are asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing: the test knows what it asks for."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], tuple[str, list[str]]]]:
    with ExitStack() as running:
        yield lambda answer: running.enter_context(serving(answer))


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``WEIGHTS`` be what rembg publishes as ``u2net``."""
    checksum = f"md5:{hashlib.md5(WEIGHTS, usedforsecurity=False).hexdigest()}"
    monkeypatch.setitem(MODELS, "u2net", replace(MODELS["u2net"], checksum=checksum))


Serve = Callable[[Answer], tuple[str, list[str]]]


def test_the_file_is_fetched_once_and_stands_alone(serve: Serve, tmp_path: Path) -> None:
    url, asked = serve(whole)
    folder = tmp_path / "new" / "folder"

    assert fetch("u2net", folder, release_url=url) == folder / "u2net.onnx"
    assert fetch("u2net", folder, release_url=f"{url}/") == folder / "u2net.onnx"

    assert (folder / "u2net.onnx").read_bytes() == WEIGHTS
    assert [path.name for path in folder.iterdir()] == ["u2net.onnx"]
    assert len(asked) == 1


def test_a_model_of_two_files_is_fetched_whole(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def either(request: BaseHTTPRequestHandler) -> None:
        _begin(request, len(WEIGHTS))
        request.wfile.write(WEIGHTS)

    sam, checksum = MODELS["sam"], MODELS["u2net"].checksum
    assert sam.decoder
    decoder = replace(sam.decoder, checksum=checksum)
    monkeypatch.setitem(MODELS, "sam", replace(sam, checksum=checksum, decoder=decoder))
    url, asked = serve(either)

    assert fetch("sam", tmp_path, release_url=url) == tmp_path / "sam.onnx"

    assert asked == ["/sam_vit_b_01ec64.encoder.onnx", "/sam_vit_b_01ec64.decoder.onnx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sam.decoder.onnx", "sam.onnx"]


def test_an_altered_file_is_replaced(serve: Serve, tmp_path: Path) -> None:
    url, _ = serve(whole)
    (tmp_path / "u2net.onnx").write_bytes(b"altered")

    assert fetch("u2net", tmp_path, release_url=url).read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(other, "is not what rembg published"), (broken_off, "could not be fetched"), (absent, "answered 404")],
)
def test_what_goes_wrong_is_said_and_leaves_nothing(serve: Serve, tmp_path: Path, answer: Answer, reason: str) -> None:
    url, _ = serve(answer)

    with pytest.raises(NotFetched, match=reason):
        fetch("u2net", tmp_path, release_url=url)

    assert list(tmp_path.iterdir()) == []


def test_a_failed_fetch_keeps_the_file_that_is_there(serve: Serve, tmp_path: Path) -> None:
    url, _ = serve(other)
    (tmp_path / "u2net.onnx").write_bytes(b"mine")

    with pytest.raises(NotFetched):
        fetch("u2net", tmp_path, release_url=url)

    assert (tmp_path / "u2net.onnx").read_bytes() == b"mine"


def test_without_a_connection_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match="Is there a connection"):
        fetch("u2net", tmp_path, release_url=f"http://{HOST}:{free_port()}")


def test_a_folder_that_cannot_be_made_is_said(serve: Serve, tmp_path: Path) -> None:
    url, _ = serve(whole)
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(NotFetched, match="could not be written"):
        fetch("u2net", tmp_path / "file", release_url=url)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("u2nett", "There is no model 'u2nett'; there are u2net, "),
        ("u2net_cloth_seg", "cannot be served"),
        ("u2nett-fp16", "There is no model 'u2nett'; there are u2net, "),
        ("u2net_custom", "publishes no file"),
        ("u2net_custom-fp16", "publishes no file"),
        ("sam-fp16", "sam has two files"),
        ("bria-rmbg", "--allow-non-commercial"),
        ("bria-rmbg-fp16", "--allow-non-commercial"),
    ],
)
def test_what_may_not_or_cannot_be_fetched_is_not_asked_for(
    serve: Serve, tmp_path: Path, name: str, reason: str
) -> None:
    url, asked = serve(whole)

    with pytest.raises(NotFetched, match=reason):
        provide(name, tmp_path, release_url=url)

    assert asked == []


def test_a_non_commercial_model_is_fetched_where_that_is_allowed(serve: Serve, tmp_path: Path) -> None:
    url, asked = serve(absent)

    with pytest.raises(NotFetched, match="404"):
        fetch("bria-rmbg", tmp_path, release_url=url, allow_non_commercial=True)

    assert asked == ["/bria-rmbg-2.0.onnx"]


def test_the_command_says_whose_it_is_and_how_to_use_it(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, _ = serve(whole)
    monkeypatch.setattr(sys, "argv", ["models", "u2net", "--to", str(tmp_path), "--release-url", url])

    assert main() == 0

    said = capsys.readouterr().out
    assert "Apache-2.0" in said
    assert f"MASK_ENGINE=u2net MODEL_PATH={tmp_path} python -m inference_image serve" in said


def test_the_local_stack_serves_the_model_that_was_named_last(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = serve(whole)
    monkeypatch.delenv("MASK_ENGINE", raising=False)
    assert inference_settings() == {}

    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["models", *arguments, "--to", str(tmp_path), "--release-url", url])
        assert main() == 0

    run("u2net")
    assert inference_settings() == {"MASK_ENGINE": "u2net", "MODEL_PATH": str(tmp_path)}
    monkeypatch.setenv("MASK_ENGINE", "silueta")
    assert inference_settings()["MASK_ENGINE"] == "silueta"
    monkeypatch.delenv("MASK_ENGINE")
    run("matteflow")
    assert inference_settings() == {"MASK_ENGINE": "matteflow"}


def test_the_list_names_every_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["models", "--list"])
    monkeypatch.setenv("COLUMNS", "200")

    assert main() == 0

    said = capsys.readouterr().out
    assert all(name in said for name in (*MODELS, "NAME-fp16"))


def test_an_interrupted_download_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def endless(request: BaseHTTPRequestHandler) -> None:
        _begin(request, len(WEIGHTS))
        request.wfile.write(WEIGHTS[:1000])
        begun.set()
        may_end.wait(60)

    url, _ = serve(endless)
    command = [sys.executable, "-m", "scripts.models", "u2net", "--to", str(tmp_path), "--release-url", url]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert begun.wait(60)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
            may_end.set()

    assert process.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
