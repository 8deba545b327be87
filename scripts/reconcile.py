"""Look now, instead of within a quarter of an hour, for pictures that nothing has happened to.

    python -m scripts.reconcile [--env NAME]

It runs the function reconcile_records, and prints what that found.
"""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from scripts.deployment import (
    RUN_CONFIG,
    Deployment,
    DeploymentError,
    FunctionFailed,
    add_deployment,
    chosen_deployment,
    run_function,
)


def reconcile(deployment: Deployment) -> str:
    """Run the function; what it found, in words.

    Raises:
        FunctionFailed: it failed.
    """
    client = deployment.client("lambda", RUN_CONFIG)
    found = run_function(client, deployment.outputs["function_names"]["reconcile_records"], "{}")
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
    except (DeploymentError, FunctionFailed, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
