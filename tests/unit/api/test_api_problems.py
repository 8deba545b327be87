"""What goes wrong is answered as a problem document, and health tells the truth."""

import pytest
from mypy_boto3_s3 import S3Client

from functions.core.errors import AccessDenied, StoreUnavailable
from functions.core.record_store import RecordStore
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET
from tests.unit.lambda_context import Context


def fail(error: Exception):
    def raise_it(*_: object, **__: object) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", "/", 404, "Not Found"),
        ("GET", "/results/", 404, "Not Found"),
        ("GET", "/results/7", 404, "Not Found"),
        ("PUT", "/results", 405, "Method Not Allowed"),
        ("GET", "/upload-url", 405, "Method Not Allowed"),
    ],
)
def test_every_refusal_is_a_problem_document(api, method, path, status, title):
    answer = api.get(path, method=method)

    problem = answer.body
    assert answer.status == problem["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["title"] == title
    assert problem["type"] == "about:blank"
    assert problem["instance"] == f"urn:uuid:{Context().aws_request_id}"
    assert problem["detail"]


def test_another_method_is_told_which_ones_there_are(api):
    assert api.get("/results/7", method="PUT").headers["Allow"] == "DELETE, GET"


def test_too_large_a_body_has_its_newest_title(api):
    assert api.post("x" * 70_000).body["title"] == "Content Too Large"


def test_a_store_that_does_not_answer_may_be_asked_again(api, monkeypatch):
    monkeypatch.setattr(RecordStore, "list_by_owner", fail(StoreUnavailable("DynamoDB refused Query (Throttling).")))

    answer = api.get("/results")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert "DynamoDB" not in answer.text


@pytest.mark.parametrize("error", [RuntimeError("secret"), AccessDenied("secret"), KeyError("secret")])
def test_an_unexpected_error_is_logged_and_not_told(api, monkeypatch, log, error):
    monkeypatch.setattr(RecordStore, "list_by_owner", fail(error))

    answer = api.get("/results")

    assert answer.status == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "secret" in log.getvalue()


def test_settings_that_are_missing_are_an_unexpected_error(api, configure):
    configure("TABLE_NAME", None)

    assert api.get("/results").status == 500


@pytest.mark.usefixtures("s3")
class TestHealth:
    def test_everything_answers(self, api):
        answer = api.get("/health")

        health = answer.body
        assert answer.status == 200, answer.text
        assert (health["version"], health["mask_provider"]) == ("0.1.0", "matteflow-test-endpoint")
        assert {name: dependency["status"] for name, dependency in health["dependencies"].items()} == {
            "table": "up",
            "uploads_bucket": "up",
            "masks_bucket": "up",
            "results_bucket": "up",
        }
        assert all(dependency["ms"] >= 0 for dependency in health["dependencies"].values())

    @pytest.mark.parametrize(
        ("name", "bucket"),
        [("uploads_bucket", UPLOADS_BUCKET), ("masks_bucket", MASKS_BUCKET), ("results_bucket", RESULTS_BUCKET)],
    )
    def test_a_bucket_that_is_gone(self, api, s3: S3Client, name, bucket):
        s3.delete_bucket(Bucket=bucket)

        answer = api.get("/health")

        assert answer.status == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.body["detail"] == f"Down: {name}."
        assert answer.body["dependencies"][name]["status"] == "down"
        assert answer.body["dependencies"]["table"]["status"] == "up"

    def test_a_table_that_is_gone(self, api, configure):
        configure("TABLE_NAME", "matteflow-test-absent")

        answer = api.get("/health")

        assert answer.status == 503
        assert answer.body["detail"] == "Down: table."
