"""The mask of a picture while the workflow waits: asked for once, checked, measured and kept."""

from functions.core.image_store import ImageStore
from functions.core.mask_engine import MaskEngine
from functions.core.mask_keeping import keep_mask
from functions.core.models import InferMaskRequest, InferMaskResult


def infer_mask(
    request: InferMaskRequest, *, images: ImageStore, engine: MaskEngine, masks_bucket: str
) -> InferMaskResult:
    """Make the mask of the proxy, and keep it. A rerun asks the engine again and replaces what is kept.

    Raises:
        MaskRejected: the engine does not take the picture, or its answer is not a mask of it.
        MaskEngineBusy, MaskEngineFailed, EndpointMisconfigured: from the engine.
        StoreUnavailable, AccessDenied: from S3.
        ImageRejected: the proxy is gone.
    """
    answer = engine.infer(request.proxy, request.options.model)
    return keep_mask(answer, request, images=images, masks_bucket=masks_bucket)
