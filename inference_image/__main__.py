"""``python -m inference_image serve``, what SageMaker starts, and ``lambda``, what Lambda does."""

import argparse
import logging
import os
import sys
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from inference_image.app import create_app
from inference_image.settings import Settings

# SageMaker and the local stack kill 30 s after SIGTERM.
DRAIN_S = 25  # for what was accepted
HANG_UP_S = 2  # for connections that are open still


class DrainingServer(uvicorn.Server):
    """Ends by SIGTERM or SIGINT once every request that was accepted is answered; new ones get 503 meanwhile."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        super().__init__(uvicorn.Config(app, host, port, ws="none", timeout_graceful_shutdown=HANG_UP_S))
        self._app = app
        self._drained_by: float | None = None

    def handle_exit(self, _signal: int, _frame: FrameType | None) -> None:
        """Begin to drain; a second signal cuts it short."""
        if not self.started:
            os._exit(0)  # nothing was accepted, and the thread that loads the model cannot be interrupted
        if self._drained_by is None and self._app.state.service:
            self._app.state.service.stop()
            self._drained_by = time.monotonic() + DRAIN_S
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._drained_by is not None:
            drained = self._app.state.service.admitted == 0
            self.should_exit |= drained or time.monotonic() > self._drained_by
        return await super().on_tick(counter)


def main() -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, for ``DRAIN_S`` at most.

    As a Lambda function it is Lambda that hands it the requests and ends it.
    """
    parser = argparse.ArgumentParser(prog="inference_image", description="Serve masks by SageMaker's contract.")
    parser.add_argument(
        "command", choices=["serve", "lambda"], help="serve: over HTTP, as SageMaker starts it; lambda: as a function"
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment()
    except ValidationError as exc:
        sys.exit("\n".join(f"{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in exc.errors()))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    if arguments.command == "lambda":
        client = [sys.executable, "-m", "awslambdaric", "inference_image.lambda_handler.handler"]
        os.execv(sys.executable, client)  # noqa: S606 - Lambda's own client takes the place of the server
    server = DrainingServer(create_app(settings), arguments.host, arguments.port)
    server.run()
    logging.shutdown()
    # A run that outlasts the drain cannot be interrupted, and Python would wait for its thread.
    os._exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
