"""Why a picture ended as it did, in words that its owner reads."""

import json

from functions.core import errors
from functions.core.models import Analysis, AnalysisPart, Failure, Moderation, PartStatus, SaveResultRequest, Status

_MAX_CHARACTERS = 500

_PART_NAMES: dict[AnalysisPart, str] = {
    "labels": "labels",
    "faces": "faces",
    "text": "text",
    "moderation": "content moderation",
    "properties": "image properties",
}

# What went wrong, for people: the steps' own errors as far as they are no sentence for them, what services report, and
# the statuses of an execution that was cut off.
_IN_WORDS = {
    "ABORTED": "Processing was stopped",
    "TIMED_OUT": "Processing took longer than it may",
    "AccessDenied": "A service refuses access that this step needs",
    "EndpointMisconfigured": "The server that finds the subject is missing, or may not be used",
    "MaskEngineBusy": "The server that finds the subject has no room or is not ready",
    "MaskEngineFailed": "The server that finds the subject broke, or took too long",
    "MaskRejected": "The server that finds the subject made no mask that fits the picture",
    "States.Timeout": "A step did not finish in time",
    "States.DataLimitExceeded": "The results were too large for the workflow",
    "Sandbox.Timedout": "A step did not finish in time",
    "Runtime.ExitError": "A step ended without an answer, perhaps for want of memory",
    "Runtime.OutOfMemory": "A step ran out of memory",
    "Lambda.TooManyRequestsException": "Too many pictures were being processed at once",
}


def status_reason(status: Status, request: SaveResultRequest) -> str | None:
    """One or two sentences of at most 500 characters; None for SUCCEEDED. Never a stack trace."""
    reason = None
    if request.failure is not None:
        reason = _rejected(request.failure) if status == Status.REJECTED else _failed(request.failure)
    elif status == Status.BLOCKED and request.analysis is not None:
        reason = _blocked(request.analysis.moderation)
    elif status == Status.PARTIAL and request.analysis is not None:
        reason = _partial(request.analysis)
    return reason and _shortened(reason)


def _rejected(failure: Failure) -> str:
    return _message(failure) or "The file is not a picture that is taken."


def _failed(failure: Failure) -> str:
    message = _message(failure) if _is_ours(failure.error) else ""
    what = _IN_WORDS.get(failure.error) or message.rstrip(".") or "An unexpected error occurred"
    # The name is what to search the logs for.
    end = f" ({failure.error[:100]}). The original is kept, and the picture can be resumed."
    return what[: _MAX_CHARACTERS - len(end)] + end


def _blocked(moderation: Moderation | None) -> str:
    labels = moderation.labels if moderation else ()
    names = ", ".join(f"{label.name} ({label.confidence:.0f} %)" for label in labels)
    return f"The picture is not published because of what content moderation found in it: {names}."


def _partial(analysis: Analysis) -> str:
    failed = [part for part, status in analysis.parts.items() if status == PartStatus.FAILED]
    names = ", ".join(_PART_NAMES[part] for part in failed)
    causes = "; ".join(sorted({analysis.reasons[part].rstrip(".") for part in failed if part in analysis.reasons}))
    return f"The cut-out is done, but a part of the analysis failed: {names}{f' ({causes})' if causes else ''}."


def _is_ours(error: str) -> bool:
    """Whether the error is of our own tree, so that its message is written for people."""
    return issubclass(getattr(errors, error, object), errors.MatteflowError)


def _message(failure: Failure) -> str:
    """The message in a Lambda function's error, which Step Functions gives as JSON; empty if there is none."""
    try:
        cause = json.loads(failure.cause)
    except ValueError:
        return ""
    return str(cause.get("errorMessage", "")) if isinstance(cause, dict) else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"
