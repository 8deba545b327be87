"""DynamoDB: one record a picture, written only under the conditions that decide which execution owns it.

An item is a :class:`Record` without its absent fields, and ``upload_order``: the sequencer of its upload, padded so
that DynamoDB compares it as S3 means it. Floats become ``Decimal`` here and nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import boto3
from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from botocore.config import Config
from pydantic import StringConstraints, ValidationError

from functions.core.aws_errors import translated
from functions.core.errors import AccessDenied, InvalidRequest, MatteflowError, StoreUnavailable
from functions.core.identity import Identity
from functions.core.models import ImageId, Model, Owner, Record, Status, StepProgress, StepState, Upload

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

OWNER_INDEX = "owner-created_at-index"
UPLOAD_KEY_INDEX = "upload_key-created_at-index"

_CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})

_ERRORS: dict[str, type[MatteflowError]] = {
    "AccessDeniedException": AccessDenied,
    **dict.fromkeys(
        (
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "ThrottlingException",
            "InternalServerError",
            "ServiceUnavailable",
            "429",
            "500",
            "502",
            "503",
            "504",
        ),
        StoreUnavailable,
    ),
}

# What the first write of a record decides, and no later one changes.
_KEPT = ("created_at", "file_name", "options")

# Only versions of one key share it, and S3 delivers late events within hours, so few records lie between.
_NEWEST_OF = 25

# S3 documents no length of a sequencer; those seen have 16 to 20 digits.
_SEQUENCER_DIGITS = 64


class RecordPage(NamedTuple):
    """Some records, newest first, and the cursor of those behind them; None on the last page."""

    records: list[Record]
    next_cursor: str | None


class _Cursor(Model):
    """The key of the last record of a page in the owner's index."""

    image_id: ImageId
    owner: Owner
    created_at: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$")]


