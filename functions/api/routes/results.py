"""/results: what became of the pictures."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import StringConstraints

from functions.api.presentation import Result, ResultSummary
from functions.api.problem import ProblemError, documented
from functions.api.services import Injected, Owner, owned_record
from functions.core.models import Model, Status

router = Router()

# One longer than this is no label of Rekognition's, and no part of a file name that is kept.
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class ResultPage(Model):
    """Newest first; ``next_cursor`` fetches the page behind this one, and is null on the last.

    A page may be shorter than ``limit``, even empty: one request looks through so many pictures and no more.
    """

    items: tuple[ResultSummary, ...]
    next_cursor: str | None


@router.get(
    "/results",
    summary="List results, newest first",
    operation_id="listResults",
    responses={200: {"description": "A page of results"}},
    cache_control="no-store",
)
def list_results(
    services: Injected,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before.")] = None,
    status: Annotated[Status | None, Query()] = None,
    label: Annotated[SearchText | None, Query(description="A label that the picture has, in any case.")] = None,
    name: Annotated[SearchText | None, Query(description="A part of the file's name, in any case.")] = None,
) -> ResultPage:
    page = services.records.list_by_owner(owner, limit, cursor, status=status, label=label, name=name)
    items = tuple(ResultSummary.of(record, services) for record in page.records)
    return ResultPage(items=items, next_cursor=page.next_cursor)


@router.get(
    "/results/<image_id>",
    summary="Read one result",
    operation_id="getResult",
    responses={200: {"description": "The result, with signed URLs"}, **documented(404)},
    cache_control="no-store",
)
def get_result(image_id: str, services: Injected, owner: Owner) -> Result:
    return Result.of(owned_record(image_id, owner, services), services)


@router.delete(
    "/results/<image_id>",
    summary="Delete one result and every object of it",
    operation_id="deleteResult",
    responses={204: {"description": "Deleted", "content": {}}, **documented(404, 409)},
)
def delete_result(image_id: str, services: Injected, owner: Owner) -> Response[str]:
    record = owned_record(image_id, owner, services)
    if record.status == Status.PROCESSING:
        raise _being_processed()
    settings, images = services.settings, services.images
    images.delete_prefix(settings.results_bucket, f"{image_id}/")
    images.delete_prefix(settings.masks_bucket, f"{image_id}/")
    made_here = image_id in record.upload_key
    if made_here:
        images.delete_versions(settings.uploads_bucket, record.upload_key)
    elif record.upload:
        # The other versions of a key that was chosen elsewhere are other pictures.
        images.delete_version(record.upload.bucket, record.upload.key, record.upload.version)
    # Last, so that a deletion that broke off can be asked for again; and so can one that an execution has overtaken.
    if not services.records.delete(image_id, record.upload_key if made_here else None):
        raise _being_processed()
    return Response(HTTPStatus.NO_CONTENT.value, body="")


def _being_processed() -> ProblemError:
    return ProblemError(HTTPStatus.CONFLICT, "The picture is being processed. Delete it when it is done.")
