"""What the alarms and the dashboard name exists: metrics that AWS documents, or that the functions and filters publish.

CloudWatch takes any name, and an alarm on a metric that nobody publishes is silent for ever.
"""

import contextlib
import io
import itertools
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws
from PIL import Image

from functions.core.identity import identify
from functions.core.image_store import ImageStore
from functions.core.mask_engine import EngineAnswer
from functions.core.mask_keeping import keep_mask
from functions.core.models import (
    ANALYSIS_PARTS,
    Analysis,
    Failure,
    ImageFacts,
    InferMaskRequest,
    Moderation,
    PartStatus,
    ProcessingOptions,
    Proxy,
    SaveResultRequest,
    Status,
)
from functions.core.saving import save_cut_off, save_result
from functions.core.workflow import Workflow
from functions.reconcile_records.reconciling import reconcile_records
from scripts.terraform import PROJECT
from tests.infrastructure.deployment import Deployment
from tests.unit.buckets import MASKS_BUCKET, UPLOADS_BUCKET, make_buckets
from tests.unit.pictures import encoded
from tests.unit.record_table import EXECUTION, STATE_MACHINE, make_records, make_upload

RUNBOOK = PROJECT / "RUNBOOK.md"
FREE_METRICS_OF_A_DASHBOARD = 50
TIERS = ("deployment", "async", "lambda")
OF_AUTO_SCALING = {"async-backlog-without-capacity"}

STATE_MACHINE_ARN = frozenset({"StateMachineArn"})
API_ID = frozenset({"ApiId"})
FUNCTION_NAME = frozenset({"FunctionName"})
ACCOUNT: frozenset[str] = frozenset()
QUEUE_NAME = frozenset({"QueueName"})
ENDPOINT_NAME = frozenset({"EndpointName"})
VARIANT = frozenset({"EndpointName", "VariantName"})

# What AWS documents, as far as it is watched: by namespace, the dimensions of a metric.
OF_AWS: dict[str, dict[str, frozenset[str]]] = {
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html
    "AWS/Billing": {"EstimatedCharges": frozenset({"Currency"})},
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "AWS/States": {
        "ExecutionsStarted": STATE_MACHINE_ARN,
        "ExecutionsFailed": STATE_MACHINE_ARN,
        "ExecutionsTimedOut": STATE_MACHINE_ARN,
        "ExecutionsAborted": STATE_MACHINE_ARN,
        "ExecutionThrottled": STATE_MACHINE_ARN,
    },
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    "AWS/ApiGateway": {"Count": API_ID, "4xx": API_ID, "5xx": API_ID, "Latency": API_ID},
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": {
        "Invocations": FUNCTION_NAME,
        "Errors": FUNCTION_NAME,
        "Duration": FUNCTION_NAME,
        "Throttles": ACCOUNT,
        "ConcurrentExecutions": ACCOUNT,
    },
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible": QUEUE_NAME, "ApproximateAgeOfOldestMessage": QUEUE_NAME},
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": {"ThrottledRequests": frozenset({"TableName", "Operation"})},
    # https://docs.aws.amazon.com/rekognition/latest/dg/rekognition-monitoring.html
    "AWS/Rekognition": {"ThrottledCount": ACCOUNT},
    # https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html and
    # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    "AWS/SageMaker": {
        "Invocations": VARIANT,
        "Invocation5XXErrors": VARIANT,
        "ModelLatency": VARIANT,
        "ApproximateAgeOfOldestRequest": ENDPOINT_NAME,
        "ApproximateBacklogSize": ENDPOINT_NAME,
        "HasBacklogWithoutCapacity": ENDPOINT_NAME,
    },
    "/aws/sagemaker/Endpoints": {"GPUUtilization": VARIANT, "GPUMemoryUtilization": VARIANT},
}


