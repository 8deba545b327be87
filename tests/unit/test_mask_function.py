"""Lambda through its adapter: the request that the function is sent, and which error each of its ends becomes.

Lambda is a server on this machine that answers in its documented form; what the function itself makes of the request
is tested with the inference app.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.core.errors import (
    EndpointMisconfigured,
    MaskEngineBusy,
    MaskEngineFailed,
    MaskRejected,
    MatteflowError,
)
from functions.core.mask_engine import EngineAnswer
from functions.core.mask_function import MaskFunction
from functions.core.models import Proxy
from tests.loopback import answering
from tests.unit.endpoint import FACTS, Endpoint

PROXY = Proxy(bucket="masks-bucket", key="a/proxy.jpg", width=64, height=48)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    function = Endpoint()
    with answering(function) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        yield function


def answer_with(function: Endpoint, status: int, body: bytes, attributes: str = FACTS) -> None:
    headers = {"x-amzn-sagemaker-custom-attributes": attributes} if attributes else {}
    encoded = base64.b64encode(body).decode()
    payload = {"statusCode": status, "headers": headers, "body": encoded, "isBase64Encoded": True}
    function.answer_with(200, json.dumps(payload).encode(), {"Content-Type": "application/json"})


def infer(model: str | None = None) -> EngineAnswer:
    return MaskFunction("inference").infer(PROXY, model)


@pytest.mark.parametrize("model", [None, "u2netp"])
def test_the_function_is_sent_a_reference_and_its_mask_comes_back(function: Endpoint, model: str | None) -> None:
    answer_with(function, 200, b"png")

    answer = infer(model)

    assert answer == EngineAnswer(b"png", "u2netp", "309c8469", "CPUExecutionProvider", 12.5)
    (sent,) = function.received
    assert sent.path == "/2015-03-31/functions/inference/invocations"
    request = json.loads(sent.body)
    assert (request["version"], request["requestContext"]["http"]["method"]) == ("2.0", "POST")
    assert json.loads(request["body"]) == {"image": {"bucket": "masks-bucket", "key": "a/proxy.jpg"}, "model": model}


@pytest.mark.parametrize(
    ("status", "error"), [(503, MaskEngineBusy), (429, MaskEngineBusy), (500, MaskEngineFailed), (400, MaskRejected)]
)
def test_the_status_of_the_container_decides(function: Endpoint, status: int, error: type[MatteflowError]) -> None:
    answer_with(function, status, b'{"detail": "because"}')
    with pytest.raises(error, match=f"answered {status}: .*because"):
        infer()
    assert len(function.received) == 1


def test_an_answer_that_does_not_say_where_it_is_from_is_no_mask(function: Endpoint) -> None:
    answer_with(function, 200, b"png", "")
    with pytest.raises(MaskRejected, match="does not say"):
        infer()


def test_a_function_that_broke_is_a_failure(function: Endpoint) -> None:
    broken: dict[str, Any] = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 60.00 seconds"}
    function.answer_with(200, json.dumps(broken).encode(), {"X-Amz-Function-Error": "Unhandled"})
    with pytest.raises(MaskEngineFailed, match="Task timed out after 60"):
        infer()


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (429, "TooManyRequestsException", MaskEngineBusy),
        (502, "ResourceNotReadyException", MaskEngineBusy),
        (500, "ServiceException", MaskEngineFailed),
        (404, "ResourceNotFoundException", EndpointMisconfigured),
        (403, "AccessDeniedException", EndpointMisconfigured),
    ],
)
def test_a_refusal_is_translated(function: Endpoint, status: int, name: str, error: type[MatteflowError]) -> None:
    function.refuse_with(status, name, {"Message": "because"})
    with pytest.raises(error, match=name):
        infer()
    assert len(function.received) == 1
