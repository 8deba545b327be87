"""What an environment needs before it can be deployed, and how to get it: ``python -m scripts.preflight ENVIRONMENT``.

Each check says what it found, and where something is missing, what it is for and the command that gets it. Nothing is
changed. The exit status is 1 only where the deployment would fail.
"""

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from inference_image.registry import Model, comes_with_app, find_model
from scripts import terraform
from scripts.state_bucket import StateBucketError, account_of, bucket_name, has_state_bucket
from scripts.terraform import Environment, TerraformError

LEAST_TERRAFORM = (1, 11)
COMFORTABLE_CONCURRENCY = 1000  # AWS's own default; a new account may have 10
LAMBDA_CONCURRENCY_QUOTA = "L-B99A9384"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
INSTALL_TERRAFORM = "https://developer.hashicorp.com/terraform/install"


class State(Enum):
    """How a check came out, as it is marked on the screen."""

    OK = "[green]✓[/]"
    WARNING = "[yellow]![/]"
    MISSING = "[red]✗[/]"
    UNKNOWN = "[yellow]?[/]"


class Finding(NamedTuple):
    """What a check found; of what is not in order also what it is for, and what to type."""

    state: State
    what: str
    purpose: str = ""
    command: str = ""


class Target(NamedTuple):
    """Where a deployment goes, and what it is to be."""

    environment: Environment
    account: str
    variables: dict[str, Any]

    @property
    def session(self) -> boto3.Session:
        return self.environment.session

    @property
    def region(self) -> str:
        return self.environment.region


Check = Callable[[Target], Finding | None]


def check_terraform() -> Finding:
    """Whether Terraform is here, and new enough."""
    said = terraform.terraform("version", "-json", data_dir=terraform.DEPLOYMENTS, capture=True)
    version = str(json.loads(said.stdout)["terraform_version"])
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) >= LEAST_TERRAFORM:
        return Finding(State.OK, f"Terraform {version}")
    least = ".".join(map(str, LEAST_TERRAFORM))
    return Finding(State.MISSING, f"Terraform {version}", f"{least} locks a state in S3", INSTALL_TERRAFORM)


def check_provider(environment: Environment) -> Finding:
    """Whether the AWS provider can be had."""
    try:
        terraform.initialize("-backend=false", data_dir=environment.data_dir)
    except TerraformError as error:
        return Finding(State.MISSING, "The AWS provider cannot be had", str(error), "export TF_PLUGIN_DIR=<a mirror>")
    return Finding(State.OK, "The AWS provider")


def check_allowed(target: Target) -> Finding | None:
    """Whether the credentials are of an account that the environment may be in."""
    allowed = target.variables["allowed_account_ids"]
    if allowed is None:
        return None
    if target.account in allowed:
        return Finding(State.OK, "The account is allowed")
    return Finding(
        State.MISSING,
        f"Account {target.account} is none of {', '.join(allowed)}",
        "allowed_account_ids names the accounts of this environment",
        "export AWS_PROFILE=<one of such an account>",
    )


def check_state_bucket(target: Target) -> Finding:
    """Whether Terraform's states have their bucket."""
    bucket = bucket_name(target.account, target.region)
    try:
        made = has_state_bucket(target.session, target.account)
    except StateBucketError as error:
        return Finding(State.MISSING, str(error), "Terraform's state lies there")
    return Finding(State.OK, f"State bucket {bucket}" + ("" if made else ": it will be made"))


def check_rekognition(target: Target) -> Finding:
    """Whether the region has Rekognition."""
    regions = target.session.get_available_regions(
        "rekognition", target.session.get_partition_for_region(target.region)
    )
    if target.region in regions:
        return Finding(State.OK, f"Rekognition in {target.region}")
    return Finding(
        State.WARNING,
        f"There is no Rekognition in {target.region}",
        "labels, faces, text and moderation; without it every picture is PARTIAL",
        "make deploy ... REGION=<one of " + ", ".join(regions[:4]) + ", ...>",
    )


def check_endpoint_quota(target: Target) -> Finding | None:
    """Whether the account may run the endpoint's instances."""
    if target.variables["mask_tier"] == "lambda":
        return None
    kind, instances = target.variables["inference_instance_type"], target.variables["inference_instances"]
    first, most = max(instances["min"] or 1, 1), instances["max"]  # auto scaling takes the first one away later
    name = f"{kind} for endpoint usage"
    quota = next(_quotas(target.session.client("service-quotas"), "sagemaker", name), None)
    if quota is None:
        return Finding(State.UNKNOWN, f"Quota: {name} is not known in {target.region}", "the endpoint that makes masks")
    value = int(quota["Value"])
    if value >= most:
        return Finding(State.OK, f"Quota: {name} is {value}")
    return Finding(
        State.MISSING if value < first else State.WARNING,
        f"Quota: {name} is {value}, and " + (f"{first} needed" if value < first else f"it may scale to {most}"),
        f'the endpoint that makes masks; or choose mask_tier = "lambda" in {target.environment.name}.tfvars',
        "aws service-quotas request-service-quota-increase --service-code sagemaker "
        f"--quota-code {quota['QuotaCode']} --desired-value {most} --region {target.region}",
    )


