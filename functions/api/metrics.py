"""How the pictures of some days went, in numbers."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from functions.core.models import Fraction, Model, Status
from functions.core.record_store import Outcome

_MAX_LABELS = 50

Count = Annotated[int, Field(ge=0)]


class DayMetrics(Model):
    """The pictures of one day in UTC: ``succeeded`` are SUCCEEDED or PARTIAL, ``failed`` FAILED."""

    date: date
    pictures: Count = 0
    succeeded: Count = 0
    failed: Count = 0


class StepMetrics(Model):
    """How long a step took, over the pictures that went through it."""

    median_ms: float
    p95_ms: float
    count: Count


class LabelCount(Model):
    """How many pictures have a label."""

    name: str
    count: Count


class Metrics(Model):
    """The owner's pictures created from ``since`` to ``until``; ``complete`` says whether all of them were counted.

    ``success_share`` is of the pictures that have ended, and null where none has.
    """

    since: datetime
    until: datetime
    complete: bool
    pictures: Count
    by_status: dict[Status, Count]
    success_share: Fraction | None
    days: tuple[DayMetrics, ...]
    steps: dict[str, StepMetrics]
    labels: tuple[LabelCount, ...]


def measure(outcomes: Sequence[Outcome], since: datetime, until: datetime, *, complete: bool) -> Metrics:
    """Count and measure the pictures created from ``since`` to ``until``, both in UTC.

    Percentiles are by nearest rank. Labels are the 50 most frequent, most frequent first.
    """
    by_status = Counter(outcome.status for outcome in outcomes)
    ended = sum(not outcome.status.is_unfinished for outcome in outcomes)
    succeeded = sum(outcome.status.has_results for outcome in outcomes)
    durations: dict[str, list[float]] = {}
    for outcome in outcomes:
        for step, elapsed_ms in outcome.timings.items():
            durations.setdefault(step, []).append(elapsed_ms)
    labels = Counter(name for outcome in outcomes for name in outcome.labels)
    return Metrics(
        since=since,
        until=until,
        complete=complete,
        pictures=len(outcomes),
        by_status={status: by_status[status] for status in Status},
        success_share=succeeded / ended if ended else None,
        days=tuple(_days(outcomes, since.date(), until.date())),
        steps={step: _step_metrics(sorted(values)) for step, values in durations.items()},
        labels=tuple(LabelCount(name=name, count=count) for name, count in labels.most_common(_MAX_LABELS)),
    )


def _days(outcomes: Sequence[Outcome], first: date, last: date) -> Iterable[DayMetrics]:
    """One entry a day, also of the days without a picture."""
    by_day: dict[date, list[Status]] = {first + timedelta(days=day): [] for day in range((last - first).days + 1)}
    for outcome in outcomes:
        by_day[outcome.created_at.date()].append(outcome.status)
    for day, statuses in by_day.items():
        yield DayMetrics(
            date=day,
            pictures=len(statuses),
            succeeded=sum(status.has_results for status in statuses),
            failed=statuses.count(Status.FAILED),
        )


def _step_metrics(ordered: Sequence[float]) -> StepMetrics:
    return StepMetrics(
        median_ms=statistics.median(ordered),
        p95_ms=ordered[math.ceil(0.95 * len(ordered)) - 1],
        count=len(ordered),
    )
