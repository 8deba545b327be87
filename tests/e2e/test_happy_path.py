"""A photograph travels the real way, and everything it leaves behind is right."""

import json
import unicodedata
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

EVERY_OUTPUT = {
    ("cutout", "png"),
    ("cutout", "webp"),
    ("matte", "png"),
    ("composite", "jpeg"),
    ("thumbnail", "jpeg"),
    ("cutout_thumbnail", "png"),
}


def opened(url: str) -> Image.Image:
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    picture = Image.open(BytesIO(answer.content))
    picture.load()
    return picture


def test_a_presigned_upload_becomes_every_output(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "astronaut.jpg")

    result = pipeline.wait(image_id)

    assert result["status"] == "SUCCEEDED", result
    assert {(output["kind"], output["format"].lower()) for output in result["outputs"]} == EVERY_OUTPUT
    for output in result["outputs"]:
        picture = opened(output["url"])
        assert picture.size == (output["width"], output["height"])
        assert picture.format.lower() == output["format"].lower()


def test_the_cutout_shows_the_person_and_not_the_background(pipeline, astronaut):
    result = pipeline.wait(pipeline.upload(astronaut, "astronaut.jpg"))

    cutout = next(
        output for output in result["outputs"] if (output["kind"], output["format"].lower()) == ("cutout", "png")
    )
    picture = opened(cutout["url"])
    alpha = np.asarray(picture.getchannel("A"))

    assert picture.size == (512, 512)
    assert alpha[90:180, 190:250].mean() > 230, "her face is kept"
    assert alpha[300:480, 150:300].mean() > 230, "her suit is kept"
    assert alpha[5:120, 5:60].mean() < 25, "the flag is gone"
    assert not np.asarray(picture)[..., :3][alpha == 0].any(), "nothing hides behind the transparency"


def test_options_choose_what_is_made_and_where_it_lies(pipeline, astronaut):
    # Given a finished picture to stand before, and options of every kind
    background = pipeline.wait(pipeline.upload(astronaut, "studio.jpg"))
    options = {
        "outputs": ["cutout", "matte", "matte_preview", "composite"],
        "formats": ["png", "webp", "webp_lossy", "avif"],
        "crop": {"margin": 0},
        "background": background["image_id"],
        "shadow": {"opacity": 60},
        "thumbnail_sizes": [{"width": 64, "height": 128, "fit": "focal"}],
    }
    result = pipeline.wait(pipeline.upload(astronaut, "astronaut.jpg", options=options))

    # Then each is there, at the size and place that it names
    assert result["status"] == "SUCCEEDED", result
    assert {Path(output["key"]).name for output in result["outputs"]} == {
        "cutout.png",
        "cutout.webp",
        "cutout.lossy.webp",
        "cutout.avif",
        "matte.png",
        "matte_preview.jpg",
        "composite.jpg",
        "thumbnail_64x128_focal.jpg",
        "cutout_thumbnail_64x128_focal.png",
    }
    for output in result["outputs"]:
        assert opened(output["url"]).size == (output["width"], output["height"])
    window = next(output["window"] for output in result["outputs"] if output["kind"] == "matte")
    assert (window["width"], window["height"]) < (1, 1)
    assert window["left"] == pytest.approx(result["mask"]["subject"]["left"], abs=0.05)
    # And her face is in the thumbnail
    seen = next(output["window"] for output in result["outputs"] if output["kind"] == "thumbnail")
    face = result["faces"][0]["box"]
    assert seen["left"] <= face["left"]
    assert seen["left"] + seen["width"] >= face["left"] + face["width"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"formats": ["png", "png"]}, "options.formats"),
        ({"crop": {"margin": 99}}, "options.crop.margin"),
        ({"background": "11111111-1111-7111-8111-111111111111"}, "options.background"),
    ],
)
def test_a_bad_option_is_refused_by_name(pipeline, options, field):
    answer = pipeline.api(
        "POST", "/upload-url", json={"fileName": "a.jpg", "fileType": "image/jpeg", "size": 9, "options": options}
    )
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_record_tells_the_whole_story(pipeline, astronaut):
    result = pipeline.wait(pipeline.upload(astronaut, "astronaut.jpg"))

    assert result["image"]["width"] == result["image"]["height"] == 512
    assert result["image"]["format"] == "JPEG"
    assert result["mask"]["model"] == "matteflow"
    assert {"validate_image", "infer_mask", "analyze_image", "apply_mask"} <= result["timings"].keys()
    assert result["faces"], "the stand-in finds her face in the pixels"
    assert "Face" in {label["name"] for label in result["labels"]}
    assert result["properties"]["dominant_colors"]


