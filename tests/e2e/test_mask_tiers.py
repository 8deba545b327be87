"""The other ways to a mask: an asynchronous endpoint that is scaled to zero, and a function on the CPU."""

import time
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.e2e.test_faults import task_errors

OURS = [("matteflow", "OpenVINO"), ("matteflow", "CPUExecutionProvider")]  # with AMX and without


@pytest.fixture(scope="module")
def deploy(pipeline) -> Iterator[Callable[[str], None]]:
    """Give the running stack another tier; after the module's tests it has its own again."""

    def deploy(mask_tier: str) -> None:
        pipeline.deploy(mask_tier)

    yield deploy
    deploy("realtime")


def wait_for(what: str, holds: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.2)


def test_a_picture_is_submitted_again_and_waits_for_an_endpoint_that_wakes_up(pipeline, astronaut, deploy):
    deploy("async")
    runtime = pipeline.stack.services["sagemaker_runtime"]
    runtime.stop()
    image_id = pipeline.upload(astronaut, "asynchronous.jpg")
    execution = pipeline.wait_until_claimed(image_id)

    def is_warming() -> bool:
        steps = pipeline.api("GET", f"/results/{image_id}").json()["steps"]
        return steps["infer_mask"]["state"] == "warming"

    try:
        wait_for("the submission is refused", lambda: "MaskEngineBusy" in task_errors(pipeline, execution))
    finally:
        runtime.start()
    wait_for("the picture shows that the endpoint is warming", is_warming)
    result = pipeline.wait(image_id)

    assert result["status"] == "SUCCEEDED", result
    assert (result["mask"]["model"], result["mask"]["provider"]) in OURS
    assert set(task_errors(pipeline, execution)) == {"MaskEngineBusy"}


def test_an_asynchronous_inference_that_fails_fails_its_picture(pipeline, astronaut):
    # Given a picture for a model that the endpoint, still of the tier before, does not have
    ticket = pipeline.ask_to_upload(astronaut, "no-such-model.jpg", "image/jpeg")
    pipeline.client("dynamodb").update_item(
        TableName=pipeline.outputs["table"],
        Key={"image_id": {"S": ticket["imageId"]}},
        UpdateExpression="SET options.model = :gone",
        ExpressionAttributeValues={":gone": {"S": "gone"}},
    )
    requests.put(ticket["uploadUrl"], data=astronaut, headers=ticket["headers"], timeout=30).raise_for_status()

    result = pipeline.wait(ticket["imageId"])

    assert result["status"] == "FAILED"
    assert result["steps"]["infer_mask"]["state"] == "failed"
    assert "client error (400)" in result["steps"]["infer_mask"]["reason"]


def test_a_function_makes_the_mask(pipeline, astronaut, deploy):
    deploy("lambda")

    result = pipeline.wait(pipeline.upload(astronaut, "by-a-function.jpg"))

    assert result["status"] == "SUCCEEDED", result
    assert (result["mask"]["model"], result["mask"]["provider"]) in OURS
    assert pipeline.stack.outputs["mask_provider"] == "matteflow-local-inference"
