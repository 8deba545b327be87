"""Whether an upload is a picture we take: claimed, checked from its header, decoded once, and given a proxy."""

import hashlib

from PIL import ImageFile

from functions.core.errors import ImageRejected, PictureBusy
from functions.core.identity import identify
from functions.core.image_store import ImageStore
from functions.core.models import ImageFacts, Proxy, Upload, ValidateImageRequest, ValidateImageResult
from functions.core.picture import has_more_frames, open_picture, picture_format, upright_size
from functions.core.record_store import RecordStore
from functions.validate_image.declared_format import declared_formats
from functions.validate_image.exif import exif_facts
from functions.validate_image.proxy import make_proxy
from functions.validate_image.settings import Settings

_MAX_SIDE = 16_383  # pixels: WebP, one of the outputs, can hold no more


def validate_image(
    request: ValidateImageRequest, *, images: ImageStore, records: RecordStore, settings: Settings
) -> ValidateImageResult:
    """Claim the upload's record, check the upload, and write its proxy to the masks bucket.

    A rerun of the same execution claims again and writes the same proxy; any other event of the same upload is a
    duplicate.

    Raises:
        ImageRejected: the upload is not a picture that is taken; the message tells its owner why.
        PictureBusy: an older upload to the same key is being processed; both would write the same objects.
        StoreUnavailable, AccessDenied: from S3 or DynamoDB.
    """
    upload = request.upload
    identity = identify(upload)
    record = records.claim(
        identity,
        upload,
        execution_arn=request.execution_arn,
        resume_of=request.resume_of,
        ttl_days=settings.record_ttl_days,
    )
    if record is None:
        if records.is_of_older(identity.image_id, upload):
            raise PictureBusy(f"An older upload to {upload.key} is still being processed.")
        return ValidateImageResult(disposition="DUPLICATE", image_id=identity.image_id, owner=identity.owner)

    data, content_type = _download(upload, images, settings.max_size_bytes)
    image = open_picture(data, settings.accepted_formats, max_pixels=settings.max_pixels)
    _check_header(image, declared_formats(content_type, identity.file_name), settings)
    facts = image_facts(image, data)
    jpeg, (proxy_width, proxy_height) = make_proxy(image, settings.proxy_max_side)
    key = f"{identity.image_id}/proxy.jpg"
    images.put(settings.masks_bucket, key, jpeg, "image/jpeg")
    return ValidateImageResult(
        disposition="PROCESS",
        image_id=identity.image_id,
        owner=identity.owner,
        options=record.options or settings.default_options,
        image=facts,
        proxy=Proxy(bucket=settings.masks_bucket, key=key, width=proxy_width, height=proxy_height),
    )


def image_facts(image: ImageFile.ImageFile, data: bytes) -> ImageFacts:
    """What the record keeps of a picture; ``data`` is the whole file that ``image`` was opened from."""
    width, height = upright_size(image)
    return ImageFacts(
        format=picture_format(image),
        width=width,
        height=height,
        mode=image.mode,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        exif=exif_facts(image),
    )


def _download(upload: Upload, images: ImageStore, max_size_bytes: int) -> tuple[bytes, str]:
    """The object and its content type; an object over the limit is not read."""
    size_bytes, content_type = images.head(upload.bucket, upload.key, upload.version)
    if size_bytes > max_size_bytes:
        raise ImageRejected(
            f"The file has {size_bytes:,} bytes, and the limit is {max_size_bytes:,}. Upload a smaller one."
        )
    return images.get(upload.bucket, upload.key, upload.version), content_type


def _check_header(image: ImageFile.ImageFile, declared: dict[str, str], settings: Settings) -> None:
    found = picture_format(image)
    for declaration, declared_format in declared.items():
        if declared_format != found:
            raise ImageRejected(
                f"The file is {found}, but its {declaration} says {declared_format}. "
                "Give it the name and type of what it is, and upload it again."
            )
    if max(image.size) > _MAX_SIDE:
        raise ImageRejected(
            f"The picture has {image.width:,} x {image.height:,} pixels, and no side may have more than "
            f"{_MAX_SIDE:,}. Upload a smaller one."
        )
    if has_more_frames(image, settings.max_frames):
        raise ImageRejected(f"The file has more than {settings.max_frames} frames or pages. Upload one picture of it.")
