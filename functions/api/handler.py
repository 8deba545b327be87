"""The function behind the HTTP API."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api.app import app
from functions.core.observability import Event, logger


@logger.inject_lambda_context(clear_state=True, correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
def handler(event: Event, context: LambdaContext) -> dict[str, Any]:
    answer = app.resolve(event, context)
    # The route, not the path: a path may hold the name of a file.
    logger.info("request answered", route=event["routeKey"], status=answer["statusCode"])
    return answer
