"""Bad days: repeated events, an endpoint that is gone, an analysis that does not answer. Nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import requests
from PIL import Image

from functions.core.identity import identify
from functions.core.models import Upload

FIXTURES = Path(__file__).parents[1] / "fixtures"


def output_of(pipeline, execution_arn: str, timeout_s: float = 60) -> dict:
    """The output of an execution, once it has ended well."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        execution = pipeline.step_functions.describe_execution(executionArn=execution_arn)
        if execution["status"] != "RUNNING":
            assert execution["status"] == "SUCCEEDED", execution
            return json.loads(execution["output"])
        time.sleep(0.2)
    raise AssertionError(f"{execution_arn} still runs after {timeout_s} s")


@contextmanager
def lost_events(pipeline) -> Iterator[None]:
    """No upload starts an execution."""
    events = pipeline.client("events")
    events.disable_rule(Name=pipeline.outputs["event_rule_name"])
    try:
        yield
    finally:
        events.enable_rule(Name=pipeline.outputs["event_rule_name"])


def age(pipeline, image_id: str, **changed: str) -> None:
    """Make it so that the last thing happened to the picture three hours ago, and left its record ``changed``."""
    fields = {"updated_at": (datetime.now(UTC) - timedelta(hours=3)).isoformat(), **changed}
    pipeline.client("dynamodb").update_item(
        TableName=pipeline.outputs["table"],
        Key={"image_id": {"S": image_id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in fields),
        ExpressionAttributeNames={f"#{name}": name for name in fields},
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in fields.items()},
    )


