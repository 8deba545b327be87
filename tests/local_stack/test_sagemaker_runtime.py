"""The runtime in front of a container: what it passes on, and what it makes of the container's errors."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from fastapi import FastAPI, Request, Response

from scripts.local_stack import async_inference, sagemaker_runtime

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

Serve = Callable[[FastAPI], str]
ENDPOINT = "masks"
ASYNC_ENDPOINT = "masks-async"
BUCKET = "async-inference"


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
    make_asynchronous_endpoint()


def make_asynchronous_endpoint() -> None:
    """It puts what it has to say into a bucket, and its notices into a queue."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    sns, sqs, sagemaker = boto3.client("sns"), boto3.client("sqs"), boto3.client("sagemaker")
    topic = sns.create_topic(Name=ASYNC_ENDPOINT)["TopicArn"]
    queue = sqs.create_queue(QueueName=ASYNC_ENDPOINT)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sagemaker.create_endpoint_config(
        EndpointConfigName=ASYNC_ENDPOINT,
        ProductionVariants=[
            {"VariantName": "main", "ModelName": ENDPOINT, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        ],
        AsyncInferenceConfig={
            "OutputConfig": {
                "S3OutputPath": f"s3://{BUCKET}/inference/",
                "S3FailurePath": f"s3://{BUCKET}/failures/",
                "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic},
            }
        },
    )
    sagemaker.create_endpoint(EndpointName=ASYNC_ENDPOINT, EndpointConfigName=ASYNC_ENDPOINT)


def submit(runtime: "SageMakerRuntimeClient", body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have a body taken in from S3; what the call answered, and the notice of its end."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key="input", Body=body)
    accepted = runtime.invoke_endpoint_async(
        EndpointName=ASYNC_ENDPOINT,
        InputLocation=f"s3://{BUCKET}/input",
        InferenceId="an-inference",
        ContentType="image/jpeg",
        Accept="image/png",
        CustomAttributes="model=a",
    )
    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName=ASYNC_ENDPOINT)["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    notice = json.loads(message["Body"])
    assert notice["inferenceId"] == accepted["InferenceId"] == "an-inference"
    assert notice["requestParameters"]["inputLocation"] == f"s3://{BUCKET}/input"
    return dict(accepted), notice


def body_at(location: str) -> bytes:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


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


def test_a_container_that_is_gone_is_a_model_error_without_status(serve: Serve) -> None:
    nowhere = "http://127.0.0.1:1"

    error = fail(client_of(serve(sagemaker_runtime.create_app(nowhere))), b"pixels")

    assert error["Error"]["Code"] == "ModelError"
    assert error["OriginalStatusCode"] == 0


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


def test_an_asynchronous_answer_lies_in_s3_and_a_notice_says_where(runtime: "SageMakerRuntimeClient") -> None:
    accepted, notice = submit(runtime, b"pixels")

    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert notice["invocationStatus"] == "Completed"
    assert notice["responseParameters"] == {"contentType": "image/png", "outputLocation": accepted["OutputLocation"]}
    assert body_at(accepted["OutputLocation"]) == b"image/jpeg image/png pixels"


def test_an_error_of_the_container_is_told_of_and_kept(runtime: "SageMakerRuntimeClient") -> None:
    accepted, notice = submit(runtime, b"503")

    assert notice["invocationStatus"] == "Failed"
    assert "Received server error (503) from model" in notice["failureReason"]
    assert body_at(accepted["FailureLocation"]) == b"the reason"


def test_an_endpoint_that_is_scaled_to_zero_gets_an_instance_first(
    runtime: "SageMakerRuntimeClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_inference, "COLD_START_S", 0.1)
    sagemaker = boto3.client("sagemaker")
    async_inference.scale(sagemaker, ASYNC_ENDPOINT, 0)

    _, notice = submit(runtime, b"pixels")

    assert notice["invocationStatus"] == "Completed"
    (variant,) = sagemaker.describe_endpoint(EndpointName=ASYNC_ENDPOINT)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 1


def test_a_real_time_endpoint_takes_nothing_asynchronously(runtime: "SageMakerRuntimeClient") -> None:
    with pytest.raises(ClientError, match="not an asynchronous one"):
        runtime.invoke_endpoint_async(EndpointName=ENDPOINT, InputLocation=f"s3://{BUCKET}/input")
