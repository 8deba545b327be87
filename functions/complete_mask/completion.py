"""The end of a submitted inference, told to the workflow that waits for it."""

from datetime import UTC, datetime

from functions.complete_mask.notice import InferenceNotice
from functions.core.errors import ImageRejected
from functions.core.image_store import ImageStore
from functions.core.mask import read_mask
from functions.core.mask_engine import CUSTOM_ATTRIBUTES, EngineAnswer, engine_answer
from functions.core.mask_keeping import keep_mask
from functions.core.mask_submission import submission_key
from functions.core.models import InferMaskRequest, MaskSubmission
from functions.core.observability import logger, name_picture
from functions.core.progress import Progress
from functions.core.waiting_tasks import WaitingTasks


def complete_mask(
    notice: InferenceNotice, *, images: ImageStore, tasks: WaitingTasks, progress: Progress, masks_bucket: str
) -> None:
    """Check, measure and keep the mask as a synchronous call does, and end the task with the result or the error.

    A notice that comes twice, or after the workflow has given the inference up, changes nothing. Once the task has its
    end, what the inference left in the masks bucket is deleted.

    Raises:
        StoreUnavailable, AccessDenied: the submission cannot be read, or what was left cannot be deleted.
        botocore.exceptions.ClientError: Step Functions cannot be told.
    """
    kept = (masks_bucket, submission_key(notice.inference_id))
    try:
        submission = MaskSubmission.model_validate_json(images.get(*kept))
    except ImageRejected:
        logger.warning("nobody waits for this inference", inference_id=notice.inference_id)
        return
    _end_task(notice, submission, images=images, tasks=tasks, progress=progress, masks_bucket=masks_bucket)
    # The submission last, so that a notice that comes again finds it until all is gone.
    for left in (*notice.left_behind, kept):
        images.delete(*left)


def _end_task(
    notice: InferenceNotice,
    submission: MaskSubmission,
    *,
    images: ImageStore,
    tasks: WaitingTasks,
    progress: Progress,
    masks_bucket: str,
) -> None:
    request = submission.request
    name_picture(request.upload, request.execution_arn)
    token = str(request.task_token)
    if not tasks.is_waiting(token):
        logger.info("nobody waits for this inference any more", inference_id=notice.inference_id)
        return
    try:
        with progress.of(request.image_id, request.execution_arn, is_begun=True):
            result = keep_mask(_read(notice, request, images), request, images=images, masks_bucket=masks_bucket)
    except Exception as exc:  # as Lambda does with whatever a step raises: the workflow decides what is tried again
        logger.warning("the inference has failed", exc_info=exc)
        tasks.fail(token, exc)
        return
    elapsed_ms = round((datetime.now(UTC) - submission.submitted_at).total_seconds() * 1000, 1)
    tasks.succeed(token, {**result.model_dump(mode="json"), "elapsed_ms": elapsed_ms})
    logger.info("step finished", elapsed_ms=elapsed_ms)


def _read(notice: InferenceNotice, request: InferMaskRequest, images: ImageStore) -> EngineAnswer:
    """What the container answered. Its headers are lost on the way, so the PNG itself says which model made it."""
    png = images.get(*notice.output)
    mask = read_mask(png, (request.proxy.width, request.proxy.height))
    return engine_answer(png, str(mask.info.get(CUSTOM_ATTRIBUTES, "")))
