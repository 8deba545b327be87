"""What the roles may do, held against what is done with them: nothing is missing, nothing is too much.

A grant is one action on one resource, as a role's policy spells it. A request is what the local stack has logged
(``scripts/local_stack/recorder/``), as the actions that AWS would want granted to whoever asks.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

Logged = dict[str, Any]

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BUCKET_OF_KINDS = re.compile(r".*-masks-[^/]*/")
IAM_PREFIXES = {"eventbridge": "events", "sagemaker-runtime": "sagemaker", "sfn": "states"}
CALLED_OTHERWISE = {"lambda:Invoke": "lambda:InvokeFunction"}


class Grant(NamedTuple):
    """What a role may do; ``resource`` is a pattern of ARNs."""

    role: str
    action: str
    resource: str

    def covers(self, request: "Request") -> bool:
        return (self.role, self.action) == request[:2] and fnmatchcase(request.resource, self.resource)


class Request(NamedTuple):
    """What was done with a role; ``resource`` is an ARN, or ``*`` of an action that knows no resources."""

    role: str
    action: str
    resource: str


class Roles(NamedTuple):
    """The roles as they were from a moment on.

    Args:
        since: seconds of the epoch.
        grants: of all of them.
        of: the role of each who asks, as the log of requests names them.
    """

    since: float
    grants: frozenset[Grant]
    of: dict[str, str]


class Names(NamedTuple):
    """What a request does not say itself."""

    region: str
    account: str
    state_machine_arn: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def read_grants(iam: Any) -> Iterator[Grant]:
    """Every grant of every role, from an IAM client.

    Raises:
        ValueError: a policy says something that is not compared here.
    """
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        if attached := iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            raise ValueError(f"{name} has policies that others wrote: {attached}")
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield from grants_of(name, document)


def grants_of(role: str, document: dict[str, Any]) -> Iterator[Grant]:
    """The grants of one policy.

    Raises:
        ValueError: a statement says more than who may do what.
    """
    for statement in document["Statement"]:
        if statement.keys() - {"Sid", "Effect", "Action", "Resource"} or statement["Effect"] != "Allow":
            raise ValueError(f"A statement of {role} is not understood: {json.dumps(statement)}")
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Grant(role, action, resource)


def asked_for(logged: Logged, names: Names) -> Iterator[tuple[str, str]]:
    """The actions, each on its resource, that AWS wants granted for a logged request.

    Raises:
        ValueError: nothing here says which those are.
    """
    service, operation, parameters = (logged[field] for field in ("service", "operation", "parameters"))
    if service == "s3":
        yield from _asked_of_s3(operation, parameters, logged["status"])
        return
    if service == "rekognition":  # which reads the picture with the caller's permission
        of = parameters["Image"]["S3Object"]
        yield "s3:GetObject", f"arn:aws:s3:::{of['Bucket']}/{of['Name']}"
    action = f"{IAM_PREFIXES.get(service, service)}:{operation}"
    yield CALLED_OTHERWISE.get(action, action), _resource(service, operation, parameters, names)


def _asked_of_s3(operation: str, parameters: dict[str, Any], status: int | None) -> Iterator[tuple[str, str]]:
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    match operation, parameters:
        case "GetObject" | "HeadObject", {"Key": key}:
            yield "s3:GetObjectVersion" if "VersionId" in parameters else "s3:GetObject", f"{bucket}/{key}"
            if status == 404:  # which nobody is told who may not list the bucket
                yield "s3:ListBucket", bucket
        case "PutObject", {"Key": key}:
            yield "s3:PutObject", f"{bucket}/{key}"
        case "DeleteObject", _:
            yield from _asked_to_delete(bucket, parameters)
        case "DeleteObjects", {"Delete": {"Objects": items}}:
            for item in items:
                yield from _asked_to_delete(bucket, item)
        case "HeadBucket" | "ListObjectsV2", _:
            yield "s3:ListBucket", bucket
        case "ListObjectVersions", _:
            yield "s3:ListBucketVersions", bucket
        case _:
            raise ValueError(f"Say here which actions s3:{operation} asks for.")


def _asked_to_delete(bucket: str, item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Both, for a version: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    yield "s3:DeleteObject", f"{bucket}/{item['Key']}"
    if "VersionId" in item:
        yield "s3:DeleteObjectVersion", f"{bucket}/{item['Key']}"


def _resource(service: str, operation: str, parameters: dict[str, Any], names: Names) -> str:
    match service, parameters:
        case "dynamodb", {"TableName": table, "IndexName": index}:
            return names.arn("dynamodb", f"table/{table}/index/{index}")
        case "dynamodb", {"TableName": table}:
            return names.arn("dynamodb", f"table/{table}")
        case "eventbridge", {"Entries": [{"EventBusName": bus}, *_]}:
            return names.arn("events", f"event-bus/{bus}")
        case "lambda", {"FunctionName": function}:
            return names.arn("lambda", f"function:{function.rpartition(':')[2]}")
        case "rekognition", _:
            return "*"
        case "sagemaker" | "sagemaker-runtime", {"EndpointName": endpoint}:
            return names.arn("sagemaker", f"endpoint/{endpoint}")
        case "sfn", {"executionArn": arn} | {"stateMachineArn": arn}:
            return str(arn)
        case "sfn", _ if operation.startswith("SendTask"):
            return names.state_machine_arn
        case "sns", {"TopicArn": arn}:
            return str(arn)
        case "sqs", {"QueueUrl": url}:
            return names.arn("sqs", url.rpartition("/")[2])
    raise ValueError(f"Say here which resource {service}:{operation} is about: {parameters}")


def made_with(roles: list[Roles], logged: Iterable[Logged], names: Names) -> Iterator[tuple[Roles, Request]]:
    """Each logged request with the roles of its time."""
    for one in logged:
        of_then = [known for known in roles if known.since <= one["at"]][-1]
        for asked in asked_for(one, names):
            yield of_then, Request(of_then.of[one["by"]], *asked)


def beyond(requests: Iterable[Request], grants: Iterable[Grant]) -> set[Request]:
    """The requests that no grant covers: AWS would refuse them."""
    granted = list(grants)
    return {request for request in set(requests) if not any(grant.covers(request) for grant in granted)}


def unused(grants: Iterable[Grant], requests: Iterable[Request]) -> set[Grant]:
    """The grants that no request needed."""
    made = set(requests)
    return {grant for grant in grants if not any(grant.covers(request) for request in made)}


def too_wide(grants: Iterable[Grant], requests: Iterable[Request]) -> dict[Grant, set[str]]:
    """For each grant that is used, the kinds of resources that it reaches and its role never asked for.

    What there is to be reached is what anybody asked for. Of actions that know no resources nothing can be said.
    """
    made = set(requests)
    there = {request.resource for request in made}
    wide = {}
    for grant in grants:
        used = {kind_of(request.resource) for request in made if grant.covers(request)}
        reached = {kind_of(resource) for resource in there if fnmatchcase(resource, grant.resource)}
        if used - {"*"} and (needless := reached - used - {"*"}):
            wide[grant] = needless
    return wide


def another_deployment(requests: Iterable[Request], prefix: str) -> set[Request]:
    """The same requests, of a deployment beside this one in the account; ``prefix`` is what names begin with here."""
    return {Request("another", request.action, request.resource.replace(prefix, "another")) for request in requests}


def kind_of(resource: str) -> str:
    """What resources of one purpose share: an ARN without what tells pictures apart.

    Of objects it is the bucket, and in the masks bucket, where each has its own readers, the name too.
    """
    if resource.startswith("arn:aws:s3:::") and "/" in resource and not BUCKET_OF_KINDS.match(resource):
        return resource.partition("/")[0] + "/*"
    if ":execution:" in resource:
        return resource.rpartition(":")[0] + ":*"
    kind = UUID.sub("*", resource)
    return re.sub(r"/inference/.*\.", "/inference/*.", kind)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
