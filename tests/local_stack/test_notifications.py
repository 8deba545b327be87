"""The subscriber: confirms a subscription of this machine only, keeps every message."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scripts.local_stack.notifications import create_app, is_loopback

Serve = Callable[[FastAPI], str]


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return tmp_path / "notifications.jsonl"


@pytest.fixture
def subscriber(serve: Serve, messages: Path) -> str:
    return serve(create_app(messages))


def post(subscriber: str, message: Any) -> httpx.Response:
    # SNS sends JSON as text/plain
    return httpx.post(subscriber, content=json.dumps(message), headers={"Content-Type": "text/plain; charset=UTF-8"})


def test_each_message_is_kept_as_one_line_and_printed(
    subscriber: str, messages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        notice = {"Type": "Notification", "Subject": "Ready", "Message": f"é\nsecond line of {number}"}
        assert post(subscriber, notice).status_code == 200

    kept = [json.loads(line) for line in messages.read_text().splitlines()]
    assert [message["Message"] for message in kept] == ["é\nsecond line of 1", "é\nsecond line of 2"]
    assert all(message["received_at"].endswith("+00:00") for message in kept)
    assert "Ready\né\nsecond line of 1" in capsys.readouterr().out


def test_a_subscription_of_this_machine_is_confirmed(subscriber: str, serve: Serve) -> None:
    asked: list[str] = []
    topic = FastAPI()

    @topic.get("/")
    def confirm(Token: str) -> None:  # noqa: N803, the parameter is SNS's
        asked.append(Token)

    url = f"{serve(topic)}/?Action=ConfirmSubscription&Token=abc"
    answer = post(subscriber, {"Type": "SubscriptionConfirmation", "SubscribeURL": url, "TopicArn": "arn"})

    assert answer.status_code == 200
    assert asked == ["abc"]


def test_a_subscription_elsewhere_is_refused_without_a_request(subscriber: str, messages: Path) -> None:
    answer = post(
        subscriber, {"Type": "SubscriptionConfirmation", "SubscribeURL": "http://192.0.2.1/", "TopicArn": "a"}
    )

    assert answer.status_code == 400
    assert "does not point to this machine" in answer.text
    assert not messages.exists()


@pytest.mark.parametrize("message", [[], {"Type": "Notification"}, {"Type": "Another"}, "text"])
def test_what_is_no_message_is_refused(subscriber: str, messages: Path, message: Any) -> None:
    assert post(subscriber, message).status_code == 400
    assert not messages.exists()


def test_a_body_that_is_not_json_is_refused(subscriber: str) -> None:
    assert httpx.post(subscriber, content=b"{").status_code == 400


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4566/", True),
        ("http://localhost:4566/", True),
        ("http://[::1]/", True),
        ("http://localhost.example.org/", False),
        ("http://127.0.0.1@example.org/", False),
        ("http://0.0.0.0/", False),
        ("file:///etc/passwd", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, local: bool) -> None:
    assert is_loopback(url) is local
