"""What every policy must keep to, whatever it grants. What it may grant, tests/e2e/test_least_privilege.py judges."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infrastructure.deployment import Deployment

Statement = dict[str, Any]

# AWS takes only * for these: they are about the account, or about what has no ARN yet.
KNOW_NO_RESOURCES = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "rekognition:DetectFaces",
    "rekognition:DetectLabels",
    "rekognition:DetectModerationLabels",
    "rekognition:DetectText",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# Lambda names no source when it takes a role; who may give it one, iam:PassRole says, within the account.
TRUSTED_WITHOUT_SOURCE = {"lambda.amazonaws.com"}

# Whoever deploys makes and removes what there is: tests/infrastructure/test_delivery.py judges these.
OF_DELIVERY = {"boundary", "deploy_identities", "deploy_resources", "pipeline", "plan"}

# In a deployment of mocks every policy document reads so: what differs was written as text.
MOCK_DOCUMENT = "{}"
POLICIES = {
    "aws_iam_policy": "policy",
    "aws_iam_role": "assume_role_policy",
    "aws_iam_role_policy": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue": "policy",
}


def broken(statement: Statement) -> Iterator[str]:
    """What is wrong with a statement, in words."""
    if statement["effect"] == "Deny":
        return
    actions, resources = statement["actions"] or [], statement["resources"] or []
    if statement["not_actions"] or statement["not_resources"] or statement["not_principals"]:
        yield "It grants all but what it names."
    if wild := [action for action in actions if "*" in action]:
        yield f"It grants actions by a wildcard: {wild}"
    if not statement["principals"] and "*" in resources and (wide := set(actions) - KNOW_NO_RESOURCES):
        yield f"It grants on everything what can be granted on one: {sorted(wide)}"
    if "iam:PassRole" in actions and "iam:PassedToService" not in {one["variable"] for one in statement["condition"]}:
        yield "It lets roles be passed to any service."
    for principal in statement["principals"]:
        if "*" in principal["identifiers"]:
            yield "It trusts everybody."
        services = set(principal["identifiers"] if principal["type"] == "Service" else ()) - TRUSTED_WITHOUT_SOURCE
        if services and not any(names_an_account(condition) for condition in statement["condition"]):
            yield f"It trusts {sorted(services)} whoever sends them."


def names_an_account(condition: dict[str, Any]) -> bool:
    """Whether a condition keeps a service to one account: by its number, or by an ARN that holds it."""
    return condition["variable"].lower() == "aws:sourceaccount" or (
        condition["variable"].lower() == "aws:sourcearn"
        and all(re.match(r"arn:aws:[^:]+:[^:]*:\d{12}:", value) for value in condition["values"])
    )


def test_every_statement_keeps_to_the_rules(deployments: dict[str, Deployment]) -> None:
    statements = [
        (f"{run}: {address}", statement)
        for run, deployment in deployments.items()
        for address, statement in deployment.policy_statements
        if address.rpartition(".")[2].partition("[")[0] not in OF_DELIVERY
    ]

    wrong = {address: problems for address, statement in statements if (problems := list(broken(statement)))}

    assert len(statements) > 100
    assert wrong == {}


def test_every_policy_is_a_policy_document_and_none_is_anothers(deployments: dict[str, Deployment]) -> None:
    for deployment in deployments.values():
        policies = [
            policy[attribute]
            for kind, attribute in POLICIES.items()
            for policy in deployment.each(kind)
            if policy[attribute] is not None
        ]
        assert set(policies) == {MOCK_DOCUMENT}
        assert not deployment.each("aws_iam_role_policy_attachment")


def test_a_function_is_invoked_only_from_a_named_source(deployments: dict[str, Deployment]) -> None:
    for deployment in deployments.values():
        permissions = deployment.each("aws_lambda_permission")
        assert permissions
        assert [one for one in permissions if not re.match(r"arn:aws:[^:]+:[^:]*:\d{12}:", one["source_arn"])] == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ({"actions": ["s3:Get*"]}, "wildcard"),
        ({"actions": ["s3:GetObject"], "resources": ["*"]}, "everything"),
        ({"actions": ["iam:PassRole"], "resources": ["arn:aws:iam::123456789012:role/one"]}, "passed"),
        ({"not_actions": ["iam:*"]}, "all but"),
        ({"principals": [{"type": "AWS", "identifiers": ["*"]}]}, "everybody"),
        ({"principals": [{"type": "Service", "identifiers": ["sns.amazonaws.com"]}]}, "whoever"),
        (
            {
                "principals": [{"type": "Service", "identifiers": ["s3.amazonaws.com"]}],
                "condition": [{"variable": "aws:SourceArn", "values": ["arn:aws:s3:::a-bucket"]}],
            },
            "whoever",
        ),
    ],
)
def test_a_statement_that_breaks_a_rule_is_found(statement: Statement, problem: str) -> None:
    nothing = {"effect": None, "actions": [], "resources": [], "principals": [], "condition": []}
    negatives = {"not_actions": None, "not_resources": None, "not_principals": []}

    (found,) = broken({**nothing, **negatives, **statement})

    assert problem in found
