"""GET /metrics: how the pictures of the last days went."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api.metrics import Metrics, measure
from functions.api.services import Injected, Owner

router = Router()

MAX_PICTURES = 5_000


@router.get(
    "/metrics",
    summary="Read how the pictures of the last days went",
    operation_id="getMetrics",
    responses={200: {"description": "Numbers of the days asked for, the newest 5,000 pictures counted at most"}},
    cache_control="no-store",
)
def get_metrics(
    services: Injected,
    owner: Owner,
    days: Annotated[int, Query(ge=1, le=90, description="How many days in UTC, today one of them.")] = 30,
) -> Metrics:
    now = datetime.now(UTC)
    since = datetime.combine(now.date() - timedelta(days=days - 1), time(), UTC)
    outcomes = services.records.outcomes(owner, since, now, MAX_PICTURES + 1)
    return measure(outcomes[:MAX_PICTURES], since, now, complete=len(outcomes) <= MAX_PICTURES)
