"""The log of what is asked of AWS on one machine, which shows what the roles on AWS need: a line of JSON a request."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Who asks, beside the functions, which go by their names.
ENDPOINT = "the endpoint"
RULE = "the rule"
SIGNED_URL = "a signed URL"
WORKFLOW = "the workflow"

# The parameters that say what a request is about.
NAMING = (
    "Bucket", "Delete", "EndpointName", "Entries", "FunctionName", "Image", "IndexName", "Key", "QueueUrl", "TableName",
    "TopicArn", "VersionId", "executionArn", "stateMachineArn",
)  # fmt: skip


def write(by: str, service: str, operation: str, parameters: Mapping[str, Any], status: int | None = 200) -> None:
    """Add a request to the file that AWS_REQUESTS_LOG names.

    Args:
        by: who asks.
        service: as botocore spells it in its events.
        operation: of the service's API.
        parameters: all of them; of those only what names resources is kept.
        status: of the answer; None where none came.
    """
    line = {
        "at": time.time(),
        "by": by,
        "service": service,
        "operation": operation,
        "parameters": {name: parameters[name] for name in NAMING if name in parameters},
        "status": status,
    }
    with Path(os.environ["AWS_REQUESTS_LOG"]).open("a") as log:
        log.write(json.dumps(line) + "\n")
