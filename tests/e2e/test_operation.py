"""What an operator types on a bad day: replay, redrive and resume. Nothing is lost, and nothing is done twice."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from functions.core.identity import identify
from functions.core.models import Upload
from scripts import find_lost, redrive, replay


@pytest.fixture
def stack(pipeline) -> list[str]:
    """What names the stack to a command."""
    return ["--stack", str(pipeline.stack.home / "stack.json")]


def archived(pipeline) -> int:
    events = pipeline.client("events")
    return events.describe_archive(ArchiveName=pipeline.outputs["event_archive_name"])["EventCount"]


def put_unheard(pipeline, path: str, body: bytes) -> dict[str, Any]:
    """Put a file of the person's into the bucket while the rule is disabled; the bucket, key and version of it."""
    events, rule, before = pipeline.client("events"), pipeline.outputs["event_rule_name"], archived(pipeline)
    events.disable_rule(Name=rule)
    try:
        put = pipeline.put(f"uploads/{path}", body)
        deadline = time.monotonic() + 15
        while archived(pipeline) == before:  # then the rule has seen the event, too
            assert time.monotonic() < deadline, "the event never came to the archive"
            time.sleep(0.05)
    finally:
        events.enable_rule(Name=rule)
    return put


def keep(pipeline, queue: str, body: Any, **attributes: str) -> None:
    pipeline.client("sqs").send_message(
        QueueUrl=pipeline.outputs[queue],
        MessageBody=json.dumps(body),
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


def test_uploads_that_started_nothing_are_replayed_and_the_others_stay_as_they_are(
    pipeline, astronaut, stack, monkeypatch, capsys
):
    monkeypatch.setattr(replay, "POLL_S", 0.1)
    started = datetime.now(UTC)
    done = pipeline.wait(pipeline.upload(astronaut, "done-before-the-replay.jpg"))
    deleted = pipeline.upload(astronaut, "deleted-before-the-replay.jpg")
    pipeline.wait(deleted)
    assert pipeline.api("DELETE", f"/results/{deleted}").status_code == 204
    path = f"{pipeline.person.owner}/started-nothing.jpg"
    put_unheard(pipeline, path, astronaut)

    assert replay.main([*stack, "--from", started.isoformat(timespec="seconds")]) == 0

    result = pipeline.wait_for_file(path)
    assert result["status"] == "SUCCEEDED"
    for image_id in (done["image_id"], deleted):
        assert pipeline.wait_for_execution(
            lambda output, image_id=image_id: output == output | {"image_id": image_id, "status": "DUPLICATE"}
        )
    assert pipeline.api("GET", f"/results/{done['image_id']}").json()["execution_arn"] == done["execution_arn"]
    assert pipeline.api("GET", f"/results/{deleted}").status_code == 404
    assert [len(pipeline.notices(each)) for each in (result["image_id"], done["image_id"], deleted)] == [1, 1, 1]
    assert "AlreadyProcessed" in capsys.readouterr().out


def test_an_upload_of_which_no_event_came_is_found_in_the_bucket(pipeline, astronaut, stack, monkeypatch, capsys):
    monkeypatch.setattr(find_lost, "UNTIL", timedelta(0))
    started = datetime.now(UTC).isoformat(timespec="seconds")
    path = f"{pipeline.person.owner}/put straight + lost.jpg"
    put_unheard(pipeline, path, astronaut)

    for _ in range(2):
        assert find_lost.main([*stack, "--from", started]) == 0
    result = pipeline.wait_for_file(path)

    assert result["status"] == "SUCCEEDED"
    assert len(pipeline.notices(result["image_id"], at_least=2, timeout_s=2)) == 1
    assert f"uploads/{path} is processed by" in capsys.readouterr().out


def test_a_picture_deleted_while_its_upload_was_on_the_way_does_not_come_back(pipeline, astronaut):
    ticket = pipeline.ask_to_upload(astronaut, "deleted-on-the-way.jpg", "image/jpeg")
    assert pipeline.api("DELETE", f"/results/{ticket['imageId']}").status_code == 204

    answer = requests.put(ticket["uploadUrl"], data=astronaut, headers=ticket["headers"], timeout=30)

    assert answer.status_code == 200, answer.text
    assert pipeline.wait_for_execution(
        lambda output: output == output | {"image_id": ticket["imageId"], "status": "DUPLICATE"}
    )
    assert pipeline.api("GET", f"/results/{ticket['imageId']}").status_code == 404


def test_what_the_queues_keep_is_sent_where_it_was_meant_to_go(pipeline, astronaut, stack, tmp_path, capsys):
    # Given an upload that the rule could not start, an end that no function heard of, and what nobody can read
    put = put_unheard(pipeline, f"{pipeline.person.owner}/redriven.jpg", astronaut)
    found = {"key": put["key"], "version-id": put["version"], "etag": "", "size": len(astronaut), "sequencer": "0062"}
    event = {"id": "redriven", "detail": {"bucket": {"name": put["bucket"]}, "object": found}}
    refused = {"ERROR_CODE": "NO_PERMISSIONS", "RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/any"}
    keep(pipeline, "dead_letter_queue_url", event, TARGET_ARN=pipeline.outputs["state_machine_arn"], **refused)
    end = json.loads((Path(__file__).parents[1] / "fixtures" / "execution_status_change.json").read_text())
    account = pipeline.outputs["state_machine_arn"].split(":")[3:5]
    function = ":".join(["arn:aws:lambda", *account, "function", pipeline.outputs["function_names"]["record_failure"]])
    keep(pipeline, "dead_letter_queue_url", end, TARGET_ARN=function, **refused)
    keep(pipeline, "dead_letter_queue_url", {"nobody": "can read this"})
    # And a notice and an event that were refused
    image_id = identify(Upload(**put, etag="", size=len(astronaut), sequencer="0062")).image_id
    picture = {"image_id": image_id, "owner": "public", "status": "SUCCEEDED"}
    keep(pipeline, "undelivered_queue_url", picture | {"subject": "Kept", "message": "It was kept."})
    keep(pipeline, "undelivered_queue_url", picture | {"upload": put, "execution_arn": "kept", "status_reason": None})

    file = tmp_path / "unreadable.jsonl"
    assert redrive.main(["dead-letter", "--discard", str(file), *stack]) == 0
    assert redrive.main(["undelivered", *stack]) == 0

    said = capsys.readouterr().out
    assert pipeline.wait(image_id)["status"] == "SUCCEEDED"
    assert {notice["Message"] for notice in pipeline.notices(image_id, at_least=2)} >= {"It was kept."}
    for sent in ("uploads (NO_PERMISSIONS)", "record_failure (NO_PERMISSIONS)", "1 sent: notices", "1 sent: events"):
        assert sent in said
    assert {"nobody": "can read this"} in [
        json.loads(json.loads(line)["body"]) for line in file.read_text().splitlines()
    ]
    assert redrive.main(["undelivered", *stack]) == 0
    assert "The queue is empty." in capsys.readouterr().out
