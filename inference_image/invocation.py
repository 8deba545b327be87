"""A request to ``/invocations``, read and checked: what to mask, with which model, at which size."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from inference_image.engines.mask_engine import Prompt
from inference_image.errors import BadInput, TooLarge, UnsupportedType
from inference_image.pictures import FORMATS

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
"""The one header that SageMaker passes through, both ways: ``key=value;key=value``."""

MOST_POINTS = 64
MOST_BOXES = 16

MaskSize = Literal["image", "model"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class S3Object(_Strict):
    """Where a picture lies in S3. Keys are opaque: never unquoted."""

    bucket: Annotated[str, Field(min_length=3, max_length=63)]
    key: Annotated[str, Field(min_length=1, max_length=1024)]


Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Point = tuple[Fraction, Fraction, Literal[0, 1]]


def _has_area(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    if not (left < right and top < bottom):
        raise ValueError("a box is left, top, right, bottom, with left below right and top below bottom")
    return box


Box = Annotated[tuple[Fraction, Fraction, Fraction, Fraction], AfterValidator(_has_area)]


class Options(_Strict):
    """The ``options`` of a JSON invocation. Points and boxes are for a model that takes prompts."""

    mask_size: MaskSize | None = None
    points: Annotated[tuple[Point, ...], Field(max_length=MOST_POINTS)] = ()
    """x, y, and 1 for a place on the subject, 0 for one beside it, in fractions of the picture as a person sees it."""
    boxes: Annotated[tuple[Box, ...], Field(max_length=MOST_BOXES)] = ()
    """Left, top, right, bottom, around the subject, in the same fractions."""

    @property
    def prompt(self) -> Prompt | None:
        """Both together; None where there is neither."""
        return Prompt(self.points, self.boxes) if self.points or self.boxes else None


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
    prompt: Prompt | None = None


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
    model = custom_attributes(request).get("model")
    body = await _bounded_body(request, max_size_bytes)
    if content_type in FORMATS:
        return Invocation(EncodedPicture(body, content_type), model, mask_size)
    try:
        wanted = JsonInvocation.model_validate_json(body)
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in exc.errors())
        raise BadInput("; ".join(faults)) from exc
    options = wanted.options
    return Invocation(wanted.image, wanted.model or model, options.mask_size or mask_size, options.prompt)


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


def custom_attributes(request: Request) -> dict[str, str]:
    """What the caller said in that header: ``model``; ``facts=in-body``, to have the answer's in the PNG as well."""
    pairs = (pair.partition("=") for pair in request.headers.get(CUSTOM_ATTRIBUTES, "").split(";"))
    return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}
