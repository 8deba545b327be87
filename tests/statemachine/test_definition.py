"""The rules that the state machine's file keeps, checked without running it."""

import importlib
import json
from types import ModuleType
from typing import Any

import pytest

from functions.core import errors
from tests.statemachine.workflow import (
    DEFINITION,
    LAMBDA_TASKS,
    PLACES,
    STATE_MACHINE_FILE,
    STATES,
    TASKS,
    State,
)

# The names Step Functions reports for a failed Lambda invocation:
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
LAMBDA_SERVICE_ERRORS = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
}
LAMBDA_CRASHES = {"Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown"}
TRANSIENT = {error.__name__ for error in errors.TransientError.__subclasses__()}
OF_THE_API = {"WorkflowUnavailable"}  # no step invokes another
PERMANENT = {error.__name__ for error in errors.PermanentError.__subclasses__()}

# When saving a failure fails, or a message can be neither sent nor kept, nothing is left to try.
LAST_RESORTS = {"KeepMalformedEvent", "SaveFailure", "KeepNotice", "KeepEvent", "KeepFailureNotice", "KeepFailureEvent"}


def each(states: dict[str, State]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("state", states.values(), ids=states.keys())


def error_names(state: State, field: str) -> list[str]:
    return [name for rule in state.get(field, []) for name in rule["ErrorEquals"]]


def function_of(state: State) -> str:
    return str(state["Arguments"]["FunctionName"]).rsplit(":", 1)[-1]


def transient_errors_of(function: str) -> set[str]:
    """The transient errors that a function's modules name, those too that it uses of the core."""
    seen, unseen, named = {errors.__name__}, {f"functions.{function}.handler"}, set()
    while unseen:
        seen.add(module := unseen.pop())
        for value in vars(importlib.import_module(module)).values():
            home = value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))
            if home.startswith("functions.") and home not in seen:
                unseen.add(home)
            if home == errors.__name__:
                named.add(getattr(value, "__name__", ""))
    return named & TRANSIENT


def test_the_file_is_json_before_its_placeholders_are_filled() -> None:
    """So a placeholder can stand in a string only, and an editor can read the file."""
    assert "${" in STATE_MACHINE_FILE.read_text()
    json.loads(STATE_MACHINE_FILE.read_text())


def test_no_text_is_taken_for_a_directive_by_terraform() -> None:
    assert "%{" not in STATE_MACHINE_FILE.read_text()


def test_every_target_exists_in_the_same_machine_and_every_state_can_be_reached() -> None:
    def check(machine: dict[str, Any]) -> None:
        states = machine["States"]
        targets = {machine["StartAt"]}
        for state in states.values():
            rules = [*state.get("Choices", []), *state.get("Catch", [])]
            targets |= {state[field] for field in ("Next", "Default") if field in state}
            targets |= {rule["Next"] for rule in rules}
            for branch in state.get("Branches", []):
                check(branch)
        assert targets == set(states)

    check(DEFINITION)


def test_state_names_are_unique_over_all_branches() -> None:
    def names(machine: dict[str, Any]) -> list[str]:
        inner = [name for state in machine["States"].values() for b in state.get("Branches", []) for name in names(b)]
        return [*machine["States"], *inner]

    assert sorted(names(DEFINITION)) == sorted(STATES)


@each(STATES)
def test_fields_stand_in_one_order(state: State) -> None:
    order = ["Type", "Comment", "Resource", "Arguments", "TimeoutSeconds", "Branches", "Choices", "Default", "Error"]
    order += ["Cause", "Assign", "Output", "Retry", "Catch", "Next", "End"]
    assert list(state) == sorted(state, key=order.index)


@each(TASKS)
def test_every_task_has_a_timeout(state: State) -> None:
    assert 0 < state["TimeoutSeconds"] < DEFINITION["TimeoutSeconds"]


def longest_waits_s(retrier: dict[str, Any]) -> list[float]:
    """The wait before each try, in seconds; with full jitter it is half of that on average."""
    waits = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** tries for tries in range(retrier["MaxAttempts"]))
    return [min(wait, retrier.get("MaxDelaySeconds", wait)) for wait in waits]


