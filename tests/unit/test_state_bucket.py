"""The bucket that keeps Terraform's states, and what is said where an account cannot be used."""

import json
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from scripts.state_bucket import StateBucketError, account_of, bucket_name, has_state_bucket, make_state_bucket

ACCOUNT = "123456789012"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.usefixtures("aws")
def test_the_bucket_is_made_once_versioned_encrypted_private_and_over_tls(region: str) -> None:
    session = boto3.Session(region_name=region)
    told: list[str] = []
    before = has_state_bucket(session, ACCOUNT)

    bucket = make_state_bucket(session, ACCOUNT, told.append)
    again = make_state_bucket(session, ACCOUNT, told.append)

    s3 = session.client("s3")
    assert bucket == again == f"matteflow-terraform-{ACCOUNT}-{region}"
    assert (before, has_state_bucket(session, ACCOUNT)) == (False, True)
    assert told == [f"Making the bucket of Terraform's states: {bucket}"]
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] in (region, None)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [statement] = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.usefixtures("aws")
def test_a_bucket_that_was_cut_off_halfway_is_completed() -> None:
    session = boto3.Session(region_name="eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    session.client("s3").create_bucket(Bucket=bucket_name(ACCOUNT, "eu-west-1"), CreateBucketConfiguration=place)  # type: ignore[arg-type]

    make_state_bucket(session, ACCOUNT, lambda _: None)

    assert has_state_bucket(session, ACCOUNT)


@pytest.mark.parametrize("use", [make_state_bucket, has_state_bucket])
def test_a_bucket_that_is_somebody_elses_is_not_used(
    use: Callable[[boto3.Session, str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.Session()
    s3 = session.client("s3")
    monkeypatch.setattr(session, "client", lambda _: s3)
    asked: dict[str, str] = {}

    def get_bucket_versioning(**arguments: str) -> None:
        asked.update(arguments)
        raise refused("AccessDenied")

    monkeypatch.setattr(s3, "get_bucket_versioning", get_bucket_versioning)

    with pytest.raises(StateBucketError, match=r"cannot be used.*AccessDenied"):
        use(session, ACCOUNT)
    assert asked["ExpectedBucketOwner"] == ACCOUNT


@pytest.mark.usefixtures("aws")
def test_the_account_is_the_credentials_own() -> None:
    assert account_of(boto3.Session()) == ACCOUNT


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "no AWS credentials"),
        (ProfileNotFound(profile="moon"), r"moon.*list-profiles"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (refused("ExpiredToken"), "have expired"),
        (refused("InvalidClientTokenId"), r"eu-west-1.*enable"),
        (refused("Throttling"), "Throttling"),
        (EndpointConnectionError(endpoint_url="https://sts.example"), "cannot be reached"),
    ],
)
def test_an_account_that_cannot_be_used_says_what_to_do(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.Session(region_name="eu-west-1")

    def client(_: str) -> None:
        raise error

    monkeypatch.setattr(session, "client", client)

    with pytest.raises(StateBucketError, match=said):
        account_of(session)