def test_the_masks_bucket_holds_mask_proxy_and_metadata(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "astronaut.jpg")
    pipeline.wait(image_id)

    assert {"mask.png", "proxy.jpg", "metadata.json"} <= pipeline.objects("masks_bucket", image_id)
    metadata = pipeline.s3.get_object(Bucket=pipeline.outputs["masks_bucket"], Key=f"{image_id}/metadata.json")
    assert json.load(metadata["Body"])["image_id"] == image_id


def test_the_endpoint_reads_a_picture_that_a_request_names(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "astronaut.jpg")
    pipeline.wait(image_id)
    named = {"image": {"bucket": pipeline.outputs["masks_bucket"], "key": f"{image_id}/proxy.jpg"}}

    answer = pipeline.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=pipeline.outputs["mask_provider"], ContentType="application/json", Body=json.dumps(named)
    )

    assert Image.open(answer["Body"]).size == (512, 512)


def test_the_upload_key_is_in_the_output_of_every_state(pipeline, astronaut):
    result = pipeline.wait(pipeline.upload(astronaut, "astronaut.jpg"))

    history = pipeline.step_functions.get_execution_history(executionArn=result["execution_arn"], maxResults=1000)
    exited = [event["stateExitedEventDetails"] for event in history["events"] if "stateExitedEventDetails" in event]
    outputs = {state["name"]: json.loads(state["output"]) for state in exited}
    # CheckEvent hands on the event itself; a Parallel state's output has one part a branch.
    assert outputs.pop("CheckEvent")["detail"]["object"]["key"] == result["upload"]["key"]
    parts = [part for output in outputs.values() for part in (output if isinstance(output, list) else [output])]
    assert outputs.keys() > {"ValidateImage", "UnderstandImage", "ApplyMask", "SaveResult", "Notify"}
    assert {part["upload"]["key"] for part in parts} == {result["upload"]["key"]}


def test_one_notice_with_attributes_to_filter_by(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "holiday.jpg")
    pipeline.wait(image_id)

    (notice,) = pipeline.notices(image_id)

    assert {name: attribute["Value"] for name, attribute in notice["MessageAttributes"].items()} == {
        "status": "SUCCEEDED",
        "image_id": image_id,
        "owner": pipeline.person.owner,
    }
    assert "holiday.jpg" in notice["Message"]
    assert f"{pipeline.outputs['dashboard_url']}/results/{image_id}" in notice["Message"]


def test_an_upload_is_found_by_its_key_with_slashes_in_it(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "by-key.jpg")

    result = pipeline.wait_for_file(f"{pipeline.person.owner}/{image_id}/by-key.jpg")

    assert result["image_id"] == image_id


def test_an_unknown_path_is_answered_as_a_problem(pipeline):
    answer = pipeline.api("GET", "/no/such/path")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_upload_without_a_known_size_uses_a_form(pipeline, astronaut):
    ticket = pipeline.api("POST", "/upload-url", json={"fileName": "form.jpg", "fileType": "image/jpeg"}).json()

    answer = requests.post(ticket["uploadUrl"], data=ticket["fields"], files={"file": astronaut}, timeout=30)

    assert ticket["method"] == "POST"
    assert answer.status_code in (200, 201, 204), answer.text
    assert pipeline.wait(ticket["imageId"])["status"] == "SUCCEEDED"


