"""The server of the dashboard's pages: what a path answers, what is kept, and what a page may do."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.local_stack.dashboard import create_app
from tests.local_stack.conftest import Serve

AWS_URL = "http://127.0.0.1:4566"
API_URL = f"{AWS_URL}/_aws/execute-api/abc/$default"
SCRIPT = "console.log('a picture');\n" * 100


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    pages = tmp_path / "dist"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html><title>Matteflow</title>")
    (pages / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (pages / "assets" / "index-abc.js").write_text(SCRIPT)
    return pages


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "stack.json"


@pytest.fixture
def site(serve: Serve, pages: Path, outputs: Path) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(create_app(pages, outputs, AWS_URL)), trust_env=False) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/index.html", "/results/0198", "/upload?x=1", "/a/b.c", "/assets"])
def test_a_path_that_is_no_file_is_a_page_of_the_site(site: httpx.Client, path: str) -> None:
    answer = site.get(path)

    assert answer.status_code == 200
    assert "<title>Matteflow" in answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_asset_is_compressed_and_kept_for_ever(site: httpx.Client) -> None:
    answer = site.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip"})

    assert answer.text == SCRIPT
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_missing_asset_is_not_another_page(site: httpx.Client) -> None:
    assert site.get("/assets/index-old.js").status_code == 404


def test_nothing_outside_of_the_pages_is_served(site: httpx.Client, outputs: Path) -> None:
    outputs.write_text('{"api_url": "secret"}')

    for path in ("/%2e%2e/stack.json", "/assets/%2e%2e/%2e%2e/stack.json", f"/%2f{outputs}"):
        assert "secret" not in site.get(path).text


def test_every_answer_forbids_what_no_page_needs(site: httpx.Client) -> None:
    for path in ("/", "/assets/index-abc.js", "/assets/missing.js", "/config.json"):
        headers = site.get(path).headers
        policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["connect-src"] == f"'self' {AWS_URL}"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_is_told_where_the_api_and_sign_in_are_once_the_stack_is_up(site: httpx.Client, outputs: Path) -> None:
    starting = site.get("/config.json")
    sign_in = {"issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A", "client_id": "abc"}
    demo_user = {"email": "demo@matteflow.test", "password": "secret"}
    outputs.write_text(json.dumps({"api_url": API_URL, "sign_in": sign_in, "demo_user": demo_user}))
    up = site.get("/config.json")

    assert starting.status_code == 503
    assert int(starting.headers["Retry-After"]) > 0
    assert up.json() == {"api_url": API_URL, "sign_in": sign_in}
    assert starting.headers["Cache-Control"] == up.headers["Cache-Control"] == "no-store"


def test_without_a_build_it_says_what_to_run_until_there_is_one(site: httpx.Client, pages: Path) -> None:
    index = (pages / "index.html").rename(pages / "elsewhere.html")
    unbuilt = site.get("/")
    index.rename(pages / "index.html")

    assert unbuilt.status_code == 503
    assert "make dashboard" in unbuilt.text
    assert site.get("/").status_code == 200
