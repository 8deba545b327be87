"""What CloudFront's functions make of a request's path, run by Node.js."""

import json
import shutil
import subprocess

import pytest

from scripts import terraform


def rewritten(function: str, uri: str) -> str:
    """The path that a function passes on; a request's query is not part of it."""
    code = (terraform.ROOT / "edge" / f"{function}.js").read_text()
    request = {"request": {"uri": uri, "querystring": {"name": {"value": "a.b/c"}}}}
    call = f"const passed = handler({json.dumps(request)}); console.log(JSON.stringify(passed));"
    node = shutil.which("node")
    assert node, "Node.js is needed: https://nodejs.org"
    done = subprocess.run([node, "-e", code + call], capture_output=True, text=True, check=True)
    passed = json.loads(done.stdout)
    assert passed["querystring"] == request["request"]["querystring"]
    return str(passed["uri"])


@pytest.mark.parametrize(
    ("uri", "passed"),
    [
        ("/", "/index.html"),
        ("/results/0198-7a", "/index.html"),
        ("/v1.2/results/", "/index.html"),
        ("/assets/x.js", "/assets/x.js"),
        ("/favicon.svg", "/favicon.svg"),
        ("/config.json", "/config.json"),
    ],
)
def test_a_path_that_is_no_file_is_a_page(uri: str, passed: str) -> None:
    assert rewritten("show_page", uri) == passed


@pytest.mark.parametrize(
    ("uri", "passed"),
    [
        ("/api/results", "/results"),
        ("/api/images/uploads/a%2Fb%2520c/status", "/images/uploads/a%2Fb%2520c/status"),
        ("/api/api/x", "/api/x"),
        ("/x/../api/results", "/x/../api/results"),
    ],
)
def test_the_api_is_asked_without_its_prefix_and_with_the_rest_as_it_came(uri: str, passed: str) -> None:
    assert rewritten("strip_api", uri) == passed
