"""The command that gives a token: what it asks the sign-in pages for, and what it takes for an answer."""

import base64
import hashlib
import socket
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from scripts import sign_in
from scripts.deployment import Deployment
from scripts.sign_in import CALLBACK, LOOPBACK, SignInError, begin, redeem, settings_of, wait_for_answer
from tests.loopback import free_port

SETTINGS = {
    "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A",
    "domain_url": "https://matteflow-dev-123456789012.auth.us-east-1.amazoncognito.com",
    "client_id": "abc",
    "scopes": ["openid", "email", "matteflow/pictures.read", "matteflow/pictures.write"],
}


def test_the_pages_are_asked_for_a_code_that_only_the_asker_can_redeem() -> None:
    attempt, other = begin(SETTINGS, CALLBACK), begin(SETTINGS, CALLBACK)

    url = urlsplit(attempt.url)
    query = {name: value for name, (value,) in parse_qs(url.query).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).decode().rstrip("=")
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{SETTINGS['domain_url']}/oauth2/authorize"
    assert query == {
        "response_type": "code",
        "client_id": "abc",
        "redirect_uri": "http://localhost:8765/callback",
        "scope": "openid email matteflow/pictures.read matteflow/pictures.write",
        "state": attempt.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert attempt.verifier not in attempt.url
    assert 43 <= len(attempt.verifier) <= 128
    assert (attempt.state, attempt.verifier) != (other.state, other.verifier)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"state": "of another", "code": "c"}, "another attempt"),
        ({"code": "c"}, "another attempt"),
        ({"error": "access_denied", "error_description": "User is not confirmed"}, "User is not confirmed"),
        ({"error": "invalid_request"}, "invalid_request"),
    ],
)
def test_an_answer_that_gives_no_token_says_why(answer: dict[str, str], complaint: str) -> None:
    attempt = begin(SETTINGS, CALLBACK)

    with pytest.raises(SignInError, match=complaint):
        redeem(SETTINGS, CALLBACK, attempt, answer if "code" in answer else {**answer, "state": attempt.state})


def test_where_sign_in_is_off_no_token_is_needed() -> None:
    with pytest.raises(SignInError, match="without a token"):
        settings_of(Deployment({"region": "us-east-1"}, boto3.Session(region_name="us-east-1")))


def test_who_does_not_sign_in_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "CALLBACK", f"http://localhost:{free_port()}/callback")

    with pytest.raises(SignInError, match=r"Nobody signed in within 0 s\. Start again"):
        wait_for_answer("state", timeout_s=0.05)


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sign_in, "CALLBACK", f"http://localhost:{port}/callback")

        with pytest.raises(SignInError, match=f"Port {port} is taken"):
            wait_for_answer("state")
