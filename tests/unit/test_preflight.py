"""What is checked before a deployment: each check where things are in order, are missing, and may not be asked."""

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from inference_image.registry import MODELS
from scripts import preflight, terraform
from scripts.preflight import CHECKS, Check, Finding, State, Target, examine, findings
from scripts.state_bucket import make_state_bucket

ACCOUNT = "123456789012"
ONES = {"MODEL_SHA256": "01" * 32}
IN_S3_OF_ONES, IN_S3_OF_TWOS = (base64.b64encode(byte * 32).decode() for byte in (b"\1", b"\2"))
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/matteflow-dev-inference:1"
DOMAIN = {
    "site": "photos.example.org",
    "results": "results.example.org",
    "certificate_arn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1",
}
VARIABLES = {
    "allowed_account_ids": None,
    "mask_tier": "realtime",
    "inference_instance_type": "ml.g4dn.xlarge",
    "inference_instances": {"min": None, "max": 2},
    "inference_environment": {},
    "inference_weights": None,
    "inference_image_uri": IMAGE,
    "inference_image_tag": None,
    "edge": True,
    "domain": None,
}


def target(**variables: Any) -> Target:
    return Target(terraform.Environment("dev", "us-east-1"), ACCOUNT, {**VARIABLES, **variables})


class Answer(NamedTuple):
    operation: str
    response: dict[str, Any]


class Refusal(NamedTuple):
    operation: str
    code: str


def answer(monkeypatch: pytest.MonkeyPatch, service: str, *answers: Answer | Refusal) -> list[str | None]:
    """Have AWS's next answers of one service; returns the regions that are asked."""
    client = boto3.Session().client(service, region_name="us-east-1")  # type: ignore[call-overload]
    stubber = Stubber(client)
    for each in answers:
        if isinstance(each, Answer):
            stubber.add_response(each.operation, each.response)
        else:
            stubber.add_client_error(each.operation, each.code)
    stubber.activate()
    regions: list[str | None] = []

    def made(_session: boto3.Session, name: str, region_name: str | None = None) -> Any:
        assert name == service
        regions.append(region_name)
        return client

    monkeypatch.setattr(boto3.Session, "client", made)
    return regions


def quotas(operation: str, *values: tuple[str, int], more: str | None = None) -> Answer:
    listed = [{"QuotaName": name, "QuotaCode": "L-1", "Value": float(value)} for name, value in values]
    return Answer(operation, {"Quotas": listed, **({"NextToken": more} if more else {})})


def only(check: Check, subject: Target) -> Finding:
    [finding] = examine(subject, (("it", check),))
    return finding


GPU = "ml.g4dn.xlarge for endpoint usage"


@pytest.mark.parametrize(("value", "state"), [(0, State.MISSING), (1, State.WARNING), (2, State.OK)])
def test_the_quota_of_instances_is_looked_up_by_name_on_every_page(
    value: int, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [quotas("list_service_quotas", ("ml.g4dn.xlarge for training job usage", 9), more="2")]
    answer(monkeypatch, "service-quotas", *pages, quotas("list_service_quotas", (GPU, value)))

    found = only(preflight.check_endpoint_quota, target())

    assert found.state is state
    if state is not State.OK:
        assert found.command == (
            "aws service-quotas request-service-quota-increase --service-code sagemaker "
            "--quota-code L-1 --desired-value 2 --region us-east-1"
        )


def test_a_quota_that_never_changed_is_awss_own(monkeypatch: pytest.MonkeyPatch) -> None:
    known = quotas("list_aws_default_service_quotas", (GPU, 0))
    answer(monkeypatch, "service-quotas", quotas("list_service_quotas"), known)
    assert only(preflight.check_endpoint_quota, target()).state is State.MISSING

    answer(monkeypatch, "service-quotas", quotas("list_service_quotas"), quotas("list_aws_default_service_quotas"))
    assert only(preflight.check_endpoint_quota, target()).state is State.UNKNOWN


def test_a_function_needs_no_quota_of_instances() -> None:
    assert list(examine(target(mask_tier="lambda"), (("it", preflight.check_endpoint_quota),))) == []


@pytest.mark.parametrize(("most", "state"), [(10, State.WARNING), (1000, State.OK)])
def test_few_functions_at_once_are_a_warning(most: int, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "lambda", Answer("get_account_settings", {"AccountLimit": {"ConcurrentExecutions": most}}))
    assert only(preflight.check_concurrency, target()).state is state


def test_what_may_not_be_asked_or_does_not_answer_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "lambda", Refusal("get_account_settings", "AccessDeniedException"))

    def unreachable(_: Target) -> Finding:
        raise EndpointConnectionError(endpoint_url="https://ecr.example")

    found = list(examine(target(), (("Lambda's quota", preflight.check_concurrency), ("the image", unreachable))))

    assert [finding.state for finding in found] == [State.UNKNOWN, State.UNKNOWN]
    assert "may not ask (GetAccountSettings)" in found[0].purpose
    assert "ecr.example" in found[1].purpose


