"""One map names the functions: folders, handlers, states, placeholders and log groups are held against it."""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.core import mask_function
from functions.core.models import ProcessingOptions
from functions.core.settings import EnvironmentModel
from scripts.terraform import PROJECT
from tests.infrastructure.deployment import Deployment

FUNCTIONS = PROJECT / "functions"
STATE_MACHINE = PROJECT / "statemachine" / "process_image.asl.json"
STEPS = ["validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result"]
NOT_STEPS = ["api", "complete_mask", "reconcile_records", "record_failure"]
OF_EVERY_FUNCTION = {"POWERTOOLS_SERVICE_NAME", "LOG_LEVEL"}
IMAGING_PACKAGES = {"PIL", "numpy"}
MOST_INIT_S = (
    10  # of a function that starts: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
)


def states_of(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state by name, those within Parallel branches too."""
    for name, state in machine["States"].items():
        yield name, state
        for branch in state.get("Branches", []):
            yield from states_of(branch)


def invocations() -> list[tuple[str, str, int]]:
    """State, function and time-out in seconds of each state that invokes a function."""
    return [
        (name, match[1], state["TimeoutSeconds"])
        for name, state in states_of(json.loads(STATE_MACHINE.read_text()))
        if (match := re.fullmatch(r"\$\{(\w+)_arn\}", state.get("Arguments", {}).get("FunctionName", "")))
    ]


def imported_packages(module: Path, seen: set[Path]) -> set[str]:
    """Top-level packages that a module of ``functions`` imports, also through other modules of it."""
    seen.add(module)
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    packages = {name.split(".")[0] for name in names}
    for name in names:
        file = PROJECT / Path(*name.split(".")).with_suffix(".py")
        if name.startswith("functions.") and file.exists() and file not in seen:
            packages |= imported_packages(file, seen)
    return packages


def models_below(model: type[EnvironmentModel]) -> Iterator[type[EnvironmentModel]]:
    for below in model.__subclasses__():
        yield below
        yield from models_below(below)


def settings_of(function: str) -> type[EnvironmentModel]:
    """The one model of its environment that a function has."""
    importlib.import_module(f"functions.{function}.handler")
    [settings] = [
        model for model in models_below(EnvironmentModel) if model.__module__.startswith(f"functions.{function}.")
    ]
    return settings


def test_a_function_is_a_folder_with_a_handler(deployments: dict[str, Deployment]) -> None:
    folders = {handler.parent.name for handler in FUNCTIONS.glob("*/handler.py")}

    made = {tier: set(deployments[tier].functions) for tier in ("deployment", "async", "lambda")}

    assert made["async"] == folders == {*STEPS, *NOT_STEPS}
    assert made["deployment"] == made["lambda"] == folders - {"complete_mask"}


def test_the_workflow_waits_for_a_token_only_where_masks_are_asynchronous(deployments: dict[str, Deployment]) -> None:
    ways = {
        tier: dict(states_of(deployments[tier].definition))["InferMask"]["Resource"].removeprefix("arn:aws:states:::")
        for tier in ("deployment", "async", "lambda")
    }

    assert ways == {
        "deployment": "lambda:invoke",
        "async": "lambda:invoke.waitForTaskToken",
        "lambda": "lambda:invoke",
    }


@pytest.mark.parametrize("name", [*STEPS, *NOT_STEPS])
def test_the_handler_of_a_function_exists(deployment: Deployment, name: str) -> None:
    *module, attribute = deployment.functions[name]["handler"].split(".")

    defined = ast.parse((PROJECT / Path(*module).with_suffix(".py")).read_text()).body

    assert attribute in {node.name for node in defined if isinstance(node, ast.FunctionDef)}


def test_every_step_has_a_state_of_its_name_and_every_invocation_a_function() -> None:
    of_state = {state: function for state, function, _ in invocations()}

    assert set(of_state.values()) == set(STEPS)
    assert {of_state.get(step.title().replace("_", "")) for step in STEPS} == set(STEPS)


def test_every_placeholder_of_the_state_machine_is_filled(deployment: Deployment) -> None:
    template, deployed = json.loads(STATE_MACHINE.read_text()), deployment.definition

    assert "${" not in json.dumps(deployed)
    assert [name for name, _ in states_of(deployed)] == [name for name, _ in states_of(template)]


@pytest.mark.parametrize(("state", "function", "state_timeout_s"), invocations())
def test_a_function_times_out_before_its_state(
    deployment: Deployment, state: str, function: str, state_timeout_s: int
) -> None:
    assert deployment.functions[function]["timeout"] < state_timeout_s, state


def test_a_mask_is_waited_for_longer_than_the_inference_function_may_take(deployments: dict[str, Deployment]) -> None:
    deployment = deployments["lambda"]
    [inference] = deployment.of_type("aws_lambda_function", "inference").values()
    waited_s = mask_function._CLIENT_CONFIG.read_timeout

    assert MOST_INIT_S + inference["timeout"] < waited_s < deployment.functions["infer_mask"]["timeout"]


@pytest.mark.parametrize("name", [*STEPS, *NOT_STEPS])
def test_a_function_logs_to_its_own_group(deployment: Deployment, name: str) -> None:
    function = deployment.functions[name]

    group = deployment.of_type("aws_cloudwatch_log_group")[name]["name"]

    assert function["logging_config"][0]["log_group"] == group == f"/aws/lambda/{function['function_name']}"


@pytest.mark.parametrize("name", [*STEPS, *NOT_STEPS])
def test_a_function_has_the_imaging_layer_exactly_if_it_touches_pixels(deployment: Deployment, name: str) -> None:
    packages = imported_packages(FUNCTIONS / name / "handler.py", set())

    layers = len(deployment.functions[name]["layers"])

    assert layers == (2 if packages & IMAGING_PACKAGES else 1)


@pytest.mark.parametrize("name", [*STEPS, *NOT_STEPS])
def test_a_function_gets_every_variable_that_it_needs_and_none_that_it_ignores(
    deployment: Deployment, name: str
) -> None:
    fields = settings_of(name).model_fields

    given = set(deployment.functions[name]["environment"][0]["variables"]) - OF_EVERY_FUNCTION

    assert {field.upper() for field in fields if fields[field].is_required()} <= given
    assert given <= {field.upper() for field in fields}


@pytest.mark.parametrize("name", ["api", "validate_image"])
def test_defaults_that_are_not_set_are_those_of_the_model(
    deployment: Deployment, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = deployment.functions[name]["environment"][0]["variables"]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    settings = settings_of(name).from_environment()

    assert variables["DEFAULT_OPTIONS"] == "{}"
    assert settings.model_dump()["default_options"] == ProcessingOptions().model_dump()


def test_every_option_has_a_default_to_set(deployments: dict[str, Deployment]) -> None:
    variables = deployments["every_default_set"].functions["validate_image"]["environment"][0]["variables"]

    options = ProcessingOptions.model_validate_json(variables["DEFAULT_OPTIONS"])

    for part in (options, options.crop, options.shadow, options.thumbnail_sizes[0]):
        assert part is not None
        assert part.model_fields_set == set(type(part).model_fields)
