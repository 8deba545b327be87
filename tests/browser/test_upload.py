"""Uploads: from the file to the gallery, through lost connections, and what is refused with its reason."""

from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.person import choose, half, photograph
from tests.pipeline import Pipeline


def named(prefix: str, *photographs: str) -> list[FilePayload]:
    return [{**photograph(name), "name": f"{prefix} {name}.jpg"} for name in photographs]


def row(page: Page, file: FilePayload) -> Locator:
    """What a list, of uploads or of pictures, says of a file."""
    return page.get_by_role("listitem").filter(has_text=file["name"])


def test_three_pictures_appear_in_the_gallery_by_themselves(visit: Visit) -> None:
    gallery = visit("/")
    page = gallery.context.new_page()
    page.goto("/upload")
    files = named("new", "astronaut", "coffee", "chelsea")

    choose(page, *files)
    page.get_by_role("button", name="Upload 3 pictures").click()

    for file in files:
        expect(row(page, file)).to_contain_text("Done")
        expect(row(gallery, file)).to_contain_text("Done")
        expect(row(gallery, file).locator("img").first).to_have_js_property("complete", True)
    page.get_by_role("link", name=f"Open {files[0]['name']}").click()
    expect(page.get_by_role("heading", name=files[0]["name"])).to_be_visible()


def test_lost_connections_lose_nothing(visit: Visit, pipeline: Pipeline) -> None:
    page = visit("/upload", expected="net::ERR_")
    browser = page.context
    uploads, api = pipeline.outputs["uploads_bucket"], pipeline.outputs["api_url"]
    files = named("lost", "coffee", "chelsea")

    broken: list[Route] = []

    def break_off(route: Route) -> None:
        broken.append(route)
        if len(broken) > len(files):  # each was tried again by itself
            browser.set_offline(True)
        route.abort("connectionreset")

    # given connections that break while the files are being sent, and then a network that goes
    browser.route(f"**/{uploads}/**", break_off)
    choose(page, *files)
    page.get_by_role("button", name="Upload 2 pictures").click()
    for file in files:
        expect(row(page, file)).to_contain_text("You are offline")
    browser.unroute_all()

    # when it comes back, but the API does not answer for some seconds
    browser.route(f"{api}/results**", lambda route: route.abort("connectionrefused"))
    browser.set_offline(False)
    expect(page.get_by_text("What happens with your pictures cannot be read now.")).to_be_visible()
    browser.unroute_all()

    # then each file has arrived once, and the page goes on by itself
    for file in files:
        expect(row(page, file)).to_contain_text("Done")
    stored = pipeline.api("GET", "/results?name=lost%20").json()["items"]
    assert sorted(result["file_name"] for result in stored) == sorted(file["name"] for file in files)
    assert {result["status"] for result in stored} == {"SUCCEEDED"}


def test_what_is_no_picture_is_not_sent_and_a_broken_one_is_refused(visit: Visit, pipeline: Pipeline) -> None:
    page = visit("/upload")
    broken = half(photograph("rocket"))
    script: FilePayload = {"name": "picture.jpg", "mimeType": "image/jpeg", "buffer": b"<script>alert(1)</script>"}

    choose(page, broken, script)
    expect(row(page, script)).to_contain_text("This is not a picture of a kind that is taken")
    page.get_by_role("button", name="Upload 1 picture").click()

    expect(row(page, broken)).to_contain_text("Not taken")
    (refused,) = pipeline.api("GET", f"/results?name={broken['name']}").json()["items"]
    assert refused["status"] == "REJECTED"
    expect(row(page, broken)).to_contain_text(refused["status_reason"])
    assert pipeline.api("GET", f"/results?name={script['name']}").json()["items"] == []
