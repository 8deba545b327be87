"""Lambda: the function of the container image that makes the masks, and the error that each refusal becomes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from functions.core.aws_errors import translated
from functions.core.errors import EndpointMisconfigured, MaskEngineBusy, MaskEngineFailed, MatteflowError
from functions.core.mask_engine import (
    CUSTOM_ATTRIBUTES,
    MAX_MESSAGE_CHARACTERS,
    EngineAnswer,
    MaskEngine,
    container_error,
    engine_answer,
)
from functions.core.models import Proxy

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=80,  # the function ends after 60 s, and may have started for 10 s before
    retries={"mode": "standard", "total_max_attempts": 1},  # the workflow retries, with one call in flight
)

_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(
        ("TooManyRequestsException", "ResourceNotReadyException", "ResourceConflictException", "429", "503"),
        MaskEngineBusy,
    ),
    **dict.fromkeys(("ServiceException", "500", "502", "504"), MaskEngineFailed),
    **dict.fromkeys(("ResourceNotFoundException", "AccessDeniedException"), EndpointMisconfigured),
}


class MaskFunction(MaskEngine):
    """One function that takes the HTTP requests of the inference container, as API Gateway would hand them on."""

    def __init__(self, name: str, client: LambdaClient | None = None) -> None:
        self._name = name
        self._client: LambdaClient = client or boto3.client("lambda", config=_CLIENT_CONFIG)

    def infer(self, proxy: Proxy, model: str | None = None) -> EngineAnswer:
        """As every engine does. The container reads the proxy itself: an invocation carries 6 MB at most."""
        wanted = {"image": {"bucket": proxy.bucket, "key": proxy.key}, "model": model}
        with translated("Lambda", _ERRORS, MaskEngineFailed):
            answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(_request(wanted)))
            payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            reason = str(payload.get("errorMessage", answer["FunctionError"]))[:MAX_MESSAGE_CHARACTERS]
            raise MaskEngineFailed(f"The inference function {self._name} broke: {reason}")
        body = base64.b64decode(payload["body"]) if payload["isBase64Encoded"] else payload["body"].encode()
        if (status := payload["statusCode"]) != 200:
            reason = body[:MAX_MESSAGE_CHARACTERS].decode(errors="replace")
            raise container_error(status)(f"The inference function {self._name} answered {status}: {reason}")
        headers = {name.lower(): value for name, value in payload["headers"].items()}
        return engine_answer(body, headers.get(CUSTOM_ATTRIBUTES.lower(), ""))


def _request(wanted: dict[str, Any]) -> dict[str, Any]:
    """POST /invocations, in version 2.0 of API Gateway's format.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    path = "/invocations"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "accept": "image/png"},
        "requestContext": {"http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}},
        "body": json.dumps(wanted),
        "isBase64Encoded": False,
    }
