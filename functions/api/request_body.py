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

from functions.api.problem import ProblemError

MAX_BODY_BYTES = 64 * 1024

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
        errors = [{"loc": ("body", *error["loc"]), "msg": error["msg"]} for error in exc.errors()]
        raise RequestValidationError(errors) from exc
