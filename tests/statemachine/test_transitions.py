"""Every transition of the deployed state machine, taken by an execution whose results the real handlers make."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.core.models import (
    AnalyzeImageRequest,
    ApplyMaskRequest,
    InferMaskRequest,
    Model,
    SaveResultRequest,
    ValidateImageRequest,
)
from tests.statemachine.conftest import Workflow
from tests.statemachine.scenarios import (
    EMPTY,
    EVENT_KEPT,
    FULL,
    MALFORMED,
    NOTICE_KEPT,
    PROVED_BY,
    SUCCESS,
    TRIED,
    UNVALIDATED,
    WITHOUT_ANALYSIS,
    WITHOUT_MASK,
    Scenario,
)
from tests.statemachine.services import Run
from tests.statemachine.workflow import LAMBDA_TASKS, PLACEHOLDERS, Transition, transitions
from tests.unit.record_table import sample

REQUESTS: dict[str, type[Model]] = {
    "ValidateImage": ValidateImageRequest,
    "InferMask": InferMaskRequest,
    "AnalyzeImage": AnalyzeImageRequest,
    "ApplyMask": ApplyMaskRequest,
    **dict.fromkeys(("SaveBlocked", "SaveResult", "SaveRejection", "SaveFailure"), SaveResultRequest),
}

# They hand on the event itself.
BEFORE_THE_UPLOAD = {"CheckEvent", "KeepMalformedEvent"}

# A state's output and a task's arguments may have 256 KiB; ours hold references and small facts.
SMALL_BYTES = 16 * 1024


def test_every_transition_of_the_file_has_its_test() -> None:
    assert set(PROVED_BY) == set(transitions())


@pytest.mark.parametrize("transition", PROVED_BY, ids=str)
def test_transition(transition: Transition, workflow: Workflow) -> None:
    # Given an upload and faults that lead to the transition
    scenario = PROVED_BY[transition]
    # When the state machine is executed
    run = workflow.run(scenario)
    # Then it takes the whole path, with the transition in it
    assert run.path == scenario.path
    assert_taken(transition, run)
    # And it ends with the record and the error that it must
    assert run.execution.get("error") == scenario.error
    assert run.execution["status"] == ("FAILED" if scenario.error else "SUCCEEDED")
    assert (run.record and run.record["status"]) == scenario.status
    assert (run.record or {}).get("needs_review", False) == scenario.needs_review
    # And every state hands on the upload's key, and no more than references and small facts
    assert_handed_on(run)
    # And every function was called with the request that it takes
    for task in LAMBDA_TASKS:
        for payload in run.payloads(task):
            REQUESTS[task].model_validate(payload)


def assert_taken(transition: Transition, run: Run) -> None:
    source, by, target = transition
    if by.startswith("Retry"):
        faults = run.scenario.faults[source]
        errors = [*faults, None] if by.endswith("success") else [*faults]
        assert [call.error for call in run.tries(source)] == errors
    elif by.startswith("Branches"):
        assert run.entered.index(source) < run.entered.index(str(target))
    else:
        assert (source, target) in [(left.state, left.following) for left in run.left]


def assert_handed_on(run: Run) -> None:
    for state, output, _ in run.left:
        assert len(json.dumps(output).encode()) < SMALL_BYTES
        for part in output if isinstance(output, list) else [output]:
            upload = part["detail"]["object"] if state in BEFORE_THE_UPLOAD else part["upload"]
            assert upload["key"] == run.upload_key


@pytest.mark.parametrize(("scenario", "flag"), [(EMPTY, "empty_mask"), (FULL, "full_mask")], ids=["empty", "full"])
def test_a_mask_without_foreground_or_background_is_marked_for_a_person_to_look_at(
    scenario: Scenario, flag: str, workflow: Workflow
) -> None:
    run = workflow.run(scenario)
    assert run.path == scenario.path
    assert run.record
    assert (run.record["needs_review"], run.record["mask"]["flags"]) == (True, [flag])


@pytest.mark.parametrize("faces", [0, 1, 2])
def test_the_faces_that_were_found_come_as_an_array_to_apply_mask(faces: int, workflow: Workflow) -> None:
    run = workflow.run(replace(SUCCESS, faces=faces))
    face = {"box": {"left": 0.25, "top": 0.25, "width": 0.125, "height": 0.125}, "confidence": 99}
    (payload,) = run.payloads("ApplyMask")
    assert payload["faces"] == [face] * faces


def test_without_an_analysis_there_are_no_faces(workflow: Workflow) -> None:
    (payload,) = workflow.run(WITHOUT_ANALYSIS).payloads("ApplyMask")
    assert payload["faces"] == []


@pytest.mark.parametrize("missing", ["key", "version-id", "etag", "size", "sequencer"])
def test_an_event_without_a_field_of_its_object_is_malformed(missing: str, workflow: Workflow) -> None:
    event = workflow.event(SUCCESS)
    key = event["detail"]["object"]["key"]
    del event["detail"]["object"][missing]
    assert workflow.execute(MALFORMED, event, key).execution["error"] == "MalformedEvent"


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": {"bucket": {"name": "uploads"}}}], ids=str)
def test_an_event_that_is_not_of_s3_is_malformed_and_kept(event: dict[str, Any], workflow: Workflow) -> None:
    run = workflow.execute(MALFORMED, event, "")
    assert run.execution["error"] == "MalformedEvent"
    (kept,) = run.tries("KeepMalformedEvent")
    assert kept.arguments == {"QueueUrl": PLACEHOLDERS["dead_letter_queue_url"], "MessageBody": event}


def test_an_event_of_another_bucket_is_malformed(workflow: Workflow) -> None:
    event = workflow.event(SUCCESS)
    event["detail"]["bucket"]["name"] = "somebody-elses"
    run = workflow.execute(MALFORMED, event, event["detail"]["object"]["key"])
    assert (run.path, run.record) == (MALFORMED.path, None)


def test_a_failed_picture_is_resumed_by_an_execution_that_names_the_failed_one(workflow: Workflow) -> None:
    # Given a picture that failed after it was claimed
    event = workflow.event(WITHOUT_MASK)
    key = event["detail"]["object"]["key"]
    failed = workflow.execute(WITHOUT_MASK, event, key)
    assert failed.record
    assert failed.record["status"] == "FAILED"
    # When its event is sent again, in the form of the sample
    resume = sample("resume")
    resume["resume_of"] = failed.execution["executionArn"]
    resume["detail"]["bucket"] = event["detail"]["bucket"]
    resume["detail"]["object"] |= {name: event["detail"]["object"][name] for name in resume["detail"]["object"]}
    run = workflow.execute(SUCCESS, resume, key)
    # Then it is processed from the start
    assert run.path == SUCCESS.path
    assert run.payloads("ValidateImage")[0]["resume_of"] == failed.execution["executionArn"]
    assert run.record
    assert run.record["status"] == "SUCCEEDED"


@pytest.mark.parametrize("task", LAMBDA_TASKS)
def test_a_function_killed_after_its_work_is_run_again_to_the_same_end(task: str, workflow: Workflow) -> None:
    called, _ = TRIED[task]
    killed = replace(called, faults={**called.faults, task: ("Runtime.ExitError",)}, late=True)
    run = workflow.run(killed)
    assert len(run.tries(task)) == 2
    assert run.path == called.path
    assert run.record
    assert run.record["status"] == called.status


def test_a_failed_execution_ends_with_the_error_and_cause_that_made_it_fail(workflow: Workflow) -> None:
    run = workflow.run(UNVALIDATED)
    assert run.payloads("SaveFailure")[0]["failure"] == {
        "error": run.execution["error"],
        "cause": run.execution["cause"],
    }
    assert "was made to fail" in run.execution["cause"]


def test_the_notice_has_attributes_to_filter_by(workflow: Workflow) -> None:
    notice = workflow.run(SUCCESS).tries("PublishNotice")[0].arguments
    assert set(notice) == {"TopicArn", "Subject", "Message", "MessageAttributes"}
    attributes = {name: value["StringValue"] for name, value in notice["MessageAttributes"].items()}
    assert attributes["status"] == "SUCCEEDED"
    assert attributes["owner"] == "ada"
    assert f"/{attributes['image_id']}/" in workflow.run(SUCCESS).upload_key


def test_what_cannot_be_sent_is_kept_whole(workflow: Workflow) -> None:
    unsent_notice, unsent_event = workflow.run(NOTICE_KEPT), workflow.run(EVENT_KEPT)
    notice, kept_notice = (unsent_notice.tries(task)[0].arguments for task in ("PublishNotice", "KeepNotice"))
    event, kept_event = (unsent_event.tries(task)[0].arguments for task in ("PublishEvent", "KeepEvent"))
    assert kept_notice["MessageBody"] == {
        "subject": notice["Subject"],
        "message": notice["Message"],
        **{name: value["StringValue"] for name, value in notice["MessageAttributes"].items()},
    }
    assert kept_event["MessageBody"] == event["Entries"][0]["Detail"]


def test_the_record_is_made_of_what_the_steps_found(workflow: Workflow) -> None:
    run = workflow.run(SUCCESS)
    (saved,) = run.payloads("SaveResult")
    assert saved["mask"]["confidence"] == 100
    assert saved["analysis"]["labels"][0]["name"] == "Bicycle"
    assert {output["kind"] for output in saved["outputs"]} >= {"cutout", "thumbnail"}
    assert set(saved["timings"]) == {"validate_image", "infer_mask", "analyze_image", "apply_mask"}
