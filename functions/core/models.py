"""What crosses a boundary: the record, its parts, and the requests and results of the steps.

Sizes are in pixels unless the name says bytes, times in milliseconds, confidences in percent (0 to 100, as
Rekognition gives them), boxes as fractions of width and height (0 to 1), timestamps in UTC, ISO 8601.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

_UUID_5_OR_7 = r"[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

ImageId = Annotated[str, StringConstraints(pattern=rf"^{_UUID_5_OR_7}$")]
S3Key = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Owner = Annotated[str, StringConstraints(min_length=1, max_length=128)]
HexColor = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Pixels = Annotated[int, Field(ge=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Model(BaseModel):
    """Base of every model here: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(StrEnum):
    """Where a picture is. All but the first two are terminal; only FAILED can be resumed."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    REJECTED = "REJECTED"
    BLOCKED = "BLOCKED"
    FAILED = "FAILED"

    @property
    def is_unfinished(self) -> bool:
        """Whether something has yet to happen to the picture."""
        return self in (Status.AWAITING_UPLOAD, Status.PROCESSING)

    @property
    def has_results(self) -> bool:
        return self in (Status.SUCCEEDED, Status.PARTIAL)


class Upload(Model):
    """One version of one object in the uploads bucket, as its S3 event names it. The key is opaque."""

    bucket: str
    key: S3Key
    version: str
    etag: str
    size: Annotated[int, Field(ge=0)]
    sequencer: str


class ThumbnailSize(Model):
    """A box, and how the picture fits it.

    ``contain``: the whole picture, within the box. ``cover``: the box is filled, and what overhangs is cut off evenly.
    ``focal``: the same, cut so that faces stay in, else the subject. A picture is never enlarged.
    """

    width: Annotated[int, Field(ge=16, le=4096)]
    height: Annotated[int, Field(ge=16, le=4096)]
    fit: Literal["contain", "cover", "focal"] = "contain"


# Finer than any pixel; numbers next to nothing cannot be stored.
_Rounded = AfterValidator(lambda value: round(value, 3))


class Crop(Model):
    """Cut-out, matte and composite shrink to the subject; ``margin`` is in percent of its longer side.

    A composite's shadow widens the margin as far as it reaches.
    """

    margin: Annotated[float, Field(ge=0, le=50), _Rounded] = 5


class Shadow(Model):
    """A drop shadow in the composite; blur and offsets are in percent of the subject's longer side."""

    opacity: Annotated[Percent, _Rounded] = 50
    blur: Annotated[float, Field(ge=0, le=25), _Rounded] = 4
    offset_x: Annotated[float, Field(ge=-50, le=50), _Rounded] = 0
    offset_y: Annotated[float, Field(ge=-50, le=50), _Rounded] = 4

    @property
    def reach(self) -> float:
        """How far it is seen beyond the subject, in percent of the subject's longer side."""
        return 1.5 * self.blur + max(abs(self.offset_x), abs(self.offset_y))


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if values.count(value) > 1:
            raise PydanticCustomError("repeated", "{value} is there more than once", {"value": str(value)})
    return values


def _in_words(message: str) -> WrapValidator:
    """Refuse with this message, where the library's own would be a regular expression."""

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as exc:
            raise PydanticCustomError("not_taken", message) from exc

    return WrapValidator(validate)


EachOnce = AfterValidator(_each_once)
CutoutFormat = Literal["png", "webp", "webp_lossy", "avif"]
RequestedOutput = Literal["cutout", "matte", "matte_preview", "composite"]
ModelName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"),
    _in_words("A model's name has 1 to 64 of a to z, 0 to 9 and _ . -, and begins with a letter or digit"),
]
Background = Annotated[
    str,
    StringConstraints(pattern=rf"^(#[0-9a-fA-F]{{6}}|blur|{_UUID_5_OR_7})$"),
    _in_words("A background is a colour such as #1e90ff, the word blur, or the image_id of another picture of yours"),
]


class ProcessingOptions(Model):
    """What its owner asked for with one upload; what was not asked for comes from the function's settings.

    ``background``, of the composite: a colour (``#rrggbb``), ``blur`` (the picture itself, out of focus), or the
    ``image_id`` of another picture of the same owner.
    """

    model: ModelName | None = None
    outputs: Annotated[tuple[RequestedOutput, ...], Field(min_length=1), EachOnce] = (
        "cutout",
        "matte",
        "composite",
    )
    formats: Annotated[tuple[CutoutFormat, ...], Field(min_length=1), EachOnce] = ("png", "webp")
    crop: Crop | None = None
    background: Background = "#ffffff"
    shadow: Shadow | None = None
    thumbnail_sizes: Annotated[tuple[ThumbnailSize, ...], Field(min_length=1, max_length=10), EachOnce] = (
        ThumbnailSize(width=100, height=100),
        ThumbnailSize(width=640, height=480),
        ThumbnailSize(width=1600, height=1200),
    )

    @property
    def background_image_id(self) -> str | None:
        """The other picture that the background is, where it is one."""
        return None if self.background == "blur" or self.background.startswith("#") else self.background


