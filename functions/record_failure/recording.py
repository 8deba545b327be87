"""The end of an execution that could not save it itself: it timed out, was aborted, or failed where nothing catches."""

from functions.core.announcer import Announcer
from functions.core.errors import ImageRejected
from functions.core.identity import identify
from functions.core.image_store import ImageStore
from functions.core.models import SaveResultRequest, Status, Upload
from functions.core.observability import logger, name_picture
from functions.core.record_store import RecordStore
from functions.core.saving import save_cut_off
from functions.record_failure.execution_end import ExecutionEnd


def record_failure(
    end: ExecutionEnd,
    *,
    images: ImageStore,
    records: RecordStore,
    announcer: Announcer,
    uploads_bucket: str,
    ttl_days: int,
    results_url: str,
) -> None:
    """Make the picture FAILED and tell its owner, unless its execution saved its end or another one owns it.

    An event that comes late or twice changes nothing.

    Raises:
        StoreUnavailable, AccessDenied: from DynamoDB or S3.
        botocore.exceptions.ClientError: what could not be sent could not be kept either.
    """
    upload = end.upload
    if upload is None or upload.bucket != uploads_bucket:
        logger.info("the execution was not of a picture", execution_arn=end.execution_arn)
        return
    name_picture(upload, end.execution_arn)
    if records.get(identify(upload).image_id) is None and _is_gone(upload, images):
        logger.info("the picture was deleted")
        return
    request = SaveResultRequest(
        outcome=Status.FAILED, execution_arn=end.execution_arn, upload=upload, failure=end.failure
    )
    saved = save_cut_off(request, records=records, ttl_days=ttl_days, results_url=results_url)
    if saved is None:
        logger.info("there is nothing to record")
        return
    logger.warning("the execution was cut off", status=end.status)
    announcer.announce(saved, upload, end.execution_arn)


def _is_gone(upload: Upload, images: ImageStore) -> bool:
    try:
        images.head(upload.bucket, upload.key, upload.version)
    except ImageRejected:
        return True
    return False
