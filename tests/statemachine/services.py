"""The services that the state machine and its functions call, and what was seen of an execution from there."""

import importlib
import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, NamedTuple

from PIL import Image

from tests.statemachine.scenarios import Scenario
from tests.statemachine.workflow import PLACES, STATES, State


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
        """A grey PNG of the image's size: its left half foreground, all of it undecided, or none of it foreground."""
        size = Image.open(io.BytesIO(image)).size
        kind = self.run.scenario.mask
        mask = Image.new("L", size, 128 if kind == "doubtful" else 0)
        if kind == "certain":
            mask.paste(255, (0, 0, size[0] // 2, size[1]))
        file = io.BytesIO()
        mask.save(file, "PNG")
        return file.getvalue()

    def recognize(self, operation: str) -> dict[str, Any]:
        """A little of what Rekognition would answer, in its form."""
        quality = {"Sharpness": 80.0, "Brightness": 60.0, "Contrast": 70.0}
        color = {"HexCode": "#3366cc", "CSSColor": "royalblue", "SimplifiedColor": "blue", "PixelPercent": 100.0}
        blocked = {"Name": "Explicit", "ParentName": "", "TaxonomyLevel": 1, "Confidence": 99.0}
        answers: dict[str, dict[str, Any]] = {
            "DetectLabels": {
                "Labels": [{"Name": "Bicycle", "Confidence": 98.0, "Parents": [{"Name": "Vehicle"}]}],
                "ImageProperties": {"Quality": quality, "DominantColors": [color]},
            },
            "DetectFaces": {"FaceDetails": []},
            "DetectText": {"TextDetections": []},
            "DetectModerationLabels": {
                "ModerationLabels": [blocked] if self.run.scenario.moderation == "blocked" else [],
                "ModerationModelVersion": "7.0",
            },
        }
        return answers[operation]


def invoke(function: str, payload: dict[str, Any]) -> Any:
    """Call a function's real handler, as Lambda does."""
    context = SimpleNamespace(
        function_name=function,
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        aws_request_id=str(uuid.uuid4()),
    )
    try:
        return importlib.import_module(f"functions.{function}.handler").handler(payload, context)
    except Exception as exc:
        raise ServiceError(type(exc).__name__, str(exc)) from exc


@contextmanager
def served(services: Services) -> Iterator[str]:
    """Answer for ``services`` on this machine; the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/endpoints/"):
                facts = "model=test;provider=CPUExecutionProvider;inference-ms=1;queue-ms=0;batch-size=1"
                self._reply("image/png", services.mask(body), {"X-Amzn-SageMaker-Custom-Attributes": facts})
                return
            if self.path == "/":
                reply = services.recognize(self.headers["X-Amz-Target"].rsplit(".", 1)[-1])
            else:
                reply = getattr(services, self.path.strip("/"))(**json.loads(body))
            self._reply("application/json", json.dumps(reply).encode(), {})

        def _reply(self, content_type: str, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(200)
            for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: what was called is in the run."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
