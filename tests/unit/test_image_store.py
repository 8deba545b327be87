"""S3 through the store: what is read, written, deleted, signed, and which error each refusal becomes."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore import exceptions as botocore_errors
from botocore.stub import Stubber
from mypy_boto3_s3 import S3Client

from functions.core.errors import AccessDenied, ImageRejected, MatteflowError, StoreUnavailable
from functions.core.image_store import ImageStore
from tests.unit.buckets import UPLOADS_BUCKET as BUCKET

ODD_KEYS = ["uploads/a b+c.jpg", "uploads/x%2Fy.jpg", "uploads/🐈.jpg", "uploads/cafe\u0301.jpg"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_object_comes_back_under_exactly_its_key(s3: S3Client, key: str) -> None:
    store = ImageStore()
    store.put(BUCKET, key, b"pixels", "image/jpeg")
    assert store.get(BUCKET, key) == b"pixels"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [key]


def test_a_version_is_read_even_after_a_newer_one_came(s3: S3Client) -> None:
    old = s3.put_object(Bucket=BUCKET, Key="k", Body=b"old", ContentType="image/png")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"newer", ContentType="image/jpeg")
    store = ImageStore()
    assert store.get(BUCKET, "k", old) == b"old"
    assert store.head(BUCKET, "k", old) == (3, "image/png")
    assert store.head(BUCKET, "k") == (5, "image/jpeg")


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("version", [None, "deleted", "marker"])
def test_what_is_gone_is_rejected_in_plain_words(s3: S3Client, method: str, version: str | None) -> None:
    # Given an object whose one version is gone, and whose key ends in a delete marker
    versions = {"deleted": s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")["VersionId"]}
    versions["marker"] = s3.delete_object(Bucket=BUCKET, Key="k")["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key="k", VersionId=versions["deleted"])
    # When it is read, then the owner is told what to do
    with pytest.raises(ImageRejected, match=r"gone.*Upload the picture again"):
        getattr(ImageStore(), method)(BUCKET, "k", version and versions[version])


@pytest.mark.parametrize(
    ("code", "error"),
    [("SlowDown", StoreUnavailable), ("503", StoreUnavailable), ("AccessDenied", AccessDenied), ("403", AccessDenied)],
)
def test_a_refusal_is_translated(code: str, error: type[MatteflowError]) -> None:
    client = boto3.client("s3")
    with Stubber(client) as stub:
        stub.add_client_error("get_object", code)
        with pytest.raises(error, match=rf"s3://{BUCKET}/k .*{code}") as caught:
            ImageStore(client).get(BUCKET, "k")
    assert isinstance(caught.value.__cause__, botocore_errors.ClientError)


def test_an_unknown_refusal_is_raised_as_it_is(s3: S3Client) -> None:
    with pytest.raises(botocore_errors.ClientError, match="NoSuchBucket"):
        ImageStore(s3).get("matteflow-test-absent", "k")


def test_an_unreachable_s3_is_unavailable() -> None:
    client = boto3.client("s3", endpoint_url="http://127.0.0.1:9")  # the discard port: nothing listens
    with pytest.raises(StoreUnavailable, match="could not be reached"):
        ImageStore(client).put(BUCKET, "k", b"x", "image/png")


def test_deleting_a_prefix_leaves_no_version_and_no_neighbour(s3: S3Client) -> None:
    # Given two versions and a delete marker under the prefix, and a neighbour
    for key in ("a/1", "a/1", "a/2", "b/1"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key="a/2")
    # When the prefix goes, then only the neighbour is left, and a second time finds nothing
    store = ImageStore()
    store.delete_prefix(BUCKET, "a/")
    listed = s3.list_object_versions(Bucket=BUCKET)
    assert [version["Key"] for version in listed["Versions"]] == ["b/1"]
    assert "DeleteMarkers" not in listed
    store.delete_prefix(BUCKET, "a/")  # nothing is left, which is no error


def test_deleting_a_key_leaves_a_longer_key(s3: S3Client) -> None:
    for key in ("a", "a", "a.jpg"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    ImageStore().delete_versions(BUCKET, "a")
    assert [version["Key"] for version in s3.list_object_versions(Bucket=BUCKET)["Versions"]] == ["a.jpg"]


def test_an_object_that_cannot_be_deleted_is_an_error(s3: S3Client) -> None:
    listed = {"Versions": [{"Key": "a", "VersionId": "1"}]}
    refused = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "locked"}]}
    with Stubber(s3) as stub:
        stub.add_response("list_object_versions", listed)
        stub.add_response("delete_objects", refused)
        with pytest.raises(AccessDenied):
            ImageStore(s3).delete_prefix(BUCKET, "a")


def _signed_headers(url: str) -> set[str]:
    return set(parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";"))


def test_a_presigned_put_pins_type_size_and_absence() -> None:
    url, headers = ImageStore().presign_put(BUCKET, "k", content_type="image/png", expires_s=900, content_length=12)
    assert _signed_headers(url) == {"host", "content-type", "content-length", "if-none-match"}
    assert headers == {"Content-Type": "image/png", "If-None-Match": "*", "Content-Length": "12"}
    assert "checksum" not in url.lower()


def test_a_presigned_post_pins_key_type_and_size_range() -> None:
    url, fields = ImageStore().presign_post(BUCKET, "k", content_type="image/png", max_size_bytes=99, expires_s=900)
    conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
    assert {"key": "k"} in conditions
    assert {"bucket": BUCKET} in conditions
    assert {"Content-Type": "image/png"} in conditions
    assert ["content-length-range", 1, 99] in conditions
    assert fields["Content-Type"] == "image/png"
    assert fields["key"] == "k"
    assert urlsplit(url).path == "/"


def test_a_presigned_get_names_the_file_for_the_browser() -> None:
    url = ImageStore().presign_get(BUCKET, "a b", 60, filename='my "cat"/🐈.png')
    query = parse_qs(urlsplit(url).query)
    assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''my%20%22cat%22%2F%F0%9F%90%88.png"]
    assert query["X-Amz-Expires"] == ["60"]


@pytest.mark.parametrize(
    ("endpoint", "region", "address"),
    [
        (None, "eu-central-1", f"https://{BUCKET}.s3.eu-central-1.amazonaws.com/k"),
        (None, "us-east-1", f"https://{BUCKET}.s3.us-east-1.amazonaws.com/k"),
        ("http://127.0.0.1:4566", "us-east-1", f"http://127.0.0.1:4566/{BUCKET}/k"),
    ],
)
def test_a_url_names_the_bucket_as_its_endpoint_wants(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, region: str, address: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    store = ImageStore()
    put = store.presign_put(BUCKET, "k", content_type="image/png", content_length=1, expires_s=60)
    post = store.presign_post(BUCKET, "k", content_type="image/png", max_size_bytes=1, expires_s=60)
    assert {url.partition("?")[0] for url in (store.presign_get(BUCKET, "k", 60), put.url)} == {address}
    assert post.url.rstrip("/") == address.removesuffix("/k")
