"""What a person has at hand: a browser, photographs, and a way to choose files."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import skimage.data
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from scripts.site import PAGES

TIMEOUT_MS = 30_000
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium, with the dashboard built."""
    executable = shutil.which("chromium")
    assert executable, "Chromium is not on PATH. Run `make browser`."
    assert (PAGES / "index.html").exists(), "The dashboard is not built. Run `make dashboard`."
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def photograph(name: str) -> FilePayload:
    """A photograph of scikit-image."""
    return jpeg(name, Image.fromarray(getattr(skimage.data, name)()))


def photograph_file(path: Path) -> FilePayload:
    with Image.open(path) as image:
        return jpeg(path.stem, image.convert("RGB"))


def jpeg(name: str, image: Image.Image) -> FilePayload:
    file = BytesIO()
    image.save(file, "JPEG", quality=92)
    return {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def half(file: FilePayload) -> FilePayload:
    """A file whose transfer somewhere broke off."""
    return {**file, "name": f"half {file['name']}", "buffer": file["buffer"][: len(file["buffer"]) // 2]}


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in on a page of the dashboard that nobody has signed in on: by way of the sign-in pages."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Username").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def choose(page: Page, *files: FilePayload) -> None:
    """Choose files on the page of uploads."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose pictures").click()
    chooser.value.set_files(files)
