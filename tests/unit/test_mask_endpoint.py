"""SageMaker's runtime through its adapters: what is sent and read, and which error each refusal becomes.

The endpoint is a server on this machine that answers in SageMaker's documented form, so the SDK's own parsing is under
test too.
"""

import socket
from typing import Any

import boto3
import pytest
from botocore import exceptions as botocore_errors
from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

from functions.core.errors import (
    EndpointMisconfigured,
    MaskEngineBusy,
    MaskEngineFailed,
    MaskRejected,
    MatteflowError,
)
from functions.core.image_store import ImageStore
from functions.core.mask_endpoint import AsyncMaskEndpoint, MaskEndpoint
from functions.core.mask_engine import EngineAnswer
from functions.core.models import Proxy
from tests.loopback import HOST
from tests.unit.endpoint import FACTS, Endpoint
from tests.unit.record_table import fixture

PROXY = Proxy(bucket="masks-bucket", key="a/proxy.jpg", width=64, height=48)


class _Images(ImageStore):
    """Holds the proxy, and nothing else."""

    def __init__(self) -> None:
        """Without a client."""

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        assert (bucket, key, version) == (PROXY.bucket, PROXY.key, None)
        return b"jpeg"


def infer(model: str | None = None, client: SageMakerRuntimeClient | None = None) -> EngineAnswer:
    return MaskEndpoint("masks", _Images(), client).infer(PROXY, model)


def test_the_mask_and_its_facts_come_back(endpoint: Endpoint) -> None:
    answer = infer()
    assert answer == EngineAnswer(b"png", "u2netp", "309c8469", "CPUExecutionProvider", 12.5)
    (sent,) = endpoint.received
    assert (sent.path, sent.body) == ("/endpoints/masks/invocations", b"jpeg")
    assert (sent.headers["content-type"], sent.headers["accept"]) == ("image/jpeg", "image/png")
    assert "x-amzn-sagemaker-custom-attributes" not in sent.headers


def test_a_model_is_asked_for_by_name(endpoint: Endpoint) -> None:
    infer("isnet-general-use")
    assert endpoint.received[0].headers["x-amzn-sagemaker-custom-attributes"] == "model=isnet-general-use"


def test_an_engine_without_weights_has_no_checksum(endpoint: Endpoint) -> None:
    endpoint.answer_with_mask(b"png", "model=classical;provider=OpenCV;inference-ms=3")
    assert infer().model_sha256 is None


@pytest.mark.parametrize(
    "facts", ["", "model=u2netp", "provider=CPU;inference-ms=1", "model=m;provider=p;inference-ms=soon"]
)
def test_an_answer_that_does_not_say_where_it_is_from_is_no_mask(endpoint: Endpoint, facts: str) -> None:
    endpoint.answer_with(200, b"png", {"X-Amzn-SageMaker-Custom-Attributes": facts} if facts else {})
    with pytest.raises(MaskRejected, match="does not say"):
        infer()


@pytest.mark.parametrize(
    ("original_status", "error"),
    [
        (429, MaskEngineBusy),
        (503, MaskEngineBusy),
        (500, MaskEngineFailed),
        (502, MaskEngineFailed),
        (0, MaskEngineFailed),
        (400, MaskRejected),
        (413, MaskRejected),
        (415, MaskRejected),
    ],
)
def test_the_container_s_own_status_decides(
    endpoint: Endpoint, original_status: int, error: type[MatteflowError]
) -> None:
    endpoint.refuse_with(424, "ModelError", fixture("sagemaker_model_error") | {"OriginalStatusCode": original_status})
    with pytest.raises(error, match="masks refused the call: Received server error"):
        infer()
    # One call in flight: the SDK has not tried again by itself.
    assert len(endpoint.received) == 1


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (400, "ThrottlingException", MaskEngineBusy),
        (429, "ModelNotReadyException", MaskEngineBusy),
        (429, "TooManyRequests", MaskEngineBusy),
        (503, "ServiceUnavailable", MaskEngineBusy),
        (503, "ServiceUnavailableException", MaskEngineBusy),
        (500, "InternalFailure", MaskEngineFailed),
        (500, "Unheard-of", MaskEngineFailed),
        (530, "InternalDependencyException", MaskEngineFailed),
        (400, "ValidationError", EndpointMisconfigured),
        (403, "AccessDeniedException", EndpointMisconfigured),
    ],
)
def test_a_refusal_is_translated(endpoint: Endpoint, status: int, name: str, error: type[MatteflowError]) -> None:
    endpoint.refuse_with(status, name, {"Message": "because"})
    with pytest.raises(error, match="because"):
        infer()
    assert len(endpoint.received) == 1


