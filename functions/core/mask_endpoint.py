"""SageMaker: the endpoint that makes the masks, and the error that each of its refusals becomes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore import exceptions as botocore_errors
from botocore.config import Config

from functions.core.errors import EndpointMisconfigured, MaskEngineBusy, MaskEngineFailed, MatteflowError
from functions.core.image_store import ImageStore
from functions.core.mask_engine import (
    MAX_MESSAGE_CHARACTERS,
    EngineAnswer,
    MaskEngine,
    container_error,
    engine_answer,
)
from functions.core.models import Proxy

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=65,  # the endpoint itself gives up after 60 s, and says so
    retries={"mode": "standard", "total_max_attempts": 1},  # the workflow retries, with one call in flight
)

# Asked only for people to see, so it may hold nobody up.
_DESCRIBE_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})

# By error code or, where a code is not in here, by HTTP status.
_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(
        ("ThrottlingException", "ServiceUnavailable", "ModelNotReadyException", "429", "503"), MaskEngineBusy
    ),
    **dict.fromkeys(
        ("InternalFailure", "InternalDependencyException", "InternalStreamFailure", "500", "502", "504", "530"),
        MaskEngineFailed,
    ),
    **dict.fromkeys(("ValidationError", "ValidationException", "AccessDeniedException", "403"), EndpointMisconfigured),
}

# An instance starts within ten minutes, where there is one to be had; the state's own time-out is longer.
_MAX_QUEUED_S = 900
_MAX_INVOCATION_S = 60


class MaskEndpoint(MaskEngine):
    """One real-time endpoint."""

    def __init__(self, name: str, images: ImageStore, client: SageMakerRuntimeClient | None = None) -> None:
        self._name = name
        self._images = images
        self._client: SageMakerRuntimeClient = client or boto3.client("sagemaker-runtime", config=_CLIENT_CONFIG)

    def infer(self, proxy: Proxy, model: str | None = None) -> EngineAnswer:
        """As every engine does.

        Raises:
            StoreUnavailable, AccessDenied: from S3.
            ImageRejected: the proxy is gone.
        """
        jpeg = self._images.get(proxy.bucket, proxy.key)
        with _translated(self._name):
            answer = self._client.invoke_endpoint(EndpointName=self._name, Body=jpeg, **_headers(model=model))
            return engine_answer(answer["Body"].read(), answer.get("CustomAttributes", ""))


class AsyncMaskEndpoint:
    """One asynchronous endpoint: it takes a proxy at once, and tells its SNS topics when the mask is in S3.

    Its methods raise as ``MaskEngine.infer`` does.
    """

    def __init__(
        self,
        name: str,
        runtime: SageMakerRuntimeClient | None = None,
        sagemaker: SageMakerClient | None = None,
    ) -> None:
        self._name = name
        self._runtime: SageMakerRuntimeClient = runtime or boto3.client("sagemaker-runtime", config=_CLIENT_CONFIG)
        self._sagemaker: SageMakerClient = sagemaker or boto3.client("sagemaker", config=_DESCRIBE_CONFIG)

    def is_scaled_to_zero(self) -> bool:
        """Whether an instance has to start before the next mask is made."""
        with _translated(self._name):
            variants = self._sagemaker.describe_endpoint(EndpointName=self._name)["ProductionVariants"]
        return not any(variant.get("CurrentInstanceCount") for variant in variants)

    def submit(self, proxy: Proxy, inference_id: str, model: str | None = None) -> None:
        """Have the mask of a proxy made.

        Args:
            inference_id: what the notice will name; at most 64 characters.
            model: the name of the model to use; the container's own when None.
        """
        with _translated(self._name):
            self._runtime.invoke_endpoint_async(
                EndpointName=self._name,
                InputLocation=f"s3://{proxy.bucket}/{proxy.key}",
                InferenceId=inference_id,
                RequestTTLSeconds=_MAX_QUEUED_S,
                InvocationTimeoutSeconds=_MAX_INVOCATION_S,
                **_headers(model=model, facts="in-body"),
            )


def _headers(**attributes: str | None) -> dict[str, Any]:
    custom = ";".join(f"{name}={value}" for name, value in attributes.items() if value is not None)
    return {
        "ContentType": "image/jpeg",
        "Accept": "image/png",
        **({"CustomAttributes": custom} if custom else {}),
    }


@contextmanager
def _translated(endpoint: str) -> Iterator[None]:
    try:
        yield
    except botocore_errors.ClientError as exc:
        error = _error_of(exc)
        if error is None:
            raise
        message = exc.response["Error"].get("Message", "")[:MAX_MESSAGE_CHARACTERS]
        raise error(f"The inference endpoint {endpoint} refused the call: {message}") from exc
    except botocore_errors.EndpointConnectionError as exc:
        raise MaskEngineBusy(f"The inference endpoint {endpoint} takes no connection.") from exc
    except (
        botocore_errors.ConnectionError,
        botocore_errors.HTTPClientError,
        botocore_errors.IncompleteReadError,
    ) as exc:
        raise MaskEngineFailed(f"The inference endpoint {endpoint} did not answer ({type(exc).__name__}).") from exc


def _error_of(exc: botocore_errors.ClientError) -> type[MatteflowError] | None:
    code = exc.response["Error"]["Code"]
    if code == "ModelError":
        return container_error(cast("int", exc.response.get("OriginalStatusCode", 0)))
    return _ERRORS.get(code) or _ERRORS.get(str(exc.response["ResponseMetadata"]["HTTPStatusCode"]))
