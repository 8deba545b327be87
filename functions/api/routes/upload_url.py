"""POST /upload-url: where an upload begins."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.request import Request
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from functions.api.file_names import portable
from functions.api.problem import documented, invalid
from functions.api.quota import RATE_LIMIT_HEADERS, DailyLimit, Quota
from functions.api.request_body import read_json
from functions.api.services import Injected, Owner, check_background
from functions.api.settings import Settings
from functions.core.identity import UPLOADS_PREFIX, displayed, new_image_id
from functions.core.models import ImageId, Model, ProcessingOptions, Record, S3Key, Status
from functions.core.observability import logger

router = Router()


class CamelModel(Model):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class UploadUrlRequest(CamelModel):
    """A picture to upload. Its name is kept as text; the key of the upload is made here."""

    model_config = ConfigDict(validate_by_name=False)

    file_name: str
    file_type: Annotated[str, Field(description="The media type of the file, such as image/jpeg.")]
    size: (
        Annotated[
            int,
            Field(
                strict=True,
                ge=1,
                description="The file's bytes. Without it the upload is a form; needed where there is a limit.",
            ),
        ]
        | None
    ) = None
    options: ProcessingOptions | None = None


class _Ticket(CamelModel):
    image_id: ImageId
    upload_url: str
    key: S3Key
    expires_in: Annotated[int, Field(description="Seconds until the URL expires.")]


class PutTicket(_Ticket):
    """PUT the file's bytes to ``uploadUrl`` with exactly these headers (a browser sets Content-Length by itself)."""

    method: Literal["PUT"] = "PUT"
    headers: dict[str, str]


class PostTicket(_Ticket):
    """POST a multipart form to ``uploadUrl``: these fields first, and the file last as ``file``."""

    method: Literal["POST"] = "POST"
    fields: dict[str, str]


@router.post(
    "/upload-url",
    summary="Ask for a URL to upload a picture to",
    operation_id="createUploadUrl",
    responses={
        200: {"description": "Where and how to upload", "headers": RATE_LIMIT_HEADERS},
        **documented(413, 429),
    },
    openapi_extensions={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UploadUrlRequest"}}},
        }
    },
)
def create_upload_url(
    request: Request, services: Injected, owner: Owner, limit: DailyLimit
) -> Response[PutTicket | PostTicket]:
    asked = read_json(request, UploadUrlRequest)
    settings = services.settings
    _check(asked, settings)
    if asked.options:
        check_background("options.background", asked.options.background_image_id, owner, services)
    if limit is not None and asked.size is None:
        raise invalid("size", "needed where uploads are counted, as a form can be sent more than once")
    quota = None if limit is None else Quota.take(services.records, owner, limit)
    image_id, safe_name, now = new_image_id(), portable(asked.file_name), datetime.now(UTC)
    logger.append_keys(image_id=image_id)
    key = f"{UPLOADS_PREFIX}{owner}/{image_id}/{safe_name}"
    services.records.create(
        Record(
            image_id=image_id,
            owner=owner,
            status=Status.AWAITING_UPLOAD,
            file_name=displayed(asked.file_name) or safe_name,
            upload_key=key,
            options=settings.options(asked.options),
            created_at=now.isoformat(),
            updated_at=now.isoformat(),
            expires_at=int((now + timedelta(days=settings.awaiting_upload_ttl_days)).timestamp()),
        )
    )
    bucket, expires_s = settings.uploads_bucket, settings.upload_url_ttl_s
    if asked.size is None:
        form = services.images.presign_post(
            bucket, key, content_type=asked.file_type, max_size_bytes=settings.max_size_bytes, expires_s=expires_s
        )
        ticket: PutTicket | PostTicket = PostTicket(
            image_id=image_id, upload_url=form.url, fields=form.fields, key=key, expires_in=expires_s
        )
    else:
        put = services.images.presign_put(
            bucket, key, content_type=asked.file_type, content_length=asked.size, expires_s=expires_s
        )
        ticket = PutTicket(image_id=image_id, upload_url=put.url, headers=put.headers, key=key, expires_in=expires_s)
    return Response(HTTPStatus.OK, "application/json", ticket, headers=quota.headers(now) if quota else None)


def _check(asked: UploadUrlRequest, settings: Settings) -> None:
    if asked.file_type.lower() not in settings.accepted_types:
        raise invalid("fileType", f"not a type that is taken; taken are {', '.join(settings.accepted_types)}")
    if asked.size is not None and asked.size > settings.max_size_bytes:
        raise invalid("size", f"{asked.size} bytes are more than the {settings.max_size_bytes} that are taken")
    if asked.options and asked.options.model not in (None, *settings.models):
        raise invalid("options.model", f"There is no model of this name; there is {', '.join(settings.models)}")
