"""How the pictures of some days went: the arithmetic, and what is read for it."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.api.metrics import DayMetrics, LabelCount, Metrics, StepMetrics, measure
from functions.api.routes import metrics as route
from functions.core.models import Label, Status
from functions.core.record_store import Outcome

UNTIL = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
SINCE = datetime(2026, 2, 27, tzinfo=UTC)


def outcome(
    status: Status = Status.SUCCEEDED, days_ago: int = 0, labels: tuple[str, ...] = (), **timings: float
) -> Outcome:
    return Outcome(UNTIL - timedelta(days=days_ago), status, timings, labels)


def measured(*outcomes: Outcome) -> Metrics:
    return measure(outcomes, SINCE, UNTIL, complete=True)


def test_nothing_is_every_day_at_zero_and_no_share() -> None:
    metrics = measured()
    assert (metrics.pictures, metrics.success_share, metrics.steps, metrics.labels) == (0, None, {}, ())
    assert metrics.by_status == dict.fromkeys(Status, 0)
    assert metrics.days == tuple(
        DayMetrics(date=day.date()) for day in (SINCE, SINCE + timedelta(1), SINCE + timedelta(2), UNTIL)
    )


def test_the_share_of_success_is_of_what_has_ended() -> None:
    unfinished = [outcome(Status.AWAITING_UPLOAD), outcome(Status.PROCESSING)]
    assert measured(*unfinished).success_share is None
    ended = [outcome(status) for status in Status if status not in (Status.AWAITING_UPLOAD, Status.PROCESSING)]
    metrics = measured(*unfinished, *ended)
    assert metrics.success_share == 2 / 5, "SUCCEEDED and PARTIAL, of five"
    assert metrics.by_status == dict.fromkeys(Status, 1)
    assert metrics.pictures == 7


def test_a_day_counts_its_own_pictures() -> None:
    metrics = measured(outcome(), outcome(Status.PARTIAL), outcome(Status.FAILED, 2), outcome(Status.REJECTED, 2))
    counted = [(day.date.day, day.pictures, day.succeeded, day.failed) for day in metrics.days]
    assert counted == [(27, 0, 0, 0), (28, 2, 0, 1), (1, 0, 0, 0), (2, 2, 2, 0)]


@pytest.mark.parametrize(
    ("times", "median_ms", "p95_ms"),
    [([7], 7, 7), ([1, 4], 2.5, 4), (range(1, 20), 10, 19), (range(1, 21), 10.5, 19), (range(1, 101), 50.5, 95)],
)
def test_percentiles_of_a_step(times: list[float], median_ms: float, p95_ms: float) -> None:
    metrics = measured(*(outcome(infer_mask=time) for time in reversed(times)), outcome(save_result=3))
    assert metrics.steps == {
        "infer_mask": StepMetrics(median_ms=median_ms, p95_ms=p95_ms, count=len(times)),
        "save_result": StepMetrics(median_ms=3, p95_ms=3, count=1),
    }


def test_the_fifty_most_frequent_labels() -> None:
    often = [outcome(labels=("Boat", "Sea")), outcome(labels=("Sea",))]
    metrics = measured(*often, outcome(labels=tuple(f"Rare {number}" for number in range(60))))
    assert metrics.labels[:2] == (LabelCount(name="Sea", count=2), LabelCount(name="Boat", count=1))
    assert len(metrics.labels) == 50


def test_the_route_measures_the_owners_pictures_of_the_days_asked_for(api, make_record):
    now = datetime.now(UTC)
    made = {"labels": (Label(name="Boat", confidence=99),), "timings": {"infer_mask": 12.5}}
    make_record(created_at=now.isoformat(), **made)
    make_record(created_at=(now - timedelta(days=1)).isoformat(), status=Status.FAILED)
    make_record(created_at=(now - timedelta(days=2)).isoformat(), **made)
    make_record("alice", created_at=now.isoformat(), **made)

    metrics = api.get("/metrics", days=2).body

    assert (metrics["pictures"], metrics["complete"], metrics["success_share"]) == (2, True, 0.5)
    assert metrics["since"][:10] == (now - timedelta(days=1)).date().isoformat()
    assert [day["pictures"] for day in metrics["days"]] == [1, 1]
    assert metrics["steps"] == {"infer_mask": {"median_ms": 12.5, "p95_ms": 12.5, "count": 1}}
    assert metrics["labels"] == [{"name": "Boat", "count": 1}]
    assert len(api.get("/metrics").body["days"]) == 30


def test_what_is_not_counted_is_said(api, make_record, monkeypatch):
    monkeypatch.setattr(route, "MAX_PICTURES", 2)
    for _ in range(2):
        make_record(created_at=datetime.now(UTC).isoformat())
    assert api.get("/metrics").body["complete"]
    make_record(created_at=datetime.now(UTC).isoformat())
    metrics = api.get("/metrics").body
    assert (metrics["pictures"], metrics["complete"]) == (2, False)


@pytest.mark.parametrize("days", ["0", "91", "-1", "1e9", "abc", ""])
def test_days_that_are_none(api, days):
    answer = api.get("/metrics", days=days)
    assert answer.status == 400
    assert [error["field"] for error in answer.body["errors"]] == ["days"]
