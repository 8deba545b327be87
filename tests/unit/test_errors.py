"""The error tree: drawn as it is, and retried by the state machine exactly where it can help."""

import inspect
import re

import pytest

from functions.core import errors
from functions.core.errors import MatteflowError, PermanentError, TransientError
from tests.statemachine.workflow import LAMBDA_TASKS

# The tasks whose function calls a service that can fail in this way.
RAISED_BY: dict[type[TransientError], set[str]] = {
    errors.MaskEngineBusy: {"InferMask"},
    errors.MaskEngineFailed: {"InferMask"},
    errors.AnalysisUnavailable: {"AnalyzeImage"},
    errors.StoreUnavailable: set(LAMBDA_TASKS),
}


def family(root: type[MatteflowError]) -> list[type[MatteflowError]]:
    return [root, *(member for child in root.__subclasses__() for member in family(child))]


def drawn() -> list[tuple[int, str]]:
    """Depth and name of each line of the tree in the module's docstring."""
    lines = re.findall(r"^    ([ │]*)(?:[├└]── )?(\w+)", str(errors.__doc__), re.MULTILINE)
    return [(len(indent) // 4 + (name != "MatteflowError"), name) for indent, name in lines]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = [(len(error.__mro__) - len(MatteflowError.__mro__), error.__name__) for error in family(MatteflowError)]
    assert drawn() == classes


def test_every_error_of_the_module_is_in_the_tree_and_documented() -> None:
    defined = {
        member for _, member in inspect.getmembers(errors, inspect.isclass) if member.__module__ == errors.__name__
    }
    assert defined == set(family(MatteflowError))
    assert all(error.__doc__ for error in defined)


def test_every_error_is_permanent_or_transient() -> None:
    assert MatteflowError.__subclasses__() == [PermanentError, TransientError]


def test_every_transient_error_is_raised_somewhere() -> None:
    assert set(RAISED_BY) == {*family(TransientError)} - {TransientError}


def retried(task: str) -> set[str]:
    return {name for retrier in LAMBDA_TASKS[task].get("Retry", []) for name in retrier["ErrorEquals"]}


@pytest.mark.parametrize("task", LAMBDA_TASKS)
def test_a_task_retries_the_transient_errors_that_it_can_raise_and_no_other_of_ours(task: str) -> None:
    ours = retried(task) & {error.__name__ for error in family(MatteflowError)}
    assert ours == {error.__name__ for error, tasks in RAISED_BY.items() if task in tasks}


@pytest.mark.parametrize("task", LAMBDA_TASKS)
def test_what_a_task_retries_is_the_services_or_ours(task: str) -> None:
    # Given that a misspelt name of an error of ours would match nothing, and a wildcard everything
    services = {name for name in retried(task) if name.split(".")[0] in ("Lambda", "Runtime", "Sandbox")}
    assert retried(task) - services <= {error.__name__ for error in family(TransientError)}
    assert not {"States.ALL", "States.TaskFailed"} & retried(task)


@pytest.mark.parametrize("task", LAMBDA_TASKS)
def test_what_is_caught_by_name_is_a_permanent_error(task: str) -> None:
    caught = {name for catcher in LAMBDA_TASKS[task].get("Catch", []) for name in catcher["ErrorEquals"]}
    assert caught - {"States.ALL"} <= {error.__name__ for error in family(PermanentError)}
