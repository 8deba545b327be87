"""A request to ``/invocations``, read and checked: what to mask, with which model, at which size."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference_image.errors import BadInput, TooLarge, UnsupportedType
from inference_image.pictures import FORMATS

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
"""The one header that SageMaker passes through, both ways: ``key=value;key=value``."""

MaskSize = Literal["image", "model"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class S3Object(_Strict):
    """Where a picture lies in S3. Keys are opaque: never unquoted."""

    bucket: Annotated[str, Field(min_length=3, max_length=63)]
    key: Annotated[str, Field(min_length=1, max_length=1024)]


class Options(_Strict):
    """The ``options`` of a JSON invocation."""

    mask_size: MaskSize | None = None


class JsonInvocation(_Strict):
    """The ``application/json`` body."""

    image: S3Object
    model: str | None = None
    options: Options = Options()


@dataclass(frozen=True)
class EncodedPicture:
    """A picture's bytes, and the media type they were declared as; S3 objects are declared as nothing."""

    body: bytes
    content_type: str | None = None


@dataclass(frozen=True)
class Invocation:
    """One picture to mask."""

    picture: EncodedPicture | S3Object
    model: str | None
    """The model the caller insists on; None for the one that is loaded."""
    mask_size: MaskSize


async def read_invocation(request: Request, max_size_bytes: int) -> Invocation:
    """Read the body, never more of it than ``max_size_bytes``.

    Raises:
        BadInput: the JSON or a header does not say what it must.
        UnsupportedType: neither a picture's type nor JSON.
        TooLarge: the body is over the limit.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in (*FORMATS, "application/json"):
        raise UnsupportedType(f"{content_type or 'No type'} is not taken; {', '.join(FORMATS)}, application/json are.")
    mask_size = _mask_size(request)
    model = _custom_attributes(request).get("model")
    body = await _bounded_body(request, max_size_bytes)
    if content_type in FORMATS:
        return Invocation(EncodedPicture(body, content_type), model, mask_size)
    try:
        wanted = JsonInvocation.model_validate_json(body)
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in exc.errors())
        raise BadInput("; ".join(faults)) from exc
    return Invocation(wanted.image, wanted.model or model, wanted.options.mask_size or mask_size)


async def _bounded_body(request: Request, max_size_bytes: int) -> bytes:
    """Stop reading at the limit, whatever length was declared."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_size_bytes:
            raise TooLarge(f"The body is over the limit of {max_size_bytes} bytes.")
    return bytes(body)


def _mask_size(request: Request) -> MaskSize:
    match request.headers.get("X-Mask-Size", "image"):
        case "image" | "model" as size:
            return size
        case other:
            raise BadInput(f"X-Mask-Size is {other!r}; it must be 'image' or 'model'.")


def _custom_attributes(request: Request) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in request.headers.get(CUSTOM_ATTRIBUTES, "").split(";"))
    return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}