@pytest.mark.usefixtures("aws")
def test_an_image_is_looked_for_where_its_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName="matteflow-dev-inference")
    missing = only(preflight.check_image, target())
    manifest = '{"schemaVersion": 2, "config": {"digest": "sha256:0"}, "layers": []}'
    put = ecr.put_image(
        repositoryName="matteflow-dev-inference",
        imageManifest=manifest,
        imageTag="1",
        imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
    )
    by_digest = IMAGE.replace(":1", f"@{put['image']['imageId']['imageDigest']}")

    assert missing.state is State.MISSING
    assert only(preflight.check_image, target()).state is State.OK
    assert only(preflight.check_image, target(inference_image_uri=by_digest)).state is State.OK
    assert only(preflight.check_image, target(inference_image_uri=IMAGE.replace("dev", "moon"))).state is State.MISSING

    monkeypatch.setattr(preflight, "_can_build", lambda: True)
    unbuilt = target(inference_image_uri=None, inference_image_tag="0123456789abcdef")
    assert "will be built" in only(preflight.check_image, unbuilt).what
    monkeypatch.setattr(preflight, "_can_build", lambda: False)
    assert only(preflight.check_image, unbuilt).state is State.MISSING


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("tier", "instance_type", "requirements"),
    [
        ("realtime", "ml.g4dn.xlarge", "inference-gpu"),
        ("async", "ml.p5.48xlarge", "inference-gpu"),
        ("realtime", "ml.c7i.xlarge", "inference"),
        ("lambda", "ml.g4dn.xlarge", "inference"),
    ],
)
def test_an_image_with_cuda_is_for_instances_with_a_gpu(
    monkeypatch: pytest.MonkeyPatch, tier: str, instance_type: str, requirements: str
) -> None:
    monkeypatch.setattr(preflight, "_can_build", lambda: True)
    variables = {"mask_tier": tier, "inference_instance_type": instance_type}

    found = only(preflight.check_image, target(inference_image_uri=None, inference_image_tag="0" * 16, **variables))

    assert f":{requirements}-{'0' * 16}" in found.what


@pytest.mark.parametrize(
    ("head", "settings", "state"),
    [
        ({"ETag": f'"{MODELS["u2netp"].checksum.partition(":")[2]}"'}, {}, State.OK),  # type: ignore[union-attr]
        ({"ETag": '"00000000000000000000000000000000"'}, {}, State.MISSING),
        ({"ETag": '"0-2"'}, {}, State.UNKNOWN),
        ({"ETag": '"0-2"', "ChecksumSHA256": IN_S3_OF_ONES}, ONES, State.OK),
        ({"ETag": '"0-2"', "ChecksumSHA256": IN_S3_OF_TWOS}, ONES, State.MISSING),
        ({"ETag": '"0-2"', "ChecksumSHA256": "AQ==-2", "ChecksumType": "COMPOSITE"}, ONES, State.UNKNOWN),
    ],
)
def test_weights_are_the_file_that_was_meant(
    head: dict[str, Any], settings: dict[str, str], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "s3", Answer("head_object", head))
    place = {"bucket": "weights", "prefix": "models/"}
    meant = target(inference_weights=place, inference_environment={"MASK_ENGINE": "u2netp", **settings})

    assert only(preflight.check_weights, meant).state is state


@pytest.mark.usefixtures("aws")
def test_weights_that_are_not_there_say_how_to_bring_them() -> None:
    place = {"bucket": "weights", "prefix": "models/"}
    found = only(
        preflight.check_weights, target(inference_weights=place, inference_environment={"MASK_ENGINE": "u2netp"})
    )

    assert found.state is State.MISSING
    assert "s3://weights/models/u2netp.onnx" in found.what
    assert found.command.startswith("make models MODEL=u2netp")


@pytest.mark.parametrize("engine", ["classical", "matteflow"])
def test_engines_that_bring_what_they_need_need_no_weights(engine: str) -> None:
    place = {"bucket": "weights", "prefix": "models/"}
    settings = {"MASK_ENGINE": engine}

    assert preflight.check_weights(target(inference_weights=place, inference_environment=settings)) is None


def test_the_edge_gets_a_signing_key_where_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[list[dict[str, str]]] = [[], [{"Name": "/matteflow-dev/signing-keys/1"}]]
    answer(monkeypatch, "ssm", *(Answer("get_parameters_by_path", {"Parameters": found}) for found in keys))

    missing, there = (only(preflight.check_signing_key, target()) for _ in keys)

    assert (missing.state, there.state) == (State.OK, State.OK)
    assert ("will be made" in missing.what, "will be made" in there.what) == (True, False)
    assert list(examine(target(edge=False), (("it", preflight.check_signing_key),))) == []


