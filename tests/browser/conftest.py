"""A person with a browser at the dashboard of the pipeline."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.person import DESK, TIMEOUT_MS, launched, photograph, sign_in
from tests.pipeline import Pipeline

# The console tells of only some of what the policy forbids.
TELL_OF_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`The policy forbids ${event.blockedURI} as ${event.violatedDirective}`));
"""

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def session(chromium: Browser, pipeline: Pipeline) -> str:
    """A script that signs a page of the dashboard in, made by signing in once, on the sign-in pages.

    The dashboard keeps its session in ``sessionStorage``, which Playwright's own storage state leaves out.
    """
    url, user = pipeline.outputs["dashboard_url"], pipeline.outputs["demo_user"]
    context = chromium.new_context(base_url=url)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto("/")
    sign_in(page, **user)
    page.wait_for_url(f"{url}/")
    page.wait_for_function("sessionStorage.length > 0")
    stored = page.evaluate("JSON.stringify(sessionStorage)")
    context.close()
    return f"if (origin === {json.dumps(url)}) Object.assign(sessionStorage, {stored});"


@pytest.fixture
def visit(chromium: Browser, pipeline: Pipeline, session: str) -> Iterator[Visit]:
    """Open a page in a context of these options, signed in or not; its console may complain of ``expected`` only."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, expected: str = "nothing", *, signed_in: bool = True, **options: object) -> Page:
        def listen(message: ConsoleMessage) -> None:
            if message.type == "error" and expected not in message.text:
                complaints.append(message.text)

        context = chromium.new_context(
            base_url=pipeline.outputs["dashboard_url"], **{"viewport": DESK, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(TELL_OF_VIOLATIONS)
        if signed_in:
            context.add_init_script(session)
        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def processed(pipeline: Pipeline) -> dict[str, str]:
    """The ids of processed photographs, by name."""
    files = [photograph(name) for name in ("astronaut", "coffee", "chelsea")]
    ids = {file["name"]: pipeline.upload(file["buffer"], file["name"]) for file in files}
    for image_id in ids.values():
        assert pipeline.wait(image_id)["status"] == "SUCCEEDED"
    return ids
