"""The services that the state machine and its functions call, and what was seen of an execution from there."""

import importlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from PIL import Image

from tests.loopback import Posted, Reply, answering
from tests.statemachine.scenarios import Scenario
from tests.statemachine.workflow import PLACES, STATES, State
from tests.unit.lambda_context import Context
from tests.unit.pictures import decoded, encoded


class Call(NamedTuple):
    """One try of a task: the arguments that it was called with, and the error that it ended with, if it did."""

    state: str
    arguments: dict[str, Any]
    error: str | None


class Left(NamedTuple):
    """A state that was left: what it put out, and the state that followed it."""

    state: str
    output: Any
    following: str | None


@dataclass
class Run:
    """One execution, as it was seen from here."""

    scenario: Scenario
    upload_key: str
    entered: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    execution: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        """The states entered, in the notation of ``Scenario.path``. Fail states have no way out, so none is left."""
        ends = [left.following for left in self.left if left.following and STATES[left.following]["Type"] == "Fail"]
        return " ".join(self._with_branches(name) for name in [*self.entered, *ends] if PLACES[name].parallel is None)

    def _with_branches(self, name: str) -> str:
        if STATES[name]["Type"] != "Parallel":
            return name
        inner = [
            " ".join(
                state for state in self.entered if PLACES[state].parallel == name and PLACES[state].branch == index
            )
            for index in range(len(STATES[name]["Branches"]))
        ]
        return f"{name}({' | '.join(inner)})"

    def tries(self, state: str) -> list[Call]:
        return [call for call in self.calls if call.state == state]

    def payloads(self, state: str) -> list[dict[str, Any]]:
        """The payloads that a Lambda task was called with."""
        return [call.arguments["Payload"] for call in self.tries(state)]


class ServiceError(Exception):
    """What Step Functions would report of a failed call."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(error)
        self.reply = {"error": error, "cause": json.dumps({"errorType": error, "errorMessage": message})}


class Services:
    """Every service that the state machine and its functions call, but S3 and DynamoDB, which MiniStack is."""

    def __init__(self) -> None:
        self.run = Run(Scenario(""), "")
        self._names = {json.dumps(state, sort_keys=True): name for name, state in STATES.items()}
        assert len(self._names) == len(STATES)

    def name_of(self, state: State) -> str:
        return self._names[json.dumps(state, sort_keys=True)]

    def entered(self, state: State) -> dict[str, Any]:
        self.run.entered.append(self.name_of(state))
        return {}

    def left(self, state: State, output: Any, following: str | None) -> dict[str, Any]:
        self.run.left.append(Left(self.name_of(state), output, following))
        return {}

    def call(self, state: State, resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
        name = self.name_of(state)
        error = None
        try:
            return {"result": self._answer(name, resource, arguments)}
        except ServiceError as failed:
            error = failed.reply["error"]
            return failed.reply
        finally:
            self.run.calls.append(Call(name, arguments, error))

    def _answer(self, name: str, resource: str, arguments: dict[str, Any]) -> Any:
        scenario = self.run.scenario
        fault = next(iter(scenario.faults.get(name, ())[len(self.run.tries(name)) :]), None)
        if fault and not scenario.late:
            raise ServiceError(fault, f"{name} was made to fail.")
        if resource.endswith(":lambda:invoke"):
            result = invoke(arguments["FunctionName"].rsplit(":", 1)[-1], arguments["Payload"])
            if fault:
                raise ServiceError(fault, f"The answer of {name} was lost.")
            return {"ExecutedVersion": "$LATEST", "StatusCode": 200, "Payload": result}
        if resource.endswith(":putEvents"):
            return {"Entries": [{"EventId": str(uuid.uuid4())}], "FailedEntryCount": 0}
        return {"MessageId": str(uuid.uuid4())}

    def mask(self, image: bytes) -> bytes:
        """A grey PNG of the image's size: its left half foreground, all of it undecided, or none or all foreground."""
        size = decoded(image).size
        kind = self.run.scenario.mask
        mask = Image.new("L", size, {"certain": 0, "doubtful": 128, "empty": 0, "full": 255}[kind])
        if kind == "certain":
            mask.paste(255, (0, 0, size[0] // 2, size[1]))
        return encoded(mask)

    def recognize(self, operation: str) -> dict[str, Any]:
        """A little of what Rekognition would answer, in its form."""
        quality = {"Sharpness": 80.0, "Brightness": 60.0, "Contrast": 70.0}
        color = {"Red": 51, "Green": 102, "Blue": 204, "CSSColor": "royalblue", "PixelPercent": 100.0}
        face = {"Confidence": 99.0, "BoundingBox": {"Left": 0.25, "Top": 0.25, "Width": 0.125, "Height": 0.125}}
        blocked = {"Name": "Explicit", "ParentName": "", "TaxonomyLevel": 1, "Confidence": 99.0}
        answers: dict[str, dict[str, Any]] = {
            "DetectLabels": {
                "Labels": [{"Name": "Bicycle", "Confidence": 98.0, "Parents": [{"Name": "Vehicle"}]}],
                "ImageProperties": {"Quality": quality, "DominantColors": [color]},
            },
            "DetectFaces": {"FaceDetails": [face] * self.run.scenario.faces},
            "DetectText": {"TextDetections": []},
            "DetectModerationLabels": {
                "ModerationLabels": [blocked] if self.run.scenario.moderation == "blocked" else [],
                "ModerationModelVersion": "7.0",
            },
        }
        return answers[operation]


def invoke(function: str, payload: dict[str, Any]) -> Any:
    """Call a function's real handler, as Lambda does."""
    try:
        return importlib.import_module(f"functions.{function}.handler").handler(payload, Context(function))
    except Exception as exc:
        raise ServiceError(type(exc).__name__, str(exc)) from exc


@contextmanager
def served(services: Services) -> Iterator[str]:
    """Answer for ``services`` on this machine; the URL."""

    def answer(posted: Posted) -> Reply:
        if posted.path.startswith("/endpoints/"):
            facts = "model=test;provider=CPUExecutionProvider;inference-ms=1;queue-ms=0;batch-size=1"
            headers = {"Content-Type": "image/png", "X-Amzn-SageMaker-Custom-Attributes": facts}
            return Reply(services.mask(posted.body), headers)
        if posted.path == "/":
            reply = services.recognize(posted.headers["x-amz-target"].rsplit(".", 1)[-1])
        else:
            reply = getattr(services, posted.path.strip("/"))(**json.loads(posted.body))
        return Reply(json.dumps(reply).encode(), {"Content-Type": "application/json"})

    with answering(answer) as url:
        yield url