@pytest.mark.parametrize(
    ("certificate", "state"),
    [
        ({"Status": "ISSUED", "SubjectAlternativeNames": ["photos.example.org", "results.example.org"]}, State.OK),
        ({"Status": "ISSUED", "SubjectAlternativeNames": ["*.example.org"]}, State.OK),
        ({"Status": "ISSUED", "SubjectAlternativeNames": ["photos.example.org"]}, State.MISSING),
        ({"Status": "PENDING_VALIDATION"}, State.MISSING),
    ],
)
def test_a_certificate_is_issued_for_both_names(
    certificate: dict[str, Any], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions = answer(monkeypatch, "acm", Answer("describe_certificate", {"Certificate": certificate}))

    assert only(preflight.check_certificate, target(domain=DOMAIN)).state is state
    assert regions == ["us-east-1"]


def test_a_certificate_that_is_not_there_says_how_to_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "acm", Refusal("describe_certificate", "ResourceNotFoundException"))
    assert "request-certificate" in only(preflight.check_certificate, target(domain=DOMAIN)).command


@pytest.mark.parametrize(("allowed", "state"), [([ACCOUNT], State.OK), (["999999999999"], State.MISSING)])
def test_only_allowed_accounts_are_deployed_to(allowed: list[str], state: State) -> None:
    assert only(preflight.check_allowed, target(allowed_account_ids=allowed)).state is state


def test_rekognition_is_not_everywhere() -> None:
    elsewhere = target()._replace(environment=terraform.Environment("dev", "eu-north-1"))

    assert only(preflight.check_rekognition, target()).state is State.OK
    assert only(preflight.check_rekognition, elsewhere).state is State.WARNING


@pytest.mark.usefixtures("aws")
def test_the_state_bucket_may_still_be_made() -> None:
    before = only(preflight.check_state_bucket, target())
    make_state_bucket(boto3.Session(), ACCOUNT, lambda _: None)

    assert before.what.endswith("it will be made")
    assert only(preflight.check_state_bucket, target()) == (
        State.OK,
        f"State bucket matteflow-terraform-{ACCOUNT}-us-east-1",
        "",
        "",
    )


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Finding]]:
    """The command, without Terraform; what its checks are to find is put in here."""
    found: list[Finding] = []
    monkeypatch.setattr(preflight, "findings", lambda _: iter(found))
    return found  # type: ignore[return-value]


def test_the_command_fails_only_where_a_deployment_would(
    checked: list[Finding], capsys: pytest.CaptureFixture[str]
) -> None:
    checked += [
        Finding(State.OK, "one"),
        Finding(State.WARNING, "two", "why", "get it"),
        Finding(State.UNKNOWN, "three"),
    ]
    assert preflight.main(["dev"]) == 0
    assert "do: get it" in (said := capsys.readouterr().out)
    assert "Nothing is missing." in said

    checked.append(Finding(State.MISSING, "four [1]", "why", "get it"))
    assert preflight.main(["dev"]) == 1
    assert "four [1]" in (said := capsys.readouterr().out)
    assert "1 missing" in said


def test_nothing_more_is_asked_without_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "check_provider", lambda _: Finding(State.OK, "The AWS provider"))
    monkeypatch.setattr(terraform, "values", lambda _: VARIABLES)
    answer(monkeypatch, "sts", Refusal("get_caller_identity", "ExpiredToken"))

    found = list(findings(terraform.Environment("dev", "us-east-1")))

    assert [finding.state for finding in found] == [State.OK, State.OK, State.MISSING]
    assert "aws sso login" in found[-1].purpose


@pytest.mark.parametrize(("version", "state"), [("1.11.4", State.OK), ("2.0.0", State.OK), ("1.10.9", State.MISSING)])
def test_terraform_is_new_enough(version: str, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    class Said:
        stdout = f'{{"terraform_version": "{version}"}}'

    monkeypatch.setattr(terraform, "terraform", lambda *_, **__: Said)
    assert preflight.check_terraform().state is state


def test_a_provider_that_cannot_be_had_names_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str, **__: object) -> None:
        raise terraform.TerraformError("registry unreachable")

    monkeypatch.setattr(terraform, "initialize", fail)
    assert "TF_PLUGIN_DIR" in preflight.check_provider(terraform.Environment("dev", "us-east-1")).command


def test_other_refusals_of_s3_are_not_taken_for_missing_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "s3", Refusal("head_object", "403"))
    place = {"bucket": "weights", "prefix": ""}
    with pytest.raises(ClientError):
        preflight.check_weights(target(inference_weights=place, inference_environment={"MASK_ENGINE": "u2netp"}))


def test_every_check_has_its_place() -> None:
    named = {check for _, check in CHECKS}
    written = {value for name, value in vars(preflight).items() if name.startswith("check_")}
    assert written - named == {preflight.check_terraform, preflight.check_provider}