def test_a_refusal_that_no_table_names_is_raised_as_it_is(endpoint: Endpoint) -> None:
    endpoint.refuse_with(400, "ExpiredTokenException", {"Message": "expired"})
    with pytest.raises(botocore_errors.ClientError, match="expired"):
        infer()


def test_an_endless_message_is_cut(endpoint: Endpoint) -> None:
    endpoint.refuse_with(500, "InternalFailure", {"Message": "x" * 10_000})
    with pytest.raises(MaskEngineFailed) as raised:
        infer()
    assert len(str(raised.value)) < 500


def test_hanging_up_is_a_failure(endpoint: Endpoint) -> None:
    endpoint.hang_up()
    with pytest.raises(MaskEngineFailed, match="ConnectionClosedError"):
        infer()
    assert len(endpoint.received) == 1


def test_breaking_off_within_the_mask_is_a_failure(endpoint: Endpoint) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": FACTS, "Content-Length": "1000"}
    endpoint.answer_with(200, b"part", headers)
    with pytest.raises(MaskEngineFailed, match="did not answer"):
        infer()


def test_a_refused_connection_means_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))  # and never listens
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"http://{HOST}:{silent.getsockname()[1]}")
        with pytest.raises(MaskEngineBusy, match="takes no connection"):
            infer()


@pytest.mark.parametrize("fault", [botocore_errors.ReadTimeoutError, botocore_errors.ConnectTimeoutError])
def test_no_answer_in_time_is_a_failure(fault: type[botocore_errors.BotoCoreError]) -> None:
    client = boto3.client("sagemaker-runtime")

    def fail(**_: Any) -> None:
        raise fault(endpoint_url="http://sagemaker")

    client.meta.events.register("before-call", fail)
    with pytest.raises(MaskEngineFailed, match=fault.__name__):
        infer(client=client)


def submit(model: str | None = None) -> None:
    AsyncMaskEndpoint("masks").submit(PROXY, "an-inference", model)


def test_a_submission_names_the_proxy_and_carries_nothing(endpoint: Endpoint) -> None:
    endpoint.answer_with(202, b'{"InferenceId": "an-inference"}', {"Content-Type": "application/json"})
    submit("isnet-general-use")
    (sent,) = endpoint.received
    assert (sent.path, sent.body) == ("/endpoints/masks/async-invocations", b"")
    headers = {name.removeprefix("x-amzn-sagemaker-"): value for name, value in sent.headers.items()}
    assert headers["inputlocation"] == "s3://masks-bucket/a/proxy.jpg"
    assert headers["inference-id"] == "an-inference"
    assert headers["custom-attributes"] == "model=isnet-general-use;facts=in-body"
    assert headers["content-type"] == "image/jpeg"
    assert int(headers["requestttlseconds"]) + int(headers["invocationtimeoutseconds"]) < 1200, "the state's time-out"


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [(503, "ServiceUnavailable", MaskEngineBusy), (400, "ValidationError", EndpointMisconfigured)],
)
def test_a_refused_submission_is_translated(
    endpoint: Endpoint, status: int, name: str, error: type[MatteflowError]
) -> None:
    endpoint.refuse_with(status, name, {"Message": "because"})
    with pytest.raises(error, match="because"):
        submit()
