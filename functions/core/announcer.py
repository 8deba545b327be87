"""SNS, EventBridge and SQS: telling how a picture ended where the workflow cannot, in the messages of its Notify."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore import exceptions as botocore_errors
from botocore.config import Config

from functions.core.models import SaveResultResult, Upload
from functions.core.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})

_PICTURE = ("image_id", "owner", "status")


def is_notice(message: Mapping[str, Any]) -> bool:
    """Whether a kept message was meant for SNS."""
    return {"subject", "message", *_PICTURE} <= message.keys()


def is_event(message: Mapping[str, Any]) -> bool:
    """Whether a kept message was meant for EventBridge."""
    return {"upload", "execution_arn", *_PICTURE} <= message.keys()


class Announcer:
    """One topic, one event bus, and the queue of what they refuse."""

    def __init__(
        self,
        topic_arn: str,
        event_bus_name: str,
        undelivered_queue_url: str,
        sns: SNSClient | None = None,
        events: EventBridgeClient | None = None,
        sqs: SQSClient | None = None,
    ) -> None:
        self._topic_arn = topic_arn
        self._event_bus_name = event_bus_name
        self._undelivered_queue_url = undelivered_queue_url
        self._sns: SNSClient = sns or boto3.client("sns", config=_CLIENT_CONFIG)
        self._events: EventBridgeClient = events or boto3.client("events", config=_CLIENT_CONFIG)
        self._sqs: SQSClient = sqs or boto3.client("sqs", config=_CLIENT_CONFIG)

    def announce(self, saved: SaveResultResult, upload: Upload, execution_arn: str) -> None:
        """Send the notice and the event of a terminal record; what cannot be sent is kept.

        Raises:
            botocore.exceptions.ClientError: the queue did not take it either.
        """
        picture = {"image_id": saved.image_id, "owner": saved.owner, "status": str(saved.status)}
        notice = saved.notice.model_dump()
        event = {
            **picture,
            "status_reason": saved.status_reason,
            "upload": upload.model_dump(),
            "execution_arn": execution_arn,
        }
        self._send_or_keep(notice | picture)
        self._send_or_keep(event)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a notice or an event, in the form in which the queue keeps what was refused.

        Raises:
            ValueError: the message is neither.
            botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: it was refused.
        """
        if is_notice(message):
            self._publish(message)
        elif is_event(message):
            self._put(message)
        else:
            raise ValueError("The message is neither a notice nor an event of a picture.")

    def _publish(self, notice: Mapping[str, str]) -> None:
        self._sns.publish(
            TopicArn=self._topic_arn,
            Subject=notice["subject"],
            Message=notice["message"],
            MessageAttributes={name: {"DataType": "String", "StringValue": notice[name]} for name in _PICTURE},
        )

    def _put(self, event: Mapping[str, Any]) -> None:
        answer = self._events.put_events(
            Entries=[
                {
                    "EventBusName": self._event_bus_name,
                    "Source": "matteflow",
                    "DetailType": "Image Processed",
                    "Detail": json.dumps(dict(event)),
                }
            ]
        )
        for entry in answer["Entries"]:
            if "ErrorCode" in entry:
                raise botocore_errors.ClientError(
                    {"Error": {"Code": entry["ErrorCode"], "Message": entry.get("ErrorMessage", "")}}, "PutEvents"
                )

    def _send_or_keep(self, message: dict[str, Any]) -> None:
        try:
            self.send(message)
        except (botocore_errors.ClientError, botocore_errors.BotoCoreError):
            logger.warning("not sent, so it is kept", exc_info=True)
            self._sqs.send_message(QueueUrl=self._undelivered_queue_url, MessageBody=json.dumps(message))
