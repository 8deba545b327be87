"""What the routes work with, and on whose behalf."""

import functools
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, NamedTuple, cast

from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.request import Request
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import TypeAdapter, ValidationError

from functions.api.problem import ProblemError, invalid
from functions.api.settings import Settings
from functions.core.compositor import Compositor
from functions.core.errors import InvalidRequest
from functions.core.identity import PUBLIC_OWNER
from functions.core.image_store import ImageStore
from functions.core.models import ImageId, Record
from functions.core.observability import logger
from functions.core.record_store import RecordStore
from functions.core.result_urls import ResultUrls
from functions.core.workflow import Workflow

# An owner is one part of a key and of a URL, so neither a slash nor a path that a client would resolve.
_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.|:@+=-]{0,127}")

_IMAGE_ID: TypeAdapter[str] = TypeAdapter(ImageId)


class Services(NamedTuple):
    settings: Settings
    images: ImageStore
    records: RecordStore
    result_urls: ResultUrls | None = None


@functools.lru_cache(maxsize=1)
def services() -> Services:
    settings = Settings.from_environment()
    result_urls = ResultUrls(settings.results_edge) if settings.results_edge else None
    return Services(settings, ImageStore(), RecordStore(settings.table_name), result_urls)


@functools.lru_cache(maxsize=1)
def compositor() -> Compositor:
    return Compositor(services().settings.apply_mask_function)


@functools.lru_cache(maxsize=1)
def workflow() -> Workflow:
    return Workflow(services().settings.state_machine_arn)


Injected = Annotated[Services, Depends(services)]


def claims(request: Request) -> Mapping[str, str]:
    """What the caller's token says: API Gateway has checked it, and makes every claim a text."""
    event = cast(APIGatewayProxyEventV2, request.resolved_event)
    checked: Mapping[str, str] = event.request_context.authorizer.jwt_claim
    return checked


def owner(request: Request, provided: Injected) -> str:
    """Whose pictures the request is about.

    Where sign-in is on, the ``sub`` of the token that API Gateway has checked, and nothing else: what is ``public`` is
    nobody's there. Where it is off, nothing is private: ``user_id`` names an owner, else it is ``public``.

    Raises:
        ProblemError: 401, the token names nobody.
        InvalidRequest: ``user_id`` cannot be an owner.
    """
    if provided.settings.auth == "cognito":
        subject = claims(request).get("sub", "")
        if not _OWNER.fullmatch(subject) or subject == PUBLIC_OWNER:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED, "The token does not say whose it is: `sub` is missing or malformed."
            )
        return subject
    user_id = (request.query_parameters or {}).get("user_id") or PUBLIC_OWNER
    if not _OWNER.fullmatch(user_id):
        raise InvalidRequest("user_id: 1 to 128 letters, digits and _ . | : @ + = - are taken.")
    return user_id


Owner = Annotated[str, Depends(owner)]


def owned_record(image_id: str, owner: str, services: Services) -> Record:
    """The owner's record; what is another's is absent.

    Raises:
        ProblemError: 404.
    """
    record = services.records.get(image_id) if _is_image_id(image_id) else None
    if record is None or record.owner != owner:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"There is no result {image_id}.")
    logger.append_keys(image_id=record.image_id)
    return record


def check_background(field: str, background_image_id: str | None, owner: str, services: Services) -> None:
    """Another owner's picture is no background, and is refused in the words for an absent one.

    Raises:
        RequestValidationError: of this field.
    """
    if background_image_id is None:
        return
    record = services.records.get(background_image_id)
    if record is None or record.owner != owner or not record.status.has_results:
        raise invalid(field, f"You have no finished picture {background_image_id}")


def _is_image_id(text: str) -> bool:
    try:
        _IMAGE_ID.validate_python(text)
    except ValidationError:
        return False
    return True
