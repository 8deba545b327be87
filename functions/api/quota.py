"""How many pictures a person may upload a day.

A day is one of UTC. What counts is a ticket, an answer of ``POST /upload-url`` that says where to upload: used or not,
and whatever becomes of the picture. A request that is refused does not count. Where there is a limit, a ticket is for a
PUT: a form can be sent many times, and S3 takes each.
"""

from datetime import UTC, datetime, time, timedelta
from http import HTTPStatus
from typing import Annotated, Self

from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponseHeader
from aws_lambda_powertools.event_handler.request import Request
from pydantic import Field

from functions.api.problem import ProblemError
from functions.api.services import Injected, claims
from functions.core.models import Model
from functions.core.record_store import RecordStore

# Of an answer, where there is a limit.
RATE_LIMIT_HEADERS: dict[str, OpenAPIResponseHeader] = {
    name: {"description": f"{description} Only where there is a limit.", "schema": {"type": "integer"}}
    for name, description in {
        "RateLimit-Limit": "How many pictures a day may be uploaded.",
        "RateLimit-Remaining": "How many more of them today.",
        "RateLimit-Reset": "In how many seconds the count begins anew.",
    }.items()
}


def daily_limit(request: Request, provided: Injected) -> int | None:
    """How many pictures a day the caller may upload; None for any number.

    It is the largest number of the caller's groups, or that of whoever is in none of the deployment's groups.
    """
    settings = provided.settings
    # API Gateway hands on a list of a token as one text: "[editors pro]".
    groups = claims(request).get("cognito:groups", "").strip("[]").split() if settings.auth == "cognito" else []
    limits = [settings.group_pictures_per_day[group] for group in groups if group in settings.group_pictures_per_day]
    known = [limit for limit in limits if limit is not None]
    if len(known) < len(limits):
        return None
    return max(known, default=settings.pictures_per_day)


DailyLimit = Annotated[int | None, Depends(daily_limit)]


class Quota(Model):
    """Of ``limit`` pictures ``used`` were asked for today; at ``resets_at``, midnight in UTC, the count begins anew."""

    limit: Annotated[int, Field(ge=1)]
    used: Annotated[int, Field(ge=0)]
    resets_at: datetime

    @classmethod
    def read(cls, records: RecordStore, owner: str, limit: int) -> Self:
        now = datetime.now(UTC)
        # A smaller limit than yesterday's may have been passed already.
        return cls(limit=limit, used=min(records.uploads_counted(owner, now.date()), limit), resets_at=_midnight(now))

    @classmethod
    def take(cls, records: RecordStore, owner: str, limit: int) -> Self:
        """Count one more picture; however many requests come at once, no more than ``limit`` are let through.

        Raises:
            ProblemError: 429, today's pictures are used up.
        """
        now = datetime.now(UTC)
        used = records.count_upload(owner, now.date(), limit)
        quota = cls(limit=limit, used=limit if used is None else used, resets_at=_midnight(now))
        if used is None:
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"You have asked for {limit} uploads today, which is the most. The next day begins at "
                f"{quota.resets_at:%Y-%m-%d %H:%M} UTC.",
                headers={**quota.headers(now), "Retry-After": str(quota.seconds_left(now))},
            )
        return quota

    def seconds_left(self, now: datetime) -> int:
        """Whole seconds until the count begins anew, at least one."""
        return max(1, int((self.resets_at - now).total_seconds()))

    def headers(self, now: datetime) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-06, as most clients know them."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.limit - self.used),
            "RateLimit-Reset": str(self.seconds_left(now)),
        }


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)
