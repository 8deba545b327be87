"""MiniStack, with its Step Functions opened at two seams. Run by MiniStack's own interpreter.

What a Task calls is asked of the tests over HTTP, with the arguments that its JSONata made, and every state, inside
Parallel branches too, is reported as it is entered and left. MiniStack's own mock configuration can do neither: it
answers without evaluating ``Arguments``, repeats a mocked error on each retry, and its history leaves branches out.
"""

import contextvars
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

from ministack import app  # type: ignore[import-not-found]
from ministack.services import stepfunctions  # type: ignore[import-not-found]

TESTS_URL = os.environ["TESTS_URL"]

_current_state: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("current_state")


def ask(path: str, **message: Any) -> dict[str, Any]:
    with urlopen(Request(f"{TESTS_URL}/{path}", json.dumps(message).encode()), timeout=30) as answer:  # noqa: S310
        reply: dict[str, Any] = json.load(answer)
        return reply


def call_service(resource: str, arguments: Any) -> Any:
    reply = ask("call", state=_current_state.get(), resource=resource, arguments=arguments)
    if "error" in reply:
        raise stepfunctions._ExecutionError(reply["error"], reply["cause"])
    return reply["result"]


def reported(execute: Callable[..., tuple[Any, str | None]]) -> Callable[..., tuple[Any, str | None]]:
    def execute_and_report(state: dict[str, Any], *scope: Any) -> tuple[Any, str | None]:
        _current_state.set(state)
        ask("entered", state=state)
        output, following = execute(state, *scope)
        ask("left", state=state, output=output, following=following)
        return output, following

    return execute_and_report


stepfunctions._invoke_resource = call_service
for seam in ("_execute_task", "_execute_pass", "_execute_choice", "_execute_parallel"):
    setattr(stepfunctions, seam, reported(getattr(stepfunctions, seam)))

app.main()
