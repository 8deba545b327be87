"""The gallery: its way by keyboard, several pictures at once, and a deletion that can be taken back."""

import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.person import photograph
from tests.pipeline import Pipeline

MOST_TABS = 40  # from the top of the page to the first picture
# The link of a picture has the outline of its card.
FOCUS_IS_SEEN = """(node) => [node, node.closest("li") ?? node]
  .some((shown) => getComputedStyle(shown).outlineStyle !== "none")"""


def test_a_picture_is_reached_and_opened_by_keys_alone(visit: Visit, processed: dict[str, str]) -> None:
    page = visit("/")
    page.get_by_role("link", name="astronaut.jpg", exact=True).wait_for()
    links_seen = []

    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.evaluate("node => node.matches('a, button')"):
            links_seen.append(focused.evaluate(FOCUS_IS_SEEN))
        if focused.get_attribute("href") == f"/results/{processed['astronaut.jpg']}":
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="astronaut.jpg")).to_be_visible()
    assert len(links_seen) > 5
    assert all(links_seen)


@pytest.mark.usefixtures("processed")
def test_several_cutouts_come_as_one_zip_file(visit: Visit) -> None:
    page = visit("/")
    page.add_init_script("delete window.showSaveFilePicker")  # a dialogue of the system, which no page can answer
    page.reload()
    for name in ("astronaut.jpg", "coffee.jpg"):
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()

    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download 2 cut-outs").click()

    with zipfile.ZipFile(downloading.value.path()) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 2
        assert all(archive.read(name).startswith(b"\x89PNG") for name in archive.namelist())


def test_a_deletion_is_taken_back_and_the_next_one_is_not(visit: Visit, pipeline: Pipeline) -> None:
    file = photograph("rocket")
    image_id = pipeline.upload(file["buffer"], file["name"])
    pipeline.wait(image_id)
    page = visit("/")
    picture = page.get_by_role("link", name=file["name"], exact=True)

    def delete() -> None:
        page.get_by_role("checkbox", name=f"Select {file['name']}", exact=True).check()
        page.get_by_role("region", name="Selected pictures").get_by_role("button", name="Delete").click()
        expect(picture).to_have_count(0)

    delete()
    page.get_by_role("button", name="Undo").click()
    expect(picture).to_be_visible()
    page.reload()
    expect(picture).to_be_visible()
    delete()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleting:
        expect(page.get_by_role("button", name="Undo")).to_have_count(0)

    assert deleting.value.status == 204
    assert pipeline.api("GET", f"/results/{image_id}").status_code == 404
    expect(picture).to_have_count(0)