def check_concurrency(target: Target) -> Finding:
    """How many functions the account may run at once."""
    limits = target.session.client("lambda").get_account_settings()["AccountLimit"]
    most = limits["ConcurrentExecutions"]
    if most >= COMFORTABLE_CONCURRENCY:
        return Finding(State.OK, f"Quota: {most} functions at once")
    return Finding(
        State.WARNING,
        f"Quota: {most} functions at once",
        "a picture takes two or three at once, and the dashboard one a request; what is throttled is tried again",
        "aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code {LAMBDA_CONCURRENCY_QUOTA} --desired-value {COMFORTABLE_CONCURRENCY} --region {target.region}",
    )


def check_image(target: Target) -> Finding:
    """Whether the inference image is there, or can be built."""
    purpose = "the container that makes masks"
    if uri := target.variables["inference_image_uri"]:
        registry, _, name = uri.partition("/")
        account, region = registry.split(".")[0], registry.split(".")[3]
        if _has_image(target.session.client("ecr", region_name=region), account, name):
            return Finding(State.OK, f"Image {uri}")
        return Finding(
            State.MISSING, f"There is no image {uri}", purpose, "leave inference_image_uri unset: make image"
        )
    has_gpu = re.match(r"ml\.[gp]\d", target.variables["inference_instance_type"])  # as in terraform/mask_tier.tf
    requirements = "inference-gpu" if has_gpu and target.variables["mask_tier"] != "lambda" else "inference"
    name = f"matteflow-{target.environment.name}-inference:{requirements}-{target.variables['inference_image_tag']}"
    if _has_image(target.session.client("ecr"), target.account, name):
        return Finding(State.OK, f"Image {name}")
    if _can_build():
        return Finding(State.OK, f"Image {name}: it will be built")
    return Finding(State.MISSING, f"Image {name} is not there, and there is no Docker to build it", purpose,
                   "install Docker with buildx, and start it")  # fmt: skip


