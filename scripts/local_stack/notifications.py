"""The subscribers of the topic on one machine: confirms its SNS subscription, then prints and keeps each message."""

import argparse
import ipaddress
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from scripts.local_stack.service import HOST


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine by name or address; no name but ``localhost`` is looked up."""
    host = urlsplit(url).hostname
    if host == "localhost":
        return True
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def create_app(messages: Path) -> FastAPI:
    """An SNS subscriber over HTTP that appends each message to ``messages``, one JSON object a line.

    A line is the SNS message as it came, and ``received_at`` (UTC, ISO 8601).
    """
    app = FastAPI(title="Notifications on one machine")

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        return {"status": "ready"}

    def keep(message: dict[str, Any]) -> None:
        line = json.dumps({"received_at": datetime.now(UTC).isoformat(), **message}, ensure_ascii=False)
        with messages.open("a") as file:
            file.write(line + "\n")
        print(f"{message.get('Subject', '')}\n{message['Message']}\n", flush=True)

    @app.post("/")
    async def receive(request: Request) -> PlainTextResponse:
        # SNS sends JSON as text/plain: https://docs.aws.amazon.com/sns/latest/dg/http-header.html
        try:
            message = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("The body is not JSON.", 400)
        if not isinstance(message, dict):
            return PlainTextResponse("The body is not a JSON object.", 400)
        match message:
            case {"Type": "SubscriptionConfirmation", "SubscribeURL": str(url)}:
                if not is_loopback(url):
                    return PlainTextResponse("The SubscribeURL does not point to this machine.", 400)
                async with httpx.AsyncClient(trust_env=False) as client:
                    (await client.get(url)).raise_for_status()
                print(f"Subscribed to {message.get('TopicArn')}", flush=True)
            case {"Type": "Notification", "Message": str()}:
                await run_in_threadpool(keep, message)
            case _:
                return PlainTextResponse("The body is no SNS message.", 400)
        return PlainTextResponse("")

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=Path, required=True, help="the file that each message is appended to")
    arguments = parser.parse_args()
    arguments.messages.parent.mkdir(parents=True, exist_ok=True)
    uvicorn.run(create_app(arguments.messages), host=HOST, port=arguments.port)


if __name__ == "__main__":
    main()
