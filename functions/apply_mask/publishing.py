"""From a stored picture and its stored mask to every output in the results bucket."""

from functions.apply_mask.matte import make_matte
from functions.apply_mask.renditions import make_renditions
from functions.core.image_store import ImageStore
from functions.core.mask import read_mask
from functions.core.models import ApplyMaskRequest, ApplyMaskResult, Output
from functions.core.picture import decode, open_picture


def apply_mask(
    request: ApplyMaskRequest, *, images: ImageStore, results_bucket: str, max_pixels: int
) -> ApplyMaskResult:
    """Cut the picture out at full size and publish every rendition.

    The keys are fixed by the request, so a rerun writes the same objects again.

    Raises:
        MaskRejected: the mask is not the one described, or not of this picture.
        ImageRejected: the upload is gone, or is no longer the picture that was validated.
        StoreUnavailable, AccessDenied: from S3.
    """
    upload = request.upload
    facts = request.mask
    mask = read_mask(images.get(facts.bucket, facts.key), (facts.width, facts.height))
    original = images.get(upload.bucket, upload.key, upload.version)
    picture = decode(open_picture(original, (request.image.format,), max_pixels=max_pixels))
    matte = make_matte(mask, picture)
    outputs = []
    for rendition in make_renditions(picture, matte, request.options):
        key = f"{request.image_id}/{rendition.file_name}"
        body = rendition.encode()
        images.put(results_bucket, key, body, rendition.content_type)
        outputs.append(
            Output(
                kind=rendition.kind,
                key=key,
                format=rendition.format,
                width=rendition.image.width,
                height=rendition.image.height,
                bytes=len(body),
            )
        )
    return ApplyMaskResult(outputs=tuple(outputs))
