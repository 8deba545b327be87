"""The serving app as a Lambda function: an HTTP request in API Gateway's format 2.0, and its answer."""

import asyncio
from typing import Any

from mangum import Mangum

from inference_image.app import create_app
from inference_image.errors import NotReady
from inference_image.settings import Settings

# The app starts once, in Lambda's own start-up, and lives as long as the environment does; Mangum by itself would
# start and stop it, and load the model, with every request.
_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)
_app = create_app(Settings.from_environment())
_lifespan = _app.router.lifespan_context(_app)
_loop.run_until_complete(_lifespan.__aenter__())
if _app.state.service is None:
    raise NotReady(_app.state.not_ready)  # Lambda then begins anew, instead of keeping what answers 503 for ever
_answer = Mangum(_app, lifespan="off")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; the body of a mask is base64."""
    return dict(_answer(event, context))
