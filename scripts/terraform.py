"""Terraform as this project runs it: one root, and for each environment and region a state of its own.

    python -m scripts.terraform plan|deploy|destroy|repository ENVIRONMENT [--region REGION] [--approve]
    python -m scripts.terraform run ENVIRONMENT [--region REGION] --do "state list"

An environment is a file ``terraform/environments/<name>.tfvars``, which names its region; another region makes a second
one beside it, which shares nothing. What belongs in no repository, such as addresses, is in ``<name>.private.tfvars``
beside it, which git ignores, or in ``TF_VAR_...``. The state lies in S3 (``scripts/state_bucket.py``); Terraform's
working data and the saved plan lie under ``.deployments/<name>/<region>/``, and may be deleted.

``deploy`` and ``destroy`` show their plan and wait for a yes. ``--approve`` stands for it: ``deploy`` then applies the
plan that ``plan`` has saved, or one of its own where what it was made of has changed. Nothing is built here: ``make
build`` makes the archives that a plan reads.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from scripts import build
from scripts.state_bucket import StateBucketError, account_of, bucket_name, has_state_bucket, make_state_bucket

PROJECT = Path(__file__).resolve().parent.parent
ROOT = PROJECT / "terraform"
ENVIRONMENTS = ROOT / "environments"
LOCAL_VARIABLES = ENVIRONMENTS / "local.tfvars"  # for the local stack, never for an account
DEPLOYMENTS = PROJECT / ".deployments"
STATE_KEY = "{environment}/terraform.tfstate"
CHANGES = 2  # how a plan with -detailed-exitcode ends that would change something


class TerraformError(Exception):
    """Terraform cannot be run as asked; the message says what to do."""


class Environment(NamedTuple):
    """One environment in one region."""

    name: str
    region: str

    @property
    def folder(self) -> Path:
        """What Terraform works with; nothing in it is the only one of its kind."""
        return DEPLOYMENTS / self.name / self.region

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def plan(self) -> Path:
        return self.folder / "saved.tfplan"

    @property
    def files(self) -> list[Path]:
        """Its variables files, the stronger one last."""
        files = [ENVIRONMENTS / f"{self.name}.tfvars", ENVIRONMENTS / f"{self.name}.private.tfvars"]
        return [file for file in files if file.exists()]

    @property
    def variables(self) -> list[str]:
        """Terraform's options that set the variables."""
        return [
            *(f"-var-file={file}" for file in self.files),
            f"-var=region={self.region}",
            *(["-var=s3_use_path_style=true"] if _is_emulated(os.environ) else []),
        ]

    @property
    def session(self) -> boto3.Session:
        return boto3.Session(region_name=self.region)

    @property
    def words(self) -> str:
        """What names it to ``make``."""
        return f"ENV={self.name}" + ("" if self.region == _region_of(self.name) else f" REGION={self.region}")


def find_environment(name: str, region: str | None = None) -> Environment:
    """The environment ``name`` on AWS, in its own region or another one.

    Raises:
        TerraformError: there is no such environment; the message lists those there are.
    """
    known = sorted(file.stem for file in ENVIRONMENTS.glob("*.tfvars") if "." not in file.stem)
    on_aws = [known_name for known_name in known if known_name != LOCAL_VARIABLES.stem]
    if name == LOCAL_VARIABLES.stem:
        raise TerraformError(f"Name an environment on AWS: ENV={'|'.join(on_aws)}. (make run starts the local stack.)")
    if name not in on_aws:
        raise TerraformError(f"There is no environment {name!r} on AWS. There are: {', '.join(on_aws)}.")
    return Environment(name, region or _region_of(name))


def plugin_dir() -> Path | None:
    """The folder that holds the AWS provider on this machine, where it is not one that Terraform finds by itself.

    That is ``TF_PLUGIN_DIR``, or a provider mirror right under ``/opt``. With neither, Terraform looks in the mirrors
    of its own configuration, then in the registry.
    """
    if named := os.environ.get("TF_PLUGIN_DIR"):
        return Path(named)
    return next((provider.parents[2] for provider in sorted(Path("/opt").glob("*/*/hashicorp/aws"))), None)