class RecordStore:
    """The records of one table.

    Every method raises:
        StoreUnavailable: DynamoDB throttled the call, failed, or could not be reached.
        AccessDenied: the role may not do this.
    """

    def __init__(self, table_name: str, table: Table | None = None) -> None:
        self._table: Table = table or boto3.resource("dynamodb", config=_CLIENT_CONFIG).Table(table_name)

    def create(self, record: Record) -> None:
        """Write a record whose id was made for it just now."""
        # Without a condition: the SDK may send it again after a lost answer, and nobody else knows the id yet.
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            self._table.put_item(Item=_to_item(record))

    def claim(
        self, identity: Identity, upload: Upload, *, execution_arn: str, resume_of: str | None, ttl_days: int
    ) -> Record | None:
        """Make an execution the owner of a picture: its record is PROCESSING, and empty of earlier results.

        It succeeds if the picture has no record or awaits its upload, if the record is the end of an older upload to
        its key (by sequencer), if this very execution claimed it before, or if the execution ``resume_of`` owned it and
        did not get it done.

        Args:
            execution_arn: the execution that claims.
            resume_of: the execution that this one takes up again: it failed, or was cut off.
            ttl_days: for how many days from now the record is kept.

        Returns:
            the record as it now is, its ``options`` None if none came with a request for an upload URL;
            or None when it is not to be had: the event is a duplicate, or an older upload is being processed.
        """
        record = new_record(identity, upload, Status.PROCESSING, execution_arn, ttl_days)
        ended = Attr("status").ne(Status.PROCESSING)
        condition = _unclaimed(upload) | (_of_older(upload) & ended) | _in_process(execution_arn)
        if resume_of is not None:
            condition |= Attr("execution_arn").eq(resume_of) & Attr("status").is_in([Status.FAILED, Status.PROCESSING])
        return self._replace(record, condition)

    def is_of_older(self, image_id: str, upload: Upload) -> bool:
        """Whether the picture's record is of an older upload to the same key than this one."""
        stored = self.get(image_id)
        return (
            stored is not None
            and stored.upload is not None
            and stored.upload_key == upload.key
            and _upload_order(stored.upload) < _upload_order(upload)
        )

    def finish(self, record: Record) -> Record | None:
        """Write how an execution ended, once: the commit point of the workflow.

        A REJECTED or FAILED one is also written if the execution never came to claim the picture. A second call
        changes nothing, and neither does the call of an execution that does not own the picture any more.

        Args:
            record: from :func:`new_record`, with a terminal status and the results.

        Returns:
            the record as it is stored, with the status that was written first; or None when a newer upload or a
            resumption owns the picture, or it was deleted.
        """
        if record.upload is None or record.execution_arn is None:
            raise ValueError("a finished record names its upload and execution")
        condition = _in_process(record.execution_arn)
        if record.status in (Status.REJECTED, Status.FAILED):
            condition |= _unclaimed(record.upload) | _of_older(record.upload)
        if written := self._replace(record, condition):
            return written
        stored = self.get(record.image_id)
        return stored if stored and stored.execution_arn == record.execution_arn else None

    def mark_step(self, image_id: str, execution_arn: str, step: str, state: StepState) -> None:
        """Say how far a step is, while the execution owns the picture; after that it changes nothing."""
        try:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                self._table.update_item(
                    Key={"image_id": image_id},
                    UpdateExpression="SET #steps.#step = :progress",
                    ConditionExpression=_in_process(execution_arn),
                    ExpressionAttributeNames={"#steps": "steps", "#step": step},
                    ExpressionAttributeValues={":progress": StepProgress(state=state).model_dump()},
                )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return

    def get(self, image_id: str) -> Record | None:
        """The record as the last write left it, or None."""
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            item = self._table.get_item(Key={"image_id": image_id}, ConsistentRead=True).get("Item")
        return _from_item(item) if item else None

    def delete(self, image_id: str) -> None:
        """Delete a record; one that is not there is deleted already."""
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            self._table.delete_item(Key={"image_id": image_id})

    def list_by_owner(
        self, owner: str, limit: int, cursor: str | None = None, status: Status | None = None
    ) -> RecordPage:
        """A page of at most ``limit`` of the owner's records, newest first, all of them of ``status`` if given.

        Raises:
            InvalidRequest: the cursor is not one of this owner's pages.
        """
        # One more than asked for tells whether there is a next page. A filter drops records after Limit counted them.
        query: dict[str, Any] = (
            {"Limit": limit + 1} if status is None else {"FilterExpression": Attr("status").eq(status)}
        )
        if cursor is not None:
            query["ExclusiveStartKey"] = _read_cursor(cursor, owner)
        records: list[Record] = []
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            while len(records) <= limit:
                page = self._table.query(
                    IndexName=OWNER_INDEX,
                    KeyConditionExpression=Key("owner").eq(owner),
                    ScanIndexForward=False,
                    **query,
                )
                records += map(_from_item, page["Items"])
                if "LastEvaluatedKey" not in page:
                    break
                query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        if len(records) <= limit:
            return RecordPage(records, None)
        return RecordPage(records[:limit], _write_cursor(records[limit - 1]))

    def newest_by_upload_key(self, upload_key: str) -> Record | None:
        """The record of the newest upload to a key, by sequencer; None if nothing was uploaded or announced there."""
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            items = self._table.query(
                IndexName=UPLOAD_KEY_INDEX,
                KeyConditionExpression=Key("upload_key").eq(upload_key),
                ScanIndexForward=False,
                Limit=_NEWEST_OF,
            )["Items"]
        return _from_item(max(items, key=lambda item: str(item.get("upload_order", "")))) if items else None

    def unfinished(self) -> Iterator[Record]:
        """Every FAILED or PROCESSING record, in no order. It reads the whole table: for a person's command only."""
        unfinished = Attr("status").is_in([Status.FAILED, Status.PROCESSING])
        query: dict[str, Any] = {"FilterExpression": unfinished, "ConsistentRead": True}
        while True:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                page = self._table.scan(**query)
            yield from map(_from_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _replace(self, record: Record, condition: ConditionBase) -> Record | None:
        """Replace all but the key and what is ``_KEPT``, in one write; None if ``condition`` does not hold."""
        item = _to_item(record)
        del item["image_id"]
        written = [
            f"#{name} = if_not_exists(#{name}, :{name})" if name in _KEPT else f"#{name} = :{name}" for name in item
        ]
        removed = [name for name in Record.model_fields if name not in (*item, *_KEPT, "image_id")]
        update = f"SET {', '.join(written)}" + (
            f" REMOVE {', '.join(f'#{name}' for name in removed)}" if removed else ""
        )
        try:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                answer = self._table.update_item(
                    Key={"image_id": record.image_id},
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={f"#{name}": name for name in (*item, *removed)},
                    ExpressionAttributeValues={f":{name}": value for name, value in item.items()},
                    ReturnValues="ALL_NEW",
                )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return None
        return _from_item(answer["Attributes"])


def new_record(identity: Identity, upload: Upload, status: Status, execution_arn: str, ttl_days: int) -> Record:
    """A record of now without results, kept for ``ttl_days`` days."""
    now = datetime.now(UTC)
    return Record(
        image_id=identity.image_id,
        owner=identity.owner,
        status=status,
        file_name=identity.file_name,
        upload_key=upload.key,
        upload=upload,
        execution_arn=execution_arn,
        created_at=now.isoformat(),
        updated_at=now.isoformat(),
        expires_at=int((now + timedelta(days=ttl_days)).timestamp()),
    )


def _unclaimed(upload: Upload) -> ConditionBase:
    """Nobody's picture yet."""
    awaited = Attr("upload_key").eq(upload.key) & Attr("status").eq(Status.AWAITING_UPLOAD)
    return Attr("image_id").not_exists() | awaited


def _of_older(upload: Upload) -> ConditionBase:
    """The picture of an older upload to the same key: S3 orders the uploads of one key only."""
    return Attr("upload_key").eq(upload.key) & Attr("upload_order").lt(_upload_order(upload))


def _in_process(execution_arn: str) -> ConditionBase:
    return Attr("execution_arn").eq(execution_arn) & Attr("status").eq(Status.PROCESSING)


def _upload_order(upload: Upload) -> str:
    """The sequencer as a string that sorts: S3 compares them as hexadecimal strings, the shorter padded with zeros."""
    return upload.sequencer.upper().ljust(_SEQUENCER_DIGITS, "0")


def _to_item(record: Record) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(record.model_dump_json(exclude_none=True), parse_float=Decimal)
    if record.upload is not None:
        item["upload_order"] = _upload_order(record.upload)
    return item


def _from_item(item: Mapping[str, Any]) -> Record:
    fields = {name: value for name, value in item.items() if name != "upload_order"}
    return Record.model_validate_json(json.dumps(fields, default=_number))


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _write_cursor(record: Record) -> str:
    cursor = _Cursor(image_id=record.image_id, owner=record.owner, created_at=record.created_at)
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode().rstrip("=")


def _read_cursor(text: str, owner: str) -> dict[str, Any]:
    try:
        key = _Cursor.model_validate_json(
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        )
    except (ValidationError, ValueError) as exc:
        raise InvalidRequest("cursor: it is not a next_cursor of an earlier page.") from exc
    if key.owner != owner:
        raise InvalidRequest("cursor: it belongs to another list.")
    return key.model_dump()
