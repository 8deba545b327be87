"""MiniStack, with two facts that it drops and one that it cuts short put right. Runs in MiniStack's own environment.

- S3 names the version in the events of a versioned bucket, as ``detail.object.version-id``
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). MiniStack 1.5.33 knows it, and leaves it out
  of what it gives to EventBridge.
- Step Functions publishes to SNS with the state's ``MessageAttributes``
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html). MiniStack 1.5.33 does so only for a publish
  that comes over HTTP.
- Step Functions ends an expression after a second; MiniStack 1.5.33 counts wall time, which passes while other
  executions have the processor.
"""

import contextvars
import functools
import json
import sys
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.services import eventbridge, s3, sns, stepfunctions  # type: ignore[import-not-found]


def name_versions() -> None:
    """Add ``version-id`` to every S3 event that MiniStack gives to EventBridge."""
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
    def dispatch(event: dict[str, Any], *options: Any) -> Any:
        version_id = version_of_event.get()
        if event["Source"] != "aws.s3" or version_id is None:
            return dispatch_event(event, *options)
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version_id
        return dispatch_event({**event, "Detail": json.dumps(detail)}, *options)

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


if __name__ == "__main__":
    name_versions()
    take_time_for_jsonata()
    keep_message_attributes()
    sys.exit(app.main())