def terraform(
    *arguments: str,
    data_dir: Path,
    environment: Mapping[str, str] | None = None,
    capture: bool = False,
    root: Path = ROOT,
    text: str | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run Terraform, whatever its exit status.

    Args:
        arguments: the subcommand and its options.
        data_dir: Terraform's working data (``TF_DATA_DIR``).
        environment: variables beside those of this process.
        capture: keep stdout and stderr as text in the result instead of showing them.
        root: the configuration's folder.
        text: what Terraform reads from stdin instead of the terminal.

    Raises:
        TerraformError: Terraform is not installed.
    """
    executable = shutil.which("terraform")
    if executable is None:
        raise TerraformError(
            "Terraform is not on PATH. Install version 1.11 or newer: https://developer.hashicorp.com/terraform/install"
        )
    return subprocess.run(
        [executable, f"-chdir={root}", *arguments],
        env={**os.environ, **(environment or {}), "TF_DATA_DIR": str(data_dir)},
        capture_output=capture,
        input=text,
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


def initialize_backend(
    name: str, bucket: str, region: str, *options: str, data_dir: Path, environment: Mapping[str, str] | None = None
) -> None:
    """``initialize`` with the state of the environment ``name`` in ``bucket``, which is there already.

    Raises:
        TerraformError: Terraform is not installed, or ``init`` failed.
    """
    settings = {"bucket": bucket, "key": STATE_KEY.format(environment=name), "region": region}
    if _is_emulated({**os.environ, **(environment or {})}):
        settings["use_path_style"] = "true"
    backend = [f"-backend-config={setting}={value}" for setting, value in settings.items()]
    initialize("-reconfigure", *backend, *options, data_dir=data_dir, environment=environment)


def outputs(data_dir: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The outputs of what was applied, none where nothing was.

    Raises:
        TerraformError: Terraform is not installed, or cannot read the state.
    """
    shown = terraform("output", "-json", data_dir=data_dir, environment=environment, capture=True)
    if shown.returncode != 0:
        raise TerraformError(f"terraform output failed:\n{shown.stderr}")
    return {name: output["value"] for name, output in json.loads(shown.stdout).items()}


def fingerprint(files: Iterable[Path], archives: Path, environment: Mapping[str, str]) -> str:
    """A digest of everything that an apply reads.

    Args:
        files: the variables files.
        archives: the folder of the functions' archives.
        environment: what else of the process's environment counts.
    """
    digest = hashlib.sha256(json.dumps(sorted(environment.items())).encode())
    inputs = [
        *sorted(ROOT.glob("*.tf")),
        *sorted((ROOT / "edge").glob("*.js")),
        PROJECT / "frontend_react" / "security-headers.json",
        PROJECT / "pyproject.toml",  # the version
        *files,
        *sorted((PROJECT / "statemachine").glob("*.asl.json")),
        *sorted(archives.glob("*.zip")),
    ]
    for path in inputs:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def values(environment: Environment) -> dict[str, Any]:
    """The value of every variable, as a plan would see it; asks neither AWS nor the state.

    Raises:
        TerraformError: Terraform is not installed, or a variable has no value.
    """
    declarations = ROOT / "variables.tf"
    root = environment.folder / "variables"  # alone they are a root that needs no provider and no backend
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(declarations, root)
    names = re.findall(r'^variable "(\w+)"', declarations.read_text(), re.MULTILINE)
    asked = f"jsonencode({{ {', '.join(f'{name} = var.{name}' for name in names)} }})"
    shown = terraform(
        "console", "-no-color", *environment.variables, data_dir=root / "data", root=root, capture=True, text=asked
    )
    # What a validation finds is for the plan to say: the console tells its answer all the same.
    answer = shown.stdout.rstrip().rpartition("\n")[2]
    if not answer.startswith('"'):
        raise TerraformError(f"The variables of {environment.name} cannot be read:\n{shown.stderr}")
    found: dict[str, Any] = json.loads(json.loads(answer))
    return found


def initialize_environment(environment: Environment, *, make_bucket: bool = False) -> None:
    """Make Terraform ready to work on the environment's state.

    Args:
        environment: which one.
        make_bucket: make the bucket of the states where it is missing.

    Raises:
        TerraformError: nothing was deployed into this account and region yet, the account cannot be used, Terraform is
            not installed, or ``init`` failed.
    """
    try:
        account = account_of(environment.session)
        if make_bucket:
            make_state_bucket(environment.session, account)
        elif not has_state_bucket(environment.session, account):
            raise TerraformError(
                f"Nothing is deployed in {environment.region} of account {account} yet. "
                f"Run: make deploy {environment.words}"
            )
    except StateBucketError as error:
        raise TerraformError(str(error)) from error
    bucket = bucket_name(account, environment.region)
    initialize_backend(environment.name, bucket, environment.region, data_dir=environment.data_dir)


def plan(environment: Environment) -> int:
    """Show what would change, and save the plan; Terraform's exit status."""
    _forget_plan(environment)
    done = _run(environment, "plan", "-input=false", f"-out={environment.plan}", *environment.variables)
    if done == 0:
        _inputs_of_plan(environment).write_text(_fingerprint(environment))
        print(f"Here: make deploy {environment.words} APPROVE=yes")
    return done


def deploy(environment: Environment, *, approved: bool) -> int:
    """Apply the environment; Terraform's exit status. Approved, it is the saved plan if that is still the one."""
    if not approved:
        return _run(environment, "apply", *environment.variables)
    if not _is_current(environment) and (failed := plan(environment)):
        return failed
    try:
        return _run(environment, "apply", "-input=false", str(environment.plan))
    finally:
        _forget_plan(environment)  # it can be applied once


def make_repository(environment: Environment) -> int:
    """Make the repository that the inference image is pushed to, before anything that runs it; the exit status.

    Where there is nothing to do, the state stays as it is, so that a saved plan may be applied to it. Else that plan is
    forgotten.
    """
    if outputs(environment.data_dir) and values(environment)["inference_image_uri"]:
        return 0  # what repository it may have had goes by the plan that is shown
    made = environment.folder / "repository.tfplan"
    options = ["-input=false", "-detailed-exitcode", "-target=aws_ecr_repository.inference", f"-out={made}"]
    done = _run(environment, "plan", *options, *environment.variables)
    if done != CHANGES:
        return done
    _forget_plan(environment)
    return _run(environment, "apply", "-input=false", str(made))


def destroy(environment: Environment, *, approved: bool) -> int:
    """Remove all that the environment's state knows, and say what remains; the exit status.

    Raises:
        TerraformError: the environment protects its data.
    """
    if outputs(environment.data_dir).get("protect_data"):
        raise TerraformError(
            f"{environment.name} protects its data, and destroying it would delete every picture and record. If that "
            f"is what you want: set protect_data = false in {environment.files[-1].relative_to(PROJECT)}, run "
            f"`make deploy {environment.words}`, then this again."
        )
    _forget_plan(environment)
    done = _run(environment, "destroy", *(["-auto-approve"] if approved else []), *environment.variables)
    if done == 0:
        print(_remains(environment))
    return done


def _remains(environment: Environment) -> str:
    bucket = bucket_name(account_of(environment.session), environment.region)
    return (
        f"{environment.name} is destroyed. What remains in {environment.region}, and costs nothing or next to it:\n"
        f"- s3://{bucket}, the states of all environments there, with their earlier versions\n"
        "- DynamoDB's own backup of the table, for 35 days (aws dynamodb list-backups --backup-type SYSTEM)\n"
        f"- the key that signed URLs of results, if it had an edge (make signing-key {environment.words} REMOVE=yes)\n"
        "- log groups that AWS services made by themselves (aws logs describe-log-groups)"
    )


def _run(environment: Environment, *arguments: str) -> int:
    return terraform(*arguments, data_dir=environment.data_dir).returncode


def _region_of(name: str) -> str:
    """The region that an environment's variables file names.

    Raises:
        TerraformError: it names none.
    """
    file = ENVIRONMENTS / f"{name}.tfvars"
    named = re.search(r'^region\s*=\s*"([^"]+)"', file.read_text(), re.MULTILINE)
    if named is None:
        raise TerraformError(f'{file.relative_to(PROJECT)} names no region: add region = "us-east-1".')
    return named[1]


def _is_emulated(environment: Mapping[str, str]) -> bool:
    """Whether S3 is reached at an address that has no host name for each bucket."""
    return any(environment.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))


