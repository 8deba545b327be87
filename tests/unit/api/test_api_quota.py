"""How many pictures a day one may upload: counted atomically, by the largest number of one's groups."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from functions.core.models import Status
from tests.unit.record_table import fixture

BOAT = {"fileName": "boat.jpg", "fileType": "image/jpeg", "size": 48213}
TODAY = date(2026, 11, 21)
GROUPS = {"editors": 2, "pro": 3, "staff": None}


@pytest.fixture
def ask(api):
    """Ask for an upload URL as a person in these groups, as API Gateway hands them on; None: the token names none."""

    def ask(groups: str | None = None):
        event = fixture("api_get_signed_in") | fixture("api_post_upload_url")
        claims = fixture("api_get_signed_in")["requestContext"]["authorizer"]
        del claims["jwt"]["claims"]["cognito:groups"]
        if groups is not None:
            claims["jwt"]["claims"]["cognito:groups"] = groups
        event["requestContext"]["authorizer"] = claims
        return api.send(event)

    return ask


@pytest.fixture
def limited(configure):
    """A deployment with groups, where whoever is in none may upload one picture."""
    configure("AUTH", "cognito")
    configure("PICTURES_PER_DAY", "1")
    configure("GROUP_PICTURES_PER_DAY", json.dumps(GROUPS))


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    ("groups", "limit"),
    [
        (None, 1),
        ("[]", 1),
        ("[unknown]", 1),
        ("[editors]", 2),
        ("editors", 2),
        ("[editors pro]", 3),
        ("[pro us-east-1_AbC_Google editors]", 3),
        ("[editors staff]", None),
    ],
)
def test_the_largest_number_of_ones_groups_counts(ask, groups, limit):
    answer = ask(groups)

    assert answer.status == 200, answer.text
    assert answer.headers.get("RateLimit-Limit") == (None if limit is None else str(limit))


@pytest.mark.usefixtures("limited")
def test_what_is_over_the_limit_is_refused_until_midnight(ask, records, subject):
    first, second = ask("[editors]"), ask("[editors]")
    refused = ask("[editors]")

    assert [answer.headers["RateLimit-Remaining"] for answer in (first, second)] == ["1", "0"]
    assert refused.status == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "2 uploads today" in refused.body["detail"]
    now = datetime.now(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    assert abs(int(refused.headers["Retry-After"]) - (midnight - now).total_seconds()) < 60
    assert refused.headers["RateLimit-Reset"] == refused.headers["Retry-After"]
    # And nothing was made of it, and no list shows the counter
    page = records.list_by_owner(subject, 10)
    assert [record.status for record in page.records] == [Status.AWAITING_UPLOAD] * 2
    assert list(records.unfinished()) == []


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    ("refused", "field"),
    [
        (BOAT | {"fileType": "text/html"}, "fileType"),
        # A form can be sent many times, and each is a picture that is processed.
        ({name: BOAT[name] for name in BOAT if name != "size"}, "size"),
    ],
)
def test_a_request_that_is_refused_does_not_count(api, ask, records, subject, refused, field):
    event = fixture("api_get_signed_in")
    event |= {"body": json.dumps(refused), "rawPath": "/upload-url", "routeKey": "POST /up"}
    event["requestContext"]["http"] |= {"method": "POST", "path": "/upload-url"}

    answer = api.send(event)
    assert (answer.status, [error["field"] for error in answer.body["errors"]]) == (400, [field])
    assert records.uploads_counted(subject, datetime.now(UTC).date()) == 0
    assert ask().status == 200


def test_no_more_than_the_limit_is_counted(records):
    counted = [records.count_upload("alice", TODAY, 5) for _ in range(7)]

    assert counted == [1, 2, 3, 4, 5, None, None]
    assert records.uploads_counted("alice", TODAY) == 5


def test_a_person_and_a_day_have_a_count_of_their_own(records):
    assert records.count_upload("alice", TODAY, 1) == 1
    assert records.count_upload("alice", TODAY, 1) is None
    assert records.count_upload("bob", TODAY, 1) == records.count_upload("alice", TODAY + timedelta(days=1), 1) == 1


def test_a_counter_goes_by_itself_and_is_no_picture(api, records):
    records.count_upload("public", TODAY, 1)
    (counter,) = records._table.scan()["Items"]

    assert counter.keys() == {"image_id", "uploads", "expires_at"}
    assert datetime(2026, 11, 22, tzinfo=UTC) < datetime.fromtimestamp(int(counter["expires_at"]), UTC)
    assert api.get(f"/results/{counter['image_id']}").status == 404


def test_without_a_limit_nothing_is_counted(api, records):
    answer = api.post(BOAT)

    assert answer.status == 200
    assert "RateLimit-Limit" not in answer.headers
    assert records.uploads_counted("public", datetime.now(UTC).date()) == 0
