"""Step Functions: whether the execution of a picture has stopped, and taking the picture up again in a new one.

A resumed picture goes through the whole workflow in a new execution, which claims it from the failed one. So it does
not matter how long ago it failed, whether the workflow has changed since, or how many resume it at once.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING, cast

import boto3
from botocore.config import Config

from functions.core.aws_errors import TRANSIENT_STATUSES, translated
from functions.core.errors import AccessDenied, MatteflowError, WorkflowUnavailable
from functions.core.models import Record, Status, Upload
from functions.core.record_store import RecordStore

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})

_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(("AccessDeniedException", "StateMachineDoesNotExist"), AccessDenied),
    **dict.fromkeys(
        (
            "ThrottlingException",
            "ExecutionLimitExceeded",
            "InternalServerError",
            "ServiceUnavailable",
            *TRANSIENT_STATUSES,
        ),
        WorkflowUnavailable,
    ),
}


class Workflow:
    """The state machine that processes pictures.

    Every method raises:
        WorkflowUnavailable: Step Functions throttled the call, failed, or could not be reached.
        AccessDenied: there is no such state machine, or the role may not do this.
    """

    def __init__(self, state_machine_arn: str, client: SFNClient | None = None) -> None:
        self._arn = state_machine_arn
        self._client: SFNClient = client or boto3.client("stepfunctions", config=_CLIENT_CONFIG)

    def has_stopped(self, record: Record) -> bool:
        """Whether a picture FAILED, or its execution was cut off before it could say so."""
        if record.status != Status.PROCESSING:
            return record.status == Status.FAILED
        try:
            return not self._is_running(str(record.execution_arn))
        except self._client.exceptions.ExecutionDoesNotExist:
            return True  # Step Functions forgets an execution after 90 days

    def resume(self, record: Record, records: RecordStore) -> str | None:
        """Start the execution that takes a stopped one up again; its ARN, or None if another has done so.

        Also the first execution of a picture whose upload came, but no event of it. Its name follows from the stopped
        one, so that resuming twice at once starts one. A number is counted up only past an execution that ended without
        claiming the picture, because a name can be used once in 90 days.
        """
        digest = hashlib.sha256(str(record.execution_arn).encode()).hexdigest()[:12]
        attempts = itertools.count(1)
        while True:
            name = f"resume-{record.image_id}-{digest}-{next(attempts)}"
            try:
                with translated("Step Functions", _ERRORS, WorkflowUnavailable):
                    return self._client.start_execution(
                        stateMachineArn=self._arn, name=name, input=json.dumps(_event(record))
                    )["executionArn"]
            except self._client.exceptions.ExecutionAlreadyExists:
                if self._is_running(f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"):
                    return None
                now = records.get(record.image_id)
                if now is None or now.execution_arn != record.execution_arn:
                    return None
                if now.status != Status.AWAITING_UPLOAD and not self.has_stopped(now):
                    return None

    def _is_running(self, execution_arn: str) -> bool:
        with translated("Step Functions", _ERRORS, WorkflowUnavailable):
            return self._client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"


def _event(record: Record) -> dict[str, object]:
    """The picture's S3 event as EventBridge gives it, and which execution is taken up again."""
    upload = cast("Upload", record.upload)  # what has stopped was uploaded
    return {
        "detail": {
            "bucket": {"name": upload.bucket},
            "object": {
                "key": upload.key,
                "version-id": upload.version,
                "etag": upload.etag,
                "size": upload.size,
                "sequencer": upload.sequencer,
            },
        },
        "resume_of": record.execution_arn,
    }
