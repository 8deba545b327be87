"""The state machine that Terraform deploys, rendered with stand-ins for its resources, and taken apart as a graph."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.unit.buckets import UPLOADS_BUCKET

STATE_MACHINE_FILE = Path(__file__).parents[2] / "statemachine" / "process_image.asl.json"

FUNCTIONS = ("validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result")
PLACEHOLDERS = {
    **{f"{name}_arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}" for name in FUNCTIONS},
    "infer_mask_callback": "",
    "topic_arn": "arn:aws:sns:us-east-1:000000000000:notices",
    "uploads_bucket": UPLOADS_BUCKET,
    "dead_letter_queue_url": "https://sqs.us-east-1.amazonaws.com/000000000000/dead-letter",
    "undelivered_queue_url": "https://sqs.us-east-1.amazonaws.com/000000000000/undelivered",
    "event_bus_name": "default",
    "confidence_threshold": "70",
}

State = dict[str, Any]


def render(text: str) -> str:
    """Put the stand-ins in, as Terraform's ``templatefile`` puts in the resources."""
    return re.sub(r"\$\{(\w+)\}", lambda placeholder: PLACEHOLDERS[placeholder[1]], text)


DEFINITION_TEXT = render(STATE_MACHINE_FILE.read_text())
DEFINITION: dict[str, Any] = json.loads(DEFINITION_TEXT)


class Place(NamedTuple):
    """A state and where it is: ``parallel`` is the Parallel state around it, ``branch`` its branch there."""

    state: State
    parallel: str | None
    branch: int


def _places(machine: dict[str, Any], parallel: str | None = None, branch: int = 0) -> Iterator[tuple[str, Place]]:
    for name, state in machine["States"].items():
        yield name, Place(state, parallel, branch)
        for index, inner in enumerate(state.get("Branches", [])):
            yield from _places(inner, name, index)


PLACES = dict(_places(DEFINITION))
STATES = {name: place.state for name, place in PLACES.items()}
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
LAMBDA_TASKS = {name: state for name, state in TASKS.items() if state["Resource"].endswith(":lambda:invoke")}


class Transition(NamedTuple):
    """One way out of a state, or around it: ``by`` is the field of the state that says so."""

    source: str
    by: str
    target: str | None = None

    def __str__(self) -> str:
        return f"{self.source}.{self.by}" + (f" to {self.target}" if self.target else "")


def _transitions_of(name: str, state: State) -> Iterator[Transition]:
    for field in ("Next", "Default"):
        if field in state:
            yield Transition(name, field, state[field])
    if state.get("End"):
        yield Transition(name, "End")
    for index, choice in enumerate(state.get("Choices", [])):
        yield Transition(name, f"Choices[{index}]", choice["Next"])
    for index, branch in enumerate(state.get("Branches", [])):
        yield Transition(name, f"Branches[{index}]", branch["StartAt"])
    for index in range(len(state.get("Retry", []))):
        yield Transition(name, f"Retry[{index}], then success")
        yield Transition(name, f"Retry[{index}], exhausted")
    for catcher in state.get("Catch", []):
        for error in catcher["ErrorEquals"]:
            yield Transition(name, f"Catch {error}", catcher["Next"])


def transitions() -> Iterator[Transition]:
    """Every transition that the file describes."""
    for name, state in STATES.items():
        yield from _transitions_of(name, state)
