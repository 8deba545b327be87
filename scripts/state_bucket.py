"""The bucket that keeps Terraform's states, one for each account and region, and who works in the account."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

_NO_CREDENTIALS = "There are no AWS credentials: name a profile (export AWS_PROFILE=...) or run `aws configure sso`."
_EXPIRED = "The AWS credentials have expired. Run `aws sso login`, or renew them where they came from."
_EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_REFUSED_CODES = {"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}


class StateBucketError(Exception):
    """The account or its bucket cannot be used; the message says what to do."""


def account_of(session: boto3.Session) -> str:
    """The number of the account that the session's credentials work in.

    Raises:
        StateBucketError: there are no credentials, or AWS does not take them.
    """
    try:
        return str(session.client("sts").get_caller_identity()["Account"])
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StateBucketError(_NO_CREDENTIALS) from error
    except ProfileNotFound as error:
        raise StateBucketError(f"{error}. `aws configure list-profiles` lists those there are.") from error
    except (SSOError, TokenRetrievalError) as error:
        raise StateBucketError(_EXPIRED) from error
    except EndpointConnectionError as error:
        raise StateBucketError(f"AWS cannot be reached: {error}") from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _EXPIRED_CODES:
            raise StateBucketError(_EXPIRED) from error
        if code in _REFUSED_CODES:
            raise StateBucketError(
                f"AWS does not take the credentials in {session.region_name} ({code}): they are wrong, or the account "
                "has to enable the region first (aws account enable-region)."
            ) from error
        raise StateBucketError(str(error)) from error
    except BotoCoreError as error:
        raise StateBucketError(str(error)) from error


def bucket_name(account: str, region: str) -> str:
    """A bucket's name is unique over all accounts and regions of AWS."""
    return f"matteflow-terraform-{account}-{region}"


def make_state_bucket(session: boto3.Session, account: str, tell: Callable[[str], None] = print) -> str:
    """The name of the bucket, which is made where it is missing: versioned, encrypted, private, over TLS only.

    Raises:
        StateBucketError: the bucket is another account's, or may not be made or read.
    """
    bucket = bucket_name(account, session.region_name)
    s3 = session.client("s3")
    try:
        if not _is_complete(s3, bucket, account):
            tell(f"Making the bucket of Terraform's states: {bucket}")
            _make(s3, bucket, session.region_name)
    except ClientError as error:
        raise StateBucketError(f"The bucket of Terraform's states, {bucket}, cannot be used: {error}") from error
    return bucket


def has_state_bucket(session: boto3.Session, account: str) -> bool:
    """Whether ``make_state_bucket`` has nothing to do.

    Raises:
        StateBucketError: the bucket is another account's, or may not be read.
    """
    bucket = bucket_name(account, session.region_name)
    try:
        return _is_complete(session.client("s3"), bucket, account)
    except ClientError as error:
        raise StateBucketError(f"The bucket of Terraform's states, {bucket}, cannot be used: {error}") from error


def _is_complete(s3: Any, bucket: str, account: str) -> bool:
    """Versioning is switched on last: where it is on, the rest is set."""
    try:
        versioning = s3.get_bucket_versioning(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return False
        raise
    return bool(versioning.get("Status") == "Enabled")


def _make(s3: Any, bucket: str, region: str) -> None:
    # S3 takes its first region by no name only.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # an earlier start was cut off halfway
        s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced", **place)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    partition = s3.meta.partition
    tls_only = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:{partition}:s3:::{bucket}", f"arn:{partition}:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls_only]}))
    s3.put_bucket_tagging(
        Bucket=bucket,
        Tagging={"TagSet": [{"Key": "Project", "Value": "matteflow"}, {"Key": "ManagedBy", "Value": "scripts"}]},
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
