"""Lambda: the ApplyMask function, invoked for one more composite, and the error that each of its refusals becomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from functions.core import errors
from functions.core.aws_errors import TRANSIENT_STATUSES, translated
from functions.core.errors import AccessDenied, MatteflowError, StepFailed, WorkflowUnavailable
from functions.core.models import ApplyMaskRequest, ApplyMaskResult, Output

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_CLIENT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=24,  # with what comes before and after it, within the 29 s of a request
    retries={"mode": "standard", "total_max_attempts": 1},
)

_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(("AccessDeniedException", "ResourceNotFoundException"), AccessDenied),
    **dict.fromkeys(
        (
            "TooManyRequestsException",
            "ServiceException",
            "EC2ThrottledException",
            "ResourceConflictException",
            "ResourceNotReadyException",
            *TRANSIENT_STATUSES,
        ),
        WorkflowUnavailable,
    ),
}


class Compositor:
    """The ApplyMask function of a deployment."""

    def __init__(self, function_name: str, client: LambdaClient | None = None) -> None:
        self._function_name = function_name
        self._client: LambdaClient = client or boto3.client("lambda", config=_CLIENT_CONFIG)

    def compose(self, request: ApplyMaskRequest) -> Output:
        """Have one composite made and written; the same request writes the same object.

        Raises:
            MatteflowError: what the step itself raised, by its name, such as ImageRejected for a picture that is gone.
            StepFailed: the step broke.
            WorkflowUnavailable: Lambda throttled the call or failed, or no answer came in time.
            AccessDenied: there is no such function, or the role may not invoke it.
        """
        with translated("Lambda", _ERRORS, WorkflowUnavailable):
            answer = self._client.invoke(FunctionName=self._function_name, Payload=request.model_dump_json())
            payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise _error_of(payload)
        payload.pop("elapsed_ms")
        (composite,) = ApplyMaskResult.model_validate(payload).outputs
        return composite


def _error_of(payload: dict[str, str]) -> MatteflowError:
    """The error that the function ended with; ours have messages that are written for people."""
    name = payload.get("errorType", "")
    error = getattr(errors, name, None)
    if isinstance(error, type) and issubclass(error, MatteflowError):
        return error(payload["errorMessage"])
    return StepFailed(f"The step that makes composites ended with {name or 'an error without a name'}.")
