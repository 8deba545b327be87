"""The one logger of the functions, and the decorator that every step's handler wears."""

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

logger = Logger()

Request = TypeVar("Request", bound=BaseModel)
Event = dict[str, Any]


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
