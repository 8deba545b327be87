"""The end of an execution that could not save it itself: it timed out, was aborted, or failed where nothing catches."""

from functions.core.announcer import Announcer
from functions.core.models import SaveResultRequest, Status
from functions.core.observability import logger, name_picture
from functions.core.record_store import RecordStore
from functions.core.saving import save_cut_off
from functions.record_failure.execution_end import ExecutionEnd


def record_failure(
    end: ExecutionEnd,
    *,
    records: RecordStore,
    announcer: Announcer,
    uploads_bucket: str,
    ttl_days: int,
    results_url: str,
) -> None:
    """Make the picture FAILED and tell its owner, unless its execution saved its end or does not own it any more.

    An event that comes late or twice changes nothing.

    Raises:
        StoreUnavailable, AccessDenied: from DynamoDB.
        botocore.exceptions.ClientError: what could not be sent could not be kept either.
    """
    upload = end.upload
    if upload is None or upload.bucket != uploads_bucket:
        logger.info("the execution was not of a picture", execution_arn=end.execution_arn)
        return
    name_picture(upload, end.execution_arn)
    request = SaveResultRequest(
        outcome=Status.FAILED, execution_arn=end.execution_arn, upload=upload, failure=end.failure
    )
    saved = save_cut_off(request, records=records, ttl_days=ttl_days, results_url=results_url)
    if saved is None:
        logger.info("there is nothing to record")
        return
    logger.warning("the execution was cut off", status=end.status)
    announcer.announce(saved, upload, end.execution_arn)
