"""Which picture an upload is, and whose: derived from its key alone, so that every step and rerun agrees."""

import re
import uuid
from typing import NamedTuple

import uuid6

from functions.core.models import Upload

PUBLIC_OWNER = "public"
UPLOADS_PREFIX = "uploads/"

_PRESIGNED_KEY = re.compile(
    r"^uploads/(?P<owner>[^/]{1,128})/(?P<image_id>[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})/(?P<file_name>[^/]+)$",
    re.DOTALL,
)


class Identity(NamedTuple):
    image_id: str
    owner: str
    file_name: str


def new_image_id() -> str:
    """A UUIDv7 (RFC 9562): sortable by the millisecond it was made."""
    return str(uuid6.uuid7())


def identify(upload: Upload) -> Identity:
    """The identity of an upload.

    A key made by ``POST /upload-url`` (``uploads/{owner}/{image_id}/{file name}``) names its own; any other object
    gets the UUIDv5 of bucket, key and version, and belongs to ``public``.
    """
    if made_here := _PRESIGNED_KEY.match(upload.key):
        return Identity(**made_here.groupdict())
    image_id = uuid.uuid5(uuid.NAMESPACE_URL, f"s3://{upload.bucket}/{upload.key}?versionId={upload.version}")
    return Identity(str(image_id), PUBLIC_OWNER, upload.key.rsplit("/", 1)[-1])
