"""Logs each request that a process makes of AWS.

Python imports a module of this name at its start wherever it finds one, so the stack puts this folder on the path of
the functions and of the inference app, and their own code knows nothing of it. It hooks into boto3, as there alone
operations and parameters have one form for every service; on the wire each spells them otherwise.
"""

import os
from typing import Any

import boto3
import requests_log  # type: ignore[import-not-found]

BY = os.environ.get("AWS_REQUESTS_BY") or os.environ["AWS_LAMBDA_FUNCTION_NAME"]
PARAMETERS = "parameters_to_log"  # in the context of a request


def keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Keep what is asked until it is answered. The Key of a table is a record's, and names no resource."""
    context[PARAMETERS] = {name: value for name, value in params.items() if name != "Key" or "TableName" not in params}


def log(event_name: str, context: dict[str, Any], http_response: Any = None, **_: Any) -> None:
    """Log a request that was answered, or that nobody answered."""
    _event, service, operation = event_name.split(".")
    status = http_response.status_code if http_response else None
    requests_log.write(BY, service, operation, context[PARAMETERS], status)


session = boto3.Session()
session.events.register("provide-client-params", keep)
session.events.register("after-call", log)
session.events.register("after-call-error", log)
boto3.DEFAULT_SESSION = session