def test_the_options_of_an_upload_shape_its_outputs(pipeline, astronaut):
    options = {"formats": ["webp"], "background": "#ff0000", "thumbnail_sizes": [{"width": 64, "height": 64}]}

    result = pipeline.wait(pipeline.upload(astronaut, "options.jpg", options=options))

    outputs = {(output["kind"], output["format"].lower()): output for output in result["outputs"]}
    assert ("cutout", "png") not in outputs
    assert (outputs["thumbnail", "jpeg"]["width"], outputs["thumbnail", "jpeg"]["height"]) == (64, 64)
    red, green, blue = opened(outputs["composite", "jpeg"]["url"]).getpixel((20, 20))
    assert red > 200 > 60 > max(green, blue)


@pytest.mark.parametrize(
    "file_name",
    [
        "a b+c.jpg",
        "x%2Fy.jpg",
        "100%25.jpg",
        "\N{GRINNING FACE}.jpg",
        unicodedata.normalize("NFD", "\N{LATIN SMALL LETTER E WITH ACUTE}t\N{LATIN SMALL LETTER E WITH ACUTE}.jpg"),
    ],
    ids=["space and plus", "percent escape", "escaped percent", "emoji", "NFD"],
)
def test_a_file_put_straight_into_the_bucket_keeps_its_exact_key(pipeline, astronaut, file_name):
    path = f"{pipeline.person.owner}/{file_name}"
    pipeline.put(f"uploads/{path}", astronaut)

    result = pipeline.wait_for_file(path)

    assert result["status"] == "SUCCEEDED", result
    assert result["upload"]["key"] == f"uploads/{path}"


def test_five_photographs_by_the_public_api(pipeline, photographs: list[Path]):
    image_ids = {photograph: pipeline.upload(photograph.read_bytes(), photograph.name) for photograph in photographs}

    for photograph, image_id in image_ids.items():
        result = pipeline.wait(image_id)
        with Image.open(photograph) as original:
            size = original.size
        assert result["status"] == "SUCCEEDED", result
        assert (result["image"]["width"], result["image"]["height"]) == size
        for output in result["outputs"]:
            assert opened(output["url"]).size == (output["width"], output["height"])
            if output["kind"] in ("cutout", "matte", "composite"):
                assert (output["width"], output["height"]) == size


def test_results_are_listed_newest_first_page_by_page(pipeline, astronaut):
    first, second = (pipeline.upload(astronaut, f"{name}.jpg") for name in ("first", "second"))
    for image_id in (first, second):
        pipeline.wait(image_id)

    page = pipeline.api("GET", "/results", params={"limit": 1, "status": "SUCCEEDED"}).json()
    next_page = pipeline.api(
        "GET", "/results", params={"limit": 1, "status": "SUCCEEDED", "cursor": page["next_cursor"]}
    ).json()

    assert [page["items"][0]["image_id"], next_page["items"][0]["image_id"]] == [second, first]


def test_deleting_a_result_leaves_nothing_of_it(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "delete.jpg")
    key = pipeline.wait(image_id)["upload"]["key"]

    answer = pipeline.api("DELETE", f"/results/{image_id}")

    assert answer.status_code == 204
    assert pipeline.api("GET", f"/results/{image_id}").status_code == 404
    assert pipeline.objects("masks_bucket", image_id) == pipeline.objects("results_bucket", image_id) == set()
    versions = pipeline.s3.list_object_versions(Bucket=pipeline.outputs["uploads_bucket"], Prefix=key)
    assert not versions.get("Versions")


def test_the_api_is_healthy_and_describes_itself(pipeline):
    health = pipeline.api("GET", "/health")
    document = pipeline.api("GET", "/openapi.json").json()

    assert health.status_code == 200, health.text
    assert document["openapi"].startswith("3.1")
    assert {"/upload-url", "/results", "/results/{image_id}"} <= document["paths"].keys()
