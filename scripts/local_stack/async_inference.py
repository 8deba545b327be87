"""One asynchronous inference of SageMaker on one machine: from S3 through the container to S3, and its notice to SNS.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import boto3
import httpx

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient

COLD_START_S = 3.0  # on AWS minutes
HEADER = "X-Amzn-SageMaker-"


class AsyncRequest(NamedTuple):
    """What ``InvokeEndpointAsync`` was called with."""

    endpoint: str
    input_location: str
    inference_id: str
    container_headers: dict[str, str]

    @classmethod
    def of(cls, endpoint: str, headers: Mapping[str, str]) -> Self:
        forwarded = {
            "Content-Type": f"{HEADER}Content-Type",
            "Accept": f"{HEADER}Accept",
            f"{HEADER}Custom-Attributes": f"{HEADER}Custom-Attributes",
        }
        return cls(
            endpoint,
            headers[f"{HEADER}InputLocation"],
            headers.get(f"{HEADER}Inference-Id") or str(uuid.uuid4()),
            {name: headers[source] for name, source in forwarded.items() if source in headers},
        )


def async_config(endpoint: str) -> dict[str, Any] | None:
    """The endpoint's ``AsyncInferenceConfig``; None where it is a real-time endpoint."""
    sagemaker = boto3.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    found = sagemaker.describe_endpoint_config(EndpointConfigName=name).get("AsyncInferenceConfig")
    return dict(found) if found else None


def scale(sagemaker: "SageMakerClient", endpoint: str, instances: int) -> None:
    """Do what auto scaling would, which the emulator has not."""
    variants = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": variant["VariantName"], "DesiredInstanceCount": instances} for variant in variants
        ],
    )


@dataclass
class AsyncInference:
    """An accepted request, and where its answer goes."""

    request: AsyncRequest
    config: Mapping[str, Any]
    container_url: str
    timeout_s: float
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def output_location(self) -> str:
        return f"{self.config['OutputConfig']['S3OutputPath'].rstrip('/')}/{self.name}.out"

    @property
    def failure_location(self) -> str:
        output = self.config["OutputConfig"]
        return f"{output.get('S3FailurePath', output['S3OutputPath']).rstrip('/')}/{self.name}-error.out"

    def run(self) -> None:
        """Wait for an instance, ask the container, keep what it answers, and tell of it."""
        self._wait_for_an_instance()
        try:
            answer = httpx.post(
                f"{self.container_url}/invocations",
                content=_read(self.request.input_location),
                headers=self.request.container_headers,
                timeout=self.timeout_s,
                trust_env=False,
            )
        except httpx.TransportError as error:
            self._tell_of_failure(f"InternalServerError: the container did not answer ({type(error).__name__}).")
            return
        if answer.is_error:
            _write(self.failure_location, answer)
            kind = "client" if answer.is_client_error else "server"
            self._tell_of_failure(
                f"ClientError: Received {kind} error ({answer.status_code}) from model. "
                "See the SageMaker Endpoint logs in your account for more information."
            )
            return
        _write(self.output_location, answer)
        response = {"contentType": answer.headers["Content-Type"], "outputLocation": self.output_location}
        self._tell("SuccessTopic", invocationStatus="Completed", responseParameters=response)

    def _wait_for_an_instance(self) -> None:
        sagemaker = boto3.client("sagemaker")
        endpoint = sagemaker.describe_endpoint(EndpointName=self.request.endpoint)
        if not any(variant.get("CurrentInstanceCount") for variant in endpoint["ProductionVariants"]):
            time.sleep(COLD_START_S)
            scale(sagemaker, self.request.endpoint, 1)

    def _tell_of_failure(self, reason: str) -> None:
        response = {"failureLocation": self.failure_location}
        self._tell("ErrorTopic", invocationStatus="Failed", failureReason=reason, responseParameters=response)

    def _tell(self, topic: str, **facts: Any) -> None:
        now = datetime.now(UTC)
        notice = {
            "awsRegion": boto3.Session().region_name,
            "eventTime": now.isoformat(timespec="milliseconds"),
            "receivedTime": self.received.isoformat(timespec="milliseconds"),
            "requestParameters": {
                "endpointName": self.request.endpoint,
                "inputLocation": self.request.input_location,
                "contentType": self.request.container_headers.get("Content-Type"),
            },
            "inferenceId": self.request.inference_id,
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
            **facts,
        }
        arn = self.config["OutputConfig"]["NotificationConfig"][topic]
        boto3.client("sns").publish(TopicArn=arn, Message=json.dumps(notice))


def _read(location: str) -> bytes:
    bucket, key = _split(location)
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def _write(location: str, answer: httpx.Response) -> None:
    bucket, key = _split(location)
    content_type = answer.headers.get("Content-Type", "application/octet-stream")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=answer.content, ContentType=content_type)


def _split(location: str) -> tuple[str, str]:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key
