"""Sign in with the browser, and print the access token that the API takes: ``python -m scripts.sign_in [--env NAME]``.

The token alone goes to stdout, for ``curl -H "Authorization: Bearer $(make -s token ENV=dev)"``; what a person reads
goes to stderr. It is the authorization code flow of RFC 6749 with PKCE (RFC 7636), for programs without a secret
(RFC 8252): the code comes to a server on the loopback interface.
"""

import argparse
import base64
import hashlib
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment

LOOPBACK = "127.0.0.1"
CALLBACK = "http://localhost:8765/callback"  # terraform/cognito.tf
SIGN_IN_TIMEOUT_S = 300.0
REQUEST_TIMEOUT_S = 30.0


class SignInError(Exception):
    """There is no token; the message says why and what to do."""


class Attempt(NamedTuple):
    """One way through the sign-in pages.

    Args:
        url: where the person signs in.
        state: comes back with the answer to this attempt, and to no other.
        verifier: proves that whoever redeems the code began the attempt.
    """

    url: str
    state: str
    verifier: str


def begin(sign_in: Mapping[str, Any], callback: str, scopes: Sequence[str] | None = None) -> Attempt:
    """Begin to sign in.

    Args:
        sign_in: Terraform's output of that name.
        callback: where the pages send the person back to; the app client knows it.
        scopes: what the token is to be good for; all that the app client may ask for, if not given.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": sign_in["client_id"],
        "redirect_uri": callback,
        "scope": " ".join(scopes or sign_in["scopes"]),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return Attempt(f"{sign_in['domain_url']}/oauth2/authorize?{urlencode(query)}", state, verifier)


def redeem(sign_in: Mapping[str, Any], callback: str, attempt: Attempt, answer: Mapping[str, str]) -> str:
    """The access token for what the pages answered.

    Args:
        answer: the parameters that came to ``callback``.

    Raises:
        SignInError: the person was refused, the answer is to another attempt, or the code is not taken.
    """
    if answer.get("state") != attempt.state:
        raise SignInError("The answer is to another attempt to sign in. Start again.")
    if "code" not in answer:
        reason = answer.get("error_description") or answer.get("error") or "no code came back"
        raise SignInError(f"Signing in failed: {reason}.")
    try:
        tokens = httpx.post(
            f"{sign_in['domain_url']}/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "client_id": sign_in["client_id"],
                "redirect_uri": callback,
                "code": answer["code"],
                "code_verifier": attempt.verifier,
            },
            timeout=REQUEST_TIMEOUT_S,
            trust_env=urlsplit(sign_in["domain_url"]).hostname != LOOPBACK,  # no proxy comes to this machine
        )
    except httpx.HTTPError as error:
        raise SignInError(f"{sign_in['domain_url']} cannot be reached: {error}") from error
    if tokens.status_code != httpx.codes.OK:
        raise SignInError(f"{sign_in['domain_url']} gave no token: HTTP {tokens.status_code}: {tokens.text[:500]}")
    return str(tokens.json()["access_token"])


def settings_of(deployment: Deployment) -> Mapping[str, Any]:
    """What signing in needs (``sign_in`` of the deployment's outputs).

    Raises:
        SignInError: sign-in is off there.
    """
    sign_in: Mapping[str, Any] | None = deployment.outputs.get("sign_in")
    if sign_in is None:
        raise SignInError("Sign-in is off in this deployment (auth = none): its API takes requests without a token.")
    return sign_in


def wait_for_answer(state: str, timeout_s: float = SIGN_IN_TIMEOUT_S) -> dict[str, str]:
    """The parameters that the pages send to ``CALLBACK`` for the attempt with this state.

    Anything else that comes is refused, and does not end the wait.

    Raises:
        SignInError: none came in time, or the port is taken.
    """
    answers: list[dict[str, str]] = []
    callback = urlsplit(CALLBACK)

    class Callback(BaseHTTPRequestHandler):
        timeout = 5  # seconds for a request, so that a connection without one holds nobody up

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            answer = dict(parse_qsl(url.query))
            if url.path != callback.path or answer.get("state") != state:
                self._say(HTTPStatus.BAD_REQUEST, "This is not the answer that is waited for.")
                return
            answers.append(answer)
            done = "You are signed in." if "code" in answer else "Signing in failed; the terminal says why."
            self._say(HTTPStatus.OK, f"{done} You can close this page.")

        def _say(self, status: HTTPStatus, text: str) -> None:
            page = f"<!doctype html><title>Matteflow</title><p>{escape(text)}</p>".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Nothing: the path holds the code."""

    try:
        server = HTTPServer((LOOPBACK, callback.port or 80), Callback)
    except OSError as error:
        raise SignInError(f"Port {callback.port} is taken. End what listens there, and start again.") from error
    deadline = time.monotonic() + timeout_s
    with server:
        while not answers:
            server.timeout = deadline - time.monotonic()
            if server.timeout <= 0:
                raise SignInError(f"Nobody signed in within {timeout_s:.0f} s. Start again.")
            server.handle_request()
    return answers[0]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.sign_in", description="Sign in with the browser and print an access token."
    )
    add_deployment(parser)
    options = parser.parse_args(arguments)
    try:
        sign_in = settings_of(chosen_deployment(options))
        attempt = begin(sign_in, CALLBACK)
        print(f"Sign in with the browser:\n{attempt.url}", file=sys.stderr)
        # Apart, as what a browser prints must not be taken for the token.
        subprocess.Popen([sys.executable, "-m", "webbrowser", attempt.url], stdin=subprocess.DEVNULL, stdout=sys.stderr)
        print(redeem(sign_in, CALLBACK, attempt, wait_for_answer(attempt.state)))
    except (DeploymentError, SignInError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
