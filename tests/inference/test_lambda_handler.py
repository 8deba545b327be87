"""The app as a Lambda function: one process, which answers requests in API Gateway's format 2.0 one after the other."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = """\
import json, sys
from inference_image.lambda_handler import handler
for line in sys.stdin:
    print(json.dumps(handler(json.loads(line), None)), flush=True)
"""

Invoke = Callable[[bytes, str], dict[str, Any]]


@pytest.fixture(scope="module")
def invoke() -> Iterator[Invoke]:
    """POST a body of a type to ``/invocations``; the function's answer."""
    http = {"method": "POST", "path": "/invocations", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ENVIRONMENT],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def post(body: bytes, content_type: str) -> dict[str, Any]:
            event = {
                "version": "2.0",
                "rawPath": http["path"],
                "rawQueryString": "",
                "headers": {"content-type": content_type},
                "requestContext": {"http": http},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            }
            print(json.dumps(event), file=stdin, flush=True)
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer

        yield post
        process.kill()


def picture() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((96, 64)).save(file, "JPEG")
    return file.getvalue()


def test_without_its_model_the_function_does_not_start(tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-W", "error", "-c", ENVIRONMENT],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "MASK_ENGINE": "absent", "MODEL_PATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert started.returncode == 1
    assert f"NotReady: {tmp_path / 'absent.onnx'} does not exist" in started.stderr


def test_requests_one_after_the_other_get_masks_with_their_facts(invoke: Invoke) -> None:
    for _ in range(2):
        answer = invoke(picture(), "image/jpeg")

        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
        assert answer["headers"]["content-type"] == "image/png"
        attributes = answer["headers"]["x-amzn-sagemaker-custom-attributes"]
        assert "model=matteflow;model-sha256=" in attributes
        with Image.open(io.BytesIO(base64.b64decode(answer["body"]))) as mask:
            assert (mask.mode, mask.size) == ("L", (96, 64))


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"no picture", "image/jpeg", 400), (b"{}", "application/json", 400), (b"", "text/plain", 415)],
)
def test_a_refusal_is_the_container_s_problem_document(
    invoke: Invoke, body: bytes, content_type: str, status: int
) -> None:
    answer = invoke(body, content_type)

    assert answer["statusCode"] == status
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(base64.b64decode(answer["body"]))["status"] == status