class Metric(NamedTuple):
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def alarmed(deployment: Deployment) -> dict[str, list[Metric]]:
    """The metrics of every alarm, those of auto scaling too, by the alarm's name without the prefix."""
    metrics: dict[str, list[Metric]] = {}
    for values in deployment.of_type("aws_cloudwatch_metric_alarm").values():
        asked = [part for query in values["metric_query"] for part in query["metric"]] or [values]
        metrics[values["alarm_name"].removeprefix("matteflow-test-")] = [
            Metric(each["namespace"], each["metric_name"], frozenset((each["dimensions"] or {}).items()))
            for each in asked
        ]
    return metrics


def widgets(deployment: Deployment) -> list[dict[str, Any]]:
    [dashboard] = deployment.of_type("aws_cloudwatch_dashboard").values()
    widgets: list[dict[str, Any]] = json.loads(dashboard["dashboard_body"])["widgets"]
    return widgets


def drawn(deployment: Deployment) -> list[Metric]:
    """The metrics of every line of the dashboard."""
    lines = [line for widget in widgets(deployment) for line in widget["properties"].get("metrics", [])]
    return [
        Metric(namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)))
        for namespace, name, *dimensions, _ in lines
    ]


def filtered(deployment: Deployment) -> set[Metric]:
    """The metrics that are made of the logs."""
    made = [
        each["metric_transformation"][0] for each in deployment.of_type("aws_cloudwatch_log_metric_filter").values()
    ]
    return {Metric(each["namespace"], each["name"], frozenset()) for each in made}


class Log:
    """Collects the metrics that functions publish in CloudWatch's embedded metric format."""

    def __init__(self) -> None:
        self.metrics: set[Metric] = set()

    @contextlib.contextmanager
    def of(self, function: str) -> Iterator[None]:
        """What is published within is published by this function."""
        text = io.StringIO()
        with pytest.MonkeyPatch.context() as environment, contextlib.redirect_stdout(text):
            environment.setenv("AWS_LAMBDA_FUNCTION_NAME", f"matteflow-test-{function}")
            yield
        for line in map(json.loads, text.getvalue().splitlines()):
            if "_aws" not in line:
                continue
            [described] = line["_aws"]["CloudWatchMetrics"]
            [names] = described["Dimensions"]
            dimensions = frozenset((name, line[name]) for name in names)
            self.metrics |= {Metric(described["Namespace"], each["Name"], dimensions) for each in described["Metrics"]}


@pytest.fixture(scope="module")
def published() -> set[Metric]:
    """What the functions of every tier publish, by their own code."""
    log = Log()
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_buckets()
        records, images = make_records(), ImageStore()

        picture = InferMaskRequest(
            image_id="01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f",
            execution_arn=EXECUTION,
            upload=make_upload(),
            image=ImageFacts(format="JPEG", width=8, height=8, mode="RGB", size_bytes=9, sha256="0" * 64),
            proxy=Proxy(bucket=MASKS_BUCKET, key="a/proxy.jpg", width=8, height=8),
            options=ProcessingOptions(),
        )
        png = encoded(Image.new("L", (8, 8), 255))
        for function, model in (("infer_mask", "matteflow"), ("infer_mask", "u2netp"), ("complete_mask", "matteflow")):
            answer = EngineAnswer(png, model, None, "CPUExecutionProvider", 1)
            with log.of(function):
                mask = keep_mask(answer, picture, images=images, masks_bucket=MASKS_BUCKET).mask

        def end(number: int, outcome: Status, part: PartStatus = PartStatus.OK) -> SaveResultRequest:
            upload = make_upload(key=f"uploads/{number}.jpg")
            records.claim(identify(upload), upload, execution_arn=EXECUTION, resume_of=None, ttl_days=1)
            return SaveResultRequest.model_validate(
                {
                    "outcome": outcome,
                    "execution_arn": EXECUTION,
                    "upload": upload,
                    "image": picture.image,
                    "mask": mask,
                    "analysis": Analysis(
                        parts=dict.fromkeys(ANALYSIS_PARTS, part), moderation=Moderation(blocked=True)
                    ),
                    "failure": Failure(error="ImageRejected", cause="") if number > 2 else None,
                }
            )

        ends = [
            end(0, Status.SUCCEEDED),
            end(1, Status.SUCCEEDED, PartStatus.FAILED),
            end(2, Status.BLOCKED),
            end(3, Status.REJECTED),
            end(4, Status.FAILED),
        ]
        with log.of("save_result"):
            for request in ends:
                save_result(request, records=records, ttl_days=1, results_url="https://photos.example.org")
        with log.of("record_failure"):
            save_cut_off(end(5, Status.FAILED), records=records, ttl_days=1, results_url="https://photos.example.org")
        # It tells only of what it has started.
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
        boto3.client("stepfunctions").create_state_machine(
            name="process-image", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/steps"
        )
        lost = make_upload(key="uploads/lost.jpg")
        records.claim(identify(lost), lost, execution_arn=EXECUTION, resume_of=None, ttl_days=1)
        with log.of("reconcile_records"):
            reconcile_records(
                images=images,
                records=records,
                workflow=Workflow(STATE_MACHINE),
                uploads_bucket=UPLOADS_BUCKET,
                upload_within=timedelta(hours=1),
                end_within=timedelta(0),
            )
    return log.metrics


