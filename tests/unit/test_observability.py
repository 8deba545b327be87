"""What every step's handler does around its logic: checks the event, times the step, and logs with the upload's key."""

import io
import json
from typing import Any

import pytest
from pydantic import ValidationError

from functions.core.errors import MaskRejected
from functions.core.models import Model, Status
from functions.core.observability import publish_metrics, step
from tests.unit.lambda_context import Context

EVENT = {"upload": {"key": "uploads/a b+c.jpg"}, "image_id": "an-id", "ask": 3}


class Request(Model):
    upload: dict[str, str]
    image_id: str
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


def test_a_line_of_the_log_names_upload_picture_and_request(log: io.StringIO) -> None:
    answer = handler(EVENT, Context())
    (line,) = lines(log)
    assert (line["message"], line["level"], line["elapsed_ms"]) == ("step finished", "INFO", answer["elapsed_ms"])
    assert (line["upload_key"], line["image_id"]) == ("uploads/a b+c.jpg", "an-id")
    assert line["function_request_id"] == Context().aws_request_id


def test_the_keys_of_one_picture_are_not_in_the_log_of_the_next(log: io.StringIO) -> None:
    handler(EVENT, Context())
    with pytest.raises(ValidationError):
        handler({}, Context())
    handler(EVENT | {"image_id": "another"}, Context())
    assert [line["image_id"] for line in lines(log)] == ["an-id", "another"]


@pytest.mark.parametrize("event", [{}, EVENT | {"ask": "many"}, EVENT | {"unheard_of": 1}])
def test_an_event_of_another_shape_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        handler(event, Context())


def test_an_error_leaves_under_its_own_name_for_the_workflow_to_catch() -> None:
    with pytest.raises(MaskRejected):
        handler(EVENT | {"ask": -1}, Context())


def test_the_handler_keeps_the_name_and_words_of_its_function() -> None:
    assert (handler.__name__, handler.__doc__) == ("handler", "Answer with what was asked.")


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
