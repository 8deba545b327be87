"""S3 as the app uses it: a picture by reference, and weights at start."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from s3transfer.exceptions import RetriesExceededError

from inference_image.errors import BadInput, ServingError, StoreUnavailable, TooLarge

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ERRORS: dict[str, type[ServingError]] = {
    "NoSuchKey": BadInput,
    "NoSuchBucket": BadInput,
    "404": BadInput,  # HEAD answers carry the bare status
    "AccessDenied": BadInput,
    "403": BadInput,
    "InvalidObjectState": BadInput,
    **dict.fromkeys(
        (
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "RequestTimeout",
            "ServiceUnavailable",
            "InternalError",
            "429",
            "500",
            "502",
            "503",
            "504",
        ),
        StoreUnavailable,
    ),
}


class ObjectStore:
    """S3, at the endpoint and with the credentials that the environment gives."""

    @functools.cached_property
    def _client(self) -> "S3Client":
        limits = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
        return boto3.client("s3", config=limits)

    def read_picture(self, bucket: str, key: str, max_size_bytes: int) -> bytes:
        """Read one object.

        Raises:
            BadInput: it does not exist, may not be read, or cannot be named so.
            TooLarge: over ``max_size_bytes``; nothing of it is read then.
            StoreUnavailable: S3 throttled the read or failed.
        """
        try:
            found = self._client.get_object(Bucket=bucket, Key=key)
            with found["Body"] as body:
                if found["ContentLength"] > max_size_bytes:
                    raise TooLarge(f"The object has {found['ContentLength']} bytes; {max_size_bytes} are the limit.")
                return body.read()
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, bucket, key) from exc

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write one object to the file ``target``, whole or not at all. Raises as ``read_picture``, without a limit."""
        partial = target.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                self._client.download_fileobj(bucket, key, file)
        except RetriesExceededError as exc:
            raise StoreUnavailable(f"s3://{bucket}/{key}: the download broke off again and again.") from exc
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, bucket, key) from exc
        partial.replace(target)


def _translated(exc: ClientError | BotoCoreError, bucket: str, key: str) -> Exception:
    if isinstance(exc, ParamValidationError):
        return BadInput(f"s3://{bucket}/{key}: {exc}")
    if not isinstance(exc, ClientError):  # no connection, time-out, no credentials
        return StoreUnavailable(f"S3 could not be read: {exc}")
    error = _ERRORS.get(exc.response["Error"]["Code"])
    return error(f"s3://{bucket}/{key}: {exc.response['Error']['Message']}.") if error else exc
