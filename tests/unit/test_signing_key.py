"""The command that makes the keys of signed URLs."""

import json

import boto3
import pytest

from scripts import signing_key
from scripts.signing_key import SigningKeys


@pytest.fixture
def keys(aws: None) -> SigningKeys:  # noqa: ARG001 - AWS must be in memory first
    return SigningKeys("dev", boto3.Session())


def test_a_private_half_is_in_the_secret_alone(keys: SigningKeys, capsys: pytest.CaptureFixture[str]) -> None:
    assert signing_key.main(["--env", "dev"]) == 0

    [version] = keys.versions()
    secret = boto3.client("secretsmanager").get_secret_value(SecretId="matteflow-dev/signing-key", VersionId=version)
    parameter = boto3.client("ssm").get_parameter(Name=f"/matteflow-dev/signing-keys/{version}")["Parameter"]
    said = capsys.readouterr().out
    assert secret["SecretString"].startswith("-----BEGIN PRIVATE KEY-----")
    assert json.loads(parameter["Value"])["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert json.loads(parameter["Value"])["secret_arn"] == secret["ARN"]
    assert "make deploy ENV=dev" in said
    assert "PRIVATE" not in said + parameter["Value"]


def test_the_newest_two_keys_are_kept_in_the_order_they_were_made(keys: SigningKeys) -> None:
    made = [keys.make() for _ in range(3)]

    assert keys.versions() == made[1:]


def test_a_key_that_is_there_can_be_left_as_it_is(keys: SigningKeys) -> None:
    for _ in range(2):
        assert signing_key.main(["--env", "dev", "--unless-there"]) == 0

    assert len(keys.versions()) == 1


def test_every_key_can_be_taken_away_again_and_again(keys: SigningKeys) -> None:
    keys.make()

    for _ in range(2):
        assert signing_key.main(["--env", "dev", "--remove"]) == 0

    assert keys.versions() == []
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []


@pytest.mark.parametrize("name", ["local", "moon"])
def test_an_environment_that_is_not_on_aws_names_those_that_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert signing_key.main(["--env", name]) == 1

    assert "dev" in capsys.readouterr().err
