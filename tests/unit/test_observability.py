"""What every step's handler does around its logic: checks the event, times the step, and logs which picture it was."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import EndpointConnectionError
from pydantic import ValidationError

from functions.core.errors import MaskRejected
from functions.core.identity import identify
from functions.core.models import Model, Status, Upload
from functions.core.observability import Redaction, logger, publish_metrics, step
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, make_upload

UPLOAD = make_upload(key="uploads/a b+c.jpg")
EVENT = {"upload": UPLOAD.model_dump(), "execution_arn": EXECUTION, "ask": 3}
SECRET = "0123456789abcdef" * 2
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


class Request(Model):
    upload: Upload
    execution_arn: str
    ask: int


class Result(Model):
    status: Status
    times: tuple[int, ...]


@step(Request)
def handler(request: Request) -> Result:
    """Answer with what was asked."""
    if request.ask < 0:
        raise MaskRejected("no")
    return Result(status=Status.SUCCEEDED, times=(request.ask,))


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_the_result_is_plain_json_with_the_time_it_took() -> None:
    answer = handler(EVENT, Context())
    assert answer.pop("elapsed_ms") >= 0
    assert answer == {"status": "SUCCEEDED", "times": [3]}
    assert type(answer["status"]) is str


def test_a_line_of_the_log_names_picture_execution_and_request_and_not_the_file(log: io.StringIO) -> None:
    answer = handler(EVENT, Context())
    (line,) = lines(log)
    assert (line["message"], line["level"], line["elapsed_ms"]) == ("step finished", "INFO", answer["elapsed_ms"])
    assert (line["image_id"], line["execution_arn"]) == (identify(UPLOAD).image_id, EXECUTION)
    assert line["function_request_id"] == Context().aws_request_id
    assert "a b+c" not in log.getvalue()


def test_the_keys_of_one_picture_are_not_in_the_log_of_the_next(log: io.StringIO) -> None:
    handler(EVENT, Context())
    with pytest.raises(ValidationError):
        handler({}, Context())
    other = make_upload(key="uploads/other.jpg")
    handler(EVENT | {"upload": other.model_dump()}, Context())
    assert [line["image_id"] for line in lines(log)] == [identify(UPLOAD).image_id, identify(other).image_id]


@pytest.mark.parametrize("event", [{}, EVENT | {"ask": "many"}, EVENT | {"unheard_of": 1}])
def test_an_event_of_another_shape_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        handler(event, Context())


def test_an_error_leaves_under_its_own_name_for_the_workflow_to_catch() -> None:
    with pytest.raises(MaskRejected):
        handler(EVENT | {"ask": -1}, Context())


def test_the_handler_keeps_the_name_and_words_of_its_function() -> None:
    assert (handler.__name__, handler.__doc__) == ("handler", "Answer with what was asked.")


def signed_urls() -> list[str]:
    """As the functions make them for S3, and as CloudFront takes them."""
    s3 = boto3.client("s3", aws_access_key_id=SECRET, aws_secret_access_key=SECRET, aws_session_token=SECRET)
    s3_url = s3.generate_presigned_url("get_object", Params={"Bucket": "results", "Key": "a/cutout.png"})
    canned = f"https://results.example.org/a/cutout.png?Expires=1795000000&Signature={SECRET}~&Key-Pair-Id={SECRET}"
    custom = f"https://results.example.org/a/cutout.png?Policy=eyJTdGF0ZW1lbnQiOlt7{SECRET}&Signature={SECRET}"
    return [s3_url, canned, custom]


def secrets_of(url: str) -> Iterator[str]:
    """The values of all parameters of a signed URL but those that anyone may know."""
    for parameter in url.partition("?")[2].split("&"):
        name, _, value = parameter.partition("=")
        if name not in ("Expires", "X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"):
            yield value


def retried(url: str) -> urllib3.exceptions.MaxRetryError:
    return urllib3.exceptions.MaxRetryError(urllib3.HTTPSConnectionPool("results"), url, TimeoutError(url))


def test_signed_urls_do_not_reach_the_log_by_an_error(log: io.StringIO) -> None:
    for url in signed_urls():
        for error in (EndpointConnectionError(endpoint_url=url), retried(url)):
            try:
                raise RuntimeError("not sent") from error
            except RuntimeError:
                logger.exception("failed: %s", url, extra={"reason": str(error), "urls": {"first": [url]}})
    text = log.getvalue()
    assert len(lines(log)) == 6
    assert [secret for url in signed_urls() for secret in secrets_of(url) if secret in text] == []
    assert text.count("a/cutout.png?") >= 18, "where they led to is still there"


def test_signed_urls_do_not_reach_the_log_by_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given Lambda's handler, as the functions find it
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redaction())
    library = logging.getLogger("urllib3.connectionpool")
    monkeypatch.setattr(library, "handlers", [handler])
    # When a library warns of a URL, and tells of an error
    for url in signed_urls():
        library.warning("Retrying (%r) after connection broken: %s", 1, url)
        try:
            raise retried(url)
        except urllib3.exceptions.MaxRetryError:
            library.warning("gave up", exc_info=True)
    text = stream.getvalue()
    # Then the lines are there without what signs it
    assert text.count("Retrying (1)") == text.count("MaxRetryError: ") == 3
    assert [secret for url in signed_urls() for secret in secrets_of(url) if secret in text] == []


@pytest.mark.parametrize(
    "words",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: bearer {JWT}",
        f"the token {JWT} has expired",
        f"Authorization: AWS4-HMAC-SHA256 Credential={SECRET}/20261121/s3/aws4_request, Signature={SECRET}",
        f"https://example.org/callback?access_token={SECRET}&state=1",
        f"https://example.org/?to=https%3A%2F%2Fs3%2Fkey%3FX-Amz-Signature%3D{SECRET}",
        str({"fields": {"x-amz-signature": SECRET, "policy": f"eyJleHBpcmF0aW9uIjoi{SECRET}"}}),
        json.dumps({"task_token": SECRET, "x-amz-security-token": SECRET}),
        {"taskToken": SECRET, "nested": json.dumps({"X-Amz-Credential": SECRET})},
    ],
)
def test_tokens_and_credentials_do_not_reach_the_log(log: io.StringIO, words: Any) -> None:
    logger.warning(words)
    (line,) = lines(log)
    assert "[redacted]" in str(line["message"])
    assert not any(secret in log.getvalue() for secret in (SECRET, *JWT.split(".")))


def test_what_only_speaks_of_secrets_is_left_as_it_is(log: io.StringIO) -> None:
    words = "The token does not say whose it is; the signature is wrong, and no policy allows it."
    logger.info(words, token=5)
    (line,) = lines(log)
    assert (line["message"], line["token"]) == (words, 5)


def test_metrics_are_a_line_in_the_embedded_metric_format(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a function of an environment
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "matteflow-test-infer_mask")
    # When it publishes metrics
    publish_metrics({"Coverage": (0.25, "None"), "Parts": (2, "Count")}, model="u2netp")
    # Then CloudWatch finds them in one line of its log, told apart by function and model
    (line,) = capsys.readouterr().out.splitlines()
    metrics = json.loads(line)
    (described,) = metrics.pop("_aws")["CloudWatchMetrics"]
    assert described["Namespace"] == "Matteflow"
    assert [set(dimensions) for dimensions in described["Dimensions"]] == [{"service", "model"}]
    assert described["Metrics"] == [{"Name": "Coverage", "Unit": "None"}, {"Name": "Parts", "Unit": "Count"}]
    assert metrics == {
        "service": "matteflow-test-infer_mask",
        "model": "u2netp",
        "Coverage": [0.25],
        "Parts": [2],
    }


def test_a_warm_function_publishes_each_picture_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    publish_metrics({"Coverage": (0.25, "None"), "Parts": (2, "Count")}, model="u2net")
    publish_metrics({"Coverage": (0.75, "None")}, model="u2netp")
    _, second = map(json.loads, capsys.readouterr().out.splitlines())
    del second["_aws"]["Timestamp"]
    assert second == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Matteflow",
                    "Dimensions": [["model"]],
                    "Metrics": [{"Name": "Coverage", "Unit": "None"}],
                }
            ]
        },
        "model": "u2netp",
        "Coverage": [0.75],
    }
