"""The routes of the API, put together."""

import re

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from functions.api.problem import answer_with_problems
from functions.api.routes import (
    composites,
    document,
    health,
    intake,
    metrics,
    results,
    resumption,
    upload_status,
    upload_url,
)


class HttpApi(APIGatewayHttpResolver):
    """A resolver whose path parameters take any character.

    An HTTP API decodes a path before it routes, so a parameter can hold a slash, an emoji or a line break, none of
    which the parameters of the base class take.
    """

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>.+)", rule)), re.DOTALL)


# Without a status of its own, the resolver answers a response that does not fit its model as an invalid request.
app = HttpApi(enable_validation=True, response_validation_error_http_code=500)
answer_with_problems(app)
for module in (upload_url, results, composites, resumption, upload_status, metrics, intake, health, document):
    app.include_router(module.router)