def run_function(pipeline, name: str, event: dict) -> None:
    """Run one of the functions as EventBridge does; ``name`` is its folder."""
    functions = pipeline.client("lambda")
    (function,) = (
        function["FunctionName"]
        for function in functions.list_functions()["Functions"]
        if function["FunctionName"].endswith(name)
    )
    answer = functions.invoke(FunctionName=function, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()


def task_errors(pipeline, execution_arn: str) -> list[str]:
    """The errors of the failed tries of an execution's tasks, in order."""
    history = pipeline.step_functions.get_execution_history(executionArn=execution_arn, maxResults=1000)
    failed = (event.get("taskFailedEventDetails") for event in history["events"])
    return [details["error"] for details in failed if details]


def resume(pipeline, image_id: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.resume", "--id", image_id]
    command += ["--stack", str(pipeline.stack.home / "stack.json")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_same_event_ten_times_at_once_gives_one_result_and_one_notice(pipeline, astronaut):
    with lost_events(pipeline):  # so that the only executions are the ten started here
        put = pipeline.put("uploads/ten-times.jpg", astronaut)
    item = {"key": put["key"], "version-id": put["version"], "etag": "", "size": len(astronaut), "sequencer": "0062"}
    event = json.dumps({"detail": {"bucket": {"name": put["bucket"]}, "object": item}})

    def start(_: int) -> str:
        execution = pipeline.step_functions.start_execution(
            stateMachineArn=pipeline.outputs["state_machine_arn"], input=event
        )
        return execution["executionArn"]

    with ThreadPoolExecutor(10) as pool:
        executions = list(pool.map(start, range(10)))
    statuses = sorted(output_of(pipeline, execution)["status"] for execution in executions)

    image_id = identify(Upload(**put, etag="", size=len(astronaut), sequencer="0062")).image_id
    assert statuses == ["DUPLICATE"] * 9 + ["SUCCEEDED"]
    assert pipeline.records.get(image_id).execution_arn in executions
    assert len(pipeline.notices(image_id, at_least=2, timeout_s=3)) == 1


def test_the_endpoint_gone_is_retried_then_failed_then_resumed(pipeline, astronaut):
    pipeline.stack.services["inference"].stop()
    try:
        image_id = pipeline.upload(astronaut, "endpoint-gone.jpg")
        failed = pipeline.wait(image_id, timeout_s=180)
    finally:
        pipeline.stack.services["inference"].start()

    errors = task_errors(pipeline, failed["execution_arn"])
    assert failed["status"] == "FAILED"
    assert "resume" in failed["status_reason"]
    assert errors.count("MaskEngineFailed") == 5, "the first call and its four retries"
    (notice,) = pipeline.notices(image_id)
    assert notice["MessageAttributes"]["status"]["Value"] == "FAILED"

    resumed = resume(pipeline, image_id)

    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    result = pipeline.wait(image_id, after_execution=failed["execution_arn"])
    assert result["status"] == "SUCCEEDED"
    assert len(pipeline.notices(image_id, at_least=2)) == 2


def test_an_inference_process_killed_at_work_is_replaced_and_the_picture_succeeds(pipeline, astronaut):
    inference = pipeline.stack.services["inference"]
    killed = inference.pid
    image_id = pipeline.upload(resized(astronaut, (3000, 3000)), "killed-at-work.jpg")
    deadline = time.monotonic() + 60
    while "matteflow_queue_depth 1.0" not in requests.get(f"{inference.url}/metrics", timeout=5).text:
        assert time.monotonic() < deadline, "the picture never came to the inference process"
    os.kill(killed, signal.SIGKILL)

    result = pipeline.wait(image_id, timeout_s=120)

    assert result["status"] == "SUCCEEDED", result
    assert set(task_errors(pipeline, result["execution_arn"])) <= {"MaskEngineBusy", "MaskEngineFailed"}
    assert task_errors(pipeline, result["execution_arn"])
    assert inference.pid != killed


def test_only_a_failed_picture_can_be_resumed(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "fine.jpg")
    pipeline.wait(image_id)

    resumed = resume(pipeline, image_id)

    assert resumed.returncode != 0
    assert "SUCCEEDED" in resumed.stdout + resumed.stderr


def test_the_analysis_gone_makes_the_result_partial(pipeline, astronaut):
    pipeline.stack.services["rekognition"].stop()
    try:
        result = pipeline.wait(pipeline.upload(astronaut, "analysis-gone.jpg"), timeout_s=180)
    finally:
        pipeline.stack.services["rekognition"].start()

    assert result["status"] == "PARTIAL", result
    assert set(result["analysis_parts"].values()) == {"FAILED"}
    assert result["needs_review"], "nobody has looked at what the picture shows"
    assert {output["kind"] for output in result["outputs"]} >= {"cutout", "matte", "thumbnail"}


def test_two_uploads_to_one_key_at_once_leave_the_newest_with_its_own_outputs(pipeline, astronaut):
    ticket = pipeline.api("POST", "/upload-url", json={"fileName": "twice.jpg", "fileType": "image/jpeg"}).json()

    def post(body: bytes) -> None:
        answer = requests.post(ticket["uploadUrl"], data=ticket["fields"], files={"file": body}, timeout=30)
        assert answer.ok, answer.text

    # A form can be sent twice; the first picture is large, so that it is still being processed when the second comes.
    post(resized(astronaut, (4000, 4000)))
    time.sleep(0.5)
    post(resized(astronaut, (300, 200)))

    newest = pipeline.wait(ticket["imageId"])
    if newest["image"]["width"] == 4000:  # the older one, seen before the newer one had its turn
        newest = pipeline.wait(ticket["imageId"], after_execution=newest["execution_arn"])

    assert newest["status"] == "SUCCEEDED"
    assert newest["image"]["width"] == 300
    assert "PictureBusy" in task_errors(pipeline, newest["execution_arn"])
    cutout = next(output for output in newest["outputs"] if output["kind"] == "cutout")
    with Image.open(BytesIO(requests.get(cutout["url"], timeout=30).content)) as picture:
        assert picture.size == (300, 200)


def resized(photograph: bytes, size: tuple[int, int]) -> bytes:
    file = BytesIO()
    Image.open(BytesIO(photograph)).resize(size).save(file, "JPEG", quality=90)
    return file.getvalue()


def test_a_picture_whose_execution_is_aborted_failed_and_can_be_resumed(pipeline, astronaut):
    pipeline.stack.services["inference"].stop()
    try:
        image_id = pipeline.upload(astronaut, "aborted.jpg")
        aborted = pipeline.wait_until_claimed(image_id)
        assert pipeline.api("POST", f"/results/{image_id}/resume").status_code == 409, "it is in process"
        pipeline.step_functions.stop_execution(executionArn=aborted)
        failed = pipeline.wait(image_id)
    finally:
        pipeline.stack.services["inference"].start()

    assert failed["status"] == "FAILED"
    assert failed["status_reason"].startswith("Processing was stopped (ABORTED).")
    assert {step["state"] for step in failed["steps"].values()} <= {"done", "failed"}
    (notice,) = pipeline.notices(image_id)
    assert failed["status_reason"] in notice["Message"]

    resumed = resume(pipeline, image_id)

    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert pipeline.wait(image_id, after_execution=aborted)["status"] == "SUCCEEDED"


def test_an_upload_whose_event_is_lost_is_found_and_processed(pipeline, astronaut):
    with lost_events(pipeline):
        image_id = pipeline.upload(astronaut, "event-lost.jpg")
    age(pipeline, image_id)

    for _ in range(2):
        run_function(pipeline, "reconcile_records", {})
    result = pipeline.wait(image_id)

    assert result["status"] == "SUCCEEDED"
    assert len(pipeline.notices(image_id, at_least=2, timeout_s=3)) == 1


def test_an_upload_that_never_came_is_looked_for_once(pipeline, astronaut):
    image_id = pipeline.ask_to_upload(astronaut, "never-came.jpg", "image/jpeg")["imageId"]
    age(pipeline, image_id)

    run_function(pipeline, "reconcile_records", {})

    key = {"image_id": {"S": image_id}}
    record = pipeline.client("dynamodb").get_item(TableName=pipeline.outputs["table"], Key=key)["Item"]
    assert record["status"]["S"] == "AWAITING_UPLOAD"
    assert "unsettled" not in record


def test_a_picture_whose_execution_ended_unheard_is_resumed(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "unheard.jpg")
    ended = pipeline.wait(image_id)["execution_arn"]
    output_of(pipeline, ended)
    age(pipeline, image_id, status="PROCESSING", unsettled="PROCESSING")

    run_function(pipeline, "reconcile_records", {})

    assert pipeline.wait(image_id, after_execution=ended)["status"] == "SUCCEEDED"


def test_the_end_of_an_execution_whose_picture_was_deleted_leaves_no_record(pipeline, astronaut):
    image_id = pipeline.upload(astronaut, "deleted-meanwhile.jpg")
    uploaded = pipeline.wait(image_id)["upload"]
    assert pipeline.api("DELETE", f"/results/{image_id}").status_code == 204
    item = {"key": uploaded["key"], "version-id": uploaded["version"], "etag": "", "size": 1, "sequencer": "0062"}
    end = json.loads((FIXTURES / "execution_status_change.json").read_text())
    end["detail"]["input"] = json.dumps({"detail": {"bucket": {"name": uploaded["bucket"]}, "object": item}})

    run_function(pipeline, "record_failure", end)

    assert pipeline.api("GET", f"/results/{image_id}").status_code == 404


def test_what_is_uploaded_to_a_deleted_picture_is_deleted(pipeline, astronaut):
    ticket = pipeline.ask_to_upload(astronaut, "too-late.jpg", "image/jpeg")
    assert pipeline.api("DELETE", f"/results/{ticket['imageId']}").status_code == 204
    with lost_events(pipeline):
        assert (
            requests.put(ticket["uploadUrl"], data=astronaut, headers=ticket["headers"], timeout=30).status_code == 200
        )
    age(pipeline, ticket["imageId"])

    run_function(pipeline, "reconcile_records", {})

    versions = pipeline.s3.list_object_versions(Bucket=pipeline.outputs["uploads_bucket"], Prefix=ticket["key"])
    assert "Versions" not in versions
    assert "DeleteMarkers" not in versions


def test_a_malformed_event_is_set_aside(pipeline):
    event = {"detail": {"bucket": {"name": "somebody-elses"}, "object": {"key": "uploads/boat.jpg"}}}
    started = pipeline.step_functions.start_execution(
        stateMachineArn=pipeline.outputs["state_machine_arn"], input=json.dumps(event)
    )

    kept = pipeline.client("sqs").receive_message(
        QueueUrl=pipeline.outputs["dead_letter_queue_url"], WaitTimeSeconds=10
    )["Messages"]

    assert [json.loads(message["Body"]) for message in kept] == [event]
    assert pipeline.states(started["executionArn"])[:2] == ["CheckEvent", "KeepMalformedEvent"]
