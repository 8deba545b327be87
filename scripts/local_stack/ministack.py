"""MiniStack, with what it drops, cuts short or cannot run put right, and a log of what is asked of it.

It runs in MiniStack's own environment.

- S3 names the version in the events of a versioned bucket, as ``detail.object.version-id``
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). MiniStack 1.5.33 knows it, and leaves it out
  of what it gives to EventBridge. Nor does an archive keep these events, so that a replay would have none.
- Step Functions publishes to SNS with the state's ``MessageAttributes``
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html). MiniStack 1.5.33 does so only for a publish
  that comes over HTTP.
- Step Functions ends an expression after a second; MiniStack 1.5.33 counts wall time, which passes while other
  executions have the processor.
- A function that fails ends a task that waits for its token
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html). MiniStack 1.5.33 goes on waiting.
- Lambda runs functions of container images. MiniStack 1.5.33 does so in Docker only; here the one image there is, that
  of ``inference_image/``, runs without a container: the command of its function, by the interpreter IMAGE_PYTHON.
"""

import contextvars
import functools
import io
import json
import shlex
import sys
import zipfile
from datetime import datetime
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.services import eventbridge, lambda_svc, s3, sns, stepfunctions  # type: ignore[import-not-found]

from scripts.local_stack.recorder import requests_log

IMAGE_BOOTSTRAP = """\
#!/bin/sh
cd "$IMAGE_ROOT" && PYTHONPATH="$IMAGE_PYTHONPATH" exec "$IMAGE_PYTHON" -m inference_image {command}
"""


