"""A mask that came back: checked, measured, and kept beside the state of its workflow."""

import json
from datetime import UTC, datetime

from functions.core.image_store import ImageStore
from functions.core.mask import read_mask
from functions.core.mask_engine import EngineAnswer
from functions.core.mask_measures import measure
from functions.core.models import InferMaskRequest, InferMaskResult, MaskFacts
from functions.core.observability import publish_metrics


def keep_mask(
    answer: EngineAnswer, request: InferMaskRequest, *, images: ImageStore, masks_bucket: str
) -> InferMaskResult:
    """Write ``mask.png`` and ``metadata.json`` to the masks bucket, and publish the mask's measures.

    A rerun replaces both.

    Raises:
        MaskRejected: the answer is not a mask of the request's proxy.
        StoreUnavailable, AccessDenied: from S3.
    """
    proxy = request.proxy
    measures = measure(read_mask(answer.png, (proxy.width, proxy.height)))
    facts = MaskFacts(
        bucket=masks_bucket,
        key=f"{request.image_id}/mask.png",
        width=proxy.width,
        height=proxy.height,
        model=answer.model,
        model_sha256=answer.model_sha256,
        provider=answer.provider,
        inference_ms=answer.inference_ms,
        **measures._asdict(),
    )
    images.put(masks_bucket, facts.key, answer.png, "image/png")
    images.put(masks_bucket, f"{request.image_id}/metadata.json", _workflow_state(request, facts), "application/json")
    publish_metrics(
        {
            "MaskCoverage": (measures.coverage, "None"),
            "MaskConfidence": (measures.confidence, "Percent"),
            "MaskEdgeSoftness": (measures.edge_softness, "None"),
            "MaskParts": (measures.parts, "Count"),
        },
        model=facts.model,
    )
    return InferMaskResult(mask=facts)


def _workflow_state(request: InferMaskRequest, mask: MaskFacts) -> bytes:
    """What is known of the picture in this state of its workflow, as JSON."""
    state = {
        "state": "InferMask",
        "written_at": datetime.now(UTC).isoformat(),
        **request.model_dump(mode="json", exclude={"task_token"}),
        "mask": mask.model_dump(mode="json"),
    }
    return json.dumps(state, ensure_ascii=False, indent=2).encode()
