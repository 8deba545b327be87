"""Pictures and faults that lead through the state machine, and which transition each of them proves."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.statemachine.workflow import TASKS, Transition


@dataclass(frozen=True)
class Scenario:
    """One execution: what goes in, what goes wrong, and the way it must take.

    ``faults`` are the errors that a task ends with, in turn, before it answers; ``late`` if its function has done its
    work by then and only the answer is lost. ``path`` names the states entered; a Parallel state's branches stand in
    brackets. ``status`` is the record's at the end, ``error`` the execution's.
    """

    path: str
    status: str | None = "SUCCEEDED"
    error: str | None = None
    upload: Literal["picture", "text", "duplicate", "folder", "malformed"] = "picture"
    mask: Literal["certain", "doubtful", "empty", "full"] = "certain"
    faces: int = 0
    moderation: Literal["allowed", "blocked"] = "allowed"
    needs_review: bool = False
    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)
    late: bool = False


RECEIVED = "CheckEvent ReceiveUpload ValidateImage"
UNDERSTOOD = f"{RECEIVED} CheckDuplicate UnderstandImage(InferMask | AnalyzeImage) CollectUnderstanding CheckModeration"
MASKED = f"{UNDERSTOOD} ApplyMask CheckConfidence"
PROCESSED = "Notify(PublishNotice | PublishEvent) ImageProcessed"
SAVED_AS_FAILED = "SaveFailure NotifyFailure(PublishFailureNotice | PublishFailureEvent) CheckOutcome"
FAILED = f"{SAVED_AS_FAILED} ProcessingFailed"

SUCCESS = Scenario(f"{MASKED} SaveResult {PROCESSED}")
MALFORMED = Scenario("CheckEvent KeepMalformedEvent MalformedEvent", None, "MalformedEvent", upload="malformed")
FOLDER = Scenario("CheckEvent FolderMarkerIgnored", None, upload="folder")
DUPLICATE = Scenario(f"{RECEIVED} CheckDuplicate AlreadyProcessed", "PROCESSING", upload="duplicate")
REJECTED = Scenario(f"{RECEIVED} SaveRejection {PROCESSED}", "REJECTED", upload="text")
BLOCKED = Scenario(f"{UNDERSTOOD} SaveBlocked {PROCESSED}", "BLOCKED", moderation="blocked")
DOUBTFUL = replace(SUCCESS, mask="doubtful", needs_review=True)
EMPTY = replace(SUCCESS, mask="empty", needs_review=True)
FULL = replace(SUCCESS, mask="full", needs_review=True)


def failing(before: str, task: str, error: str, base: Scenario = SUCCESS) -> Scenario:
    """``base`` whose ``task`` ends with an error that is not retried, and which therefore fails after ``before``."""
    return replace(base, path=f"{before} {FAILED}", status="FAILED", error=error, faults={task: (error,)})


def kept(publish: str, keep: str, error: str, base: Scenario = SUCCESS) -> Scenario:
    """The notice or event cannot be sent by any of four tries, so it is kept."""
    path = base.path.replace(publish, f"{publish} {keep}")
    return replace(base, path=path, faults={**base.faults, publish: (error,) * 4})


def lost(sent: Scenario, keep: str, error: str) -> Scenario:
    """What cannot be sent cannot be kept either."""
    path = sent.path.removesuffix(" ImageProcessed").removesuffix(" CheckOutcome ProcessingFailed")
    return replace(sent, path=path, error=error, faults={**sent.faults, keep: (error,) * 4})


PERMANENT = "AccessDenied"
LOST = "SQS.QueueDoesNotExist"

UNVALIDATED = failing(RECEIVED, "ValidateImage", PERMANENT)
WITHOUT_MASK = failing(
    f"{RECEIVED} CheckDuplicate UnderstandImage(InferMask | AnalyzeImage)", "InferMask", "EndpointMisconfigured"
)
WITHOUT_ANALYSIS = replace(
    SUCCESS,
    path=SUCCESS.path.replace("AnalyzeImage", "AnalyzeImage AnalysisFailed"),
    status="PARTIAL",
    needs_review=True,
    faults={"AnalyzeImage": (PERMANENT,)},
)
WITHOUT_OUTPUTS = failing(f"{UNDERSTOOD} ApplyMask", "ApplyMask", "MaskRejected")
UNDECODABLE = Scenario(
    f"{UNDERSTOOD} ApplyMask SaveRejection {PROCESSED}", "REJECTED", faults={"ApplyMask": ("ImageRejected",)}
)
UNSAVED = failing(f"{MASKED} SaveResult", "SaveResult", PERMANENT)
UNSAVED_BLOCK = failing(f"{UNDERSTOOD} SaveBlocked", "SaveBlocked", PERMANENT, base=BLOCKED)
UNSAVED_REJECTION = failing(f"{RECEIVED} SaveRejection", "SaveRejection", PERMANENT, base=REJECTED)
NOTICE_KEPT = kept("PublishNotice", "KeepNotice", "SNS.AuthorizationError")
EVENT_KEPT = kept("PublishEvent", "KeepEvent", "EventBridge.FailedEntry")
FAILURE_NOTICE_KEPT = kept("PublishFailureNotice", "KeepFailureNotice", "SNS.AuthorizationError", UNVALIDATED)
FAILURE_EVENT_KEPT = kept("PublishFailureEvent", "KeepFailureEvent", "EventBridge.FailedEntry", UNVALIDATED)
SAVED_WITHOUT_ANSWER = replace(
    SUCCESS,
    path=f"{MASKED} SaveResult {SAVED_AS_FAILED} ImageProcessed",
    faults={"SaveResult": (PERMANENT,)},
    late=True,
)

PROVED_BY = {
    Transition("CheckEvent", "Choices[0]", "KeepMalformedEvent"): MALFORMED,
    Transition("KeepMalformedEvent", "Next", "MalformedEvent"): MALFORMED,
    Transition("CheckEvent", "Choices[1]", "FolderMarkerIgnored"): FOLDER,
    Transition("FolderMarkerIgnored", "End"): FOLDER,
    Transition("CheckEvent", "Default", "ReceiveUpload"): SUCCESS,
    Transition("ReceiveUpload", "Next", "ValidateImage"): SUCCESS,
    Transition("ValidateImage", "Next", "CheckDuplicate"): SUCCESS,
    Transition("ValidateImage", "Catch ImageRejected", "SaveRejection"): REJECTED,
    Transition("ValidateImage", "Catch States.ALL", "SaveFailure"): UNVALIDATED,
    Transition("CheckDuplicate", "Choices[0]", "AlreadyProcessed"): DUPLICATE,
    Transition("AlreadyProcessed", "End"): DUPLICATE,
    Transition("CheckDuplicate", "Default", "UnderstandImage"): SUCCESS,
    Transition("UnderstandImage", "Branches[0]", "InferMask"): SUCCESS,
    Transition("InferMask", "End"): SUCCESS,
    Transition("UnderstandImage", "Branches[1]", "AnalyzeImage"): SUCCESS,
    Transition("AnalyzeImage", "End"): SUCCESS,
    Transition("AnalyzeImage", "Catch States.ALL", "AnalysisFailed"): WITHOUT_ANALYSIS,
    Transition("AnalysisFailed", "End"): WITHOUT_ANALYSIS,
    Transition("UnderstandImage", "Catch States.ALL", "SaveFailure"): WITHOUT_MASK,
    Transition("UnderstandImage", "Next", "CollectUnderstanding"): SUCCESS,
    Transition("CollectUnderstanding", "Next", "CheckModeration"): SUCCESS,
    Transition("CheckModeration", "Choices[0]", "SaveBlocked"): BLOCKED,
    Transition("SaveBlocked", "Next", "Notify"): BLOCKED,
    Transition("SaveBlocked", "Catch States.ALL", "SaveFailure"): UNSAVED_BLOCK,
    Transition("CheckModeration", "Default", "ApplyMask"): SUCCESS,
    Transition("ApplyMask", "Next", "CheckConfidence"): SUCCESS,
    Transition("ApplyMask", "Catch ImageRejected", "SaveRejection"): UNDECODABLE,
    Transition("ApplyMask", "Catch States.ALL", "SaveFailure"): WITHOUT_OUTPUTS,
    Transition("CheckConfidence", "Choices[0]", "SaveResult"): DOUBTFUL,
    Transition("CheckConfidence", "Default", "SaveResult"): SUCCESS,
    Transition("SaveResult", "Next", "Notify"): SUCCESS,
    Transition("SaveResult", "Catch States.ALL", "SaveFailure"): UNSAVED,
    Transition("SaveRejection", "Next", "Notify"): REJECTED,
    Transition("SaveRejection", "Catch States.ALL", "SaveFailure"): UNSAVED_REJECTION,
    Transition("SaveFailure", "Next", "NotifyFailure"): UNVALIDATED,
    Transition("NotifyFailure", "Branches[0]", "PublishFailureNotice"): UNVALIDATED,
    Transition("PublishFailureNotice", "End"): UNVALIDATED,
    Transition("PublishFailureNotice", "Catch States.ALL", "KeepFailureNotice"): FAILURE_NOTICE_KEPT,
    Transition("KeepFailureNotice", "End"): FAILURE_NOTICE_KEPT,
    Transition("NotifyFailure", "Branches[1]", "PublishFailureEvent"): UNVALIDATED,
    Transition("PublishFailureEvent", "End"): UNVALIDATED,
    Transition("PublishFailureEvent", "Catch States.ALL", "KeepFailureEvent"): FAILURE_EVENT_KEPT,
    Transition("KeepFailureEvent", "End"): FAILURE_EVENT_KEPT,
    Transition("NotifyFailure", "Next", "CheckOutcome"): UNVALIDATED,
    Transition("Notify", "Branches[0]", "PublishNotice"): SUCCESS,
    Transition("PublishNotice", "End"): SUCCESS,
    Transition("PublishNotice", "Catch States.ALL", "KeepNotice"): NOTICE_KEPT,
    Transition("KeepNotice", "End"): NOTICE_KEPT,
    Transition("Notify", "Branches[1]", "PublishEvent"): SUCCESS,
    Transition("PublishEvent", "End"): SUCCESS,
    Transition("PublishEvent", "Catch States.ALL", "KeepEvent"): EVENT_KEPT,
    Transition("KeepEvent", "End"): EVENT_KEPT,
    Transition("Notify", "Next", "ImageProcessed"): SUCCESS,
    Transition("CheckOutcome", "Default", "ImageProcessed"): SAVED_WITHOUT_ANSWER,
    Transition("ImageProcessed", "End"): SUCCESS,
    Transition("CheckOutcome", "Choices[0]", "ProcessingFailed"): UNVALIDATED,
}

# For each task: an execution that calls it, and one that gives it up.
TRIED = {
    "KeepMalformedEvent": (MALFORMED, replace(MALFORMED, path="CheckEvent KeepMalformedEvent", error=LOST)),
    "ValidateImage": (SUCCESS, UNVALIDATED),
    "InferMask": (SUCCESS, WITHOUT_MASK),
    "AnalyzeImage": (SUCCESS, WITHOUT_ANALYSIS),
    "ApplyMask": (SUCCESS, WITHOUT_OUTPUTS),
    "SaveBlocked": (BLOCKED, UNSAVED_BLOCK),
    "SaveResult": (SUCCESS, UNSAVED),
    "SaveRejection": (REJECTED, UNSAVED_REJECTION),
    "SaveFailure": (
        UNVALIDATED,
        replace(UNVALIDATED, path=f"{RECEIVED} SaveFailure", status=None, error="StoreUnavailable"),
    ),
    "PublishNotice": (SUCCESS, NOTICE_KEPT),
    "KeepNotice": (NOTICE_KEPT, lost(NOTICE_KEPT, "KeepNotice", LOST)),
    "PublishEvent": (SUCCESS, EVENT_KEPT),
    "KeepEvent": (EVENT_KEPT, lost(EVENT_KEPT, "KeepEvent", LOST)),
    "PublishFailureNotice": (UNVALIDATED, FAILURE_NOTICE_KEPT),
    "KeepFailureNotice": (FAILURE_NOTICE_KEPT, lost(FAILURE_NOTICE_KEPT, "KeepFailureNotice", LOST)),
    "PublishFailureEvent": (UNVALIDATED, FAILURE_EVENT_KEPT),
    "KeepFailureEvent": (FAILURE_EVENT_KEPT, lost(FAILURE_EVENT_KEPT, "KeepFailureEvent", LOST)),
}


def _retries(task: str) -> Iterator[tuple[Transition, Scenario]]:
    called, given_up = TRIED[task]
    for index, retrier in enumerate(TASKS[task]["Retry"]):
        errors = tuple(itertools.islice(itertools.cycle(retrier["ErrorEquals"]), retrier["MaxAttempts"] + 1))
        yield (
            Transition(task, f"Retry[{index}], then success"),
            replace(called, faults={**called.faults, task: errors[:-1]}),
        )
        yield (
            Transition(task, f"Retry[{index}], exhausted"),
            # The execution ends with this task's error only where giving the task up changes how it ends.
            replace(
                given_up,
                faults={**called.faults, task: errors},
                error=given_up.error if given_up.error == called.error else errors[-1],
            ),
        )


PROVED_BY.update(proof for task in TASKS for proof in _retries(task))
