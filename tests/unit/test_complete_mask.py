"""A mask in the endpoint's own time: submitted by InferMask, taken in by complete_mask, told to the waiting task."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from PIL import Image, PngImagePlugin

from functions.complete_mask import handler as complete_mask
from functions.core.errors import EndpointMisconfigured
from functions.core.identity import Identity
from functions.core.mask_engine import CUSTOM_ATTRIBUTES
from functions.core.models import InferMaskResult, Status
from functions.core.record_store import RecordStore, new_record
from functions.infer_mask import handler as infer_mask
from scripts.local_stack.async_inference import scale
from tests.loopback import Posted, Reply, answering
from tests.unit.buckets import MASKS_BUCKET
from tests.unit.endpoint import FACTS, Endpoint
from tests.unit.lambda_context import Context
from tests.unit.pictures import encoded
from tests.unit.record_table import fixture
from tests.unit.test_infer_mask import ENVIRONMENT, REQUEST, SIZE

pytestmark = pytest.mark.usefixtures("s3", "records")

ASKED = REQUEST.model_copy(update={"task_token": "AQCEAAAAKgAAAAMAAAAA" * 40})


class StepFunctions:
    """It remembers what it is told of one task, which waits until it has ended."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.waits = True

    def __call__(self, posted: Posted) -> Reply:
        action = posted.headers["x-amz-target"].removeprefix("AWSStepFunctions.SendTask")
        if not self.waits:
            return Reply(b'{"__type": "TaskTimedOut", "message": "ended"}', {}, 400)
        if action != "Heartbeat":
            self.told.append((action, json.loads(posted.body)))
            self.waits = False
        return Reply(b"{}", {})


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[StepFunctions]:
    workflow = StepFunctions()
    with answering(workflow) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", url)
        yield workflow


@pytest.fixture(autouse=True)
def _deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "MASK_TIER": "async"}.items():
        monkeypatch.setenv(name, value)
    for module in (infer_mask, complete_mask):
        monkeypatch.setattr(module, "_dependencies", module._dependencies.__wrapped__)  # nothing kept between tests


@pytest.fixture
def claimed(records: RecordStore) -> RecordStore:
    """The records, with the picture in process."""
    identity = Identity(REQUEST.image_id, "public", "picture.jpg")
    records.create(new_record(identity, REQUEST.upload, Status.PROCESSING, REQUEST.execution_arn, 1))
    return records


def instances(count: int) -> None:
    """Make the endpoint, with so many instances."""
    sagemaker = boto3.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/inference"
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
    variant = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="masks", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="masks", EndpointConfigName="masks")
    scale(sagemaker, "masks", count)


def submit(endpoint: Endpoint) -> str:
    """Submit; the id of the inference."""
    endpoint.answer_with(202, b"{}", {"Content-Type": "application/json"})
    answer = infer_mask.handler(ASKED.model_dump(mode="json"), Context())
    assert ASKED.task_token not in json.dumps(answer)
    return str(answer["inference_id"])


def completed(s3: S3Client, inference_id: str, mask: bytes) -> dict[str, Any]:
    s3.put_object(Bucket=MASKS_BUCKET, Key="inference/out", Body=mask)
    location = f"s3://{MASKS_BUCKET}/inference/out"
    return notice(inference_id, invocationStatus="Completed", responseParameters={"outputLocation": location})


def left_in(s3: S3Client) -> list[str]:
    """What there is of inferences in the masks bucket."""
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=MASKS_BUCKET, Prefix="inference/").get("Contents", [])]


def notice(inference_id: str, **facts: Any) -> dict[str, Any]:
    """The event of a topic with SageMaker's notice in it."""
    event: dict[str, Any] = fixture("sns_inference_notice")
    sns = event["Records"][0]["Sns"]
    sns["Message"] = json.dumps(json.loads(sns["Message"]) | {"inferenceId": inference_id} | facts)
    return event


def png(size: tuple[int, int] = SIZE, facts: str = FACTS) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text(CUSTOM_ATTRIBUTES, facts)
    return encoded(Image.new("L", size, 255), pnginfo=text)


def test_a_mask_that_comes_ends_the_task_as_a_synchronous_call_does(
    s3: S3Client, endpoint: Endpoint, workflow: StepFunctions
) -> None:
    inference_id = submit(endpoint)
    complete_mask.handler(completed(s3, inference_id, png()), Context())

    ((action, message),) = workflow.told
    assert (action, message["taskToken"]) == ("Success", ASKED.task_token)
    payload = json.loads(message["output"])["Payload"]
    assert payload.pop("elapsed_ms") > 0
    assert left_in(s3) == []
    mask = InferMaskResult.model_validate(payload).mask
    assert (mask.model, mask.provider, mask.inference_ms, mask.coverage) == ("u2netp", "CPUExecutionProvider", 12.5, 1)
    assert s3.get_object(Bucket=MASKS_BUCKET, Key=mask.key)["Body"].read() == png()


