"""The page of a picture's result: compared, downloaded, and put on another background."""

import re
from io import BytesIO

import pytest
import requests
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.pipeline import Pipeline

BLUE = "#1c7ed6"


@pytest.fixture
def image_id(processed: dict[str, str]) -> str:
    return processed["astronaut.jpg"]


@pytest.fixture
def page(visit: Visit, image_id: str) -> Page:
    return visit(f"/results/{image_id}")


def test_the_slider_is_moved_by_keys(page: Page) -> None:
    slider = page.get_by_role("slider", name="Where the original ends and the result begins")
    slider.focus()
    shown = []

    for key, share in (("Home", "0%"), ("ArrowRight", "1%"), ("End", "100%")):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuetext", f"{share} original")
        shown.append(slider.locator("..").screenshot())

    assert len(set(shown)) == len(shown)


def test_an_output_is_downloaded_at_full_size(page: Page) -> None:
    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile("^Download Cut-out, PNG")).first.click()

    with Image.open(downloading.value.path()) as cutout:
        cutout.load()
        assert (cutout.format, cutout.mode, cutout.size) == ("PNG", "RGBA", (512, 512))
    assert downloading.value.suggested_filename.endswith(".png")


def test_a_background_is_tried_and_saved(page: Page, pipeline: Pipeline, image_id: str) -> None:
    page.get_by_text("New background", exact=True).click()
    page.get_by_role("radio", name="Blue", exact=True).check()
    page.get_by_role("button", name="Save as new output").click()

    expect(page.get_by_text("Saved. It is among the outputs.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(f"^Download Composite on {BLUE}"))).to_be_visible()
    outputs = pipeline.api("GET", f"/results/{image_id}").json()["outputs"]
    (saved,) = (output for output in outputs if output["background"] == BLUE)
    with Image.open(BytesIO(requests.get(saved["url"], timeout=30).content)) as composite:
        assert composite.size == (512, 512)
        red, green, blue = composite.convert("RGB").getpixel((2, 2))
    assert abs(red - 0x1C) + abs(green - 0x7E) + abs(blue - 0xD6) < 12


def test_an_address_without_a_picture_says_so(visit: Visit) -> None:
    page = visit("/results/01890000-0000-7000-8000-000000000000", expected="404")

    expect(page.get_by_text("There is no such picture.")).to_be_visible()
    page.get_by_role("main").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Pictures")).to_be_visible()
