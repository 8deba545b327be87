"""Signed URLs of CloudFront, verified as CloudFront does, and the key that signs them."""

import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import Stubber
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from functions.core import errors
from functions.core.result_urls import ResultsEdge, ResultUrls
from scripts.signing_key import SigningKeys

KEY_ID = "K2JCJMDEHXQW5F"


def public_key(keys: SigningKeys, version: str) -> EllipticCurvePublicKey:
    parameter = boto3.client("ssm").get_parameter(Name=f"{keys.path}/{version}")["Parameter"]
    loaded = load_pem_public_key(json.loads(parameter["Value"])["public_key"].encode())
    assert isinstance(loaded, EllipticCurvePublicKey)
    return loaded


def edge_of(keys: SigningKeys, version: str) -> ResultsEdge:
    parameter = boto3.client("ssm").get_parameter(Name=f"{keys.path}/{version}")["Parameter"]
    secret_arn = json.loads(parameter["Value"])["secret_arn"]
    return ResultsEdge(domain="results.example.org", key_id=KEY_ID, secret_arn=secret_arn, secret_version=version)


def verify(url: str, key: EllipticCurvePublicKey) -> None:
    """What CloudFront does with a URL of a canned policy; InvalidSignature if it is not the one that was signed."""
    signed, _, parameters = url.partition("&Expires=")
    query = parse_qs(f"Expires={parameters}")
    assert query["Hash-Algorithm"] == ["SHA256"]
    assert query["Key-Pair-Id"] == [KEY_ID]
    policy = '{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%s}}}]}'
    signature = base64.b64decode(query["Signature"][0].translate(str.maketrans("-_~", "+=/")))
    key.verify(signature, (policy % (signed, query["Expires"][0])).encode(), ECDSA(SHA256()))


@pytest.fixture
def keys(aws: None) -> SigningKeys:  # noqa: ARG001 - AWS must be in memory first
    return SigningKeys("dev", boto3.Session())


def test_a_url_is_good_as_it_was_signed_and_no_other(keys: SigningKeys) -> None:
    version = keys.make()
    url = ResultUrls(edge_of(keys, version)).presign("0198/cutout.png", 900, "boat-cutout.png")
    key = public_key(keys, version)
    expires = parse_qs(urlsplit(url).query)["Expires"][0]

    verify(url, key)
    for altered in (
        url.replace("/0198/", "/0199/"),
        url.replace(f"Expires={expires}", f"Expires={int(expires) + 1}"),
        url.replace("boat-cutout", "other"),
        url.replace("results.example.org", "elsewhere.example.org"),
    ):
        assert altered != url
        with pytest.raises(InvalidSignature):
            verify(altered, key)
    with pytest.raises(InvalidSignature):
        verify(url, public_key(keys, keys.make()))


def test_a_key_and_a_name_of_any_letters_are_encoded_once(keys: SigningKeys) -> None:
    version = keys.make()
    url = ResultUrls(edge_of(keys, version)).presign("a b/ü+%2F.png", 900, "my cät.png")

    verify(url, public_key(keys, version))
    assert url.isascii()
    assert urlsplit(url).path == "/a%20b/%C3%BC%2B%252F.png"
    assert parse_qs(urlsplit(url).query)["response-content-disposition"] == [
        "attachment; filename*=UTF-8''my%20c%C3%A4t.png"
    ]


def test_a_url_lives_half_its_time_to_all_of_it_and_stays_the_same_meanwhile(
    keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = edge_of(keys, keys.make())

    def signed_at(now: int) -> str:
        monkeypatch.setattr(time, "time", lambda: now)
        return ResultUrls(edge).presign("k", 900, "k.png")  # each as in a process of its own

    start = 450 * 4_000_000
    assert signed_at(start) == signed_at(start + 449)
    assert f"Expires={start + 900}&" in signed_at(start)
    assert f"Expires={start + 1350}&" in signed_at(start + 450)


def test_the_private_key_is_read_once_and_by_its_version(keys: SigningKeys) -> None:
    first = keys.make()
    keys.make()
    client = boto3.client("secretsmanager")
    value = client.get_secret_value(SecretId=keys.secret, VersionId=first)
    edge = edge_of(keys, first)
    answer = {name: value[name] for name in ("ARN", "Name", "VersionId", "SecretString")}

    with Stubber(client) as stubber:
        stubber.add_response(
            "get_secret_value", answer, {"SecretId": edge.secret_arn, "VersionId": edge.secret_version}
        )
        urls = ResultUrls(edge, client)
        signed = [urls.presign(key, 900, "k.png") for key in ("a", "b")]
        stubber.assert_no_pending_responses()

    for url in signed:
        verify(url, public_key(keys, first))


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDeniedException", errors.AccessDenied), ("ThrottlingException", errors.StoreUnavailable)],
)
def test_a_refusal_of_secrets_manager_is_an_error_of_ours(code: str, error: type[Exception]) -> None:
    client = boto3.client("secretsmanager")
    edge = ResultsEdge(domain="d", key_id="K", secret_arn="a" * 20, secret_version="0" * 36)
    with Stubber(client) as stubber:
        stubber.add_client_error("get_secret_value", code)
        with pytest.raises(error, match="Secrets Manager refused"):
            ResultUrls(edge, client).presign("k", 900, "k.png")
