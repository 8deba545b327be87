"""``python -m inference_image serve``: what SageMaker starts."""

import argparse
import logging
import sys

import uvicorn
from pydantic import ValidationError

from inference_image.app import create_app
from inference_image.settings import Settings

DRAIN_S = 25  # SageMaker and the local stack kill 30 s after SIGTERM; leave time to exit


def main() -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, for ``DRAIN_S`` at most."""
    parser = argparse.ArgumentParser(prog="inference_image", description="Serve masks by SageMaker's contract.")
    parser.add_argument("command", choices=["serve"], help="the argument SageMaker starts the container with")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment()
    except ValidationError as exc:
        sys.exit("\n".join(f"{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in exc.errors()))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    uvicorn.run(create_app(settings), host=arguments.host, port=arguments.port, timeout_graceful_shutdown=DRAIN_S)


if __name__ == "__main__":
    main()
