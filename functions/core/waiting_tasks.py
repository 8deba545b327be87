"""Step Functions: the tasks of the workflow that wait for their token to come back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})

_MAX_CAUSE_CHARACTERS = 32_768


class WaitingTasks:
    """Each method takes a task's token, and says whether the task was still waiting; if it was not, nothing happens.

    Every method raises:
        botocore.exceptions.ClientError: Step Functions refused the call for another reason than the task's end.
    """

    def __init__(self, client: SFNClient | None = None) -> None:
        self._client: SFNClient = client or boto3.client("stepfunctions", config=_CLIENT_CONFIG)

    def is_waiting(self, token: str) -> bool:
        return self._tell(self._client.send_task_heartbeat, taskToken=token)

    def succeed(self, token: str, payload: dict[str, Any]) -> bool:
        """End it as a function that returned ``payload`` would have."""
        return self._tell(self._client.send_task_success, taskToken=token, output=json.dumps({"Payload": payload}))

    def fail(self, token: str, error: Exception) -> bool:
        """End it as a function that raised ``error`` would have: by its class name."""
        name = type(error).__name__
        cause = json.dumps({"errorType": name, "errorMessage": str(error)})[:_MAX_CAUSE_CHARACTERS]
        return self._tell(self._client.send_task_failure, taskToken=token, error=name, cause=cause)

    def _tell(self, send: Callable[..., object], **message: str) -> bool:
        errors = self._client.exceptions
        try:
            send(**message)
        except (errors.TaskDoesNotExist, errors.TaskTimedOut, errors.InvalidToken):
            return False  # it is done, was given up, or its execution has ended
        return True
