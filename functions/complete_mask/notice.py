"""SageMaker's notice of the end of an asynchronous inference.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from functions.core.errors import MaskEngineFailed, MatteflowError
from functions.core.mask_engine import MAX_MESSAGE_CHARACTERS, container_error

_CONTAINER_STATUS = re.compile(r"Received (?:client|server) error \((\d{3})\)")

S3Location = Annotated[str, StringConstraints(pattern=r"^s3://[^/]+/.+$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class Response(_Part):
    output_location: S3Location | None = None
    failure_location: S3Location | None = None


class InferenceNotice(_Part):
    """Either it completed, and its output is in S3, or it failed, and the reason is text."""

    inference_id: str
    invocation_status: Literal["Completed", "Failed"]
    response_parameters: Annotated[Response, Field(default_factory=Response)]
    failure_reason: str = ""

    @property
    def output(self) -> tuple[str, str]:
        """Bucket and key of what the container answered.

        Raises:
            MatteflowError: it did not; the class is that of a synchronous call with the same end.
        """
        location = self.response_parameters.output_location
        if self.invocation_status == "Failed" or location is None:
            raise self._error()
        return _object_at(location)

    @property
    def left_behind(self) -> list[tuple[str, str]]:
        """Bucket and key of everything that SageMaker wrote."""
        response = self.response_parameters
        return [_object_at(location) for location in (response.output_location, response.failure_location) if location]

    def _error(self) -> MatteflowError:
        status = _CONTAINER_STATUS.search(self.failure_reason)
        error = container_error(int(status[1])) if status else MaskEngineFailed
        return error(f"The inference endpoint made no mask: {self.failure_reason[:MAX_MESSAGE_CHARACTERS]}")


def _object_at(location: str) -> tuple[str, str]:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key
