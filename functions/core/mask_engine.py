"""SageMaker's runtime: the endpoint that makes the masks, and the error that each of its refusals becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import parse_qsl

import boto3
from botocore import exceptions as botocore_errors
from botocore.config import Config

from functions.core.errors import (
    EndpointMisconfigured,
    MaskEngineBusy,
    MaskEngineFailed,
    MaskRejected,
    MatteflowError,
)

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sagemaker_runtime.type_defs import InvokeEndpointOutputTypeDef

_CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=65,  # the endpoint itself gives up after 60 s, and says so
    retries={"mode": "standard", "total_max_attempts": 1},  # the workflow retries, with one call in flight
)

# By error code or, where a code is not in here, by HTTP status.
_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(
        ("ThrottlingException", "ServiceUnavailable", "ModelNotReadyException", "429", "503"), MaskEngineBusy
    ),
    **dict.fromkeys(
        ("InternalFailure", "InternalDependencyException", "InternalStreamFailure", "500", "502", "504", "530"),
        MaskEngineFailed,
    ),
    **dict.fromkeys(("ValidationError", "AccessDeniedException", "403"), EndpointMisconfigured),
}

_MAX_MESSAGE_CHARACTERS = 300


class EngineAnswer(NamedTuple):
    """A mask as the endpoint sent it, unchecked, and where it came from."""

    png: bytes
    model: str
    model_sha256: str | None
    provider: str
    inference_ms: float


class MaskEngine:
    """One inference endpoint."""

    def __init__(self, endpoint_name: str, client: SageMakerRuntimeClient | None = None) -> None:
        self._endpoint_name = endpoint_name
        self._client: SageMakerRuntimeClient = client or boto3.client("sagemaker-runtime", config=_CLIENT_CONFIG)

    def infer(self, jpeg: bytes, model: str | None = None) -> EngineAnswer:
        """Ask once for the mask of a picture.

        Args:
            jpeg: the picture.
            model: the name of the endpoint's model to use; its default one when None.

        Raises:
            MaskEngineBusy: throttled, not ready, refused the connection, or has no room (429, 503).
            MaskEngineFailed: broke (another 5xx), did not answer in time, or broke off.
            MaskRejected: the container refused the picture (4xx), or its answer does not name model and provider.
            EndpointMisconfigured: there is no such endpoint, or the role may not call it.
        """
        attributes = {"CustomAttributes": f"model={model}"} if model is not None else {}
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._endpoint_name,
                ContentType="image/jpeg",
                Accept="image/png",
                Body=jpeg,
                **attributes,
            )
            return _read(answer)
        except botocore_errors.ClientError as exc:
            error = _error_of(exc)
            if error is None:
                raise
            message = exc.response["Error"].get("Message", "")[:_MAX_MESSAGE_CHARACTERS]
            raise error(f"The inference endpoint {self._endpoint_name} refused the call: {message}") from exc
        except botocore_errors.EndpointConnectionError as exc:
            raise MaskEngineBusy(f"The inference endpoint {self._endpoint_name} takes no connection.") from exc
        except (
            botocore_errors.ConnectionError,
            botocore_errors.HTTPClientError,
            botocore_errors.IncompleteReadError,
        ) as exc:
            message = f"The inference endpoint {self._endpoint_name} did not answer ({type(exc).__name__})."
            raise MaskEngineFailed(message) from exc


def _read(answer: InvokeEndpointOutputTypeDef) -> EngineAnswer:
    facts = dict(parse_qsl(answer.get("CustomAttributes", ""), separator=";"))
    try:
        return EngineAnswer(
            png=answer["Body"].read(),
            model=facts["model"],
            model_sha256=facts.get("model-sha256"),
            provider=facts["provider"],
            inference_ms=float(facts["inference-ms"]),
        )
    except (KeyError, ValueError) as exc:
        raise MaskRejected("The inference endpoint's answer does not say which model and provider made it.") from exc


def _error_of(exc: botocore_errors.ClientError) -> type[MatteflowError] | None:
    code = exc.response["Error"]["Code"]
    if code == "ModelError":
        return _container_error(cast("int", exc.response.get("OriginalStatusCode", 0)))
    return _ERRORS.get(code) or _ERRORS.get(str(exc.response["ResponseMetadata"]["HTTPStatusCode"]))


def _container_error(status: int) -> type[MatteflowError]:
    """What the container's own HTTP status means; 0 stands for no answer."""
    if status in (429, 503):
        return MaskEngineBusy
    return MaskRejected if 400 <= status < 500 else MaskEngineFailed
