"""Look now, instead of within a quarter of an hour, for pictures that nothing has happened to.

    python -m scripts.reconcile [--env NAME]

It runs the function reconcile_records, and prints what that found.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment

# The function takes two minutes at most. Sent again by the SDK, it would run twice at once.
_CONFIG = Config(read_timeout=130, retries={"total_max_attempts": 1})


class ReconciliationFailed(Exception):
    """The function failed; the message is its error."""


def reconcile(deployment: Deployment) -> str:
    """Run the function; what it found, in words.

    Raises:
        ReconciliationFailed: it failed.
    """
    answer = deployment.client("lambda", _CONFIG).invoke(
        FunctionName=deployment.outputs["function_names"]["reconcile_records"]
    )
    found = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise ReconciliationFailed(f"{found.get('errorType')}: {found.get('errorMessage')}")
    return (
        f"Started: {found['started_unnoticed']} whose upload nobody noticed, {found['started_cut_off']} whose "
        f"execution ended unnoticed. Uploads that never came: {found['absent_uploads']}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.reconcile", description="Look now for pictures that nothing has happened to."
    )
    add_deployment(parser)
    options = parser.parse_args(arguments)
    try:
        print(reconcile(chosen_deployment(options)))
    except (DeploymentError, ReconciliationFailed, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
