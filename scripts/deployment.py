"""A deployment of Matteflow, for the commands that work on one: what Terraform made, and the AWS that holds it.

``python -m scripts.deployment [--env NAME] [--region REGION]`` prints Terraform's outputs as JSON.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from scripts import terraform

LOCAL = "local"
STACK = terraform.PROJECT / ".local" / "stack.json"


INTERRUPTED = 130  # the exit status of Ctrl-C

# The longest function takes two minutes. Sent again by the SDK, an event would run twice at once.
RUN_CONFIG = Config(read_timeout=130, retries={"total_max_attempts": 1})


class DeploymentError(Exception):
    """There is no such deployment; the message says what to do."""


class FunctionFailed(Exception):
    """A function that was run ended with an error, whose class is ``error_type``."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type


class Deployment(NamedTuple):
    """One environment on AWS, or the local stack.

    Args:
        outputs: Terraform's outputs (``terraform/outputs.tf``); of the local stack all that its ``stack.json`` says.
        session: the credentials that the AWS CLI would take; of the local stack its emulator's.
        endpoint_url: the local stack's emulator, for what its ``stack.json`` names no other of; None on AWS.
    """

    outputs: Mapping[str, Any]
    session: boto3.Session
    endpoint_url: str | None = None

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client of an AWS service, as boto3 names it, in the deployment's region."""
        endpoint_url = self.outputs.get(f"{service.replace('-', '_')}_endpoint_url", self.endpoint_url)
        return self.session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]

    def table(self) -> Any:
        """The table of the records."""
        return self.session.resource("dynamodb", endpoint_url=self.endpoint_url).Table(self.outputs["table"])


def run_function(client: Any, function: str, event: str) -> Any:
    """Run a function on an event to its end; what it returned.

    Args:
        client: of Lambda, made with ``RUN_CONFIG``.
        function: its name or ARN.
        event: a JSON text.

    Raises:
        FunctionFailed: it ended with an error.
    """
    answer = client.invoke(FunctionName=function, Payload=event.encode())
    returned = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise FunctionFailed(returned.get("errorType", answer["FunctionError"]), returned.get("errorMessage", ""))
    return returned


def find_deployment(name: str, stack: Path = STACK, region: str | None = None) -> Deployment:
    """The running local stack, or an environment that was deployed.

    Args:
        name: ``local``, or the name of a file in ``terraform/environments/``.
        stack: the ``stack.json`` of the local stack.
        region: the environment's region, where it is not the one that its file names.

    Raises:
        DeploymentError: it does not run, or is not deployed.
    """
    if name == LOCAL:
        return _local_stack(stack)
    try:
        environment = terraform.find_environment(name, region)
        terraform.initialize_environment(environment)
        outputs = terraform.outputs(environment.data_dir)
    except terraform.TerraformError as error:
        raise DeploymentError(str(error)) from error
    if not outputs:
        raise DeploymentError(f"The environment {name} is not deployed. Run: make deploy {environment.words}")
    return Deployment(outputs, environment.session)


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that ``chosen_deployment`` reads. ``make ... REGION=`` comes as a variable."""
    parser.add_argument(
        "--env", default=LOCAL, metavar="NAME", help="the environment to work on (default: the running local stack)"
    )
    parser.add_argument(
        "--region", default=os.environ.get("REGION"), help="the environment's region, where it is not its usual one"
    )
    parser.add_argument("--stack", type=Path, default=STACK, help="where the local stack describes itself")


def chosen_deployment(options: argparse.Namespace) -> Deployment:
    """The deployment that a command is to work on.

    Raises:
        DeploymentError: it does not run, or is not deployed.
    """
    return find_deployment(options.env, options.stack, options.region)


def _local_stack(stack: Path) -> Deployment:
    try:
        outputs = json.loads(stack.read_text())
    except (OSError, ValueError) as error:
        raise DeploymentError(
            "The local stack is not running. Start it with `make run`, or name an environment on AWS: ENV=dev"
        ) from error
    session = boto3.Session("test", "test", region_name=outputs["region"])
    return Deployment(outputs, session, outputs["aws_endpoint_url"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.deployment", description="Print what Terraform says of a deployment, as JSON."
    )
    add_deployment(parser)
    try:
        print(json.dumps(dict(chosen_deployment(parser.parse_args(arguments)).outputs), indent=2))
    except DeploymentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
