"""A person with a browser at the dashboard of the pipeline."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.person import DESK, TIMEOUT_MS, launched, photograph
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


@pytest.fixture
def visit(chromium: Browser, pipeline: Pipeline) -> Iterator[Visit]:
    """Open a page as somebody new, with a context of these options; its console may complain of ``expected`` only."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, expected: str = "nothing", **options: object) -> Page:
        def listen(message: ConsoleMessage) -> None:
            if message.type == "error" and expected not in message.text:
                complaints.append(message.text)

        context = chromium.new_context(
            base_url=pipeline.outputs["dashboard_url"], **{"viewport": DESK, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(TELL_OF_VIOLATIONS)
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
