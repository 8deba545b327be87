"""The command that builds and pushes the inference image: once for each state of what it is made of."""

import json
import shutil
from pathlib import Path

import boto3
import pytest

from scripts import image
from scripts.build import PROJECT
from scripts.deployment import Deployment
from scripts.image import ImageError, push, tag

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-dev-inference"
REGISTRY = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"
FAKE_DOCKER = """#!/usr/bin/env python3
import json, pathlib, sys
stdin = sys.stdin.read() if "--password-stdin" in sys.argv else ""
with (pathlib.Path(__file__).parent / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({"arguments": sys.argv[1:], "stdin": stdin}) + "\\n")
sys.exit(STATUS)
"""
# https://docs.docker.com/reference/cli/docker/buildx/build/
BUILD_OPTIONS = {"--platform", "--provenance", "--sbom", "--build-arg", "--file", "--output"}


class Docker:
    """A ``docker`` on PATH that only keeps what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer_with(0)

    def answer_with(self, status: int) -> None:
        executable = self.folder / "docker"
        executable.write_text(FAKE_DOCKER.replace("STATUS", str(status)))
        executable.chmod(0o755)

    @property
    def calls(self) -> list[tuple[list[str], str]]:
        calls = self.folder / "calls.jsonl"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [(call["arguments"], call["stdin"]) for call in map(json.loads, lines)]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Docker(tmp_path)


@pytest.fixture
def deployment(aws: None) -> Deployment:  # noqa: ARG001 - moto must be there before the repository
    boto3.client("ecr").create_repository(repositoryName="matteflow-dev-inference", imageTagMutability="IMMUTABLE")
    outputs = {"inference_image": {"repository": REPOSITORY, "requirements": "inference-gpu"}}
    return Deployment(outputs, boto3.Session(region_name="us-east-1"))


def put_image(full_tag: str) -> None:
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    boto3.client("ecr").put_image(
        repositoryName="matteflow-dev-inference", imageManifest=json.dumps(manifest), imageTag=full_tag
    )


def test_the_image_is_built_as_sagemaker_takes_it(deployment: Deployment, docker: Docker) -> None:
    full_tag = push(deployment, "dev")
    (login, password), (build, _) = docker.calls
    assert login == ["login", "--username=AWS", "--password-stdin", REGISTRY]
    assert password  # which never is an argument, where every process of the machine could read it
    assert full_tag == f"inference-gpu-{tag()}"
    *options, context = build[2:]
    assert build[:2] == ["buildx", "build"]
    assert {option.partition("=")[0] for option in options} <= BUILD_OPTIONS
    assert dict(option.split("=", 1) for option in options) == {
        "--platform": "linux/amd64",
        "--provenance": "false",
        "--sbom": "false",
        "--build-arg": "REQUIREMENTS=inference-gpu",
        "--file": "inference_image/Dockerfile",
        "--output": f"type=registry,oci-mediatypes=false,name={REPOSITORY}:{full_tag}",
    }
    assert (PROJECT / context / "inference_image" / "Dockerfile").is_file()


def test_an_image_that_is_there_is_not_built_again(deployment: Deployment, docker: Docker) -> None:
    put_image(f"inference-gpu-{tag()}")
    said: list[str] = []
    push(deployment, "dev", said.append)
    assert docker.calls == []
    assert "nothing to build" in said[0]


def test_the_image_of_the_other_tier_is_another(deployment: Deployment, docker: Docker) -> None:
    put_image(f"inference-{tag()}")
    push(deployment, "dev")
    assert len(docker.calls) == 2


def test_the_tag_follows_from_what_the_dockerfile_copies(tmp_path: Path) -> None:
    for folder in ("inference_image", "requirements"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    before = tag(tmp_path)
    (tmp_path / "inference_image" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "inference_image" / "__pycache__" / "app.pyc").write_bytes(b"of this machine")
    (tmp_path / "requirements" / "dev.txt").write_text("")
    assert tag(tmp_path) == before == tag()
    for name in ("inference_image/Dockerfile", "inference_image/app.py", "requirements/inference.txt"):
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        before, changed = tag(tmp_path), before
        assert before != changed


def test_without_docker_both_ways_are_named(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match=r"docs\.docker\.com.*codepipeline.*--name matteflow-dev-delivery"):
        push(deployment, "dev")


def test_what_docker_refuses_is_not_called_pushed(deployment: Deployment, docker: Docker) -> None:
    docker.answer_with(17)
    said: list[str] = []
    with pytest.raises(ImageError, match="`docker login` failed with status 17"):
        push(deployment, "dev", said.append)
    assert not any("Pushed" in line for line in said)


def test_an_environment_with_an_image_of_its_own_has_nothing_to_build(aws: None) -> None:  # noqa: ARG001
    said: list[str] = []
    outputs = {"inference_image": {"repository": None, "requirements": "inference"}}
    assert push(Deployment(outputs, boto3.Session(region_name="us-east-1")), "dev", said.append) is None
    assert "inference_image_uri" in said[0]


def test_a_repository_that_is_gone_is_said(aws: None, docker: Docker) -> None:  # noqa: ARG001
    outputs = {"inference_image": {"repository": REPOSITORY, "requirements": "inference"}}
    with pytest.raises(ImageError, match=r"cannot be used.*matteflow-dev-inference"):
        push(Deployment(outputs, boto3.Session(region_name="us-east-1")), "dev")


def test_the_tag_alone_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main(["tag"]) == 0
    assert capsys.readouterr().out == f"{tag()}\n"
