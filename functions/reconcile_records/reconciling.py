"""What should have happened to a picture and did not: its upload's event was lost, or its execution's end was."""

from datetime import UTC, datetime, timedelta

from functions.core.image_store import ImageStore
from functions.core.models import Status
from functions.core.observability import logger, publish_metrics
from functions.core.record_store import RecordStore
from functions.core.workflow import Workflow

# Of each kind, a run: at some 25 ms a record well within the function's time. What is left is the next run's.
_MOST = 1000


def reconcile_records(
    *,
    images: ImageStore,
    records: RecordStore,
    workflow: Workflow,
    uploads_bucket: str,
    upload_within: timedelta,
    end_within: timedelta,
) -> dict[str, int]:
    """Start the pictures again, once, whose upload is there unnoticed, or whose execution ended unnoticed.

    Each record is looked at when it is overdue. One whose upload did not come is not looked at again. What was uploaded
    to a picture after it was deleted is deleted too.

    Args:
        upload_within: the time from a record's making in which its upload and event come.
        end_within: the time from a claim in which its execution ends.

    Returns:
        how many were started because nobody noticed their upload, how many because nobody noticed the end of their
        execution, and how many uploads did not come.

    Raises:
        StoreUnavailable, WorkflowUnavailable, AccessDenied: from S3, DynamoDB or Step Functions.
    """
    now = datetime.now(UTC)
    unnoticed = cut_off = absent = 0
    for record in records.unsettled(Status.AWAITING_UPLOAD, now - upload_within, _MOST):
        upload = images.newest(uploads_bucket, record.upload_key)
        if upload is None:
            records.stop_awaiting(record.image_id)
            absent += 1
        elif workflow.resume(record.model_copy(update={"upload": upload}), records):
            unnoticed += 1
    for record in records.unsettled(Status.PROCESSING, now - end_within, _MOST):
        if workflow.has_stopped(record) and workflow.resume(record, records):
            cut_off += 1
    deleted = records.late_uploads(now - upload_within, _MOST)
    for image_id, upload_key in deleted.items():
        images.delete_versions(uploads_bucket, upload_key)
        records.settle_deleted(image_id)
    if unnoticed or cut_off:  # a metric costs by the hour in which it is told
        publish_metrics({"Reconciled": (unnoticed + cut_off, "Count")})
    logger.info("records reconciled", started_unnoticed=unnoticed, started_cut_off=cut_off, absent_uploads=absent)
    return {"started_unnoticed": unnoticed, "started_cut_off": cut_off, "absent_uploads": absent}
