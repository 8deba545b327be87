"""The one logger of the functions, their metrics, and the decorator that every step's handler wears.

A line of the log names a picture by its ``image_id``: the name of its file is personal, and comes only with an error
that is about the object. No signed URL and no token belongs into a log; should one come with an error, it is masked.
"""

import functools
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from functions.core.identity import identify
from functions.core.models import Upload

# The value behind what a URL is signed with (S3's and CloudFront's), a token, or a header that carries one: as a
# parameter, a header, or an entry of a dict or of JSON. And base64 of a JSON object, as a JWT or a policy begins.
_SECRET = re.compile(
    r"""((?:signature|credential|token|authorization|awsaccesskeyid|key-pair-id)
         (?:=|%3D|:\s*|\\*["']\s*:\s*\\*["'])
         (?:(?:bearer|basic|aws4-hmac-sha256)\s+)?
       |bearer\s+)
       [^\s&"'\\<>,;]+
       |eyJ[\w.+/=-]{8,}""",
    re.IGNORECASE | re.VERBOSE,
)


def redacted(text: str) -> str:
    """The text without the values of signatures, credentials and tokens."""
    return _SECRET.sub(r"\1[redacted]", text)


class Redaction(logging.Filter):
    """Takes the same out of what libraries log, before any handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        return True


def _as_json(line: Any) -> str:
    return redacted(json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=False))


logger = Logger(json_serializer=_as_json)

# Lambda's own handler, which is there before the functions are imported.
for _handler in logging.getLogger().handlers:
    _handler.addFilter(Redaction())

_NAMESPACE = "Matteflow"

Request = TypeVar("Request", bound=BaseModel)
Event = dict[str, Any]
MetricUnit = Literal["Count", "Milliseconds", "None", "Percent"]


def step(
    request_type: type[Request],
) -> Callable[[Callable[[Request], BaseModel]], Callable[[Event, LambdaContext], Event]]:
    """Make a workflow step of a function from request to result.

    The event is checked against ``request_type``, which has an ``upload``; the result is dumped as JSON values with
    ``elapsed_ms`` (the step's wall time in milliseconds) beside its fields; and every log line names the picture and
    its execution.

    Raises:
        pydantic.ValidationError: the event is not a ``request_type``.
    """

    def decorate(run: Callable[[Request], BaseModel]) -> Callable[[Event, LambdaContext], Event]:
        @functools.wraps(run)
        @logger.inject_lambda_context(clear_state=True)
        def handler(event: Event, _context: LambdaContext) -> Event:
            started = time.perf_counter()
            request = request_type.model_validate(event)
            name_picture(Upload.model_validate(event["upload"]), event.get("execution_arn"))
            result = run(request)
            elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
            logger.info("step finished", elapsed_ms=elapsed_ms)
            return {**result.model_dump(mode="json"), "elapsed_ms": elapsed_ms}

        return handler

    return decorate


def name_picture(upload: Upload, execution_arn: str | None) -> None:
    """Have every further line of this invocation name the picture and, where one works on it, the execution."""
    logger.append_keys(image_id=identify(upload).image_id, execution_arn=execution_arn)


def publish_metrics(values: Mapping[str, tuple[float, MetricUnit]], **dimensions: str) -> None:
    """Give CloudWatch one value of each metric: one line of the log, in the embedded metric format.

    Args:
        values: a value and its unit by the metric's name.
        dimensions: what the metrics are told apart by, beside the function. Each combination of values is a metric of
            its own, and paid for, so there must be few.
    """
    # The function's name has the environment in it, and environments may share an account.
    metrics = EphemeralMetrics(namespace=_NAMESPACE, service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))
    for name, dimension in dimensions.items():
        metrics.add_dimension(name, dimension)
    for name, (value, unit) in values.items():
        metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
