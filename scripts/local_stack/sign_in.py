"""Users of the local stack, and a way through the emulator's sign-in pages without a browser."""

import contextlib
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from scripts.local_stack.service import StackError
from scripts.sign_in import CALLBACK, REQUEST_TIMEOUT_S, SignInError, begin, redeem
from scripts.users import pool_of

DEMO_EMAIL = "demo@matteflow.test"


def keep_user(cognito: Any, sign_in: Mapping[str, Any], email: str, password: str) -> None:
    """See that there is a user with this e-mail address and password.

    Args:
        cognito: a client of ``cognito-idp``.
        sign_in: Terraform's output of that name.
    """
    pool = pool_of(sign_in)
    with contextlib.suppress(cognito.exceptions.UsernameExistsException):  # from an earlier start
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=email,
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
            MessageAction="SUPPRESS",
        )
    cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)


def access_token(sign_in: Mapping[str, Any], email: str, password: str, scopes: Sequence[str] | None = None) -> str:
    """The access token of a user who signs in on the pages.

    Args:
        scopes: what the token is to be good for; all that the app client may ask for, if not given.

    Raises:
        StackError: the pages do not let the user in; the message says what they say.
    """
    attempt = begin(sign_in, CALLBACK, scopes)
    try:
        return redeem(sign_in, CALLBACK, attempt, fill_in(attempt.url, email, password))
    except (SignInError, httpx.HTTPError) as error:
        raise StackError(f"{email} cannot sign in: {error}") from error


def authorization(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The headers by which the demonstration's user calls the API of a stack; none where sign-in is off.

    Args:
        outputs: what the stack's ``stack.json`` says.

    Raises:
        StackError: the user cannot sign in.
    """
    if not outputs["sign_in"]:
        return {}
    return {"Authorization": f"Bearer {access_token(outputs['sign_in'], **outputs['demo_user'])}"}


def fill_in(url: str, email: str, password: str) -> dict[str, str]:
    """Fill in the sign-in page at ``url``: the parameters that it sends to the callback, which is not called.

    Raises:
        SignInError: the page does not send anybody back.
        httpx.HTTPError: it does not answer.
    """
    with httpx.Client(timeout=REQUEST_TIMEOUT_S, trust_env=False) as browser:
        form = _Form(browser.get(url).text)
        answer = browser.post(urljoin(url, form.action), data={**form.hidden, "username": email, "password": password})
    if not answer.is_redirect:
        raise SignInError(f"HTTP {answer.status_code} instead of the way back")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


class _Form(HTMLParser):
    """The form of a page: where it goes, and what it sends beside what a person types."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes.get("action") or ""
        elif tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes.get("name") or ""] = attributes.get("value") or ""
