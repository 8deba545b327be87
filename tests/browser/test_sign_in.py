"""Signing in on the sign-in pages, staying signed in, and signing out: of whoever does so, and of every tab."""

import pytest
from playwright.sync_api import Page, Request, expect

from scripts.local_stack.sign_in import keep_user
from scripts.users import new_password
from tests.browser.conftest import Visit
from tests.browser.person import choose, photograph, sign_in
from tests.pipeline import Pipeline

EMAIL = "grace@matteflow.test"
ANYONE = {"Access-Control-Allow-Origin": "*"}


@pytest.fixture
def grace(pipeline: Pipeline) -> dict[str, str]:
    """Somebody with no pictures yet, as ``sign_in`` takes them."""
    password = new_password()
    keep_user(pipeline.client("cognito-idp"), pipeline.outputs["sign_in"], EMAIL, password)
    return {"email": EMAIL, "password": password}


def sign_out(page: Page) -> None:
    page.get_by_role("button", name=f"Account of {EMAIL}").click()
    page.get_by_role("button", name="Sign out").click()


def test_whoever_signs_in_stays_so_and_leaves_nothing_behind(
    visit: Visit, pipeline: Pipeline, grace: dict[str, str]
) -> None:
    page = visit("/upload?from=a+link", signed_in=False)
    requests: list[Request] = []

    def note(request: Request) -> None:
        requests.append(request)

    page.context.on("request", note)
    file = {**photograph("coffee"), "name": "grace's coffee.jpg"}

    # given somebody who was sent a link: they come back to it once they have signed in
    expect(page.get_by_role("heading", name="Sign in to see your pictures")).to_be_visible()
    sign_in(page, **grace)
    page.wait_for_url("**/upload?from=a+link")

    # when they upload
    choose(page, file)
    page.get_by_role("button", name="Upload 1 picture").click()
    expect(page.get_by_role("link", name=f"Open {file['name']}")).to_be_visible()

    # then the API alone was told who they are, and no one who signs a URL
    bearers = {request.url for request in requests if "authorization" in request.headers}
    assert bearers
    assert all(url.startswith(pipeline.outputs["api_url"]) for url in bearers)
    assert any(pipeline.outputs["uploads_bucket"] in request.url for request in requests)

    # and they are signed in after a reload, and in a tab of its own
    page.goto("/")
    page.reload()
    expect(page.get_by_role("link", name=file["name"], exact=True)).to_be_visible()
    other = page.context.new_page()
    other.goto("/?name=coffee")
    expect(other.get_by_role("link", name=file["name"], exact=True)).to_be_visible()

    # when they sign out, nothing is left to see in any tab, not even by the way back
    # (the emulator has no endpoint that revokes)
    page.route("**/oauth2/revoke", lambda route: route.fulfill(headers=ANYONE))
    sign_out(page)
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(other.get_by_role("heading", name="You signed out in another tab")).to_be_visible()
    assert other.url.endswith("/?name=coffee")
    assert any(request.url.endswith("/oauth2/revoke") for request in requests)
    requests.clear()
    page.go_back()
    for tab in (page, other):
        tab.reload()
        expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
        expect(tab.get_by_text(file["name"])).to_have_count(0)
    assert [request.url for request in requests if request.url.startswith(pipeline.outputs["api_url"])] == []


def test_a_sign_in_that_ends_under_way_keeps_the_page(visit: Visit, grace: dict[str, str]) -> None:
    page = visit("/upload", signed_in=False, expected="Failed to load resource")
    file = {**photograph("chelsea"), "name": "grace's cat.jpg"}
    sign_in(page, **grace)
    choose(page, file)

    # given a token that is neither taken nor renewed any more
    gone = {"error": "invalid_grant"}
    page.route("**/upload-url", lambda route: route.fulfill(status=401, headers=ANYONE))
    page.route("**/oauth2/token", lambda route: route.fulfill(status=400, headers=ANYONE, json=gone))
    page.get_by_role("button", name="Upload 1 picture").click()
    expect(page.get_by_role("dialog", name="Your sign-in has ended")).to_be_visible()
    page.unroute_all()

    # when they sign in again in another tab
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in again").click()
    opened.value.get_by_label("Username").fill(grace["email"])
    opened.value.get_by_label("Password").fill(grace["password"])
    opened.value.get_by_role("button", name="Sign in").click()

    # then the file that was chosen is sent
    expect(page.get_by_role("link", name=f"Open {file['name']}")).to_be_visible()
