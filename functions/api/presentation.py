"""A record as people read it: with signed URLs, which live a few minutes."""

from pathlib import PurePosixPath
from typing import Self

from functions.api.services import Services
from functions.core.models import (
    ImageFacts,
    ImageId,
    Label,
    Model,
    Output,
    OutputKind,
    Pixels,
    Record,
    Status,
    StepName,
    StepProgress,
)

_LISTED_SIDE = 480  # pixels: a picture in a list is about 240 wide, and may be on a screen of double density
_LISTED_LABELS = 5


class SignedOutput(Output):
    """An output, and a URL that downloads it."""

    url: str


class Links(Model):
    """Signed URLs of what a result was made from; null while it is not there."""

    original: str | None = None
    proxy: str | None = None
    mask: str | None = None


class Result(Record):
    """One picture's record, with a signed URL for everything in it."""

    outputs: tuple[SignedOutput, ...] = ()
    links: Links

    @classmethod
    def of(cls, record: Record, services: Services) -> Self:
        return cls.model_validate(
            record.model_dump()
            | {
                "outputs": [signed(record, output, services) for output in record.outputs],
                "links": _links(record, services),
            }
        )


class ResultSummary(Model):
    """One picture in a list."""

    image_id: ImageId
    file_name: str
    status: Status
    status_reason: str | None
    needs_review: bool
    created_at: str
    updated_at: str
    steps: dict[StepName, StepProgress]
    width: Pixels | None
    height: Pixels | None
    labels: tuple[str, ...]
    thumbnail: SignedOutput | None
    cutout_thumbnail: SignedOutput | None

    @classmethod
    def of(cls, record: Record, services: Services) -> Self:
        return cls(
            image_id=record.image_id,
            file_name=record.file_name,
            status=record.status,
            status_reason=record.status_reason,
            needs_review=record.needs_review,
            created_at=record.created_at,
            updated_at=record.updated_at,
            steps=record.steps,
            width=record.image and record.image.width,
            height=record.image and record.image.height,
            labels=tuple(label.name for label in record.labels[:_LISTED_LABELS]),
            thumbnail=_listed(record, "thumbnail", services),
            cutout_thumbnail=_listed(record, "cutout_thumbnail", services),
        )


class UploadStatus(Model):
    """How far the newest upload to a key is, and what is known of it."""

    image_id: ImageId
    status: Status
    status_reason: str | None
    metadata: ImageFacts | None
    labels: tuple[Label, ...]
    thumbnails: tuple[SignedOutput, ...]

    @classmethod
    def of(cls, record: Record, services: Services) -> Self:
        return cls(
            image_id=record.image_id,
            status=record.status,
            status_reason=record.status_reason,
            metadata=record.image,
            labels=record.labels,
            thumbnails=tuple(
                signed(record, output, services) for output in record.outputs if output.kind == "thumbnail"
            ),
        )


def signed(record: Record, output: Output, services: Services) -> SignedOutput:
    """The output, with a URL under which a browser saves ``cutout.png`` of ``boat.jpg`` as ``boat-cutout.png``."""
    settings = services.settings
    file_name = f"{PurePosixPath(record.file_name).stem}-{PurePosixPath(output.key).name}"
    if services.result_urls:
        url = services.result_urls.presign(output.key, settings.result_url_ttl_s, file_name)
    else:
        url = services.images.presign_get(settings.results_bucket, output.key, settings.result_url_ttl_s, file_name)
    return SignedOutput(**output.model_dump(), url=url)


def _links(record: Record, services: Services) -> Links:
    images, settings = services.images, services.settings
    expires_s = settings.result_url_ttl_s
    upload, mask = record.upload, record.mask
    return Links(
        original=images.presign_get(upload.bucket, upload.key, expires_s, record.file_name, upload.version)
        if upload
        else None,
        # The proxy is written as soon as the picture's facts are known.
        proxy=images.presign_get(settings.masks_bucket, f"{record.image_id}/proxy.jpg", expires_s)
        if record.image
        else None,
        mask=images.presign_get(mask.bucket, mask.key, expires_s) if mask else None,
    )


def _listed(record: Record, kind: OutputKind, services: Services) -> SignedOutput | None:
    """The smallest thumbnail of a kind that fills its place in a list, else the largest there is."""
    thumbnails = sorted(
        (output for output in record.outputs if output.kind == kind), key=lambda each: each.width * each.height
    )
    large = [output for output in thumbnails if max(output.width, output.height) >= _LISTED_SIDE]
    chosen = next(iter(large or thumbnails[-1:]), None)
    return signed(record, chosen, services) if chosen else None
