"""What GitHub runs for this repository, and that nothing it deploys can do more than it may."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts import terraform

GITHUB = terraform.PROJECT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))

# Services that Terraform calls otherwise than IAM does.
IAM_SERVICES = {
    "apigatewayv2": "apigateway",
    "appautoscaling": "application-autoscaling",
    "cloudwatch_event": "events",
    "cloudwatch_log": "logs",
    "cognito": "cognito-idp",
    "sfn": "states",
}
BY_A_PERSON = {"codebuild", "codeconnections", "codepipeline", "iam"}  # what a deployment itself is, and may do


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("github-actions", ACTIONS), ("dependabot", [GITHUB / "dependabot.yml"])],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_github_reads_is_in_its_form(schema: str, files: list[Path]) -> None:
    assert files

    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: file.parent.name + "/" + file.name)
def test_an_action_is_pinned_by_its_commit(file: Path) -> None:
    used = re.findall(r"uses: (.+)$", file.read_text(), re.MULTILINE)

    foreign = [action for action in used if not action.startswith("./")]

    assert [action for action in foreign if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_read_the_source_and_only_its_jobs_ask_for_a_role(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())

    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}).items() <= {"contents": "read", "id-token": "write"}.items()


def test_nothing_is_deployed_that_is_not_checked() -> None:
    jobs = yaml.safe_load((GITHUB / "workflows" / "deploy.yml").read_text())["jobs"]
    checks = [name for name, job in jobs.items() if job["uses"] == "./.github/workflows/check.yml"]

    def is_checked(name: str) -> bool:
        needs = jobs[name].get("needs")
        return needs in checks or (needs is not None and is_checked(needs))

    deploying = [name for name, job in jobs.items() if job.get("with", {}).get("target") == "deploy"]
    assert deploying == ["staging", "production"]
    assert all(is_checked(name) for name in deploying)


def test_a_plan_may_read_and_a_deployment_may_make_what_every_service_holds() -> None:
    services = {
        next((iam for start, iam in IAM_SERVICES.items() if kind.startswith(start)), kind.partition("_")[0])
        for file in terraform.ROOT.glob("*.tf")
        for kind in re.findall(r'^resource "aws_(\w+)"', file.read_text(), re.MULTILINE)
    }
    permissions = (terraform.ROOT / "delivery_permissions.tf").read_text()
    read = permissions.partition("reading = [")[2].partition("\n  ]")[0]
    made = permissions.partition("named = {")[2].partition("role_arns")[0]

    assert services - set(re.findall(r'"([a-z0-9-]+):', read)) == set()
    assert services - set(re.findall(r'"([a-z0-9-]+):', made)) == BY_A_PERSON


def test_every_role_has_the_boundary_but_those_of_the_delivery() -> None:
    roles = {
        match["name"]: match["body"]
        for file in terraform.ROOT.glob("*.tf")
        for match in re.finditer(
            r'^resource "aws_iam_role" "(?P<name>\w+)" \{\n(?P<body>.*?)^\}', file.read_text(), re.MULTILINE | re.DOTALL
        )
    }

    without = {name for name, body in roles.items() if "permissions_boundary = local.permissions_boundary" not in body}

    assert without == {"delivery"}
