"""The inference image of an environment: ``python -m scripts.image push --env NAME``, or ``tag`` for its tag alone.

A tag is a digest of what the image is made of, so an image that is there is never built again. It is built by Docker on
this machine; where there is none, ``delivery = "codepipeline"`` builds it in the account.
"""

import argparse
import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.build import PROJECT, digest_of, files_of
from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment

DOCKERFILE = "inference_image/Dockerfile"
PLATFORM = "linux/amd64"  # SageMaker's instances, and the function's architecture in terraform/inference_function.tf
TAG_DIGITS = 16


class ImageError(Exception):
    """The image cannot be built or pushed; the message says what to do."""


def tag(project: Path = PROJECT) -> str:
    """The digest of what the image is made of: Terraform's ``inference_image_tag``, 16 hexadecimal digits.

    It covers both lists of packages, so that it is known before the tier is.
    """
    return digest_of(PLATFORM.encode(), *_inputs(project))[:TAG_DIGITS]


def _inputs(project: Path) -> Iterator[bytes]:
    """What inference_image/Dockerfile.dockerignore lets through, each file behind its path."""
    lists = [project / "requirements" / f"{name}.txt" for name in ("inference", "inference-gpu")]
    for path in [*lists, *files_of(project / "inference_image")]:
        yield path.relative_to(project).as_posix().encode()
        yield path.read_bytes()


def push(deployment: Deployment, environment: str, tell: Callable[[str], None] = print) -> str | None:
    """Build and push the image of this working tree, unless the environment's repository holds it.

    Args:
        environment: its name, for what a person is told.

    Returns:
        the image's tag in the repository; None where the environment runs another image, and so has no repository.

    Raises:
        ImageError: Docker or ECR refuses.
    """
    image = deployment.outputs["inference_image"]
    if image["repository"] is None:
        tell(f"The environment {environment} has no repository: inference_image_uri names the image that it runs.")
        return None
    full_tag = f"{image['requirements']}-{tag()}"
    uri = f"{image['repository']}:{full_tag}"
    ecr = deployment.client("ecr")
    try:
        if _is_there(ecr, image["repository"], full_tag):
            tell(f"{uri} is there: nothing to build.")
            return full_tag
        docker = shutil.which("docker")
        if docker is None:
            raise ImageError(_no_docker(environment))
        tell(f"Building {uri}")
        _sign_in(docker, ecr)
    except (BotoCoreError, ClientError) as error:
        raise ImageError(f"The repository of the image cannot be used: {error}") from error
    # SageMaker takes Docker's own manifests only: no attestations, no OCI index.
    _run(
        docker, "buildx", "build", f"--platform={PLATFORM}", "--provenance=false", "--sbom=false",
        f"--build-arg=REQUIREMENTS={image['requirements']}", f"--file={DOCKERFILE}",
        f"--output=type=registry,oci-mediatypes=false,name={uri}", ".",
    )  # fmt: skip
    tell(f"Pushed {uri}")
    return full_tag


def _is_there(ecr: Any, repository: str, full_tag: str) -> bool:
    name = repository.partition("/")[2]
    try:
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": full_tag}])
    except ecr.exceptions.ImageNotFoundException:
        return False
    return True


def _sign_in(docker: str, ecr: Any) -> None:
    """Give Docker the token, which is good for 12 hours, on its standard input."""
    [granted] = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(granted["authorizationToken"]).decode().partition(":")
    _run(docker, "login", f"--username={user}", "--password-stdin", granted["proxyEndpoint"], stdin=password)


def _run(docker: str, *arguments: str, stdin: str | None = None) -> None:
    done = subprocess.run([docker, *arguments], input=stdin, text=True, cwd=PROJECT, check=False)
    if done.returncode != 0:
        raise ImageError(f"`docker {arguments[0]}` failed with status {done.returncode}; what it says is above.")


def _no_docker(environment: str) -> str:
    return (
        "Docker is needed to build the image, and is not on PATH. Install it: https://docs.docker.com/engine/install/. "
        f'Or have the account build it: set delivery = "codepipeline" in terraform/environments/{environment}.tfvars, '
        "confirm the connection to GitHub in the console, and run "
        f"`aws codepipeline start-pipeline-execution --name matteflow-{environment}-delivery`."
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.image", description="Build and push the inference image.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tag", help="print the digest of what the image is made of")
    add_deployment(commands.add_parser("push", help="build and push it, unless it is there"))
    options = parser.parse_args(arguments)
    if options.command == "tag":
        print(tag())
        return 0
    try:
        push(chosen_deployment(options), options.env)
    except (DeploymentError, ImageError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