def test_a_notice_that_comes_twice_or_late_changes_nothing(
    s3: S3Client, endpoint: Endpoint, workflow: StepFunctions
) -> None:
    inference_id = submit(endpoint)
    event = completed(s3, inference_id, png())
    submission = s3.get_object(Bucket=MASKS_BUCKET, Key=f"inference/{inference_id}.json")["Body"].read()
    complete_mask.handler(event, Context())
    complete_mask.handler(event, Context())
    # Given that the first one was cut off before it had deleted everything
    s3.put_object(Bucket=MASKS_BUCKET, Key="inference/out", Body=b"of another picture by now")
    s3.put_object(Bucket=MASKS_BUCKET, Key=f"inference/{inference_id}.json", Body=submission)
    complete_mask.handler(event, Context())

    assert len(workflow.told) == 1
    assert left_in(s3) == []
    assert s3.get_object(Bucket=MASKS_BUCKET, Key=f"{REQUEST.image_id}/mask.png")["Body"].read() == png()


def test_a_notice_of_an_inference_that_was_not_submitted_here_is_ignored(s3: S3Client, workflow: StepFunctions) -> None:
    complete_mask.handler(completed(s3, "somebody-else-s", png()), Context())
    assert workflow.told == []


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("ClientError: Received server error (503) from model. See the logs.", "MaskEngineBusy"),
        ("ClientError: Received server error (500) from model. See the logs.", "MaskEngineFailed"),
        ("ClientError: Received client error (400) from model. See the logs.", "MaskRejected"),
        ("InternalServerError", "MaskEngineFailed"),
    ],
)
def test_a_failed_inference_ends_the_task_with_the_error_of_a_synchronous_call(
    s3: S3Client, endpoint: Endpoint, workflow: StepFunctions, reason: str, error: str
) -> None:
    inference_id = submit(endpoint)
    s3.put_object(Bucket=MASKS_BUCKET, Key="inference/error", Body=b"{}")
    response = {"failureLocation": f"s3://{MASKS_BUCKET}/inference/error"}
    failed = {"invocationStatus": "Failed", "failureReason": reason, "responseParameters": response}
    complete_mask.handler(notice(inference_id, **failed), Context())

    ((action, message),) = workflow.told
    assert (action, message["error"]) == ("Failure", error)
    assert reason in json.loads(message["cause"])["errorMessage"]
    assert left_in(s3) == []


@pytest.mark.parametrize("answer", [png((48, 64)), png(facts="model=u2netp"), b"{}"], ids=["size", "facts", "no mask"])
def test_what_is_no_mask_of_the_picture_ends_the_task_with_a_rejection(
    s3: S3Client, endpoint: Endpoint, workflow: StepFunctions, answer: bytes
) -> None:
    complete_mask.handler(completed(s3, submit(endpoint), answer), Context())
    ((action, message),) = workflow.told
    assert (action, message["error"]) == ("Failure", "MaskRejected")


def test_every_try_is_an_inference_of_its_own(endpoint: Endpoint) -> None:
    endpoint.answer_with(202, b"{}", {"Content-Type": "application/json"})
    again = ASKED.model_copy(update={"task_token": "another"}).model_dump(mode="json")
    assert submit(endpoint) != infer_mask.handler(again, Context())["inference_id"]


def test_an_execution_that_waits_for_no_token_is_told_that_the_tier_was_changed(endpoint: Endpoint) -> None:
    with pytest.raises(EndpointMisconfigured, match="tier was changed"):
        infer_mask.handler(REQUEST.model_dump(mode="json"), Context())
    assert endpoint.received == []


def test_a_control_plane_that_does_not_say_how_many_instances_there_are_holds_nobody_up(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    control_plane = Endpoint()
    control_plane.refuse_with(400, "Throttling", {"Message": "Rate exceeded"})
    with answering(control_plane) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", url)
        submit(endpoint)
    assert (len(control_plane.received), len(endpoint.received)) == (1, 1)


def step_states(records: RecordStore) -> dict[str, str]:
    record = records.get(REQUEST.image_id)
    assert record is not None
    return {name: step.state for name, step in record.steps.items()}


@pytest.mark.parametrize(("count", "state"), [(0, "warming"), (1, "running")])
def test_the_record_says_whether_an_instance_has_to_start_first(
    claimed: RecordStore, endpoint: Endpoint, count: int, state: str
) -> None:
    instances(count)
    submit(endpoint)
    assert step_states(claimed) == {"infer_mask": state}


@pytest.mark.usefixtures("workflow")
@pytest.mark.parametrize(("answer", "state"), [(png(), "done"), (b"{}", "failed")], ids=["mask", "no mask"])
def test_the_record_says_how_the_inference_ended(
    claimed: RecordStore, s3: S3Client, endpoint: Endpoint, answer: bytes, state: str
) -> None:
    complete_mask.handler(completed(s3, submit(endpoint), answer), Context())
    assert step_states(claimed) == {"infer_mask": state}
