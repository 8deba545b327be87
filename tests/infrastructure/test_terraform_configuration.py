"""The configuration against Terraform, the real provider's schema, and Checkov."""

import json
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


ENVIRONMENTS = [file for file in sorted(terraform.ENVIRONMENTS.glob("*.tfvars")) if "." not in file.stem]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda file: file.stem)
def test_an_environment_sets_only_variables_that_exist(environment: Path) -> None:
    # Terraform only warns of an unknown name in a variables file.
    declared = set(re.findall(r'^variable "(\w+)"', (terraform.ROOT / "variables.tf").read_text(), re.MULTILINE))

    given = dict(re.findall(r"^(\w+) *= *(.+)$", environment.read_text(), re.MULTILINE))

    assert set(given) <= declared
    assert given["environment"] == f'"{environment.stem}"'


def test_only_production_keeps_its_data() -> None:
    protected = {file.stem for file in ENVIRONMENTS if not re.search("^protect_data += false$", file.read_text(), re.M)}

    assert protected == {"production"}


# Of an environment that is not on AWS.
LEFT_OUT = {("local", "CKV2_AWS_61"): "no emulator carries a bucket's lifecycle out (bucket_lifecycle)"}


def test_checkov_finds_nothing_and_every_exception_has_its_reason() -> None:
    assert CHECKOV.exists(), "Checkov is not installed in .tools/checkov. Run `make test`."

    with ThreadPoolExecutor(max_workers=2) as pool:
        found = dict(zip((file.stem for file in ENVIRONMENTS), pool.map(checkov, ENVIRONMENTS), strict=True))

    assert set(found) == {"dev", "local", "production", "staging"}
    assert all(results["passed_checks"] for results in found.values())
    failed = {
        (environment, one["check_id"]) for environment, results in found.items() for one in results["failed_checks"]
    }
    assert failed == LEFT_OUT.keys()
    for results in found.values():
        assert all(one["check_result"]["suppress_comment"].strip() for one in results["skipped_checks"])


def checkov(variables: Path) -> dict[str, Any]:
    """What Checkov says of the configuration with an environment's variables."""
    options = ["--directory", terraform.ROOT, "--var-file", variables, "--skip-download", "--output", "json"]
    done = subprocess.run([CHECKOV, *options], capture_output=True, text=True, check=False)
    results: dict[str, Any] = json.loads(done.stdout)["results"]
    return results
