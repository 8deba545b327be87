"""The comparison of grants with requests finds what is missing, what is too much, and what is too wide."""

from typing import Any

import pytest

from tests.least_privilege import (
    Grant,
    Names,
    Request,
    another_deployment,
    asked_for,
    beyond,
    grants_of,
    too_wide,
    unused,
)

NAMES = Names("us-east-1", "123456789012", "arn:aws:states:us-east-1:123456789012:stateMachine:process-image")
MASKS = "arn:aws:s3:::photos-masks-1"
FIRST, SECOND = "01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"

GRANTS = {
    Grant("reader", "s3:GetObject", f"{MASKS}/*/proxy.jpg"),
    Grant("writer", "s3:PutObject", f"{MASKS}/*/proxy.jpg"),
    Grant("writer", "s3:PutObject", f"{MASKS}/*/mask.png"),
}
REQUESTS = {
    Request("reader", "s3:GetObject", f"{MASKS}/{FIRST}/proxy.jpg"),
    Request("writer", "s3:PutObject", f"{MASKS}/{FIRST}/proxy.jpg"),
    Request("writer", "s3:PutObject", f"{MASKS}/{SECOND}/mask.png"),
}


def logged(service: str, operation: str, status: int = 200, **parameters: Any) -> dict[str, Any]:
    return {"service": service, "operation": operation, "parameters": parameters, "status": status}


def test_what_is_granted_as_it_is_used_is_right() -> None:
    assert beyond(REQUESTS, GRANTS) == set()
    assert unused(GRANTS, REQUESTS) == set()
    assert too_wide(GRANTS, REQUESTS) == {}


def test_a_grant_that_is_missing_is_found() -> None:
    for missing in GRANTS:
        (refused,) = beyond(REQUESTS, GRANTS - {missing})

        assert missing.covers(refused)


@pytest.mark.parametrize(
    "extra",
    [
        Grant("reader", "s3:DeleteObject", f"{MASKS}/*/proxy.jpg"),
        Grant("reader", "s3:GetObject", f"{MASKS}/*/mask.png"),
        Grant("another", "s3:GetObject", f"{MASKS}/*/proxy.jpg"),
    ],
    ids=["another action", "another resource", "another role"],
)
def test_a_grant_that_is_too_much_is_found(extra: Grant) -> None:
    assert unused(GRANTS | {extra}, REQUESTS) == {extra}


@pytest.mark.parametrize("resource", [f"{MASKS}/*", "arn:aws:s3:::photos-*", "*"])
def test_a_resource_that_is_too_wide_is_found_with_what_it_reaches(resource: str) -> None:
    wide = Grant("reader", "s3:GetObject", resource)

    assert too_wide({wide}, REQUESTS) == {wide: {f"{MASKS}/*/mask.png"}}


def test_of_an_action_that_knows_no_resources_none_is_too_wide() -> None:
    needed = Grant("reader", "rekognition:DetectText", "*")

    assert too_wide({needed}, REQUESTS | {Request(*needed)}) == {}


def test_what_another_deployment_has_is_reached_by_a_resource_that_is_too_wide() -> None:
    machine = NAMES.state_machine_arn
    asked = Request("starter", "states:StartExecution", machine)
    named, any_of_it = (Grant(*asked[:2], resource) for resource in (machine, machine.replace("process", "*")))

    wide = too_wide({named, any_of_it}, {asked, *another_deployment([asked], "process")})

    assert wide == {any_of_it: {machine.replace("process", "another")}}


def test_an_index_is_not_granted_with_its_table_nor_the_table_with_it() -> None:
    table = NAMES.arn("dynamodb", "table/records")
    ((action, resource),) = asked_for(logged("dynamodb", "Query", TableName="records", IndexName="by-owner"), NAMES)
    request = Request("reader", action, resource)

    assert resource == f"{table}/index/by-owner"
    assert beyond([request], [Grant("reader", "dynamodb:Query", table)]) == {request}
    assert beyond([request], [Grant("reader", "dynamodb:Query", f"{table}/index/*")]) == set()


@pytest.mark.parametrize(
    ("request_made", "expected"),
    [
        (logged("s3", "HeadObject", Bucket="b", Key="k"), {("s3:GetObject", "arn:aws:s3:::b/k")}),
        (
            logged("s3", "GetObject", Bucket="b", Key="k", VersionId="1"),
            {("s3:GetObjectVersion", "arn:aws:s3:::b/k")},
        ),
        (
            logged("s3", "GetObject", status=404, Bucket="b", Key="k"),
            {("s3:GetObject", "arn:aws:s3:::b/k"), ("s3:ListBucket", "arn:aws:s3:::b")},
        ),
        (
            logged("s3", "DeleteObjects", Bucket="b", Delete={"Objects": [{"Key": "k", "VersionId": "1"}]}),
            {("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/k")},
        ),
        (logged("s3", "HeadBucket", Bucket="b"), {("s3:ListBucket", "arn:aws:s3:::b")}),
        (
            logged("rekognition", "DetectText", Image={"S3Object": {"Bucket": "b", "Name": "k"}}),
            {("rekognition:DetectText", "*"), ("s3:GetObject", "arn:aws:s3:::b/k")},
        ),
        (
            logged("lambda", "Invoke", FunctionName="f"),
            {("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f")},
        ),
        (
            logged("sagemaker-runtime", "InvokeEndpointAsync", EndpointName="e"),
            {("sagemaker:InvokeEndpointAsync", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e")},
        ),
        (logged("sfn", "SendTaskSuccess"), {("states:SendTaskSuccess", NAMES.state_machine_arn)}),
        (
            logged("eventbridge", "PutEvents", Entries=[{"EventBusName": "default"}]),
            {("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default")},
        ),
        (
            logged("sqs", "SendMessage", QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/q"),
            {("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q")},
        ),
    ],
    ids=lambda value: value["operation"] if isinstance(value, dict) else "",
)
def test_a_request_asks_for_the_actions_that_aws_checks(
    request_made: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert set(asked_for(request_made, NAMES)) == expected


@pytest.mark.parametrize("request_made", [logged("s3", "RestoreObject", Bucket="b"), logged("sns", "Subscribe")])
def test_a_request_of_which_nobody_has_said_what_it_asks_for_is_an_error(request_made: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Say here which"):
        list(asked_for(request_made, NAMES))


@pytest.mark.parametrize(
    "change", [{"Effect": "Deny"}, {"Condition": {"Bool": {}}}, {"NotAction": "s3:*"}, {"NotResource": "*"}]
)
def test_a_statement_that_is_not_compared_is_an_error(change: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}

    assert set(grants_of("reader", {"Statement": [statement]})) == {Grant("reader", "s3:GetObject", "*")}
    with pytest.raises(ValueError, match="not understood"):
        list(grants_of("reader", {"Statement": [{**statement, **change}]}))