def check_weights(target: Target) -> Finding | None:
    """Whether the model's weights are where the container looks for them, and the ones that were meant."""
    place, settings = target.variables["inference_weights"], target.variables["inference_environment"]
    engine = settings.get("MASK_ENGINE", "matteflow").removesuffix(".onnx")
    if place is None or comes_with_app(engine):
        return None
    model = find_model(engine)
    s3 = target.session.client("s3")
    for part in model.parts:
        key = f"{place['prefix'].strip('/')}/{part.name}.onnx".lstrip("/")
        file = f"s3://{place['bucket']}/{key}"
        get = (
            f"make models MODEL={model.name}, and aws s3 cp .models/{part.name}.onnx {file} --checksum-algorithm SHA256"
        )
        try:
            head = s3.head_object(Bucket=place["bucket"], Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NoSuchBucket"):
                raise
            return Finding(State.MISSING, f"There is no {file}", "the model's weights", get)
        match _is_meant(head, part, settings.get("MODEL_SHA256")):
            case False:
                return Finding(State.MISSING, f"{file} is not the file that was meant", "the container refuses it", get)
            case None:
                return Finding(
                    State.UNKNOWN, f"S3 keeps no checksum of {file} to compare", "the container checks it", get
                )
    return Finding(State.OK, f"Weights of {model.name}")


def check_signing_key(target: Target) -> Finding | None:
    """Whether there is a key that signs the URLs of results."""
    if not target.variables["edge"]:
        return None
    path = f"/matteflow-{target.environment.name}/signing-keys"
    there = target.session.client("ssm").get_parameters_by_path(Path=path, Recursive=True)["Parameters"]
    return Finding(State.OK, "Signing key" + ("" if there else ": it will be made"))


def check_certificate(target: Target) -> Finding | None:
    """Whether the certificate of the deployment's own names is issued."""
    domain = target.variables["domain"]
    if not domain:
        return None
    arn = domain["certificate_arn"]
    purpose, command = "HTTPS under your own names", (
        f"aws acm request-certificate --region us-east-1 --domain-name {domain['site']} "
        f"--subject-alternative-names {domain['results']} --validation-method DNS"
    )  # fmt: skip
    try:
        described = target.session.client("acm", region_name="us-east-1").describe_certificate(CertificateArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return Finding(State.MISSING, f"There is no certificate {arn}", purpose, command)
    certificate = described["Certificate"]
    if certificate["Status"] != "ISSUED":
        return Finding(
            State.MISSING,
            f"The certificate is {certificate['Status']}",
            f"{purpose}; make the DNS records that this command shows",
            f"aws acm describe-certificate --region us-east-1 --certificate-arn {arn}",
        )
    uncovered = [name for name in (domain["site"], domain["results"]) if not _covers(certificate, name)]
    if uncovered:
        return Finding(State.MISSING, f"The certificate is not for {', '.join(uncovered)}", purpose, command)
    return Finding(State.OK, f"Certificate of {domain['site']}")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("the account", check_allowed),
    ("the state bucket", check_state_bucket),
    ("Rekognition", check_rekognition),
    ("the endpoint's quota", check_endpoint_quota),
    ("Lambda's quota", check_concurrency),
    ("the inference image", check_image),
    ("the weights", check_weights),
    ("the signing key", check_signing_key),
    ("the certificate", check_certificate),
)


def examine(target: Target, checks: tuple[tuple[str, Check], ...] = CHECKS) -> Iterator[Finding]:
    """Run every check that applies; one that AWS does not answer is a finding too."""
    for subject, check in checks:
        try:
            finding = check(target)
        except ClientError as error:
            denied = error.response["Error"]["Code"] in DENIED
            why = f"these credentials may not ask ({error.operation_name})" if denied else str(error)
            finding = Finding(State.UNKNOWN, f"Whether {subject} is in order cannot be checked", why)
        except BotoCoreError as error:
            finding = Finding(State.UNKNOWN, f"Whether {subject} is in order cannot be checked", str(error))
        if finding is not None:
            yield finding


def findings(environment: Environment) -> Iterator[Finding]:
    """All there is to say of an environment, as it is found; ends early where the rest cannot be asked."""
    yield check_terraform()
    yield check_provider(environment)
    variables = terraform.values(environment)
    try:
        account = account_of(environment.session)
    except StateBucketError as error:
        yield Finding(State.MISSING, "There is no account to deploy to", str(error))
        return
    profile = os.environ.get("AWS_PROFILE")
    yield Finding(State.OK, f"Account {account}, region {environment.region}" + (f", by {profile}" if profile else ""))
    yield from examine(Target(environment, account, variables))


def show(finding: Finding, console: Console) -> None:
    console.print(f" {finding.state.value}", end=" ")
    console.print(finding.what, markup=False)
    for label, text in (("for", finding.purpose), ("do", finding.command)):
        if text:
            console.print(f"     {label}: {text}", markup=False)


def _quotas(quotas: Any, service: str, name: str) -> Iterator[dict[str, Any]]:
    """A service's quotas of that name: the account's, which lacks some that never changed, then AWS's own."""
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in quotas.get_paginator(operation).paginate(ServiceCode=service):
            yield from (quota for quota in page["Quotas"] if quota["QuotaName"] == name)


def _has_image(ecr: Any, account: str, name: str) -> bool:
    repository, digest, version = name.partition("@")
    if not digest:
        repository, _, version = name.partition(":")
    image = {"imageDigest" if digest else "imageTag": version}
    try:
        ecr.describe_images(registryId=account, repositoryName=repository, imageIds=[image])
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        return False
    return True


def _can_build() -> bool:
    docker = shutil.which("docker")
    return docker is not None and all(
        subprocess.run([docker, *question], capture_output=True, check=False).returncode == 0
        for question in (["buildx", "version"], ["info"])
    )


def _is_meant(head: Mapping[str, Any], part: Model, sha256: str | None) -> bool | None:
    """Whether an object in S3 is the file of a model; None where S3 keeps no digest of the kind that is known."""
    algorithm, _, expected = (f"sha256:{sha256}" if sha256 else part.checksum or "").partition(":")
    kept = {
        "sha256": base64.b64decode(head.get("ChecksumSHA256", "").partition("-")[0]).hex()
        if head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
        else "",
        "md5": "" if "-" in head["ETag"] else head["ETag"].strip('"'),
    }.get(algorithm)
    return kept == expected if kept else None


def _covers(certificate: dict[str, Any], name: str) -> bool:
    names = certificate.get("SubjectAlternativeNames", [])  # the certificate's own name among them
    return name in names or f"*.{name.partition('.')[2]}" in names


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.preflight", description="Check what a deployment needs.")
    parser.add_argument("environment", help="the name of a file in terraform/environments, without .tfvars")
    parser.add_argument("--region", help="another region than the environment's own")
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True, highlight=False)
    missing = 0
    try:
        environment = terraform.find_environment(options.environment, options.region)
        console.print(f"Before {environment.name} can be deployed to {environment.region}:")
        for finding in findings(environment):
            show(finding, console)
            missing += finding.state is State.MISSING
    except TerraformError as error:
        print(error, file=sys.stderr)
        return 1
    if missing:
        console.print(f"{missing} missing: a deployment would fail.", style="red")
        return 1
    console.print("Nothing is missing.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
