"""Which deployment a command works on, and what it says where there is none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts import deployment, terraform
from scripts.deployment import DeploymentError, find_deployment

OUTPUTS = {"region": "eu-west-1", "table": "matteflow-dev-records"}


def deploy(monkeypatch: pytest.MonkeyPatch, outputs: Mapping[str, Any]) -> None:
    """Terraform knows these outputs of every environment."""
    monkeypatch.setattr(terraform, "initialize_environment", lambda _: None)
    monkeypatch.setattr(terraform, "outputs", lambda _: outputs)


def test_an_environment_on_aws_is_described_by_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(monkeypatch, OUTPUTS)
    found = find_deployment("dev")
    assert found.outputs == OUTPUTS
    assert found.client("sqs").meta.region_name == "eu-west-1"
    assert found.table().name == "matteflow-dev-records"


def test_an_environment_that_is_not_deployed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(monkeypatch, {})
    with pytest.raises(DeploymentError, match="make deploy ENV=dev"):
        find_deployment("dev")


def test_an_unknown_environment_names_those_there_are() -> None:
    with pytest.raises(DeploymentError, match=r"no environment 'nowhere'.*dev"):
        find_deployment("nowhere")


def test_a_local_stack_that_does_not_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="make run"):
        find_deployment(deployment.LOCAL, tmp_path / "stack.json")
