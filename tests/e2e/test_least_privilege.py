"""Every role may do what is done with it, and nothing else. It comes last, as it judges what all other tests have done.

``UNSEEN`` says why a role may do what no test has it do.
"""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.local_stack.recorder import requests_log
from scripts.local_stack.services import ACCOUNT, requests_log_of
from tests.least_privilege import (
    Grant,
    Names,
    Request,
    Roles,
    another_deployment,
    beyond,
    made_with,
    too_wide,
    unused,
)
from tests.pipeline import Pipeline

PREFIX = "matteflow-local"

Made = list[tuple[Roles, Request]]


class Unseen(NamedTuple):
    """Roles, actions and resources, as patterns; and who needs the grants."""

    role: str
    action: str
    resource: str
    reason: str

    def explains(self, grant: Grant) -> bool:
        return all(fnmatchcase(*pair) for pair in zip(grant, self, strict=False))


UNSEEN = [
    Unseen("*", "logs:CreateLogStream", "*", "AWS itself writes logs; the emulator asks no role for it"),
    Unseen("*", "logs:PutLogEvents", "*", "AWS itself writes logs; the emulator asks no role for it"),
    Unseen("*-process-image", "logs:*", "[*]", "Step Functions has its log delivered with the workflow's role"),
    Unseen("*", "xray:*", "*", "tracing, which is off locally"),
    Unseen("*-endpoint", "logs:CreateLogGroup", "*", "SageMaker writes logs with the endpoint's role"),
    Unseen("*-endpoint", "logs:DescribeLogStreams", "*", "SageMaker writes logs with the endpoint's role"),
    Unseen("*-endpoint", "ecr:Batch*", "*", "SageMaker pulls the image with the endpoint's role"),
    Unseen("*-endpoint", "ecr:Get*", "*", "SageMaker pulls the image with the endpoint's role"),
    Unseen("*-endpoint", "cloudwatch:PutMetricData", "*", "SageMaker counts with the endpoint's role"),
    Unseen("*-endpoint", "s3:AbortMultipartUpload", "*", "SageMaker gives up the writing of a large answer"),
    Unseen("*", "sqs:SendMessage", "*-undelivered", "what SNS or EventBridge refuses, which the emulator never does"),
    Unseen("*-save_result", "dynamodb:GetItem", "*", "a commit whose answer was lost is read again"),
]

# Grants whose resources reach further than what is done.
WIDE = [Unseen("*-endpoint", "s3:PutObject", "*/inference/[*]", "SageMaker chooses the names of what it writes")]


@pytest.fixture(scope="module")
def made(pipeline: Pipeline, astronaut: bytes) -> Made:
    """All that was asked of AWS, each with the roles of its time."""
    pipeline.wait(pipeline.upload(astronaut, "observed.jpg"))
    names = Names(pipeline.outputs["region"], ACCOUNT, pipeline.outputs["state_machine_arn"])
    logged = [json.loads(line) for line in requests_log_of(pipeline.stack.home).read_text().splitlines()]
    # What the stand-in for SageMaker asks of its own control plane is no role's to do.
    with_roles = [one for one in logged if (one["by"], one["service"]) != (requests_log.ENDPOINT, "sagemaker")]
    return list(made_with(pipeline.roles, with_roles, names))


def tells_gone_from_denied(grant: Grant, requests: set[Request]) -> bool:
    """Who reads objects of a bucket may list it: else S3 answers 403 instead of 404 where one is gone."""
    return grant.action == "s3:ListBucket" and any(
        request.role == grant.role
        and request.action.startswith("s3:GetObject")
        and request.resource.startswith(f"{grant.resource}/")
        for request in requests
    )


def is_whole(session: pytest.Session, keyword: str) -> bool:
    """Whether every end-to-end test was run before this module's."""
    there = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    return not keyword and there <= {item.path.name for item in session.items}


def test_nothing_is_done_that_a_role_may_not_do(pipeline: Pipeline, made: Made) -> None:
    refused = [beyond((request for then, request in made if then is roles), roles.grants) for roles in pipeline.roles]

    assert not any(refused), refused


def test_a_role_may_do_nothing_that_is_not_done(pipeline: Pipeline, made: Made, request: pytest.FixtureRequest) -> None:
    if not is_whole(request.session, request.config.option.keyword):
        pytest.skip("only the whole of tests/e2e does all that is granted")
    grants = {grant for roles in pipeline.roles for grant in roles.grants}
    requests = {one for _, one in made}

    needless = {
        grant
        for grant in unused(grants, requests)
        if not tells_gone_from_denied(grant, requests) and not any(unseen.explains(grant) for unseen in UNSEEN)
    }
    wide = {
        grant: kinds
        for grant, kinds in too_wide(grants, requests | another_deployment(requests, PREFIX)).items()
        if not any(reaching.explains(grant) for reaching in WIDE)
    }

    assert needless == set()
    assert wide == {}


def test_every_explanation_is_of_something_granted(pipeline: Pipeline, request: pytest.FixtureRequest) -> None:
    if not is_whole(request.session, request.config.option.keyword):
        pytest.skip("only the whole of tests/e2e has every role")
    grants = {grant for roles in pipeline.roles for grant in roles.grants}

    assert [unseen for unseen in (*UNSEEN, *WIDE) if not any(map(unseen.explains, grants))] == []
