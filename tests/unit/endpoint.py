"""SageMaker's runtime on this machine, which answers in its documented form with what a test has set."""

import json
from collections.abc import Mapping
from typing import Any

from tests.loopback import Posted, Reply

FACTS = "model=u2netp;model-sha256=309c8469;provider=CPUExecutionProvider;inference-ms=12.5;queue-ms=0.1;batch-size=1"


class Endpoint:
    """By default every picture has the mask ``b"png"``."""

    def __init__(self) -> None:
        self.received: list[Posted] = []
        self.answer_with_mask(b"png")

    def __call__(self, posted: Posted) -> Reply | None:
        self.received.append(posted)
        return self._reply

    def answer_with_mask(self, png: bytes, facts: str = FACTS) -> None:
        self.answer_with(200, png, {"Content-Type": "image/png", "X-Amzn-SageMaker-Custom-Attributes": facts})

    def answer_with(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._reply: Reply | None = Reply(body, headers, status)

    def refuse_with(self, status: int, name: str, body: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": name}
        self.answer_with(status, json.dumps(body).encode(), headers)

    def hang_up(self) -> None:
        self._reply = None
