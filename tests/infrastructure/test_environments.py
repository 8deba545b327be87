"""The environments on an emulator of AWS, with the real provider, as the commands of the Makefile run them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts import image, signing_key, terraform
from scripts.local_stack.services import CREDENTIALS, Ports, make_services
from scripts.terraform import Environment, find_environment

ACCOUNT = "000000000000"
PLANNED = [("production", None), ("production", "ap-southeast-1"), ("staging", None)]

# What has one name in the whole account, whatever the region, by its type's attribute.
GLOBAL_NAMES = {
    "aws_budgets_budget": "name",
    "aws_cloudfront_cache_policy": "name",
    "aws_cloudfront_function": "name",
    "aws_cloudfront_key_group": "name",
    "aws_cloudfront_origin_access_control": "name",
    "aws_cloudfront_origin_request_policy": "name",
    "aws_cloudfront_public_key": "name",
    "aws_cloudfront_response_headers_policy": "name",
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_iam_policy": "name",
    "aws_iam_role": "name",
    "aws_s3_bucket": "bucket",
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, build_dir: Path) -> Iterator[None]:
    """An AWS without anything in it, which the commands find by the environment's variables."""
    home = tmp_path_factory.mktemp("emulator")
    (home / "ministack" / "tmp").mkdir(parents=True)
    ministack = make_services(home, Ports.free())[0]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setenv("AWS_ENDPOINT_URL", ministack.url)
        patch.setenv("TF_VAR_build_dir", str(build_dir))
        patch.setattr(terraform, "DEPLOYMENTS", home / "deployments")
        ministack.start()
        try:
            yield
        finally:
            ministack.stop()


def planned(environment: Environment) -> dict[str, Any]:
    """The environment's plan, as `make plan` saves it."""
    assert signing_key.main(["--env", environment.name, "--region", environment.region, "--unless-there"]) == 0
    terraform.initialize_environment(environment, make_bucket=True)
    assert terraform.plan(environment) == 0
    shown = terraform.terraform("show", "-json", str(environment.plan), data_dir=environment.data_dir, capture=True)
    plan: dict[str, Any] = json.loads(shown.stdout)
    return plan


def global_names(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """Type and name of what is to be made that no other region may have too."""
    in_us_east_1 = {
        resource["address"]
        for resource in plan["configuration"]["root_module"]["resources"]
        if resource["provider_config_key"] != "aws"
    }
    return {
        (resource["type"], name)
        for resource in plan["planned_values"]["root_module"]["resources"]
        if resource["mode"] == "managed"
        and (resource["type"] in GLOBAL_NAMES or resource["address"].partition("[")[0] in in_us_east_1)
        and (name := resource["values"].get(GLOBAL_NAMES.get(resource["type"], "name")))
    }


@pytest.mark.usefixtures("emulator")
def test_environments_and_regions_are_planned_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    environments = [find_environment(name, region) for name, region in PLANNED]
    monkeypatch.setenv("TF_VAR_inference_image_uri", f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:1")

    with ThreadPoolExecutor() as pool:
        plans = list(pool.map(planned, environments))

    production, elsewhere, staging = (global_names(plan) for plan in plans)
    assert len(production) == len(elsewhere) >= 10
    assert production & elsewhere == production & staging == set()
    buckets = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    assert buckets == {f"matteflow-terraform-{ACCOUNT}-{region}" for region in ("us-east-1", "ap-southeast-1")}


@pytest.mark.usefixtures("emulator")
def test_a_kept_plan_outlives_the_step_that_makes_the_repository_only_where_that_has_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def serial() -> int:
        state = json.loads(terraform.terraform("state", "pull", data_dir=dev.data_dir, capture=True).stdout)
        return int(state["serial"])

    dev = find_environment("dev", "ap-southeast-2")
    monkeypatch.setenv("TF_VAR_inference_image_tag", "0" * 16)
    terraform.initialize_environment(dev, make_bucket=True)

    dev.folder.mkdir(parents=True, exist_ok=True)
    dev.plan.touch()
    assert terraform.make_repository(dev) == 0
    assert not dev.plan.exists()

    made = serial()
    dev.plan.touch()
    assert terraform.make_repository(dev) == 0
    assert dev.plan.exists()
    assert serial() == made
    assert terraform.outputs(dev.data_dir)["inference_image"]["repository"].endswith("/matteflow-dev-inference")


@pytest.mark.usefixtures("emulator")
def test_an_environment_with_an_image_of_its_own_is_told_so_before_it_is_deployed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"{ACCOUNT}.dkr.ecr.ap-northeast-1.amazonaws.com/matteflow-inference:1"
    monkeypatch.setenv("TF_VAR_inference_image_uri", uri)

    assert terraform.main(["repository", "dev", "--region", "ap-northeast-1"]) == 0
    assert image.main(["push", "--env", "dev", "--region", "ap-northeast-1"]) == 0

    assert "inference_image_uri" in capsys.readouterr().out


@pytest.mark.usefixtures("emulator")
def test_destroying_takes_every_version_and_leaves_the_state(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dev = find_environment("dev", "eu-west-1")
    uri = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/matteflow-inference:1"
    monkeypatch.setenv("TF_VAR_inference_image_uri", uri)
    terraform.initialize_environment(dev, make_bucket=True)
    targets = [f"-target={address}" for address in ("aws_s3_bucket.bucket", "aws_s3_bucket_versioning.uploads")]
    apply = ["apply", "-auto-approve", *targets, *dev.variables]
    assert terraform.terraform(*apply, data_dir=dev.data_dir).returncode == 0
    s3, uploads = dev.session.client("s3"), f"matteflow-dev-uploads-{ACCOUNT}-eu-west-1"
    for content in (b"once", b"twice"):
        s3.put_object(Bucket=uploads, Key="uploads/a b é.jpg", Body=content)
    s3.delete_object(Bucket=uploads, Key="uploads/a b é.jpg")
    s3.put_object(Bucket=f"matteflow-dev-results-{ACCOUNT}-eu-west-1", Key="1/cutout.png", Body=b"x")
    before = s3.list_object_versions(Bucket=uploads)

    status = terraform.main(["destroy", "dev", "--region", "eu-west-1", "--approve"])

    state_bucket = f"matteflow-terraform-{ACCOUNT}-eu-west-1"
    assert (len(before["Versions"]), len(before["DeleteMarkers"])) == (2, 1)
    assert status == 0
    assert [found["Name"] for found in s3.list_buckets()["Buckets"] if "-dev-" in found["Name"]] == []
    state = json.load(s3.get_object(Bucket=state_bucket, Key="dev/terraform.tfstate")["Body"])
    assert state["resources"] == []
    assert "dev/terraform.tfstate.tflock" not in {
        found["Key"] for found in s3.list_objects_v2(Bucket=state_bucket)["Contents"]
    }
    assert f"s3://{state_bucket}" in capsys.readouterr().out
