"""From a stored picture and its stored mask to every output in the results bucket."""

from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from PIL import Image

from functions.apply_mask.encoding import ENCODINGS, encode
from functions.apply_mask.matte import make_matte
from functions.apply_mask.renditions import Rendition, make_renditions
from functions.apply_mask.tiles import WORKERS
from functions.core.errors import ImageRejected
from functions.core.image_store import ImageStore
from functions.core.mask import read_mask
from functions.core.models import ApplyMaskRequest, ApplyMaskResult, ImageId, Output
from functions.core.picture import decode, open_picture

# One is encoded on each processor and one waits; the next is made when there is room. So few are in memory at once.
_IN_HAND = WORKERS + 1


def apply_mask(
    request: ApplyMaskRequest, *, images: ImageStore, results_bucket: str, max_pixels: int
) -> ApplyMaskResult:
    """Cut the picture out at full size and publish every rendition.

    The keys are fixed by the request, so a rerun writes the same objects again.

    Raises:
        MaskRejected: the mask is not the one described, or not of this picture.
        ImageRejected: the upload is gone, or is no longer the picture that was validated; or the picture chosen as its
            background is gone.
        StoreUnavailable, AccessDenied: from S3.
    """

    room = BoundedSemaphore(_IN_HAND)

    def publish(rendition: Rendition) -> Output:
        try:
            return _publish(rendition, request.image_id, images, results_bucket)
        finally:
            room.release()

    upload, facts = request.upload, request.mask
    with ThreadPoolExecutor(WORKERS) as threads:
        mask = threads.submit(lambda: read_mask(images.get(facts.bucket, facts.key), (facts.width, facts.height)))
        background = threads.submit(_read_background, request, images, max_pixels)
        original = images.get(upload.bucket, upload.key, upload.version)
        picture = decode(open_picture(original, (request.image.format,), max_pixels=max_pixels))
        del original
        renditions = make_renditions(
            picture,
            make_matte(mask.result(), picture),
            request.options,
            faces=request.faces,
            background=background.result(),
            variant=request.variant,
        )
        del picture
        outputs = []
        for rendition in renditions:
            room.acquire()
            outputs.append(threads.submit(publish, rendition))
            del rendition  # or it would stay while the next one is made
        return ApplyMaskResult(outputs=tuple(output.result() for output in outputs))


def _read_background(request: ApplyMaskRequest, images: ImageStore, max_pixels: int) -> Image.Image | None:
    """The picture that the options name as the background: its proxy, which lies beside the mask's own."""
    image_id = request.options.background_image_id
    if image_id is None or "composite" not in request.options.outputs:
        return None
    try:
        proxy = images.get(request.mask.bucket, f"{image_id}/proxy.jpg")
    except ImageRejected as exc:
        raise ImageRejected("The picture chosen as the background is gone. Upload again with another one.") from exc
    return decode(open_picture(proxy, ("JPEG",), max_pixels=max_pixels))


def _publish(rendition: Rendition, image_id: ImageId, images: ImageStore, bucket: str) -> Output:
    key = f"{image_id}/{rendition.file_name}"
    encoding = ENCODINGS[rendition.format]
    body = encode(rendition.image, rendition.format)
    images.put(bucket, key, body, encoding.content_type)
    return Output(
        kind=rendition.kind,
        key=key,
        format=encoding.name,
        width=rendition.image.width,
        height=rendition.image.height,
        bytes=len(body),
        window=rendition.window,
        background=rendition.background,
    )
