"""S3: the objects of the pipeline, and the signed URLs by which people reach them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import boto3
from botocore import exceptions as botocore_errors
from botocore.config import Config

from functions.core.aws_errors import TRANSIENT_STATUSES
from functions.core.errors import AccessDenied, ImageRejected, MatteflowError, StoreUnavailable
from functions.core.models import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_CLIENT_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    # Version 4 signs Content-Length in a URL; boto3's default for presigning drops it.
    signature_version="s3v4",
    # Signed URLs then name the bucket's region, as the dashboard's Content-Security-Policy does; the global endpoint
    # would answer a new bucket's with a redirect. An endpoint that is an IP address still gets path style.
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    # Else a presigned PUT asks its sender for the checksum of an empty body.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)

_GONE = "The uploaded object is gone: it was deleted or replaced before it could be read. Upload the picture again."

_ERRORS: dict[str, tuple[type[MatteflowError], str]] = {
    # HEAD has no body, so botocore gives its HTTP status as the code. 405 is a delete marker.
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404", "405"), (ImageRejected, _GONE)),
    **dict.fromkeys(
        ("AccessDenied", "AllAccessDisabled", "403"),
        (AccessDenied, "S3 refuses this function's role access to s3://{bucket}/{key} ({code})."),
    ),
    **dict.fromkeys(
        (
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "RequestTimeout",
            "OperationAborted",
            "ServiceUnavailable",
            "InternalError",
            *TRANSIENT_STATUSES,
        ),
        (StoreUnavailable, "S3 could not answer for s3://{bucket}/{key} ({code})."),
    ),
}


class ObjectFacts(NamedTuple):
    """What S3 says of an object without reading it."""

    size_bytes: int
    content_type: str


class PresignedPut(NamedTuple):
    """A URL to PUT to; the sender must send exactly these headers with it."""

    url: str
    headers: dict[str, str]


class PresignedPost(NamedTuple):
    """A URL to POST a multipart form to: these fields first, the file last."""

    url: str
    fields: dict[str, str]


class ImageStore:
    """S3 objects by bucket and key. Keys are opaque: they are never quoted or unquoted here.

    Every method but the presigning ones, which make no call, raises:
        StoreUnavailable: S3 throttled the call, failed, or could not be reached.
        AccessDenied: the role may not do this. S3 also says so of an absent object if the role may not list the bucket.
    """

    def __init__(self, client: S3Client | None = None) -> None:
        self._client: S3Client = client or boto3.client("s3", config=_CLIENT_CONFIG)

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        """The whole object, or the named version of it.

        Raises:
            ImageRejected: there is no such object or version, or it is a delete marker.
        """
        with _translated(bucket, key):
            if version:
                return self._client.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def head(self, bucket: str, key: str, version: str | None = None) -> ObjectFacts:
        """Size and declared type of an object, or of the named version of it.

        Raises:
            ImageRejected: there is no such object or version, or it is a delete marker.
        """
        with _translated(bucket, key):
            if version:
                head = self._client.head_object(Bucket=bucket, Key=key, VersionId=version)
            else:
                head = self._client.head_object(Bucket=bucket, Key=key)
        return ObjectFacts(head["ContentLength"], head.get("ContentType", ""))

    def newest(self, bucket: str, key: str) -> Upload | None:
        """The newest version of an object in a versioned bucket; None if there is none, or it is a delete marker.

        Only events tell a sequencer; this one sorts before them all.
        """
        try:
            with _translated(bucket, key):
                head = self._client.head_object(Bucket=bucket, Key=key)
        except ImageRejected:
            return None
        return Upload(
            bucket=bucket,
            key=key,
            version=head["VersionId"],
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
            sequencer="0",
        )

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Write an object, replacing any that is there."""
        with _translated(bucket, key):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def check(self, bucket: str) -> None:
        """Ask S3 whether the bucket is there; an error says that it is not."""
        with _translated(bucket, ""):
            self._client.head_bucket(Bucket=bucket)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object of a bucket that keeps no versions, if it is there."""
        with _translated(bucket, key):
            self._client.delete_object(Bucket=bucket, Key=key)

    def delete_prefix(self, bucket: str, prefix: str) -> None:
        """Delete every version of every object under ``prefix``."""
        self._delete_versions(bucket, prefix, whole_prefix=True)

    def delete_versions(self, bucket: str, key: str) -> None:
        """Delete every version of one object."""
        self._delete_versions(bucket, key, whole_prefix=False)

    def delete_version(self, bucket: str, key: str, version: str) -> None:
        """Delete one version of an object, if it is there."""
        with _translated(bucket, key):
            self._client.delete_object(Bucket=bucket, Key=key, VersionId=version)

    def _delete_versions(self, bucket: str, prefix: str, *, whole_prefix: bool) -> None:
        with _translated(bucket, prefix):
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                # A page holds at most 1,000 versions and markers, which is what one delete takes.
                objects: list[ObjectIdentifierTypeDef] = [
                    {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                    for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                    if whole_prefix or entry["Key"] == prefix
                ]
                if not objects:
                    continue
                answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
                for failure in answer.get("Errors", ()):
                    raise botocore_errors.ClientError(
                        {"Error": {"Code": failure.get("Code", ""), "Message": failure.get("Message", "")}},
                        "DeleteObjects",
                    )

    def presign_get(
        self, bucket: str, key: str, expires_s: int, filename: str | None = None, version: str | None = None
    ) -> str:
        """A URL that reads the object or the named version of it.

        With ``filename``, a browser saves it under that name.
        """
        params = {"Bucket": bucket, "Key": key}
        if version is not None:
            params["VersionId"] = version
        if filename is not None:
            params["ResponseContentDisposition"] = attachment(filename)
        return self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=expires_s)

    def presign_put(
        self, bucket: str, key: str, *, content_type: str, content_length: int, expires_s: int
    ) -> PresignedPut:
        """A URL that writes this key once, with this content type and exactly this many bytes."""
        url = self._client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": bucket,
                "Key": key,
                "ContentType": content_type,
                "ContentLength": content_length,
                "IfNoneMatch": "*",
            },
            ExpiresIn=expires_s,
        )
        headers = {"Content-Type": content_type, "Content-Length": str(content_length), "If-None-Match": "*"}
        return PresignedPut(url, headers)

    def presign_post(
        self, bucket: str, key: str, *, content_type: str, max_size_bytes: int, expires_s: int
    ) -> PresignedPost:
        """A form that writes this key with this content type and 1 to ``max_size_bytes`` bytes.

        A POST policy cannot refuse an object that is there, as the PUT does: versioning keeps the earlier one.
        """
        form = self._client.generate_presigned_post(
            bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_size_bytes]],
            ExpiresIn=expires_s,
        )
        return PresignedPost(form["url"], form["fields"])


def attachment(filename: str) -> str:
    """The Content-Disposition of a file that a browser saves under this name (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


@contextmanager
def _translated(bucket: str, key: str) -> Iterator[None]:
    try:
        yield
    except botocore_errors.ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code not in _ERRORS:
            raise
        error, message = _ERRORS[code]
        raise error(message.format(bucket=bucket, key=key, code=code)) from exc
    except (
        botocore_errors.ConnectionError,
        botocore_errors.HTTPClientError,
        botocore_errors.IncompleteReadError,
    ) as exc:
        raise StoreUnavailable(f"S3 could not be reached for s3://{bucket}/{key} ({type(exc).__name__}).") from exc
