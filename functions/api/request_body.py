"""The body of a request as a model.

The resolver's own way is not used: it takes the first item of an array for the body, reads a form as JSON, and bounds
neither size nor depth.
"""

import base64
from http import HTTPStatus
from typing import TypeVar

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.request import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from functions.api.problem import ProblemError

MAX_BODY_BYTES = 64 * 1024

# The library's own words for these are about Python.
_IN_WORDS = {
    "extra_forbidden": "There is no field of this name",
    "too_short": "At least {min_length} must be given",
    "too_long": "At most {max_length} may be given, not {actual_length}",
}

Body = TypeVar("Body", bound=BaseModel)


def read_json(request: Request, model: type[Body]) -> Body:
    """The JSON body of ``request``, whatever content type it declares.

    Raises:
        ProblemError: 413, the body is over 64 KiB.
        RequestValidationError: it is not JSON, or not a ``model``.
    """
    text = request.body or ""
    body = base64.b64decode(text) if request.resolved_event.is_base64_encoded else text.encode()
    if len(body) > MAX_BODY_BYTES:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is over {MAX_BODY_BYTES} bytes. The picture itself goes to S3, by the URL that this gives.",
        )
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        errors = [
            {"loc": ("body", *error["loc"]), "msg": _message(error)}
            for error in exc.errors()
            if not _follows_from_others(error)
        ]
        raise RequestValidationError(errors) from exc


def _message(error: ErrorDetails) -> str:
    words = _IN_WORDS.get(error["type"])
    return words.format(**error.get("ctx", {})) if words else error["msg"]


def _follows_from_others(error: ErrorDetails) -> bool:
    """Whether enough items were given, and it is their own errors that leave too few."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]
