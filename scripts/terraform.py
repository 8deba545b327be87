"""Terraform as this project runs it: one root, and for each environment a variables file and a state of its own.

    python -m scripts.terraform plan|apply|destroy ENVIRONMENT

An environment is a file ``terraform/environments/<name>.tfvars``. Its state and Terraform's working data lie under
``.deployments/<name>/``, so that two environments never share either; no target of the Makefile deletes them.
``apply`` and ``destroy`` show their plan and wait for a yes. Nothing is built here: ``make build`` makes the archives
that a plan reads.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
ROOT = PROJECT / "terraform"
ENVIRONMENTS = ROOT / "environments"
LOCAL_VARIABLES = ENVIRONMENTS / "local.tfvars"  # for the local stack, never for an account
STATES = PROJECT / ".deployments"


class TerraformError(Exception):
    """Terraform cannot be run as asked; the message says what to do."""


def plugin_dir() -> Path | None:
    """The folder that holds the AWS provider on this machine, where it is not one that Terraform finds by itself.

    That is ``TF_PLUGIN_DIR``, or a provider mirror right under ``/opt``. With neither, Terraform looks in the mirrors
    of its own configuration, then in the registry.
    """
    if named := os.environ.get("TF_PLUGIN_DIR"):
        return Path(named)
    return next((provider.parents[2] for provider in sorted(Path("/opt").glob("*/*/hashicorp/aws"))), None)


def terraform(
    *arguments: str, data_dir: Path, environment: Mapping[str, str] | None = None, capture: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run Terraform on the root, whatever its exit status.

    Args:
        arguments: the subcommand and its options.
        data_dir: Terraform's working data (``TF_DATA_DIR``).
        environment: variables beside those of this process.
        capture: keep stdout and stderr as text in the result instead of showing them.

    Raises:
        TerraformError: Terraform is not installed.
    """
    executable = shutil.which("terraform")
    if executable is None:
        raise TerraformError(
            "Terraform is not on PATH. Install version 1.11 or newer: https://developer.hashicorp.com/terraform/install"
        )
    return subprocess.run(
        [executable, f"-chdir={ROOT}", *arguments],
        env={**os.environ, **(environment or {}), "TF_DATA_DIR": str(data_dir)},
        capture_output=capture,
        text=True,
        check=False,
    )


def initialize(*options: str, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
    """Fetch the provider into ``data_dir``; ``options`` say which backend.

    Raises:
        TerraformError: Terraform is not installed, or ``init`` failed.
    """
    plugins = plugin_dir()
    mirror = [] if plugins is None else [f"-plugin-dir={plugins}"]
    done = terraform(
        "init", "-input=false", *mirror, *options, data_dir=data_dir, environment=environment, capture=True
    )
    if done.returncode != 0:
        raise TerraformError(f"terraform init failed:\n{done.stdout}{done.stderr}")


def outputs(data_dir: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The outputs of what was applied, none where nothing was.

    Raises:
        TerraformError: Terraform is not installed, or cannot read the state.
    """
    shown = terraform("output", "-json", data_dir=data_dir, environment=environment, capture=True)
    if shown.returncode != 0:
        raise TerraformError(f"terraform output failed:\n{shown.stderr}")
    return {name: output["value"] for name, output in json.loads(shown.stdout).items()}


def data_dir_of(name: str) -> Path:
    """Where Terraform's working data of the environment ``name`` lies."""
    return STATES / name / "data"


def initialize_environment(name: str) -> None:
    """Make the environment ``name`` ready for ``run_environment``, with its state in a file of its own.

    Raises:
        TerraformError: there is no such environment, Terraform is not installed, or ``init`` failed.
    """
    known = sorted(file.stem for file in ENVIRONMENTS.glob("*.tfvars") if file != LOCAL_VARIABLES)
    if name not in known:
        raise TerraformError(f"There is no environment {name!r} on AWS. There are: {', '.join(known)}.")
    state = STATES / name / "terraform.tfstate"
    state.parent.mkdir(parents=True, exist_ok=True)
    initialize(f"-backend-config=path={state}", "-reconfigure", data_dir=data_dir_of(name))


def run_environment(command: str, name: str) -> int:
    """``plan``, ``apply`` or ``destroy`` the environment ``name`` with its variables file; Terraform's exit status."""
    return terraform(command, f"-var-file={ENVIRONMENTS / name}.tfvars", data_dir=data_dir_of(name)).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.terraform", description="Plan, apply or destroy one environment."
    )
    parser.add_argument("command", choices=["plan", "apply", "destroy"])
    parser.add_argument("environment", help="the name of a file in terraform/environments, without .tfvars")
    arguments = parser.parse_args()
    try:
        initialize_environment(arguments.environment)
        # A terminal's Ctrl-C reaches Terraform too, which then saves its state and ends; killed, it would lose it.
        signal.signal(signal.SIGINT, lambda *_: None)
        return run_environment(arguments.command, arguments.environment)
    except TerraformError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
