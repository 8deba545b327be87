"""The script that tells the dashboard where its API is, in a project of its own."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts import terraform
from scripts.state_bucket import account_of, make_state_bucket

SCRIPT = Path("scripts") / "update-frontend-config.sh"
API_URL = "https://abc.execute-api.us-east-1.amazonaws.com"
SIGN_IN = {
    "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A",
    "domain_url": "https://matteflow-dev-123456789012.auth.us-east-1.amazoncognito.com",
    "client_id": "abc",
    "scopes": ["openid", "email", "matteflow/pictures.read", "matteflow/pictures.write"],
}
STACK = {"api_url": API_URL, "region": "us-east-1", "aws_endpoint_url": "http://127.0.0.1:4566"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    for script in (terraform.PROJECT / "scripts").glob("*.*"):
        shutil.copy(script, tmp_path / "scripts")
    for name in (".venv", "functions", "terraform"):
        (tmp_path / name).symlink_to(terraform.PROJECT / name)
    (tmp_path / "frontend_react" / "dist").mkdir(parents=True)
    return tmp_path


def update(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([project / SCRIPT, *arguments], capture_output=True, text=True, check=False)


def config(project: Path) -> dict[str, Any]:
    return json.loads((project / "frontend_react" / "dist" / "config.json").read_text())


def test_terraforms_output_of_an_environment_is_published(project: Path) -> None:
    nothing = update(project, "dev")
    session = boto3.Session(region_name="us-east-1")
    s3, bucket = session.client("s3"), make_state_bucket(session, account_of(session), lambda _: None)
    s3.delete_bucket_policy(Bucket=bucket)  # moto overlooks its condition, and so refuses everything
    before = update(project)
    kinds = {"issuer": "string", "domain_url": "string", "client_id": "string", "scopes": ["list", "string"]}
    outputs = {
        "api_url": {"value": API_URL, "type": "string"},
        "sign_in": {"value": SIGN_IN, "type": ["object", kinds]},
    }
    state = {"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "test", "outputs": outputs}
    body = json.dumps({**state, "resources": []}).encode()
    s3.put_object(Bucket=bucket, Key="dev/terraform.tfstate", Body=body)
    after = update(project, "dev")

    assert nothing.returncode == before.returncode == 1
    assert "make deploy ENV=dev" in nothing.stderr
    assert "make deploy ENV=dev" in before.stderr
    assert after.returncode == 0, after.stderr
    assert config(project) == {"api_url": API_URL, "sign_in": SIGN_IN}


def test_the_running_local_stack_is_asked_by_its_name(project: Path) -> None:
    stopped = update(project, "local")
    (project / ".local").mkdir()
    (project / ".local" / "stack.json").write_text(json.dumps(STACK))
    running = update(project, "local", str(project / "site.json"))

    assert stopped.returncode == 1
    assert "make run" in stopped.stderr
    assert running.returncode == 0, running.stderr
    assert json.loads((project / "site.json").read_text()) == {"api_url": API_URL, "sign_in": None}


def test_what_cannot_be_done_says_what_to_run(project: Path) -> None:
    (project / ".local").mkdir()
    (project / ".local" / "stack.json").write_text(json.dumps(STACK))

    assert "There are: dev, production, staging." in update(project, "moon").stderr
    assert "make dashboard" in update(project, "local", str(project / "nowhere" / "config.json")).stderr
    assert update(project, "--help").stdout.startswith("Usage:")
    assert update(project, "--wrong").returncode == update(project, "dev", "a", "b").returncode == 2
