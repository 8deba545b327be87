"""What the dashboard asks of the API: steps as they happen, lists by name and label, numbers, composites, resuming."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
import requests
from PIL import Image

STEPS = ["validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result"]


@pytest.fixture(scope="module")
def finished(pipeline, astronaut) -> dict[str, Any]:
    return pipeline.wait(pipeline.upload(astronaut, "Straße am Café.jpg"))


@pytest.fixture(scope="module")
def table(pipeline) -> Any:
    return pipeline.deployment.table()


def test_each_step_is_seen_while_it_happens_and_after(pipeline, astronaut):
    # Given a picture that is large enough to be watched
    large = BytesIO()
    Image.open(BytesIO(astronaut)).resize((2000, 2000)).save(large, "JPEG")
    image_id = pipeline.upload(large.getvalue(), "watched.jpg")

    # When its record is polled until it ends
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["status"] in ("AWAITING_UPLOAD", "PROCESSING"):
        seen.append(pipeline.api("GET", f"/results/{image_id}").json())
        time.sleep(0.05)

    # Then steps were seen running, of a record in process, and each has ended
    running = {name for result in seen[:-1] for name, step in result["steps"].items() if step["state"] == "running"}
    last = seen[-1]["steps"]
    assert seen[-1]["status"] == "SUCCEEDED"
    assert "infer_mask" in running
    assert sorted(last) == sorted(STEPS)
    assert {(step["state"], step["attempts"], step["reason"]) for step in last.values()} == {("done", 1, None)}
    assert all(step["started_at"] <= step["ended_at"] for step in last.values())
    starts = [last[name]["started_at"] for name in ("validate_image", "infer_mask", "apply_mask", "save_result")]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"name": "STRASSE AM"}, True),
        ({"name": "cafe\N{COMBINING ACUTE ACCENT}"}, True),
        ({"name": "no such name"}, False),
        ({"label": "face", "name": "straße"}, True),
        ({"label": "fac"}, False),
        ({"label": "Face", "status": "FAILED"}, False),
    ],
)
def test_a_picture_is_found_by_name_and_label(pipeline, finished, query, is_found):
    page = pipeline.api("GET", "/results", params={"limit": 100, **query}).json()

    assert (finished["image_id"] in {item["image_id"] for item in page["items"]}) == is_found


def test_a_listed_picture_shows_itself_and_its_cutout(pipeline, finished):
    page = pipeline.api("GET", "/results", params={"name": "straße"}).json()
    (item,) = [item for item in page["items"] if item["image_id"] == finished["image_id"]]

    assert (item["width"], item["height"]) == (512, 512)
    assert "Face" in item["labels"]
    for kind in ("thumbnail", "cutout_thumbnail"):
        shown = requests.get(item[kind]["url"], timeout=30)
        assert Image.open(BytesIO(shown.content)).size == (item[kind]["width"], item[kind]["height"]) == (480, 480)


def test_the_metrics_count_the_picture(pipeline, finished):
    metrics = pipeline.api("GET", "/metrics", params={"days": 1}).json()

    assert metrics["complete"]
    assert metrics["by_status"]["SUCCEEDED"] >= 1
    assert 0 < metrics["success_share"] <= 1
    assert sum(day["pictures"] for day in metrics["days"]) == metrics["pictures"] >= 1
    assert metrics["steps"]["apply_mask"]["p95_ms"] >= metrics["steps"]["apply_mask"]["median_ms"] > 0
    assert finished["labels"][0]["name"] in {label["name"] for label in metrics["labels"]}


def test_the_intake_says_what_is_taken(pipeline):
    intake = pipeline.api("GET", "/intake").json()

    assert "image/jpeg" in intake["accepted_types"]
    assert intake["max_pixels"] == 50_000_000
    assert intake["default_options"]["background"] == "#ffffff"


def test_a_composite_asked_for_twice_at_once_is_made_and_listed_once(pipeline, finished):
    asked = {"background": "#00FF00", "shadow": {"opacity": 40}}
    path = f"/results/{finished['image_id']}/composites"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: pipeline.api("POST", path, json=asked), range(2)))

    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    first, second = (answer.json() for answer in answers)
    picture = Image.open(BytesIO(requests.get(first["url"], timeout=30).content))
    assert first["key"] == second["key"]
    assert (first["kind"], first["background"]) == ("composite", "#00ff00")
    assert picture.size == (first["width"], first["height"]) == (512, 512)
    red, green, blue = picture.getpixel((20, 60))
    assert green > 200 > 60 > max(red, blue), "behind her is the new background"
    now = pipeline.api("GET", f"/results/{finished['image_id']}").json()
    assert [output["key"] for output in now["outputs"]].count(first["key"]) == 1
    assert len(now["outputs"]) == len(finished["outputs"]) + 1
    assert now["steps"] == finished["steps"]
    # And another background is another composite
    other = pipeline.api("POST", path, json={"background": "blur", "crop": {}}).json()
    assert other["key"] != first["key"]
    assert other["window"]


def test_a_failed_picture_is_resumed_by_the_api_once(pipeline, astronaut, table):
    # Given a picture that failed for a model that the endpoint does not have
    ticket = pipeline.ask_to_upload(astronaut, "resumed.jpg", "image/jpeg")
    image_id, key = ticket["imageId"], {"image_id": ticket["imageId"]}
    table.update_item(
        Key=key, UpdateExpression="SET options.model = :gone", ExpressionAttributeValues={":gone": "gone"}
    )
    requests.put(ticket["uploadUrl"], data=astronaut, headers=ticket["headers"], timeout=30).raise_for_status()
    failed = pipeline.wait(image_id)
    assert failed["status"] == "FAILED"
    assert failed["steps"]["infer_mask"]["state"] == "failed"
    assert "gone" in failed["steps"]["infer_mask"]["reason"]
    assert all(step["ended_at"] for step in failed["steps"].values())

    # When it is asked to be resumed twice at once, now that nothing is in its way
    table.update_item(Key=key, UpdateExpression="REMOVE options.model")
    path = f"/results/{image_id}/resume"
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: pipeline.api("POST", path), range(2)))

    # Then one execution does it, from fresh steps, and what has succeeded is not resumed
    assert 202 in {answer.status_code for answer in answers} <= {202, 409}, answers[0].text
    (execution_arn,) = {answer.json()["execution_arn"] for answer in answers if answer.status_code == 202}
    result = pipeline.wait(image_id, after_execution=failed["execution_arn"])
    assert (result["status"], result["execution_arn"]) == ("SUCCEEDED", execution_arn)
    assert {step["attempts"] for step in result["steps"].values()} == {1}
    refused = pipeline.api("POST", path)
    assert refused.status_code == 409
    assert "SUCCEEDED" in refused.json()["detail"]


def test_a_page_of_the_dashboard_may_read_what_it_is_shown(pipeline, finished):
    origin = pipeline.outputs["dashboard_url"]

    for url in (finished["outputs"][0]["url"], *finished["links"].values()):
        answer = requests.get(url, headers={"Origin": origin}, timeout=30)
        assert answer.headers["Access-Control-Allow-Origin"] in (origin, "*"), "MiniStack itself lets everyone in"
    for name in ("uploads_bucket", "masks_bucket", "results_bucket"):
        (rule,) = pipeline.s3.get_bucket_cors(Bucket=pipeline.outputs[name])["CORSRules"]
        assert origin in rule["AllowedOrigins"]
        assert "*" not in rule["AllowedOrigins"]
        assert {"GET", "HEAD"} <= set(rule["AllowedMethods"])
        assert {"Content-Disposition", "Content-Length", "ETag"} <= set(rule["ExposeHeaders"])
