"""POST /results/{image_id}/composites: a finished picture on another background."""

import hashlib
from http import HTTPStatus
from typing import Annotated, cast

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.request import Request

from functions.api.presentation import SignedOutput, signed
from functions.api.problem import ProblemError, documented
from functions.api.request_body import read_json
from functions.api.services import Injected, Owner, Services, check_background, compositor, owned_record
from functions.core.compositor import Compositor
from functions.core.models import (
    ApplyMaskRequest,
    Background,
    Crop,
    ImageFacts,
    MaskFacts,
    Model,
    Output,
    ProcessingOptions,
    Record,
    Shadow,
    Upload,
)

router = Router()

MAX_COMPOSITES = 20


class CompositeRequest(Model):
    """What lies behind the subject, its shadow, and how much of the picture is shown: as the options of an upload."""

    background: Background
    shadow: Shadow | None = None
    crop: Crop | None = None


@router.post(
    "/results/<image_id>/composites",
    summary="Put a finished picture on another background",
    operation_id="createComposite",
    responses={201: {"description": "The composite; asked for again, the same"}, **documented(404, 409, 413, 502)},
    status_code=HTTPStatus.CREATED.value,
    openapi_extensions={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CompositeRequest"}}},
        }
    },
)
def create_composite(
    image_id: str,
    request: Request,
    services: Injected,
    owner: Owner,
    compositor: Annotated[Compositor, Depends(compositor)],
) -> SignedOutput:
    asked = read_json(request, CompositeRequest)
    options = ProcessingOptions(
        outputs=("composite",), background=asked.background.lower(), shadow=asked.shadow, crop=asked.crop
    )
    record = owned_record(image_id, owner, services)
    if not record.status.has_results:
        raise ProblemError(
            HTTPStatus.CONFLICT, f"The picture is {record.status}, and only a finished one can be put elsewhere."
        )
    variant = hashlib.sha256(options.model_dump_json().encode()).hexdigest()[:8]
    key = f"{image_id}/composite_{variant}.jpg"
    if made := _find(record, key):
        return signed(record, made, services)
    _check_room(record)
    check_background("background", options.background_image_id, owner, services)
    made = compositor.compose(
        ApplyMaskRequest(
            image_id=record.image_id,
            # What is finished was uploaded, measured and masked.
            upload=cast("Upload", record.upload),
            image=cast("ImageFacts", record.image),
            mask=cast("MaskFacts", record.mask),
            faces=record.faces,
            options=options,
            variant=variant,
        )
    )
    return signed(record, _keep(made, record, services), services)


def _keep(composite: Output, record: Record, services: Services) -> Output:
    """List the composite among the picture's outputs, once, whoever else adds to them meanwhile.

    Raises:
        ProblemError: 409, there is no room left, or the picture is not the one that the composite is of any more.
    """
    while not services.records.add_output(record, composite):
        now = services.records.get(record.image_id)
        if now is None:  # nothing else names it any more
            services.images.delete(services.settings.results_bucket, composite.key)
        if now is None or now.execution_arn != record.execution_arn:
            raise ProblemError(HTTPStatus.CONFLICT, "The picture was deleted or uploaded anew meanwhile.")
        if listed := _find(now, composite.key):
            return listed
        _check_room(now)
        record = now
    return composite


def _find(record: Record, key: str) -> Output | None:
    return next((output for output in record.outputs if output.key == key), None)


def _check_room(record: Record) -> None:
    if sum(output.kind == "composite" for output in record.outputs) >= MAX_COMPOSITES:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            f"The picture has {MAX_COMPOSITES} composites, which is the most. They go only with the picture itself.",
        )
