"""The end of an execution: one conditional write, which is the commit point, and the notice of what it says."""

from collections.abc import Mapping
from datetime import datetime

from functions.core.identity import identify
from functions.core.models import (
    Analysis,
    PartStatus,
    Record,
    SaveResultRequest,
    SaveResultResult,
    Status,
    StepName,
    StepProgress,
)
from functions.core.notice import compose_notice
from functions.core.observability import publish_metrics
from functions.core.reason import status_reason
from functions.core.record_store import RecordStore, new_record

_SUPERSEDED = (
    "This result was not kept: a newer version of the file or a newer run owns the picture, or the picture was deleted."
)
_CUT_OFF = "The step was cut off."


def save_result(
    request: SaveResultRequest, *, records: RecordStore, ttl_days: int, results_url: str
) -> SaveResultResult:
    """Write the terminal record of a picture, and compose its notice from what is stored.

    A rerun finds the record written and says the same. So does a failure reported after the result was written: the
    result stands. An execution that does not own the picture any more writes nothing, and its notice says so.

    Raises:
        StoreUnavailable, AccessDenied: from DynamoDB.
    """
    record = _terminal_record(request, records, ttl_days)
    stored = records.finish(record)
    if stored is not None and stored.updated_at == record.updated_at:  # else an earlier run has written it
        _publish_processing_time(stored)
    told = stored or record.model_copy(update={"status_reason": _SUPERSEDED})
    return _told(told, results_url, is_superseded=stored is None)


def save_cut_off(
    request: SaveResultRequest, *, records: RecordStore, ttl_days: int, results_url: str
) -> SaveResultResult | None:
    """As :func:`save_result`, for an execution that was cut off; None unless this call wrote the record.

    Raises:
        StoreUnavailable, AccessDenied: from DynamoDB.
    """
    stored = records.end(_terminal_record(request, records, ttl_days))
    if stored is None:
        return None
    _publish_processing_time(stored)
    return _told(stored, results_url)


def _publish_processing_time(record: Record) -> None:
    """How long the picture took from the beginning of its first step, by how it ended: as many values as pictures.

    It is 0 where no step came to begin.
    """
    ended = datetime.fromisoformat(record.updated_at)
    begun = min((datetime.fromisoformat(step.started_at) for step in record.steps.values()), default=ended)
    elapsed_ms = (ended - begun).total_seconds() * 1000
    publish_metrics({"ProcessingTime": (elapsed_ms, "Milliseconds")}, status=str(record.status))


def _told(record: Record, results_url: str, *, is_superseded: bool = False) -> SaveResultResult:
    return SaveResultResult(
        image_id=record.image_id,
        owner=record.owner,
        status=record.status,
        status_reason=record.status_reason,
        notice=compose_notice(record, results_url, is_superseded=is_superseded),
    )


def _terminal_record(request: SaveResultRequest, records: RecordStore, ttl_days: int) -> Record:
    identity = identify(request.upload)
    begun = records.begin_step(identity.image_id, request.execution_arn, "save_result")
    steps: Mapping[StepName, StepProgress] = begun.steps if begun else {}
    status = _status(request)
    analysis = request.analysis or Analysis(parts={})
    started = new_record(identity, request.upload, status, request.execution_arn, ttl_days)
    return started.model_copy(
        update={
            "status_reason": status_reason(status, request),
            "image": request.image,
            "mask": request.mask,
            "labels": analysis.labels,
            "faces": analysis.faces,
            "text": analysis.text,
            "moderation": analysis.moderation,
            "properties": analysis.properties,
            "analysis_parts": analysis.parts,
            "analysis_key": analysis.key,
            "outputs": request.outputs,
            "needs_review": request.needs_review,
            "steps": {name: _ended(name, step, request, started.updated_at) for name, step in steps.items()},
            "timings": request.timings,
        }
    )


def _ended(name: StepName, step: StepProgress, request: SaveResultRequest, now: str) -> StepProgress:
    """A step of an execution that has ended: one that did not say so itself ended as the execution did."""
    if step.ended_at is not None:
        return step
    if request.failure is None or name == "save_result":
        return step.model_copy(update={"state": "done", "ended_at": now})
    return step.model_copy(update={"state": "failed", "ended_at": now, "reason": _CUT_OFF})


def _status(request: SaveResultRequest) -> Status:
    """The outcome, but PARTIAL for a success that lacks a part of its analysis."""
    if request.outcome == Status.SUCCEEDED and request.analysis is not None:
        return Status.PARTIAL if PartStatus.FAILED in request.analysis.parts.values() else Status.SUCCEEDED
    return request.outcome