StepName = Literal["validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result"]
StepState = Literal["running", "warming", "done", "failed"]


class StepProgress(Model):
    """How far a step is: ``warming`` waits for an endpoint to wake up.

    ``started_at`` is of the first try, ``attempts`` counts every try, and ``reason`` says why the last one failed.
    """

    state: StepState
    started_at: str
    ended_at: str | None = None
    attempts: Annotated[int, Field(ge=1)] = 1
    reason: str | None = None


class ImageFacts(Model):
    """The upload as it is: ``width`` and ``height`` after EXIF orientation, ``mode`` as Pillow names it."""

    format: str
    width: Pixels
    height: Pixels
    mode: str
    size_bytes: int
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    exif: dict[str, str | int | float] = {}


class Proxy(Model):
    """The bounded sRGB JPEG that inference and analysis read, in the masks bucket."""

    bucket: str
    key: S3Key
    width: Pixels
    height: Pixels


class Box(Model):
    """A bounding box as fractions of the picture; it may reach a little outside."""

    left: float
    top: float
    width: float
    height: float


class MaskFacts(Model):
    """The mask: an 8-bit grey PNG of the proxy's size, in the masks bucket, and where it came from.

    ``coverage`` is the mean of the mask (0 to 1), ``confidence`` how far its pixels are from undecided (0 to 100),
    ``edge_softness`` the share of the foreground's weight that lies in half-transparent pixels (0 to 1), ``parts`` the
    number of separate pieces of foreground, ``touches`` the borders of the picture that it reaches, and ``subject`` the
    box around it, absent where there is none. Records of masks that were not measured so lack these.
    """

    bucket: str
    key: S3Key
    width: Pixels
    height: Pixels
    model: str
    model_sha256: str | None = None
    provider: str
    inference_ms: float
    coverage: Fraction
    confidence: Percent
    edge_softness: Fraction | None = None
    parts: Annotated[int, Field(ge=0)] | None = None
    touches: tuple[Literal["left", "top", "right", "bottom"], ...] = ()
    subject: Box | None = None
    flags: tuple[Literal["empty_mask", "full_mask"], ...] = ()


class PartStatus(StrEnum):
    """How one part of the image analysis ended."""

    OK = "OK"
    TOO_SMALL = "TOO_SMALL"
    FAILED = "FAILED"


class Label(Model):
    name: str
    confidence: Percent
    parents: tuple[str, ...] = ()


class Face(Model):
    box: Box
    confidence: Percent


class TextLine(Model):
    text: str
    confidence: Percent
    box: Box


class ModerationLabel(Model):
    name: str
    confidence: Percent
    parent: str = ""


class Moderation(Model):
    blocked: bool
    labels: tuple[ModerationLabel, ...] = ()
    model_version: str = ""


class DominantColor(Model):
    hex: HexColor
    name: str
    percent: Percent


class ImageProperties(Model):
    """Each quality is 0 to 100, as Rekognition's IMAGE_PROPERTIES gives it."""

    sharpness: Percent
    brightness: Percent
    contrast: Percent
    dominant_colors: tuple[DominantColor, ...] = ()


AnalysisPart = Literal["labels", "faces", "text", "moderation", "properties"]
ANALYSIS_PARTS: tuple[AnalysisPart, ...] = ("labels", "faces", "text", "moderation", "properties")


class Analysis(Model):
    """What the picture shows. A part that did not answer is empty, and ``parts`` and ``reasons`` say why.

    The lists are bounded; ``key`` is the complete analysis as JSON in the masks bucket.
    """

    parts: dict[AnalysisPart, PartStatus]
    reasons: dict[AnalysisPart, str] = {}
    labels: tuple[Label, ...] = ()
    faces: tuple[Face, ...] = ()
    text: tuple[TextLine, ...] = ()
    moderation: Moderation | None = None
    properties: ImageProperties | None = None
    key: S3Key | None = None


OutputKind = Literal["cutout", "matte", "matte_preview", "composite", "thumbnail", "cutout_thumbnail"]


