"""CloudFront: the signed URLs of results, and the key in Secrets Manager that signs them."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import boto3
from botocore.config import Config
from botocore.signers import CloudFrontSigner

from functions.core.aws_errors import TRANSIENT_STATUSES, translated
from functions.core.errors import AccessDenied, MatteflowError, StoreUnavailable
from functions.core.image_store import attachment
from functions.core.models import Model

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CLIENT_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})

_ERRORS: dict[str, type[MatteflowError]] = {
    **dict.fromkeys(("AccessDeniedException", "DecryptionFailure", "ResourceNotFoundException"), AccessDenied),
    **dict.fromkeys(("InternalServiceError", "ThrottlingException", *TRANSIENT_STATUSES), StoreUnavailable),
}


class ResultsEdge(Model):
    """The distribution before the results bucket, its public key, and where the private half of that is."""

    domain: str
    key_id: str
    secret_arn: str
    secret_version: str


class ResultUrls:
    """URLs of one distribution. The private key is read when the first is signed, and kept."""

    def __init__(self, edge: ResultsEdge, client: SecretsManagerClient | None = None) -> None:
        self._edge = edge
        self._client: SecretsManagerClient = client or boto3.client("secretsmanager", config=_CLIENT_CONFIG)
        self._signer = CloudFrontSigner(edge.key_id, self._sign)

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """A URL that reads an object for at most ``expires_s`` seconds; a browser saves it under ``filename``.

        It ends at a whole half of that time, and so stays the same meanwhile: a browser need not fetch it again.

        Raises:
            AccessDenied: the role may not read the private key, or it is gone.
            StoreUnavailable: Secrets Manager throttled the call, failed, or could not be reached.
        """
        step_s = max(1, expires_s // 2)
        ends = datetime.fromtimestamp((int(time.time()) // step_s + 2) * step_s, UTC)
        query = urlencode({"response-content-disposition": attachment(filename)}, quote_via=quote)
        url = f"https://{self._edge.domain}/{quote(key)}?{query}"
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
        return self._signer.generate_presigned_url(url, date_less_than=ends) + "&Hash-Algorithm=SHA256"

    def _sign(self, policy: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._private_key.sign(policy, ECDSA(SHA256(), deterministic_signing=True))

    @functools.cached_property
    def _private_key(self) -> EllipticCurvePrivateKey:
        # No other function needs it, and no other URL: 30 ms of each cold start.
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        with translated("Secrets Manager", _ERRORS, StoreUnavailable):
            secret = self._client.get_secret_value(SecretId=self._edge.secret_arn, VersionId=self._edge.secret_version)
        return load_pem_private_key(secret["SecretString"].encode(), password=None)  # type: ignore[return-value]
