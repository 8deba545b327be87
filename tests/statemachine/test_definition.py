"""The rules that the state machine's file keeps, checked without running it."""

import inspect
import json
import re
from typing import Any

import pytest

from functions.core import errors
from tests.statemachine.workflow import (
    DEFINITION,
    FUNCTIONS,
    LAMBDA_TASKS,
    PLACEHOLDERS,
    PLACES,
    STATE_MACHINE_FILE,
    STATES,
    TASKS,
    State,
)

TERRAFORM_FUNCTIONS = STATE_MACHINE_FILE.parents[1] / "terraform" / "functions.tf"

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
WILDCARDS = {"States.ALL", "States.TaskFailed", "States.Timeout"}

ERROR_CLASSES = dict(inspect.getmembers(errors, inspect.isclass))
TRANSIENT = {name for name, kind in ERROR_CLASSES.items() if issubclass(kind, errors.TransientError)}
PERMANENT = {name for name, kind in ERROR_CLASSES.items() if issubclass(kind, errors.PermanentError)}

# When saving a failure fails, or a message can be neither sent nor kept, nothing is left to try.
LAST_RESORTS = {"SaveFailure", "KeepNotice", "KeepEvent", "KeepFailureNotice", "KeepFailureEvent"}


def each(states: dict[str, State]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("state", states.values(), ids=states.keys())


def error_names(state: State, field: str) -> list[str]:
    return [name for rule in state.get(field, []) for name in rule["ErrorEquals"]]


def test_the_file_is_json_before_its_placeholders_are_filled() -> None:
    """So a placeholder can stand in a string only, and an editor can read the file."""
    assert "${" in STATE_MACHINE_FILE.read_text()
    json.loads(STATE_MACHINE_FILE.read_text())


def test_the_placeholders_are_the_ones_that_terraform_fills() -> None:
    assert set(re.findall(r"\$\{(\w+)\}", STATE_MACHINE_FILE.read_text())) == set(PLACEHOLDERS)


def test_no_text_is_taken_for_a_directive_by_terraform() -> None:
    assert "%{" not in STATE_MACHINE_FILE.read_text()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_is_a_state_in_pascal_case(function: str) -> None:
    tasks = [name for name, task in LAMBDA_TASKS.items() if task["Arguments"]["FunctionName"].endswith(f":{function}")]
    assert function.title().replace("_", "") in tasks


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


@each(LAMBDA_TASKS)
def test_a_state_waits_longer_than_its_function_may_run(state: State) -> None:
    """So that Lambda's own time-out, which says what happened, comes first."""
    function = state["Arguments"]["FunctionName"].rsplit(":", 1)[-1]
    described = re.search(rf"^    {function} = {{.*?timeout_s += (\d+)", TERRAFORM_FUNCTIONS.read_text(), re.M | re.S)
    assert described
    assert state["TimeoutSeconds"] > int(described[1])


@each(TASKS)
def test_every_retry_is_bounded_and_has_full_jitter(state: State) -> None:
    assert state["Retry"]
    for retrier in state["Retry"]:
        assert retrier["JitterStrategy"] == "FULL"
        assert 1 <= retrier["MaxAttempts"] <= 6
        assert retrier["BackoffRate"] > 1
        assert retrier.get("MaxDelaySeconds", 60) > retrier["IntervalSeconds"]


@each(TASKS)
def test_no_error_is_retried_by_two_rules(state: State) -> None:
    names = error_names(state, "Retry")
    assert len(names) == len(set(names))


@each(LAMBDA_TASKS)
def test_a_function_is_retried_for_lambdas_own_faults_and_transient_errors_only(state: State) -> None:
    names = set(error_names(state, "Retry"))
    assert names >= LAMBDA_SERVICE_ERRORS | LAMBDA_CRASHES
    assert names - LAMBDA_SERVICE_ERRORS - LAMBDA_CRASHES <= TRANSIENT


@each(LAMBDA_TASKS)
def test_a_crashed_function_is_tried_once_more_only(state: State) -> None:
    for retrier in state["Retry"]:
        if LAMBDA_CRASHES & set(retrier["ErrorEquals"]):
            assert retrier["MaxAttempts"] == 1


def test_every_transient_error_is_retried_somewhere() -> None:
    retried = {name for state in LAMBDA_TASKS.values() for name in error_names(state, "Retry")}
    assert {name for name in TRANSIENT if name != "TransientError"} <= retried


@each(STATES)
def test_every_error_name_is_one_that_something_reports(state: State) -> None:
    names = {*error_names(state, "Retry"), *error_names(state, "Catch")}
    assert names <= LAMBDA_SERVICE_ERRORS | LAMBDA_CRASHES | WILDCARDS | TRANSIENT | PERMANENT


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


@each(TASKS)
def test_a_task_says_what_it_puts_out(state: State) -> None:
    """The default output would be the service's whole answer."""
    assert state["Output"]["upload"] == "{% $upload %}"


@each({name: place.state for name, place in PLACES.items() if place.parallel})
def test_no_branch_assigns_a_variable(state: State) -> None:
    """A variable assigned in a branch is gone when the branch ends, and may not bear an outer variable's name."""
    assert "Assign" not in state
    assert not any("Assign" in rule for rule in [*state.get("Catch", []), *state.get("Choices", [])])
