"""Which deployment a command works on, and what it says where there is none."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from scripts import deployment, find_lost, reconcile, redrive, replay, resume, terraform, users
from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment, find_deployment

OUTPUTS = {"region": "eu-west-1", "table": "matteflow-dev-records"}


def deploy(monkeypatch: pytest.MonkeyPatch, outputs: Mapping[str, Any]) -> None:
    """Terraform knows these outputs of every environment."""
    monkeypatch.setattr(terraform, "initialize_environment", lambda _: None)
    monkeypatch.setattr(terraform, "outputs", lambda _: outputs)


def test_an_environment_on_aws_is_described_by_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(monkeypatch, OUTPUTS)
    found = find_deployment("dev", region="eu-west-1")
    assert found.outputs == OUTPUTS
    assert found.client("sqs").meta.region_name == "eu-west-1"
    assert found.table().name == "matteflow-dev-records"


def test_an_environment_that_is_not_deployed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(monkeypatch, {})
    with pytest.raises(DeploymentError, match="make deploy ENV=dev"):
        find_deployment("dev")


def test_the_region_comes_from_the_command_line_of_make(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(monkeypatch, {})
    monkeypatch.setenv("REGION", "eu-west-1")
    parser = argparse.ArgumentParser()
    add_deployment(parser)
    with pytest.raises(DeploymentError, match="make deploy ENV=dev REGION=eu-west-1"):
        chosen_deployment(parser.parse_args(["--env", "dev"]))


@pytest.mark.usefixtures("aws")
def test_an_account_without_a_deployment_says_what_to_do() -> None:
    with pytest.raises(DeploymentError, match=r"Nothing is deployed in us-east-1.*make deploy ENV=dev"):
        find_deployment("dev")


def test_the_command_prints_the_outputs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(monkeypatch, OUTPUTS)
    assert deployment.main(["--env", "dev"]) == 0
    assert json.loads(capsys.readouterr().out) == OUTPUTS
    deploy(monkeypatch, {})
    assert deployment.main(["--env", "dev"]) == 1


def test_an_unknown_environment_names_those_there_are() -> None:
    with pytest.raises(DeploymentError, match=r"no environment 'nowhere'.*dev"):
        find_deployment("nowhere")


def test_a_local_stack_that_does_not_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="make run"):
        find_deployment(deployment.LOCAL, tmp_path / "stack.json")


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (find_lost.main, ["--from", "2026-11-20"]),
        (reconcile.main, []),
        (redrive.main, ["undelivered"]),
        (replay.main, []),
        (resume.main, []),
        (users.main, ["--email", "a@b.example"]),
    ],
)
def test_a_command_without_credentials_says_so(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    main: Callable[[list[str]], int],
    arguments: list[str],
) -> None:
    def refuse(*_: object) -> None:
        raise NoCredentialsError

    outputs = dict.fromkeys(("state_machine_arn", "uploads_bucket", "undelivered_queue_url"), "any")
    deploy(monkeypatch, OUTPUTS | outputs | {"sign_in": {"issuer": "https://cognito/pool"}})
    monkeypatch.setattr(Deployment, "client", refuse)
    assert main([*arguments, "--env", "dev"]) == 1
    assert "Unable to locate credentials" in capsys.readouterr().err
