"""Lambda through the adapter: the composite that ApplyMask answers with, and what each refusal becomes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.core.compositor import Compositor
from functions.core.errors import (
    AccessDenied,
    ImageRejected,
    MatteflowError,
    StepFailed,
    StoreUnavailable,
    WorkflowUnavailable,
)
from functions.core.models import ApplyMaskRequest, ImageFacts, MaskFacts, Output, ProcessingOptions
from tests.loopback import Posted, Reply, answering
from tests.unit.record_table import fixture, make_upload

IMAGE_ID = "01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f"
REQUEST = ApplyMaskRequest(
    image_id=IMAGE_ID,
    upload=make_upload(),
    image=ImageFacts(format="JPEG", width=4, height=3, mode="RGB", size_bytes=9, sha256="0" * 64),
    mask=MaskFacts(
        bucket="m",
        key="k",
        width=4,
        height=3,
        model="m",
        provider="p",
        inference_ms=1,
        coverage=0.5,
        confidence=99,
    ),
    options=ProcessingOptions(outputs=("composite",), background="blur"),
    variant="0123abcd",
)
COMPOSITE = Output(
    kind="composite", key=f"{IMAGE_ID}/c.jpg", format="JPEG", width=4, height=3, bytes=9, background="blur"
)


class Function:
    """Lambda's Invoke on this machine; answers with what a test has set."""

    def __init__(self) -> None:
        self.received: list[Posted] = []
        self.reply: Reply | None = None

    def __call__(self, posted: Posted) -> Reply | None:
        self.received.append(posted)
        return self.reply

    def answer(self, payload: Any, **headers: str) -> None:
        self.reply = Reply(json.dumps(payload).encode(), {"Content-Type": "application/json", **headers})

    def fail(self, error: str, message: str) -> None:
        payload = fixture("lambda_error") | {"errorType": error, "errorMessage": message}
        self.answer(payload, **{"X-Amz-Function-Error": "Unhandled"})

    def refuse(self, status: int, error: str) -> None:
        body = json.dumps({"Type": "User", "message": "no"}).encode()
        self.reply = Reply(body, {"Content-Type": "application/json", "x-amzn-ErrorType": error}, status)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    function = Function()
    with answering(function) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        yield function


def test_the_request_reaches_the_step_and_its_output_comes_back(function: Function) -> None:
    function.answer({"outputs": [COMPOSITE.model_dump(mode="json")], "elapsed_ms": 12.5})
    assert Compositor("apply").compose(REQUEST) == COMPOSITE
    (sent,) = function.received
    assert sent.path == "/2015-03-31/functions/apply/invocations"
    assert ApplyMaskRequest.model_validate_json(sent.body) == REQUEST


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        ("ImageRejected", ImageRejected, "The picture is gone."),
        ("StoreUnavailable", StoreUnavailable, "The picture is gone."),
        ("Sandbox.Timedout", StepFailed, "ended with Sandbox.Timedout"),
        ("KeyError", StepFailed, "ended with KeyError"),
        ("annotations", StepFailed, "ended with annotations"),
    ],
)
def test_an_error_of_the_step_comes_back_under_its_own_name(
    function: Function, error: str, raised: type[MatteflowError], message: str
) -> None:
    function.fail(error, "The picture is gone.")
    with pytest.raises(MatteflowError, match=message) as caught:
        Compositor("apply").compose(REQUEST)
    assert type(caught.value) is raised


@pytest.mark.parametrize(
    ("status", "error", "raised"),
    [
        (429, "TooManyRequestsException", WorkflowUnavailable),
        (500, "ServiceException", WorkflowUnavailable),
        (404, "ResourceNotFoundException", AccessDenied),
        (403, "AccessDeniedException", AccessDenied),
    ],
)
def test_a_refusal_of_lambda_is_translated_and_not_tried_again(
    function: Function, status: int, error: str, raised: type[MatteflowError]
) -> None:
    function.refuse(status, error)
    with pytest.raises(raised, match=error):
        Compositor("apply").compose(REQUEST)
    assert len(function.received) == 1


def test_a_broken_connection_is_the_workflow_unavailable(function: Function) -> None:
    function.reply = None
    with pytest.raises(WorkflowUnavailable, match="could not be reached"):
        Compositor("apply").compose(REQUEST)
