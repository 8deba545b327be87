"""Every error of the API as a problem document (RFC 9457)."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel, ConfigDict

from functions.core.errors import (
    ImageRejected,
    InvalidRequest,
    MaskRejected,
    MatteflowError,
    StepFailed,
    TransientError,
)
from functions.core.observability import logger

MEDIA_TYPE = "application/problem+json"

# Errors whose message is the problem's detail.
_STATUSES: dict[type[MatteflowError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    ImageRejected: HTTPStatus.CONFLICT,
    MaskRejected: HTTPStatus.BAD_GATEWAY,
    StepFailed: HTTPStatus.BAD_GATEWAY,
}


class FieldError(BaseModel):
    """One thing wrong with one field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request failed. ``type`` is ``about:blank``: the status says what kind of problem it is."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldError, ...] | None = None


class ProblemError(Exception):
    """A request that is answered with this status and this detail; ``members`` extend the problem document."""

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})
        self.members = members


def invalid(field: str, message: str) -> RequestValidationError:
    """An error of one field of the request's body."""
    return RequestValidationError([{"loc": ("body", field), "msg": message}])


def title(status: int) -> str:
    """The status in words, as RFC 9110 has them; Python before 3.13 has an older name of 413."""
    return "Content Too Large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else HTTPStatus(status).phrase


def documented(*statuses: int) -> dict[int, OpenAPIResponse]:
    """The problem responses of a route, as its OpenAPI document shows them."""
    return {status: {"description": title(status), "content": {MEDIA_TYPE: {"model": Problem}}} for status in statuses}


def problem(
    app: APIGatewayHttpResolver,
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str | list[str]] | None = None,
    **members: Any,
) -> Response[str]:
    """A problem response; ``members`` are its further members."""
    body = Problem(
        title=title(status),
        status=status,
        detail=detail,
        instance=f"urn:uuid:{app.lambda_context.aws_request_id}",
        **members,
    )
    return Response(int(status), MEDIA_TYPE, body.model_dump_json(exclude_none=True), headers)


def answer_with_problems(app: APIGatewayHttpResolver) -> None:
    """Make each error that a route of ``app`` raises, and each request without a route, a problem response."""

    def invalid_fields(error: RequestValidationError) -> Response[str]:
        errors = [FieldError(field=_field(entry["loc"]), message=entry["msg"]) for entry in error.errors()]
        detail = "; ".join(f"{entry.field}: {entry.message}" for entry in errors)
        return problem(app, HTTPStatus.BAD_REQUEST, detail, errors=errors)

    def in_its_own_words(error: MatteflowError) -> Response[str]:
        return problem(app, _STATUSES[type(error)], str(error))

    def refused(error: ProblemError) -> Response[str]:
        return problem(app, error.status, str(error), headers=error.headers, **error.members)

    def unavailable(error: TransientError) -> Response[str]:
        logger.warning("service unavailable", reason=str(error))
        detail = "A service did not answer in time. Try again."
        return problem(app, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "1"})

    def unexpected(_: Exception) -> Response[str]:
        logger.exception("unexpected error")
        detail = "Something went wrong here. Whoever runs this finds it in the log by the number in `instance`."
        return problem(app, HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    def no_route(_: NotFoundError) -> Response[str]:
        path = app.current_event.path
        if allowed := [route.method for route in app._static_routes + app._dynamic_routes if route.rule.match(path)]:
            methods = ", ".join(sorted(allowed))
            return problem(app, HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {methods}.", headers={"Allow": methods})
        return problem(app, HTTPStatus.NOT_FOUND, f"There is no {path} here; GET /openapi.json says what there is.")

    handlers: dict[type[Exception], Callable[[Any], Response[str]]] = {
        RequestValidationError: invalid_fields,
        **dict.fromkeys(_STATUSES, in_its_own_words),
        ProblemError: refused,
        TransientError: unavailable,
        NotFoundError: no_route,
        Exception: unexpected,
    }
    for error, answer in handlers.items():
        app.exception_handler(error)(answer)


def _field(location: Sequence[str | int]) -> str:
    """``("body", "options", "formats", 0)`` is ``options.formats.0``."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])
