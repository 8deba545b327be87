"""Step Functions' event of an execution that has ended.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.core.models import Failure, Upload


class ExecutionEnd(BaseModel):
    """The event's ``detail``: an execution that did not succeed, and what it was started with."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    execution_arn: str
    status: Literal["ABORTED", "FAILED", "TIMED_OUT"]
    input: str | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def upload(self) -> Upload | None:
        """What the execution was started for; None if its input is no event of an upload."""
        try:
            detail = json.loads(self.input or "{}")["detail"]
            found = detail["object"]
            return Upload(
                bucket=detail["bucket"]["name"],
                key=found["key"],
                version=found["version-id"],
                etag=found["etag"],
                size=found["size"],
                sequencer=found["sequencer"],
            )
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def failure(self) -> Failure:
        """Why it ended: the workflow's own error, or how the execution was cut off."""
        error = self.error if self.status == "FAILED" else None
        return Failure(error=error or self.status, cause=self.cause or "")
