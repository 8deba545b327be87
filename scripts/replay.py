"""Send the archived events of uploads once more to the rule that starts the workflow.

    python -m scripts.replay --from TIME [--to TIME] [--env NAME]
    python -m scripts.replay [--cancel] [--env NAME]

Without ``--from`` it shows the replay that runs, or ends it. A picture that is done, or was deleted, stays as it is:
its execution ends in ``AlreadyProcessed``.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from scripts.deployment import INTERRUPTED, DeploymentError, add_deployment, chosen_deployment

POLL_S = 2.0
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
ARCHIVED_WITHIN = timedelta(minutes=10)

_UNDER_WAY = ("STARTING", "RUNNING", "CANCELLING")


class ReplayError(Exception):
    """The replay cannot be started, or did not come to its end; the message says why, and what to do."""


class Period(NamedTuple):
    """From when to when events are replayed, in UTC."""

    start: datetime
    end: datetime


class Archive(NamedTuple):
    """The archive of a deployment's uploads.

    Args:
        client: of EventBridge.
        bus_arn: the bus that the events came from, to which alone they can be replayed.
        retention: how long an event is kept; None for ever.
        rule: the rule that starts the workflow, as EventBridge describes it.
    """

    client: Any
    arn: str
    bus_arn: str
    retention: timedelta | None
    rule: Mapping[str, Any]

    @classmethod
    def of(cls, client: Any, outputs: Mapping[str, Any]) -> "Archive":
        found = client.describe_archive(ArchiveName=outputs["event_archive_name"])
        return cls(
            client=client,
            arn=found["ArchiveArn"],
            bus_arn=found["EventSourceArn"],
            retention=timedelta(days=found["RetentionDays"]) if found.get("RetentionDays") else None,
            rule=client.describe_rule(Name=outputs["event_rule_name"]),
        )

    def under_way(self) -> str | None:
        """The name of the replay that has not ended, if there is one."""
        return next((replay["ReplayName"] for replay in self._replays() if replay["State"] in _UNDER_WAY), None)

    def start(self, period: Period) -> str:
        """Replay a period to the rule alone; the replay's name.

        Raises:
            ReplayError: another replay runs, or the rule is disabled.
        """
        if running := self.under_way():
            raise ReplayError(f"{running} is under way. Look at it without FROM, or end it with CANCEL=yes.")
        if self.rule["State"] == "DISABLED":
            raise ReplayError(
                f"The rule {self.rule['Name']} is disabled, so nothing would be started. Enable it first."
            )
        name = f"{self.arn.rpartition('/')[2]}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        self.client.start_replay(
            ReplayName=name,
            EventSourceArn=self.arn,
            EventStartTime=period.start,
            EventEndTime=period.end,
            Destination={"Arn": self.bus_arn, "FilterArns": [self.rule["Arn"]]},
        )
        return name

    def watch(self, name: str, show: Callable[[float], None]) -> None:
        """Wait for the end of a replay.

        Args:
            show: is told again and again which share of the period is replayed, 0 to 1.

        Raises:
            ReplayError: it was cancelled, or failed.
        """
        while True:
            replay = self.client.describe_replay(ReplayName=name)
            show(_share(replay))
            if replay["State"] == "COMPLETED":
                return
            if replay["State"] not in _UNDER_WAY:
                reason = replay.get("StateReason", "EventBridge gives no reason")
                raise ReplayError(f"{name} ended as {replay['State']} ({reason}). Replaying the same again is safe.")
            time.sleep(POLL_S)

    def cancel(self) -> str:
        """End the replay that runs; its name.

        Raises:
            ReplayError: none runs.
        """
        name = self.under_way()
        if name is None:
            raise ReplayError("No replay is under way.")
        self.client.cancel_replay(ReplayName=name)
        return name

    def _replays(self) -> Iterator[Mapping[str, Any]]:
        # Filters exclude each other, so that the state is looked at here.
        query = {"EventSourceArn": self.arn}
        while True:
            page = self.client.list_replays(**query)
            yield from page["Replays"]
            if "NextToken" not in page:
                return
            query["NextToken"] = page["NextToken"]


def moment(text: str) -> datetime:
    """A time of the command line, in ISO 8601; it is in UTC where it names no zone.

    Raises:
        argparse.ArgumentTypeError: it is no time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 2026-11-20T00:00Z.") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def period_of(start: datetime, end: datetime | None, retention: timedelta | None, now: datetime) -> Period:
    """The period that a person asked for.

    Args:
        end: None is now.
        retention: how long events are kept.

    Raises:
        ReplayError: there is nothing in such a period.
    """
    period = Period(start, end or now)
    if period.end > now:
        raise ReplayError(f"TO, {_shown(period.end)}, is in the future. Leave it out to replay until now.")
    if period.start >= period.end:
        raise ReplayError("FROM is not before TO.")
    if retention is not None and period.start < now - retention:
        earliest = _shown(now - retention)
        raise ReplayError(f"The archive keeps events for {retention.days} days: FROM is {earliest} at the earliest.")
    return period


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _share(replay: Mapping[str, Any]) -> float:
    """How much of a replay's period is replayed, 0 to 1."""
    if replay["State"] == "COMPLETED":
        return 1.0
    start: datetime = replay["EventStartTime"]
    end: datetime = replay["EventEndTime"]
    last: datetime = replay.get("EventLastReplayedTime", start)
    return min(1.0, max(0.0, (last - start) / (end - start)))


def replay(archive: Archive, options: argparse.Namespace, console: Console) -> None:
    """Do what the command line says.

    Raises:
        ReplayError: it cannot be done; the message says why.
    """
    if options.cancel:
        console.print(f"{archive.cancel()} is being cancelled. What it has replayed stays started.")
        return
    if options.start is None:
        name = archive.under_way()
        if name is None:
            raise ReplayError("No replay is under way. Start one: FROM=2026-11-20T00:00Z, and TO= if not until now.")
    else:
        now = datetime.now(UTC)
        period = period_of(options.start, options.end, archive.retention, now)
        name = archive.start(period)
        console.print(f"{name} replays the uploads from {_shown(period.start)} to {_shown(period.end)}.")
        if period.end > now - ARCHIVED_WITHIN:
            console.print("An event can take 10 minutes to come into the archive: the last ones may not be there yet.")
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Replaying", total=1.0)
            archive.watch(name, lambda share: progress.update(task, completed=share))
    except KeyboardInterrupt:
        door = f"make replay ENV={options.env}"
        console.print(f"{name} goes on. Look at it again: {door}. End it: {door} CANCEL=yes")
        raise
    console.print("Replayed. Pictures that were not done are processed now; the others ended in AlreadyProcessed.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.replay", description="Send the archived events of uploads to the workflow once more."
    )
    parser.add_argument(
        "--from", dest="start", type=moment, metavar="TIME", help="replay what was uploaded since (ISO 8601)"
    )
    parser.add_argument(
        "--to", dest="end", type=moment, metavar="TIME", help="replay what was uploaded until (default: now)"
    )
    parser.add_argument("--cancel", action="store_true", help="end the replay that runs")
    add_deployment(parser)
    options = parser.parse_args(arguments)
    if options.start is None and options.end is not None:
        parser.error("TO needs a FROM.")
    try:
        deployment = chosen_deployment(options)
        replay(Archive.of(deployment.client("events"), deployment.outputs), options, Console(soft_wrap=True))
    except (DeploymentError, ReplayError, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
