"""Which picture an upload is, and whose: derived from its key alone, so that every step and rerun agrees."""

import re
import unicodedata
import uuid
from typing import NamedTuple

import uuid6

from functions.core.models import Upload

PUBLIC_OWNER = "public"
UPLOADS_PREFIX = "uploads/"

_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")
_JOINERS = "\u200c\u200d"

_PRESIGNED_KEY = re.compile(
    r"^uploads/(?P<owner>[^/]{1,128})/(?P<image_id>[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})/(?P<file_name>[^/]+)$",
    re.DOTALL,
)
_OWNERS_FOLDER = re.compile(r"^uploads/(?P<owner>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})/")


class Identity(NamedTuple):
    """Which picture, whose, and its file name as people read it."""

    image_id: str
    owner: str
    file_name: str


def displayed(file_name: str) -> str:
    """The name as people read it, in at most 255 characters, with nothing in it that hides or reorders text.

    What goes: control characters, line and paragraph separators, and format characters (the Unicode categories Cc, Zl,
    Zp and Cf) but the joiners that emoji and several scripts are written with.
    """
    kept = (each for each in file_name if each in _JOINERS or unicodedata.category(each) not in _INVISIBLE)
    return "".join(kept)[:255]


def new_image_id() -> str:
    """A UUIDv7 (RFC 9562): sortable by the millisecond it was made."""
    return str(uuid6.uuid7())


def identify(upload: Upload) -> Identity:
    """The identity of an upload.

    A key made by ``POST /upload-url`` (``uploads/{owner}/{image_id}/{file name}``) names its own. Any other object
    gets the UUIDv5 of bucket, key and version. It belongs to whom its first folder names by a UUID, as Cognito names
    people (``sub``), else to ``public``, which is nobody where sign-in is on.
    """
    if made_here := _PRESIGNED_KEY.match(upload.key):
        return Identity(made_here["image_id"], made_here["owner"], displayed(made_here["file_name"]))
    image_id = uuid.uuid5(uuid.NAMESPACE_URL, f"s3://{upload.bucket}/{upload.key}?versionId={upload.version}")
    owned = _OWNERS_FOLDER.match(upload.key)
    return Identity(str(image_id), owned["owner"] if owned else PUBLIC_OWNER, displayed(upload.key.rsplit("/", 1)[-1]))
