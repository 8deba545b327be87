"""The way of one picture through its steps in this process: S3 and the records in memory, the endpoint a function."""

import io
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from functions.apply_mask.publishing import apply_mask
from functions.core.errors import ImageRejected
from functions.core.identity import Identity
from functions.core.image_store import ImageStore, ObjectFacts
from functions.core.mask_engine import EngineAnswer, MaskEngine
from functions.core.models import (
    ApplyMaskRequest,
    ImageFacts,
    InferMaskRequest,
    MaskFacts,
    Output,
    ProcessingOptions,
    Proxy,
    Record,
    Status,
    Upload,
    ValidateImageRequest,
)
from functions.core.record_store import RecordStore
from functions.infer_mask.inference import infer_mask
from functions.validate_image.settings import Settings
from functions.validate_image.validation import validate_image
from tests.unit.pictures import encoded

UPLOADS, MASKS, RESULTS = "uploads", "masks", "results"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:process-image:first"


class Result(NamedTuple):
    """What came of one upload; ``files`` are the outputs' bytes by file name."""

    image: ImageFacts
    proxy: Proxy
    proxy_jpeg: bytes
    mask: MaskFacts
    outputs: tuple[Output, ...]
    files: dict[str, bytes]


class MemoryStore(ImageStore):
    """Objects by bucket and key; every version of a key is its newest."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], tuple[bytes, str]] = {}

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:  # noqa: ARG002
        if (bucket, key) not in self.objects:
            raise ImageRejected("The uploaded object is gone.")
        return self.objects[bucket, key][0]

    def head(self, bucket: str, key: str, version: str | None = None) -> ObjectFacts:  # noqa: ARG002
        body, content_type = self.objects[bucket, key]
        return ObjectFacts(len(body), content_type)

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        self.objects[bucket, key] = (body, content_type)


class _Records(RecordStore):
    """Every upload is new, and comes with these options."""

    def __init__(self, options: ProcessingOptions | None) -> None:
        self._options = options

    def claim(
        self,
        identity: Identity,
        upload: Upload,
        *,
        execution_arn: str,
        resume_of: str | None,  # noqa: ARG002
        ttl_days: int,  # noqa: ARG002
    ) -> Record:
        return Record(
            image_id=identity.image_id,
            owner=identity.owner,
            status=Status.PROCESSING,
            file_name=identity.file_name,
            upload_key=upload.key,
            upload=upload,
            options=self._options,
            execution_arn=execution_arn,
            created_at="2026-01-01T00:00:00+00:00",
            updated_at="2026-01-01T00:00:00+00:00",
            expires_at=4_102_444_800,
        )


class _Engine(MaskEngine):
    """An endpoint that answers with what the function makes of the proxy."""

    def __init__(self, images: ImageStore, mask_of: Callable[[Image.Image], bytes]) -> None:
        self._images = images
        self._mask_of = mask_of

    def infer(self, proxy: Proxy, model: str | None = None) -> EngineAnswer:
        with Image.open(io.BytesIO(self._images.get(proxy.bucket, proxy.key))) as picture:
            return EngineAnswer(self._mask_of(picture), model or "u2netp", None, "CPUExecutionProvider", 1.0)


def whole(proxy: Image.Image) -> bytes:
    """A mask by which all of the picture is foreground."""
    return encoded(Image.new("L", proxy.size, 255))


def process(
    upload: bytes,
    *,
    file_name: str = "picture",
    content_type: str = "binary/octet-stream",
    options: ProcessingOptions | None = None,
    mask_of: Callable[[Image.Image], bytes] = whole,
    max_pixels: int = 50_000_000,
) -> Result:
    """Validate an upload, infer its mask and make its outputs.

    Args:
        upload: the file.
        mask_of: from the opened proxy to the endpoint's answer.

    Raises:
        ImageRejected, MaskRejected: as the steps do.
    """
    images = MemoryStore()
    key = f"uploads/{file_name}"
    images.put(UPLOADS, key, upload, content_type)
    described = Upload(bucket=UPLOADS, key=key, version="1", etag="", size=len(upload), sequencer="00")
    validated = validate_image(
        ValidateImageRequest(upload=described, execution_arn=EXECUTION),
        images=images,
        records=_Records(options),
        settings=Settings(table_name="records", masks_bucket=MASKS, max_pixels=max_pixels),
    )
    assert validated.image is not None
    assert validated.proxy is not None
    mask = infer_mask(
        InferMaskRequest(
            image_id=validated.image_id,
            execution_arn=EXECUTION,
            upload=described,
            image=validated.image,
            proxy=validated.proxy,
            options=validated.options,
        ),
        images=images,
        engine=_Engine(images, mask_of),
        masks_bucket=MASKS,
    ).mask
    applied = apply_mask(
        ApplyMaskRequest(
            image_id=validated.image_id,
            upload=described,
            image=validated.image,
            mask=mask,
            options=validated.options,
        ),
        images=images,
        results_bucket=RESULTS,
        max_pixels=max_pixels,
    )
    return Result(
        image=validated.image,
        proxy=validated.proxy,
        proxy_jpeg=images.get(MASKS, validated.proxy.key),
        mask=mask,
        outputs=applied.outputs,
        files={
            output.key.removeprefix(f"{validated.image_id}/"): images.get(RESULTS, output.key)
            for output in applied.outputs
        },
    )
