"""A record as people read it: with signed URLs, which live a few minutes."""

from pathlib import PurePosixPath
from typing import Self

from functions.api.services import Services
from functions.core.models import ImageFacts, ImageId, Label, Model, Output, Record, Status

# A picture in a list is shown at most about this wide.
_LISTED_SIDE = 256


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
            record.model_dump() | {"outputs": _signed(record, services), "links": _links(record, services)}
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
    thumbnail_url: str | None

    @classmethod
    def of(cls, record: Record, services: Services) -> Self:
        thumbnail = _listed_thumbnail(record)
        return cls(
            **record.model_dump(include=cls.model_fields.keys() - {"thumbnail_url"}),
            thumbnail_url=_sign(record, thumbnail, services) if thumbnail else None,
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
            thumbnails=tuple(output for output in _signed(record, services) if output.kind == "thumbnail"),
        )


def _signed(record: Record, services: Services) -> list[SignedOutput]:
    return [SignedOutput(**output.model_dump(), url=_sign(record, output, services)) for output in record.outputs]


def _sign(record: Record, output: Output, services: Services) -> str:
    """A URL under which a browser saves ``cutout.png`` of ``boat.jpg`` as ``boat-cutout.png``."""
    settings = services.settings
    file_name = f"{PurePosixPath(record.file_name).stem}-{PurePosixPath(output.key).name}"
    return services.images.presign_get(settings.results_bucket, output.key, settings.result_url_ttl_s, file_name)


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


def _listed_thumbnail(record: Record) -> Output | None:
    """The smallest thumbnail that fills its place in a list, else the largest there is."""
    thumbnails = sorted(
        (output for output in record.outputs if output.kind == "thumbnail"), key=lambda each: each.width * each.height
    )
    large = [output for output in thumbnails if max(output.width, output.height) >= _LISTED_SIDE]
    return next(iter(large or thumbnails[-1:]), None)
