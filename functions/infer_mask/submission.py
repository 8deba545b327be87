"""The mask of a picture in the endpoint's own time: asked for here, and taken in by the function complete_mask."""

import hashlib
from datetime import UTC, datetime

from functions.core.errors import EndpointMisconfigured
from functions.core.image_store import ImageStore
from functions.core.mask_endpoint import AsyncMaskEndpoint
from functions.core.mask_submission import submission_key
from functions.core.models import InferMaskRequest, InferMaskSubmitted, MaskSubmission
from functions.core.observability import logger
from functions.core.progress import Progress


def submit_mask(
    request: InferMaskRequest,
    *,
    images: ImageStore,
    endpoint: AsyncMaskEndpoint,
    progress: Progress,
    masks_bucket: str,
) -> InferMaskSubmitted:
    """Keep the request with its task token where the end of its inference finds it, then have the mask made.

    Where an instance has to start first, the picture's record says so.

    Raises:
        MaskEngineBusy, MaskEngineFailed, EndpointMisconfigured: from the endpoint.
        EndpointMisconfigured: the workflow does not wait for a token, as its execution began in another tier.
        StoreUnavailable, AccessDenied: from S3.
    """
    if request.task_token is None:
        raise EndpointMisconfigured("The mask tier was changed while the picture was being processed.")
    # At most 64 characters, and another one for each try, which has a token of its own.
    inference_id = f"{request.image_id}-{hashlib.sha256(request.task_token.encode()).hexdigest()[:16]}"
    submission = MaskSubmission(request=request, submitted_at=datetime.now(UTC))
    kept = submission.model_dump_json().encode()
    images.put(masks_bucket, submission_key(inference_id), kept, "application/json")
    _tell_of_warming(request, endpoint, progress)
    endpoint.submit(request.proxy, inference_id, request.options.model)
    return InferMaskSubmitted(inference_id=inference_id)


def _tell_of_warming(request: InferMaskRequest, endpoint: AsyncMaskEndpoint, progress: Progress) -> None:
    """Best effort: nothing but what people see depends on it."""
    try:
        if endpoint.is_scaled_to_zero():
            progress.mark_warming(request.image_id, request.execution_arn)
    except Exception:  # Whatever it was, the step goes on.
        logger.warning("it is not known whether the endpoint is warming", exc_info=True)
