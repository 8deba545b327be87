"""What holds for every page: it can be used by everyone, fits every screen, and comes quickly and without a jump."""

import pytest
from playwright.sync_api import Page

from scripts.build import PROJECT
from tests.browser.conftest import Visit
from tests.browser.person import PHONE, choose, photograph

AXE = PROJECT / "frontend_react" / "node_modules" / "axe-core" / "axe.min.js"
LARGEST_SCRIPTS = 250_000  # bytes, compressed, for the first page
LARGEST_SHIFT = 0.1  # https://web.dev/articles/cls

SERIOUS_VIOLATIONS = """async () => (await axe.run())
  .violations.filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => [id, help, html, failureSummary]))"""
SCRIPT_BYTES = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
  .map(({ encodedBodySize }) => encodedBodySize)"""
MEASURE_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shift += entry.value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# An image has its place before it has come, and is not fetched before it is near the screen.
BADLY_PLACED_IMAGES = """() => [...document.images]
  .filter((image) => {
    const hasSize = image.hasAttribute("width") && image.hasAttribute("height");
    const isLaidOver = getComputedStyle(image).position === "absolute";
    const isBelow = image.getBoundingClientRect().top + scrollY > innerHeight;
    return !(hasSize || isLaidOver) || (isBelow && image.loading !== "lazy");
  })
  .map((image) => image.outerHTML)"""
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")]
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && node.checkVisibility())
    .map((node) => node.outerHTML.slice(0, 200))"""


@pytest.fixture
def paths(processed: dict[str, str]) -> dict[str, str]:
    """Every page, by its title."""
    return {
        "Pictures": "/",
        "Upload pictures": "/upload",
        "astronaut.jpg": f"/results/{processed['astronaut.jpg']}",
        "Metrics": "/metrics",
        "There is no such page.": "/nowhere",
    }


def show(page: Page, path: str, title: str) -> None:
    page.goto(path)
    page.get_by_role("main").get_by_text(title, exact=True).wait_for()
    page.wait_for_load_state("networkidle")


def violations(page: Page) -> list[list[str]]:
    """What axe finds to be serious or critical on the page as it is."""
    page.evaluate(AXE.read_text())
    return page.evaluate(SERIOUS_VIOLATIONS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_use_it(visit: Visit, paths: dict[str, str], scheme: str) -> None:
    page = visit("/", color_scheme=scheme)

    for title, path in paths.items():
        show(page, path, title)
        assert violations(page) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_sign_in_and_out(visit: Visit, scheme: str) -> None:
    page = visit("/", signed_in=False, color_scheme=scheme, viewport=PHONE)
    show(page, "/", "Sign in to see your pictures")
    assert violations(page) == []
    assert page.evaluate(TOO_WIDE) == []

    page = visit("/metrics", color_scheme=scheme)
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Sign out").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_use_what_opens_on_a_page(visit: Visit, paths: dict[str, str], scheme: str) -> None:
    page = visit("/upload", color_scheme=scheme)
    page.get_by_role("button", name="Options").click()
    choose(page, photograph("rocket"), {"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": b""})
    page.get_by_text("The file is empty").wait_for()

    assert violations(page) == []

    page.goto(paths["astronaut.jpg"])
    page.get_by_text("New background", exact=True).click()
    page.get_by_role("button", name="Save as new output").wait_for()

    assert violations(page) == []


def test_no_page_is_wider_than_a_phone(visit: Visit, paths: dict[str, str]) -> None:
    page = visit("/", viewport=PHONE, is_mobile=True, has_touch=True)

    for title, path in paths.items():
        show(page, path, title)
        assert page.evaluate(TOO_WIDE) == [], path


@pytest.mark.usefixtures("processed")
def test_the_first_page_needs_little_javascript(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("link", name="chelsea.jpg", exact=True).wait_for()

    scripts = page.evaluate(SCRIPT_BYTES)

    assert min(scripts) > 0
    assert sum(scripts) < LARGEST_SCRIPTS


def test_nothing_jumps_while_a_page_comes(visit: Visit, paths: dict[str, str]) -> None:
    page = visit("/nowhere")
    page.add_init_script(MEASURE_SHIFTS)

    for title in ("Pictures", "astronaut.jpg"):
        show(page, paths[title], title)
        page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
        assert page.evaluate("shift") < LARGEST_SHIFT, title
        assert page.evaluate("document.images.length") > 2
        assert page.evaluate(BADLY_PLACED_IMAGES) == []