def _fingerprint(environment: Environment) -> str:
    given = {name: value for name, value in os.environ.items() if name.startswith("TF_VAR_")}
    return fingerprint(environment.files, build.BUILD / build.AWS.name, {**given, "region": environment.region})


def _inputs_of_plan(environment: Environment) -> Path:
    return environment.plan.with_suffix(".inputs")


def _is_current(environment: Environment) -> bool:
    """Whether there is a saved plan, made of what a plan would be made of now."""
    inputs = _inputs_of_plan(environment)
    return environment.plan.exists() and inputs.exists() and inputs.read_text() == _fingerprint(environment)


def _forget_plan(environment: Environment) -> None:
    environment.plan.unlink(missing_ok=True)
    _inputs_of_plan(environment).unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.terraform", description="Work on one environment on AWS.")
    parser.add_argument("command", choices=["plan", "deploy", "destroy", "repository", "run"])
    parser.add_argument("environment", help="the name of a file in terraform/environments, without .tfvars")
    parser.add_argument("--region", help="another region than the environment's own")
    parser.add_argument("--approve", action="store_true", help="ask nothing")
    parser.add_argument("--do", default="", help="of run: Terraform's subcommand and its options")
    options = parser.parse_args(arguments)
    try:
        environment = find_environment(options.environment, options.region)
        initialize_environment(environment, make_bucket=options.command in ("plan", "deploy", "repository"))
        # A terminal's Ctrl-C reaches Terraform too, which then saves its state and ends; killed, it would lose it.
        signal.signal(signal.SIGINT, lambda *_: None)
        match options.command:
            case "plan":
                return plan(environment)
            case "deploy":
                return deploy(environment, approved=options.approve)
            case "destroy":
                return destroy(environment, approved=options.approve)
            case "repository":
                return make_repository(environment)
            case _:
                return _run(environment, *shlex.split(options.do))
    except (TerraformError, StateBucketError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