def name_versions() -> None:
    """Add ``version-id`` to every S3 event that MiniStack gives to EventBridge, and archive it."""
    fire_s3_event, dispatch_event = s3._fire_s3_event, eventbridge._dispatch_event
    version_of_event: contextvars.ContextVar[str | None] = contextvars.ContextVar("version_of_event", default=None)

    @functools.wraps(fire_s3_event)
    def fire(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        token = version_of_event.set(version_id)
        try:
            fire_s3_event(*arguments, version_id=version_id, **options)
        finally:
            version_of_event.reset(token)

    @functools.wraps(dispatch_event)
    def dispatch(event: dict[str, Any], *options: Any) -> None:
        version_id = version_of_event.get()
        if event["Source"] != "aws.s3" or version_id is None:
            dispatch_event(event, *options)
            return
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version_id
        named = {**event, "Detail": json.dumps(detail)}
        dispatch_event(named, *options)
        # A replay compares seconds since 1970.
        eventbridge._archive_event({**named, "Time": int(datetime.fromisoformat(event["Time"]).timestamp())})

    s3._fire_s3_event, eventbridge._dispatch_event = fire, dispatch


def keep_message_attributes() -> None:
    """Give the ``MessageAttributes`` of a state to SNS as its query protocol spells them, as SNS looks for them."""
    publish = sns._publish

    @functools.wraps(publish)
    def publish_with_attributes(parameters: dict[str, Any]) -> Any:
        spelled = {}
        for number, (name, value) in enumerate(parameters.get("MessageAttributes", {}).items(), start=1):
            entry = f"MessageAttributes.entry.{number}"
            spelled[f"{entry}.Name"] = name
            spelled |= {f"{entry}.Value.{field}": content for field, content in value.items()}
        return publish({**parameters, **spelled})

    sns._publish = publish_with_attributes


def take_time_for_jsonata() -> None:
    """Let an expression take a minute."""
    engine = stepfunctions.jsonata.Jsonata
    make_expression = engine.jsonata

    def make_patient_expression(expression: str, **_: Any) -> Any:
        return make_expression(expression, timeout=60_000)

    engine.jsonata = staticmethod(make_patient_expression)


def end_failed_callbacks() -> None:
    """Let the error of a function end the task whose token it was given."""
    invoke_with_callback, call_lambda = stepfunctions._invoke_with_callback, stepfunctions._call_lambda
    token_of_call: contextvars.ContextVar[str | None] = contextvars.ContextVar("token_of_call", default=None)

    @functools.wraps(invoke_with_callback)
    def invoke(resource: str, arguments: Any, token: str, state: dict[str, Any]) -> Any:
        reset = token_of_call.set(token)
        try:
            return invoke_with_callback(resource, arguments, token, state)
        finally:
            token_of_call.reset(reset)

    @functools.wraps(call_lambda)
    def call(function: str, event: Any) -> Any:
        try:
            return call_lambda(function, event)
        except stepfunctions._ExecutionError as failed:
            if waiting := stepfunctions._task_tokens.get(token_of_call.get()):
                waiting["error"] = {"Error": failed.error, "Cause": failed.cause}
                waiting["event"].set()
            raise

    stepfunctions._invoke_with_callback, stepfunctions._call_lambda = invoke, call


def run_images_without_docker() -> None:
    """Run the functions of container images as those of a custom runtime are run."""

    def run(function: dict[str, Any], event: Any, request_id: str) -> Any:
        config = function["config"]
        command = config["ImageConfigResponse"]["ImageConfig"]["Command"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            # With a fixed date: workers are kept by the digest of their code.
            file.writestr(zipfile.ZipInfo("bootstrap"), IMAGE_BOOTSTRAP.format(command=shlex.join(command)))
        custom = {**function, "config": {**config, "Runtime": "provided.al2023"}, "code_zip": archive.getvalue()}
        return lambda_svc._execute_function_provided_warm(custom, event, request_id)

    lambda_svc._execute_function_docker = run


def log_requests() -> None:
    """Log what is asked with a role that no process of its own has: by signed URLs, the workflow, and its rule.

    Who signed a URL the emulator cannot tell, as all functions have one access key; only the API signs any.
    """
    verify_url, enforce_policy = s3._verify_presigned_sigv4, s3._enforce_signed_post_policy
    start_execution = eventbridge._dispatch_to_stepfunctions

    def verify(method: str, path: str, headers: dict[str, str], query: dict[str, Any]) -> Any:
        refused = verify_url(method, path, headers, query)
        if refused is None and "X-Amz-Signature" in query:
            bucket, _, key = path.lstrip("/").partition("/")
            version = {"VersionId": query["versionId"]} if "versionId" in query else {}
            asked = {"Bucket": bucket, "Key": key, **version}
            requests_log.write(requests_log.SIGNED_URL, "s3", f"{method.title()}Object", asked)
        return refused

    def enforce(fields: dict[str, str], bucket: str, *options: Any) -> Any:
        refused = enforce_policy(fields, bucket, *options)
        if refused is None:
            requests_log.write(requests_log.SIGNED_URL, "s3", "PutObject", {"Bucket": bucket, "Key": fields["key"]})
        return refused

    def start(arn: str, event: Any) -> Any:
        requests_log.write(requests_log.RULE, "sfn", "StartExecution", {"stateMachineArn": arn})
        return start_execution(arn, event)

    def logged(run_task: Any) -> Any:
        @functools.wraps(run_task)
        def run(resource: str, arguments: dict[str, Any], *options: Any) -> Any:
            # arn:aws:states:::sqs:sendMessage, or arn:aws:states:::lambda:invoke.waitForTaskToken
            service, operation = resource.partition(".")[0].split(":")[-2:]
            service = {"events": "eventbridge"}.get(service, service)
            requests_log.write(requests_log.WORKFLOW, service, operation[0].upper() + operation[1:], arguments)
            return run_task(resource, arguments, *options)

        return run

    s3._verify_presigned_sigv4, s3._enforce_signed_post_policy = verify, enforce
    eventbridge._dispatch_to_stepfunctions = start
    stepfunctions._invoke_resource = logged(stepfunctions._invoke_resource)
    stepfunctions._invoke_with_callback = logged(stepfunctions._invoke_with_callback)


if __name__ == "__main__":
    name_versions()
    end_failed_callbacks()
    run_images_without_docker()
    take_time_for_jsonata()
    keep_message_attributes()
    log_requests()
    sys.exit(app.main())
