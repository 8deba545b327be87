"""A Rekognition client that answers without a network, each operation with what a test has set."""

from collections import Counter
from typing import Any

import boto3
from botocore import exceptions as botocore_errors
from mypy_boto3_rekognition import RekognitionClient

from tests.unit.record_table import fixture

PARTS = {
    "labels": "GENERAL_LABELS",
    "faces": "DetectFaces",
    "text": "DetectText",
    "moderation": "DetectModerationLabels",
    "properties": "IMAGE_PROPERTIES",
}


class Rekognition:
    """The answers are those of ``tests/fixtures/rekognition.json``, by operation or, for DetectLabels, feature."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = fixture("rekognition")
        self.calls: Counter[str] = Counter()
        self.client: RekognitionClient = boto3.client("rekognition")
        self.client.meta.events.register("provide-client-params", self._note)
        self.client.meta.events.register("before-call", self._answer)

    def fail(self, part: str, fault: str | Exception) -> None:
        """Let a part fail with an error code, or with an exception of the SDK."""
        self.answers[PARTS[part]] = fault

    def _note(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["params"] = params

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        params = context["params"]
        name = params["Features"][0] if model.name == "DetectLabels" else model.name
        self.calls[name] += 1
        self.last_params = params
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            raise botocore_errors.ClientError({"Error": {"Code": answer, "Message": "no"}}, model.name)
        return _Success(), answer


class _Success:
    status_code = 200
