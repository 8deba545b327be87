"""Photographs of every page, to be looked at: light and dark, on a desk and on a phone.

    python -m tests.browser.screenshots

They are taken on a stack of its own, which has processed real photographs, and saved in ``.screenshots/``.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, FilePayload, Page

from scripts.build import PROJECT
from scripts.local_stack.services import Ports
from scripts.local_stack.stack import LocalStack
from tests.browser.person import DESK, PHONE, choose, half, launched, photograph, photograph_file
from tests.pipeline import Pipeline

FOLDER = PROJECT / ".screenshots"
BESIDE_THE_PROJECT = PROJECT.parent / "shared" / "photos"
SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": DESK},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
}
SCHEMES = ("light", "dark")
SLOW_NETWORK = {"offline": False, "latency": 50, "downloadThroughput": -1, "uploadThroughput": 10_000}  # bytes a second
FAILURE_TIMEOUT_S = 180.0

Scene = Callable[[Page], None]


def photographs() -> Iterator[FilePayload]:
    for name in ("hubble_deep_field", "retina", "rocket", "coffee", "chelsea"):
        yield photograph(name)
    for path in sorted(BESIDE_THE_PROJECT.glob("*")):
        if path.suffix in (".jpg", ".jpeg", ".png") and ".u2net" not in path.name:
            yield photograph_file(path)
    yield photograph("astronaut")


def process(pipeline: Pipeline, file: FilePayload, timeout_s: float = 90) -> dict[str, Any]:
    return pipeline.wait(pipeline.upload(file["buffer"], file["name"]), timeout_s)


def fail(pipeline: Pipeline, file: FilePayload) -> dict[str, Any]:
    """The result of a picture that is processed while the model is gone."""
    inference = pipeline.stack.services["inference"]
    inference.stop()
    try:
        return process(pipeline, file, FAILURE_TIMEOUT_S)
    finally:
        inference.start()


def open_page(path: str, page: Page) -> None:
    page.goto(path)


def choose_files(page: Page) -> None:
    page.goto("/upload")
    page.get_by_role("button", name="Options").click()
    empty: FilePayload = {"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": b""}
    choose(page, photograph("astronaut"), photograph("coffee"), empty)
    page.get_by_text("The file is empty").wait_for()


def send_slowly(page: Page) -> None:
    page.goto("/upload")
    choose(page, half(photograph("rocket")))
    page.get_by_role("button", name="Upload 1 picture").click()
    page.get_by_text("Not taken").wait_for()
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_NETWORK)
    choose(page, *(photograph(name) for name in ("chelsea", "coffee", "astronaut")))
    page.get_by_role("button", name="Upload 3 pictures").click()
    page.get_by_text(re.compile("Sending, [1-9]")).first.wait_for()


def try_a_background(path: str, page: Page) -> None:
    page.goto(path)
    page.get_by_text("New background", exact=True).click()
    page.get_by_role("radio", name="Blue", exact=True).check()
    page.get_by_role("button", name="Save as new output").wait_for()


def take(browser: Browser, url: str, scenes: dict[str, Scene]) -> None:
    """Photograph each scene on every screen and in every scheme: what is seen first, and the whole of a long page."""
    for (name, scene), (screen, options), scheme in product(scenes.items(), SCREENS.items(), SCHEMES):
        context = browser.new_context(base_url=url, color_scheme=scheme, reduced_motion="reduce", **options)
        page = context.new_page()
        scene(page)
        page.wait_for_load_state("networkidle")
        stem = FOLDER / f"{name}-{screen}-{scheme}"
        page.screenshot(path=f"{stem}.png")
        print(f"{stem}.png", flush=True)
        if page.evaluate("document.documentElement.scrollHeight > innerHeight"):
            page.evaluate("scrollTo(0, 0); for (const image of document.images) image.loading = 'eager'")
            page.wait_for_load_state("networkidle")
            # The navigation of phones would lie in the middle of it.
            page.screenshot(path=f"{stem}-whole.png", full_page=True, style="footer { display: none }")
        context.close()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as home, launched() as browser:
        stack = LocalStack(Path(home), Ports.free())
        try:
            stack.up()
            pipeline = Pipeline(stack)
            url = pipeline.outputs["dashboard_url"]
            take(browser, url, {"gallery-empty": partial(open_page, "/")})
            results = [process(pipeline, file) for file in photographs()]
            process(pipeline, half(photograph("coffee")))
            failed = fail(pipeline, photograph("camera"))
            take(
                browser,
                url,
                {
                    "gallery": partial(open_page, "/"),
                    "result": partial(open_page, f"/results/{results[-1]['image_id']}"),
                    "result-background": partial(try_a_background, f"/results/{results[-1]['image_id']}"),
                    "result-failed": partial(open_page, f"/results/{failed['image_id']}"),
                    "metrics": partial(open_page, "/metrics"),
                    "upload-queue": choose_files,
                    "upload-running": send_slowly,
                },
            )
        finally:
            stack.down()


if __name__ == "__main__":
    main()
