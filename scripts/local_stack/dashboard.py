"""The dashboard on one machine: its built pages, with the headers that a content delivery network would set."""

import argparse
import json
import os
import stat
import string
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint
from starlette.types import Scope

from scripts import site
from scripts.build import PROJECT
from scripts.local_stack.service import HOST

SECURITY_HEADERS = PROJECT / "frontend_react" / "security-headers.json"
NO_STORE = {"Cache-Control": "no-store"}
RETRY_AFTER_S = 2


def security_headers(aws_url: str) -> dict[str, str]:
    """What a page may load and do; the API and the buckets are at ``aws_url``.

    CloudFront is told by the same file (``terraform/edge.tf``). Of styles it allows those within a page, as Mantine
    writes its variables there.
    """
    template = string.Template(SECURITY_HEADERS.read_text())
    headers: dict[str, Any] = json.loads(template.substitute(picture_origins=aws_url, connect_origins=aws_url))
    policy = headers["Content-Security-Policy"]
    return headers | {"Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items())}


class Pages(StaticFiles):
    """A single-page site: ``index.html`` answers every path that is no file, for its router knows which pages exist.

    Names under ``assets/`` hold a digest of the contents: such a file is kept for ever, or is missing.
    """

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        found, facts = super().lookup_path(path)
        is_file = facts is not None and stat.S_ISREG(facts.st_mode)
        return (found, facts) if is_file or path.startswith(site.ASSETS) else super().lookup_path("index.html")

    async def get_response(self, path: str, scope: Scope) -> Response:
        if self.lookup_path("index.html")[1] is None:
            message = "The dashboard is not built. Run: make dashboard\n"
            return PlainTextResponse(message, HTTPStatus.SERVICE_UNAVAILABLE, NO_STORE)
        response = await super().get_response(path, scope)
        response.headers.update({"Cache-Control": site.FOR_EVER} if path.startswith(site.ASSETS) else NO_STORE)
        return response


def create_app(pages: Path, outputs: Path, aws_url: str) -> FastAPI:
    """The site in the folder ``pages``.

    Args:
        outputs: the running stack's ``stack.json``, which says where the API and sign-in are; absent until it is up.
        aws_url: where pages find the API and the buckets.
    """
    app = FastAPI(title="Dashboard on one machine", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(GZipMiddleware)
    headers = security_headers(aws_url)

    @app.middleware("http")
    async def secure(request: Request, respond: RequestResponseEndpoint) -> Response:
        response = await respond(request)
        response.headers.update(headers)
        return response

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/config.json")
    def config() -> Response:
        try:
            stack = json.loads(outputs.read_text())
        except FileNotFoundError:
            return PlainTextResponse(
                "The local stack is still starting.\n",
                HTTPStatus.SERVICE_UNAVAILABLE,
                {**NO_STORE, "Retry-After": str(RETRY_AFTER_S)},
            )
        return JSONResponse(site.config(stack), headers=NO_STORE)

    app.mount("/", Pages(directory=pages, check_dir=False))
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--outputs", type=Path, required=True, help="the stack.json of the stack it belongs to")
    parser.add_argument("--aws-url", required=True, help="where pages find the API and the buckets")
    arguments = parser.parse_args()
    uvicorn.run(create_app(site.PAGES, arguments.outputs, arguments.aws_url), host=HOST, port=arguments.port)


if __name__ == "__main__":
    main()
