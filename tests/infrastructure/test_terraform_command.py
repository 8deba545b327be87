"""The command that runs Terraform: what it runs, and what it refuses. On an emulator: test_environments.py."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import terraform

ON_AWS = ["dev", "production", "staging"]


@pytest.fixture
def deployments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own for what Terraform works with."""
    monkeypatch.setattr(terraform, "DEPLOYMENTS", tmp_path)
    return tmp_path


class Runs:
    """Terraform, as far as the command sees it: keeps what it is run with, writes plans, and ends as it is told."""

    def __init__(self) -> None:
        self.arguments: list[tuple[str, ...]] = []
        self.status: dict[str, int] = {}

    def __call__(self, *arguments: str, **_: object) -> "subprocess.CompletedProcess[str]":
        self.arguments.append(arguments)
        for argument in arguments:
            if argument.startswith("-out="):
                plan = Path(argument.removeprefix("-out="))
                plan.parent.mkdir(parents=True, exist_ok=True)
                plan.touch()
        return subprocess.CompletedProcess(arguments, self.status.get(arguments[0], 0), stdout="{}")

    @property
    def commands(self) -> list[str]:
        return [arguments[0] for arguments in self.arguments]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    monkeypatch.setattr(terraform, "terraform", runs)
    return runs


@pytest.mark.parametrize("name", ["moon", "local", "dev.private"])
def test_what_is_no_environment_on_aws_is_refused_with_those_that_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = terraform.main(["plan", name])

    assert status == 1
    said = capsys.readouterr().err
    assert all(known in said for known in ON_AWS)


def test_every_environment_names_its_region_and_may_be_put_into_another(deployments: Path) -> None:
    own, other = terraform.find_environment("dev"), terraform.find_environment("dev", "eu-west-1")

    assert {terraform.find_environment(name).region for name in ON_AWS} == {"us-east-1"}
    assert (own.words, other.words) == ("ENV=dev", "ENV=dev REGION=eu-west-1")
    assert len({own.folder, other.folder}) == 2
    assert all(deployments in environment.data_dir.parents for environment in (own, other))
    assert "-var=region=eu-west-1" in other.variables


def test_private_values_win_over_those_that_are_checked_in(
    deployments: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environments = deployments / "environments"
    shutil.copytree(terraform.ENVIRONMENTS, environments)
    (environments / "dev.private.tfvars").write_text('alarm_emails = ["ops@example.org"]\nlog_level = "DEBUG"\n')
    monkeypatch.setattr(terraform, "ENVIRONMENTS", environments)
    monkeypatch.setenv("TF_VAR_inference_image_uri", "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow:1")
    monkeypatch.setenv("TF_VAR_notification_emails", '["ana@example.org"]')

    values = terraform.values(terraform.find_environment("dev", "eu-west-1"))

    assert values["alarm_emails"] == ["ops@example.org"]
    assert values["notification_emails"] == ["ana@example.org"]
    assert (values["region"], values["log_level"], values["mask_tier"]) == ("eu-west-1", "DEBUG", "lambda")


@pytest.mark.usefixtures("deployments")
def test_what_is_approved_is_the_saved_plan_as_long_as_it_is_the_one(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = terraform.find_environment("staging")
    saved = str(environment.plan)

    terraform.plan(environment)
    terraform.deploy(environment, approved=True)
    assert runs.commands == ["plan", "apply"]
    assert runs.arguments[-1] == ("apply", "-input=false", saved)
    assert not environment.plan.exists()  # it can be applied once

    terraform.plan(environment)
    monkeypatch.setenv("TF_VAR_log_level", "DEBUG")
    terraform.deploy(environment, approved=True)
    assert runs.commands == ["plan", "apply", "plan", "plan", "apply"]  # the inputs are others now

    runs.status["plan"] = 1
    assert terraform.deploy(environment, approved=True) == 1
    assert runs.commands[5:] == ["plan"]


@pytest.mark.usefixtures("deployments")
def test_without_approval_terraform_asks(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform, "account_of", lambda _: "123456789012")
    environment = terraform.find_environment("dev")

    terraform.deploy(environment, approved=False)
    terraform.destroy(environment, approved=False)

    assert [("-auto-approve" in arguments, "-input=false" in arguments) for arguments in runs.arguments] == [
        (False, False)
    ] * 3  # the second is `output`, which tells whether data is protected


@pytest.mark.usefixtures("runs", "deployments")
def test_protected_data_is_not_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform, "outputs", lambda _: {"protect_data": True})

    with pytest.raises(
        terraform.TerraformError, match=r"protect_data = false in terraform/.*make deploy ENV=production"
    ):
        terraform.destroy(terraform.find_environment("production"), approved=True)


def test_a_missing_terraform_is_named_with_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(terraform.TerraformError, match=r"not on PATH.*developer\.hashicorp\.com"):
        terraform.terraform("version", data_dir=tmp_path)


def test_a_folder_of_providers_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))

    assert terraform.plugin_dir() == tmp_path


def test_a_failed_init_says_why(tmp_path: Path) -> None:
    with pytest.raises(terraform.TerraformError, match="terraform init failed"):
        terraform.initialize("-backend-config=no-such-setting=1", data_dir=tmp_path)