class Output(Model):
    """One object in the results bucket. ``window`` is the part of the picture it shows; absent, it shows all of it.

    ``background`` is what lies behind a composite, as its options named it.
    """

    kind: OutputKind
    key: S3Key
    format: str
    width: Pixels
    height: Pixels
    bytes: int
    window: Box | None = None
    background: str | None = None


class Record(Model):
    """One picture in DynamoDB: what happened to it and where everything is.

    ``options`` is what was asked for with an upload URL; a file put straight into the bucket has none.
    """

    image_id: ImageId
    owner: Owner
    status: Status
    status_reason: str | None = None
    file_name: str
    upload_key: S3Key
    upload: Upload | None = None
    options: ProcessingOptions | None = None
    image: ImageFacts | None = None
    mask: MaskFacts | None = None
    labels: tuple[Label, ...] = ()
    faces: tuple[Face, ...] = ()
    text: tuple[TextLine, ...] = ()
    moderation: Moderation | None = None
    properties: ImageProperties | None = None
    analysis_parts: dict[AnalysisPart, PartStatus] = {}
    analysis_key: S3Key | None = None
    outputs: tuple[Output, ...] = ()
    needs_review: bool = False
    steps: dict[StepName, StepProgress] = {}
    timings: dict[str, float] = {}
    execution_arn: str | None = None
    created_at: str
    updated_at: str
    expires_at: int


class ValidateImageRequest(Model):
    upload: Upload
    execution_arn: str
    resume_of: str | None = None


class ValidateImageResult(Model):
    """``image`` and ``proxy`` are absent when the event is a duplicate."""

    disposition: Literal["PROCESS", "DUPLICATE"]
    image_id: ImageId
    owner: Owner
    options: ProcessingOptions = ProcessingOptions()
    image: ImageFacts | None = None
    proxy: Proxy | None = None


class InferMaskRequest(Model):
    """``task_token`` is there where the workflow waits for it instead of for the function."""

    image_id: ImageId
    execution_arn: str
    upload: Upload
    image: ImageFacts
    proxy: Proxy
    options: ProcessingOptions
    task_token: str | None = None


class InferMaskResult(Model):
    mask: MaskFacts


class InferMaskSubmitted(Model):
    """The mask is asked for, and its end will be told of under this id."""

    inference_id: Annotated[str, StringConstraints(max_length=64)]


class MaskSubmission(Model):
    """What is kept of a mask that was asked for until it comes."""

    request: InferMaskRequest
    submitted_at: datetime


class AnalyzeImageRequest(Model):
    image_id: ImageId
    execution_arn: str
    upload: Upload
    proxy: Proxy


class AnalyzeImageResult(Model):
    analysis: Analysis


class ApplyMaskRequest(Model):
    """``variant`` asks for one more composite of a finished picture, named after it; then no execution asks."""

    image_id: ImageId
    execution_arn: str | None = None
    upload: Upload
    image: ImageFacts
    mask: MaskFacts
    faces: tuple[Face, ...] = ()
    options: ProcessingOptions
    variant: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")] | None = None


class ApplyMaskResult(Model):
    outputs: tuple[Output, ...]


class Failure(Model):
    """An error as Step Functions reports it; for a Lambda task ``cause`` is the function's error as JSON."""

    error: str
    cause: str = ""


class SaveResultRequest(Model):
    """The end of one execution. A rejection or failure may come before anything but the upload is known."""

    outcome: Literal[Status.SUCCEEDED, Status.BLOCKED, Status.REJECTED, Status.FAILED]
    execution_arn: str
    upload: Upload
    image: ImageFacts | None = None
    mask: MaskFacts | None = None
    analysis: Analysis | None = None
    outputs: tuple[Output, ...] = ()
    needs_review: bool = False
    timings: dict[str, float] = {}
    failure: Failure | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.outcome in (Status.REJECTED, Status.FAILED) and self.failure is None:
            raise ValueError(f"outcome {self.outcome} needs a failure")
        if self.outcome == Status.SUCCEEDED and None in (self.image, self.mask, self.analysis):
            raise ValueError("outcome SUCCEEDED needs image, mask and analysis")
        return self


class Notice(Model):
    """What people are told: ``subject`` is ASCII of less than 100 characters, as SNS wants it."""

    subject: Annotated[str, StringConstraints(max_length=99, pattern=r"^[\x20-\x7e]+$")]
    message: str


class SaveResultResult(Model):
    """``status`` may differ from the outcome asked for: SUCCEEDED with a failed analysis part is PARTIAL."""

    image_id: ImageId
    owner: Owner
    status: Status
    status_reason: str | None = None
    notice: Notice