@pytest.mark.parametrize("tier", TIERS)
def test_every_metric_that_is_watched_is_published(
    deployments: dict[str, Deployment], published: set[Metric], tier: str
) -> None:
    deployment = deployments[tier]
    watched = [*drawn(deployment), *itertools.chain.from_iterable(alarmed(deployment).values())]
    ours = published | filtered(deployment)

    assert len(watched) > 60
    assert [metric for metric in watched if metric.namespace.startswith("Matteflow") and metric not in ours] == []
    assert [
        metric
        for metric in watched
        if not metric.namespace.startswith("Matteflow")
        and OF_AWS[metric.namespace].get(metric.name) != frozenset(dict(metric.dimensions))
    ] == []


@pytest.mark.parametrize("tier", TIERS)
def test_every_metric_of_the_logs_has_an_alarm_and_is_drawn(deployments: dict[str, Deployment], tier: str) -> None:
    deployment = deployments[tier]

    assert filtered(deployment) <= set(drawn(deployment))
    assert filtered(deployment) <= set(itertools.chain.from_iterable(alarmed(deployment).values()))


@pytest.mark.parametrize("tier", TIERS)
def test_a_dashboard_is_free_and_fits_on_a_screen(deployments: dict[str, Deployment], tier: str) -> None:
    placed = widgets(deployments[tier])
    cells = [
        (x, y)
        for widget in placed
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    assert len(drawn(deployments[tier])) <= FREE_METRICS_OF_A_DASHBOARD
    assert len(cells) == len(set(cells)), "no graph lies on another"
    assert max(cells)[0] < 24
    assert max(y for _, y in cells) < 20


def test_the_runbook_has_a_heading_for_every_alarm_and_no_other(deployments: dict[str, Deployment]) -> None:
    alarms = set().union(*(alarmed(deployments[tier]) for tier in TIERS)) - OF_AUTO_SCALING

    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE)

    assert len(headings) == len(set(headings))
    assert set(headings) == alarms


def test_the_runbook_types_only_what_there_is() -> None:
    targets = set(re.findall(r"^([a-z][a-z -]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    known = {name for target in targets for name in target.split()}

    typed = set(re.findall(r"\bmake ([a-z-]+)", RUNBOOK.read_text()))

    assert typed - known == set()


def test_a_command_of_the_runbook_can_be_copied_from_the_file() -> None:
    prose = re.sub(r"^ *```.*?^ *```$", "", RUNBOOK.read_text(), flags=re.MULTILINE | re.DOTALL)

    assert [span for span in re.findall(r"`[^`]+`", prose) if "\n" in span] == []
