"""The runtime in front of a container: what it passes on, and what it makes of the container's errors."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from fastapi import FastAPI, Request, Response

from scripts.local_stack import sagemaker_runtime

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

Serve = Callable[[FastAPI], str]
ENDPOINT = "masks"


def container() -> FastAPI:
    """A container that answers with the status that its body asks for, and echoes what reached it."""
    app = FastAPI()

    @app.post("/invocations")
    async def invoke(request: Request) -> Response:
        body = await request.body()
        if body.isdigit():
            return Response("the reason", int(body))
        headers = {
            "X-Amzn-SageMaker-Custom-Attributes": request.headers["X-Amzn-SageMaker-Custom-Attributes"] + ";seen"
        }
        seen = f"{request.headers['Content-Type']} {request.headers['Accept']} {body.decode()}"
        return Response(seen, media_type="image/png", headers=headers)

    return app


def client_of(url: str) -> "SageMakerRuntimeClient":
    return boto3.client("sagemaker-runtime", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="module")
def url(serve: Serve) -> str:
    return serve(sagemaker_runtime.create_app(serve(container())))


@pytest.fixture
def runtime(url: str) -> "SageMakerRuntimeClient":
    return client_of(url)


@pytest.fixture(autouse=True)
def _endpoint() -> None:
    sagemaker = boto3.client("sagemaker")
    if sagemaker.list_endpoints()["Endpoints"]:
        return
    role = "arn:aws:iam::123456789012:role/inference"
    sagemaker.create_model(ModelName=ENDPOINT, ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
    sagemaker.create_endpoint_config(
        EndpointConfigName=ENDPOINT,
        ProductionVariants=[
            {"VariantName": "main", "ModelName": ENDPOINT, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        ],
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)


def fail(runtime: "SageMakerRuntimeClient", body: bytes, endpoint: str = ENDPOINT) -> dict[str, Any]:
    with pytest.raises(ClientError) as failed:
        runtime.invoke_endpoint(EndpointName=endpoint, Body=body)
    return dict(failed.value.response)


def test_a_request_and_its_answer_are_passed_on_with_their_headers(runtime: "SageMakerRuntimeClient") -> None:
    answer = runtime.invoke_endpoint(
        EndpointName=ENDPOINT, Body=b"pixels", ContentType="image/jpeg", Accept="image/png", CustomAttributes="model=a"
    )

    assert answer["Body"].read() == b"image/jpeg image/png pixels"
    assert answer["ContentType"] == "image/png"
    assert answer["CustomAttributes"] == "model=a;seen"


@pytest.mark.parametrize(("status", "kind"), [(413, "client"), (429, "client"), (500, "server"), (503, "server")])
def test_an_error_of_the_container_becomes_a_model_error(
    runtime: "SageMakerRuntimeClient", status: int, kind: str
) -> None:
    error = fail(runtime, str(status).encode())

    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error["Error"]["Code"] == "ModelError"
    assert error["Error"]["Message"] == f'Received {kind} error ({status}) from primary with message "the reason".'
    assert (error["OriginalStatusCode"], error["OriginalMessage"]) == (status, "the reason")


def test_an_unknown_endpoint_is_a_validation_error(runtime: "SageMakerRuntimeClient") -> None:
    error = fail(runtime, b"pixels", endpoint="another")

    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error["Error"] == {"Code": "ValidationError", "Message": "Endpoint another not found."}


def test_a_container_that_is_gone_is_service_unavailable(serve: Serve) -> None:
    nowhere = "http://127.0.0.1:1"

    error = fail(client_of(serve(sagemaker_runtime.create_app(nowhere))), b"pixels")

    assert error["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert error["Error"]["Code"] == "ServiceUnavailable"


def test_a_container_that_answers_late_is_a_model_error_without_status(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sagemaker_runtime, "CONTAINER_TIMEOUT_S", 0.2)
    slow = FastAPI()

    @slow.post("/invocations")
    def invoke() -> None:
        time.sleep(1)

    error = fail(client_of(serve(sagemaker_runtime.create_app(serve(slow)))), b"pixels")

    assert error["Error"]["Code"] == "ModelError"
    assert error["OriginalStatusCode"] == 0