@each(TASKS)
def test_every_retry_is_bounded_and_has_full_jitter(state: State) -> None:
    assert state["Retry"]
    for retrier in state["Retry"]:
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["MaxAttempts"] >= 1
        assert retrier["BackoffRate"] > 1
        assert max(longest_waits_s(retrier)) <= 120
        assert sum(longest_waits_s(retrier)) < DEFINITION["TimeoutSeconds"]


@pytest.mark.parametrize(
    ("task", "error", "wait_s"),
    [
        pytest.param(
            "ValidateImage", "PictureBusy", STATES["InferMask"]["TimeoutSeconds"], id="an older upload's mask"
        ),
        pytest.param("InferMask", "MaskEngineBusy", 60, id="an idle function's image"),
    ],
)
def test_a_retry_outlasts_what_it_waits_for(task: str, error: str, wait_s: float) -> None:
    [retrier] = [retrier for retrier in TASKS[task]["Retry"] if error in retrier["ErrorEquals"]]
    assert sum(longest_waits_s(retrier)) / 2 > wait_s


@each(TASKS)
def test_no_error_is_retried_by_two_rules(state: State) -> None:
    names = error_names(state, "Retry")
    assert len(names) == len(set(names))


@each(LAMBDA_TASKS)
def test_a_function_is_retried_for_lambdas_own_faults_and_the_transient_errors_it_can_raise(state: State) -> None:
    """Names are matched exactly, so a misspelt one would match nothing."""
    expected = LAMBDA_SERVICE_ERRORS | LAMBDA_CRASHES | transient_errors_of(function_of(state))
    assert set(error_names(state, "Retry")) == expected


@each({name: state for name, state in TASKS.items() if name not in LAMBDA_TASKS})
def test_every_failure_to_send_a_message_is_retried(state: State) -> None:
    assert set(error_names(state, "Retry")) == {"States.TaskFailed", "States.Timeout"}


def test_every_transient_error_can_be_raised_by_a_function_that_is_retried() -> None:
    assert set().union(*(transient_errors_of(function_of(state)) for state in LAMBDA_TASKS.values())) == (
        TRANSIENT - OF_THE_API
    )


@each(STATES)
def test_what_is_caught_by_name_is_a_permanent_error(state: State) -> None:
    assert set(error_names(state, "Catch")) - {"States.ALL"} <= PERMANENT


@each(LAMBDA_TASKS)
def test_a_crashed_function_is_tried_once_more_only(state: State) -> None:
    for retrier in state["Retry"]:
        if LAMBDA_CRASHES & set(retrier["ErrorEquals"]):
            assert retrier["MaxAttempts"] == 1


@each(STATES)
def test_states_all_is_never_retried_and_is_caught_alone_and_last(state: State) -> None:
    assert "States.ALL" not in error_names(state, "Retry")
    for catcher in state.get("Catch", [])[:-1]:
        assert "States.ALL" not in catcher["ErrorEquals"]
    if "Catch" in state:
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize("name", sorted(TASKS.keys() - LAST_RESORTS))
def test_every_failed_task_is_caught_by_itself_or_by_the_parallel_around_it(name: str) -> None:
    place = PLACES[name]
    assert "Catch" in place.state or (place.parallel and "Catch" in STATES[place.parallel])


@each({name: state for name, state in TASKS.items() if name != "KeepMalformedEvent"})
def test_a_task_says_what_it_puts_out(state: State) -> None:
    """The default output would be the service's whole answer."""
    assert state["Output"]["upload"] == "{% $upload %}"


@each({name: place.state for name, place in PLACES.items() if place.parallel})
def test_no_branch_assigns_a_variable(state: State) -> None:
    """A variable assigned in a branch is gone when the branch ends, and may not bear an outer variable's name."""
    assert "Assign" not in state
    assert not any("Assign" in rule for rule in [*state.get("Catch", []), *state.get("Choices", [])])
