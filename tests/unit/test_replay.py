"""The command that replays archived uploads: what it asks EventBridge, what it refuses, and what it says."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from scripts import deployment
from scripts import replay as command
from scripts.replay import Archive, ReplayError, main, moment, period_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ARCHIVE = "arn:aws:events:us-east-1:123456789012:archive/matteflow-test-uploads"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/default"
RULE = "arn:aws:events:us-east-1:123456789012:rule/matteflow-test-upload-arrived"
RUNNING = {"Replays": [{"ReplayName": "yesterday", "State": "RUNNING"}]}
MONTH = timedelta(days=30)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """EventBridge as botocore knows it, which answers what a test tells it to, and nothing else."""
    client = boto3.client("events")
    monkeypatch.setattr(deployment.Deployment, "client", lambda *_: client)
    monkeypatch.setattr(command, "POLL_S", 0)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def describe(events: Stubber, rule_state: str = "ENABLED") -> None:
    archive = {"ArchiveArn": ARCHIVE, "EventSourceArn": BUS, "RetentionDays": 30}
    events.add_response("describe_archive", archive, {"ArchiveName": "matteflow-test-uploads"})
    rule = {"Name": "matteflow-test-upload-arrived", "Arn": RULE, "State": rule_state}
    events.add_response("describe_rule", rule, {"Name": "matteflow-test-upload-arrived"})


def progress(state: str, minutes: int | None = None) -> dict[str, Any]:
    """A replay of an hour, of which so many minutes are replayed."""
    replay = {"State": state, "EventStartTime": NOW - timedelta(hours=1), "EventEndTime": NOW}
    return replay if minutes is None else replay | {"EventLastReplayedTime": NOW - timedelta(minutes=60 - minutes)}


def run(tmp_path: Path, *arguments: str) -> int:
    outputs: Mapping[str, Any] = {
        "aws_endpoint_url": None,
        "region": "us-east-1",
        "event_archive_name": "matteflow-test-uploads",
        "event_rule_name": "matteflow-test-upload-arrived",
    }
    stack = tmp_path / "stack.json"
    stack.write_text(json.dumps(outputs))
    return main([*arguments, "--stack", str(stack)])


def test_a_period_is_replayed_to_the_rule_alone(
    events: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    describe(events)
    ended = {"ReplayName": "older", "State": "COMPLETED"}
    events.add_response("list_replays", {"Replays": [ended], "NextToken": "more"}, {"EventSourceArn": ARCHIVE})
    events.add_response("list_replays", {"Replays": []}, {"EventSourceArn": ARCHIVE, "NextToken": "more"})
    asked = {
        "ReplayName": ANY,
        "EventSourceArn": ARCHIVE,
        "EventStartTime": now - timedelta(hours=3),
        "EventEndTime": now - timedelta(hours=2),
        "Destination": {"Arn": BUS, "FilterArns": [RULE]},
    }
    events.add_response("start_replay", {"State": "STARTING"}, asked)
    for state, minutes in (("STARTING", None), ("RUNNING", 20), ("COMPLETED", 60)):
        events.add_response("describe_replay", progress(state, minutes), {"ReplayName": ANY})
    period = [(now - timedelta(hours=hours)).isoformat() for hours in (3, 2)]
    assert run(tmp_path, "--from", period[0], "--to", period[1]) == 0
    said = capsys.readouterr().out
    assert "AlreadyProcessed" in said
    assert "10 minutes" not in said


def test_progress_is_how_far_into_the_period_the_last_event_lies(events: Stubber) -> None:
    shares: list[float] = []
    for state, minutes in (("STARTING", None), ("RUNNING", 20), ("RUNNING", 45), ("COMPLETED", 50)):
        events.add_response("describe_replay", progress(state, minutes))
    Archive(events.client, ARCHIVE, BUS, MONTH, {}).watch("today", shares.append)
    assert shares == pytest.approx([0, 1 / 3, 3 / 4, 1])


@pytest.mark.parametrize(
    ("state", "reason"), [("FAILED", "the archive is gone"), ("CANCELLED", "EventBridge gives no reason")]
)
def test_a_replay_that_does_not_come_to_its_end_says_why(events: Stubber, state: str, reason: str) -> None:
    told = {"StateReason": reason} if state == "FAILED" else {}
    events.add_response("describe_replay", progress(state) | told)
    with pytest.raises(ReplayError, match=f"{state} .{reason}"):
        Archive(events.client, ARCHIVE, BUS, MONTH, {}).watch("today", lambda _: None)


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2026-11-21T11:00Z", "2026-11-21T12:01Z", "TO, 2026-11-21T12:01:00Z, is in the future"),
        ("2026-11-21T11:00Z", "2026-11-21T11:00Z", "FROM is not before TO"),
        ("2026-11-21T11:00+01:00", "2026-11-21T09:00", "FROM is not before TO"),
        ("2026-10-22T11:59Z", None, "keeps events for 30 days: FROM is 2026-10-22T12:00:00Z at the earliest"),
    ],
)
def test_a_period_with_nothing_in_it_is_refused(start: str, end: str | None, says: str) -> None:
    with pytest.raises(ReplayError, match=says):
        period_of(moment(start), None if end is None else moment(end), MONTH, NOW)


def test_what_is_no_time_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, "--from", "yesterday")
    assert "yesterday is not a time such as 2026-11-20T00:00Z" in capsys.readouterr().err


def test_a_time_without_a_zone_is_in_utc_and_no_end_is_now() -> None:
    assert period_of(moment("2026-11-20"), None, MONTH, NOW) == (datetime(2026, 11, 20, tzinfo=UTC), NOW)
    assert moment("2026-11-20T02:00+02:00") == datetime(2026, 11, 20, tzinfo=UTC)


def test_one_replay_runs_at_a_time(events: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(events)
    events.add_response("list_replays", RUNNING)
    assert run(tmp_path, "--from", (datetime.now(UTC) - timedelta(hours=1)).isoformat()) == 1
    assert "yesterday is under way" in capsys.readouterr().err


def test_a_disabled_rule_is_not_replayed_to(
    events: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(events, "DISABLED")
    events.add_response("list_replays", {"Replays": []})
    assert run(tmp_path, "--from", (datetime.now(UTC) - timedelta(hours=1)).isoformat()) == 1
    assert "disabled" in capsys.readouterr().err


def test_a_replay_that_runs_can_be_looked_at_and_left_running(
    events: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    describe(events)
    events.add_response("list_replays", RUNNING)
    events.add_response("describe_replay", progress("RUNNING", 30), {"ReplayName": "yesterday"})
    monkeypatch.setattr(command.time, "sleep", interrupt)
    assert run(tmp_path) == command.INTERRUPTED
    said = capsys.readouterr().out
    assert "yesterday goes on" in said
    assert "make replay ENV=local CANCEL=yes" in said


def test_the_replay_that_runs_is_cancelled(events: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(events)
    events.add_response("list_replays", RUNNING)
    events.add_response("cancel_replay", {"State": "CANCELLING"}, {"ReplayName": "yesterday"})
    assert run(tmp_path, "--cancel") == 0
    assert "yesterday is being cancelled" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [(), ("--cancel",)])
def test_nothing_to_look_at(
    events: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    describe(events)
    events.add_response("list_replays", {"Replays": []})
    assert run(tmp_path, *arguments) == 1
    assert "No replay is under way" in capsys.readouterr().err
