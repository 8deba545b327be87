"""GET /images/uploads/{filename}/status: how far an upload is, by its key."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api.presentation import UploadStatus
from functions.api.problem import ProblemError, documented
from functions.api.services import Injected, Owner
from functions.core.identity import UPLOADS_PREFIX
from functions.core.observability import logger

router = Router()

MAX_KEY_BYTES = 1024


@router.get(
    "/images/uploads/<filename>/status",
    summary="Read how far an upload is",
    operation_id="getUploadStatus",
    responses={200: {"description": "The newest upload to this key"}, **documented(404)},
    cache_control="no-store",
)
def get_upload_status(filename: str, services: Injected, owner: Owner) -> UploadStatus:
    # An HTTP API decodes every escape of the path but that of the percent sign, before it routes.
    key = UPLOADS_PREFIX + filename.replace("%25", "%")
    record = services.records.newest_by_upload_key(key) if len(key.encode()) <= MAX_KEY_BYTES else None
    if record is None or record.owner != owner:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"Nothing was uploaded as {key}.")
    logger.append_keys(image_id=record.image_id)
    return UploadStatus.of(record, services)
