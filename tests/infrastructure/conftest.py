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
def terraform_test(
    terraform_data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., "CompletedProcess[str]"]:
    """``terraform test`` with archives that hold nothing, so that no build has to come before it."""
    build_dir = tmp_path_factory.mktemp("build")
    for name in ARCHIVES:
        zipfile.ZipFile(build_dir / f"{name}.zip", "w").close()

    def run(*options: str) -> "CompletedProcess[str]":
        return terraform.terraform(
            "test", f"-var=build_dir={build_dir}", "-no-color", *options, data_dir=terraform_data_dir, capture=True
        )

    return run


@pytest.fixture(scope="session")
def deployment(terraform_test: Callable[..., "CompletedProcess[str]"]) -> Deployment:
    done = terraform_test("-json", "-verbose", "-filter=tests/deployment.tftest.hcl")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    states = [event["test_state"] for event in events if event["type"] == "test_state"]
    assert len(states) == 1, done.stdout[-2000:] + done.stderr
    return Deployment(states[0]["root_module"]["resources"])
