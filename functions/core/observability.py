"""The one logger of the functions, their metrics, and the decorator that every step's handler wears."""

import functools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

logger = Logger()

_NAMESPACE = "Matteflow"

Request = TypeVar("Request", bound=BaseModel)
Event = dict[str, Any]
MetricUnit = Literal["Count", "None", "Percent"]


def step(
    request_type: type[Request],
) -> Callable[[Callable[[Request], BaseModel]], Callable[[Event, LambdaContext], Event]]:
    """Make a workflow step of a function from request to result.

    The event is checked against ``request_type``, which has an ``upload``; the result is dumped as JSON values with
    ``elapsed_ms`` (the step's wall time in milliseconds) beside its fields; and every log line carries the upload's
    key.

    Raises:
        pydantic.ValidationError: the event is not a ``request_type``.
    """

    def decorate(run: Callable[[Request], BaseModel]) -> Callable[[Event, LambdaContext], Event]:
        @functools.wraps(run)
        @logger.inject_lambda_context(clear_state=True)
        def handler(event: Event, _context: LambdaContext) -> Event:
            started = time.perf_counter()
            request = request_type.model_validate(event)
            logger.append_keys(upload_key=event["upload"]["key"], image_id=event.get("image_id"))
            result = run(request)
            elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
            logger.info("step finished", elapsed_ms=elapsed_ms)
            return {**result.model_dump(mode="json"), "elapsed_ms": elapsed_ms}

        return handler

    return decorate


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
