"""The configuration against Terraform, the real provider's schema, and Checkov."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import terraform

CHECKOV = terraform.PROJECT / ".tools" / "checkov" / "bin" / "checkov"


def test_the_configuration_is_formatted(tmp_path: Path) -> None:
    done = terraform.terraform("fmt", "-check", "-recursive", "-diff", data_dir=tmp_path, capture=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid(terraform_data_dir: Path) -> None:
    done = terraform.terraform("validate", "-no-color", data_dir=terraform_data_dir, capture=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_terraforms_own_tests_pass(terraform_test: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    done = terraform_test()

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("environment", sorted(terraform.ENVIRONMENTS.glob("*.tfvars")), ids=lambda file: file.stem)
def test_an_environment_sets_only_variables_that_exist(environment: Path) -> None:
    # Terraform only warns of an unknown name in a variables file.
    declared = set(re.findall(r'^variable "(\w+)"', (terraform.ROOT / "variables.tf").read_text(), re.MULTILINE))

    given = dict(re.findall(r"^(\w+) *= *(.+)$", environment.read_text(), re.MULTILINE))

    assert set(given) <= declared
    assert given["environment"] == f'"{environment.stem}"'


def test_checkov_finds_nothing_and_every_exception_has_its_reason() -> None:
    assert CHECKOV.exists(), "Checkov is not installed in .tools/checkov. Run `make test`."

    done = subprocess.run(
        [CHECKOV, "--directory", terraform.ROOT, "--skip-download", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    results = json.loads(done.stdout)["results"]

    assert results["passed_checks"]
    assert [f"{check['check_id']} {check['resource']}" for check in results["failed_checks"]] == []
    assert all(check["check_result"]["suppress_comment"].strip() for check in results["skipped_checks"])
