"""The infrastructure, as Terraform itself makes it of the configuration with a mocked AWS: no account is asked."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from scripts import terraform
from tests.infrastructure.deployment import Deployment

ARCHIVES = ("functions", "layer-core", "layer-imaging")


@pytest.fixture(scope="session")
def terraform_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Terraform's working data with the real provider and no backend."""
    data_dir = tmp_path_factory.mktemp("terraform")
    terraform.initialize("-backend=false", data_dir=data_dir)
    return data_dir


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archives that hold nothing, so that no build has to come before."""
    build_dir = tmp_path_factory.mktemp("build")
    for name in ARCHIVES:
        zipfile.ZipFile(build_dir / f"{name}.zip", "w").close()
    return build_dir


@pytest.fixture(scope="session")
def terraform_test(terraform_data_dir: Path, build_dir: Path) -> Callable[..., "CompletedProcess[str]"]:
    """``terraform test``, with the options of a run."""

    def run(*options: str) -> "CompletedProcess[str]":
        return terraform.terraform(
            "test", f"-var=build_dir={build_dir}", "-no-color", *options, data_dir=terraform_data_dir, capture=True
        )

    return run


@pytest.fixture(scope="session")
def deployments(terraform_test: Callable[..., "CompletedProcess[str]"]) -> dict[str, Deployment]:
    """What each run of ``deployment.tftest.hcl`` makes, by the run's name."""
    done = terraform_test("-json", "-verbose", "-filter=tests/deployment.tftest.hcl")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    made = {
        event["@testrun"]: Deployment(event["test_state"]["root_module"]["resources"])
        for event in events
        if event["type"] == "test_state"
    }
    assert made, done.stdout[-2000:] + done.stderr
    return made


@pytest.fixture(scope="session")
def deployment(deployments: dict[str, Deployment]) -> Deployment:
    """The one with every function in it."""
    return deployments["async"]
