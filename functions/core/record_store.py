"""DynamoDB: one record a picture, written only under the conditions that decide which execution owns it.

An item is a :class:`Record` without its absent fields, with a place for every step, and beside it what DynamoDB
compares: ``upload_order``, the sequencer of its upload, padded so that it sorts as S3 means it; ``name_folded`` and
``labels_folded``, by which it is found in any case; and ``unsettled``, its status while something has yet to happen to
it, by which it is found among the settled. Floats become ``Decimal`` here and nowhere else. Beside the records lie
counters of uploads, one an owner and day. Of a deleted picture the key alone stays for a while, with the time at which
that goes, too.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import operator
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args

import boto3
from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from botocore.config import Config
from pydantic import StringConstraints, ValidationError

from functions.core.aws_errors import TRANSIENT_STATUSES, translated
from functions.core.errors import AccessDenied, InvalidRequest, MatteflowError, StoreUnavailable
from functions.core.identity import Identity
from functions.core.models import (
    ImageId,
    Model,
    Output,
    Owner,
    Record,
    Status,
    StepName,
    StepProgress,
    StepState,
    Upload,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_dynamodb.type_defs import QueryOutputTableTypeDef

OWNER_INDEX = "owner-created_at-index"
UPLOAD_KEY_INDEX = "upload_key-created_at-index"
UNSETTLED_INDEX = "unsettled-updated_at-index"

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
            *TRANSIENT_STATUSES,
        ),
        StoreUnavailable,
    ),
}

# What the first write of a record decides, and no later one changes.
_KEPT = ("created_at", "file_name", "name_folded", "options")

_BESIDE_THE_RECORD = ("upload_order", "name_folded", "labels_folded", "unsettled")

# DynamoDB's pages of 1 MB that one page of a list is made from: whoever looks for what is rare asks again.
_MOST_READ = 8

# Only versions of one key share it, and S3 delivers late events within hours, so few records lie between.
_NEWEST_OF = 25

# The archive replays events for 30 days (terraform/eventbridge.tf); no queue keeps them longer.
_EVENTS_END_AFTER = timedelta(days=31)

# What is unsettled of a deleted picture: an upload may be on the way to it.
_DELETED = "DELETED"

# S3 documents no length of a sequencer; those seen have 16 to 20 digits.
_SEQUENCER_DIGITS = 64


class RecordPage(NamedTuple):
    """Some records, newest first, or none, and the cursor of those behind them; None on the last page alone."""

    records: list[Record]
    next_cursor: str | None


class Outcome(NamedTuple):
    """How one picture went: milliseconds by step, and the names of its labels."""

    created_at: datetime
    status: Status
    timings: dict[str, float]
    labels: tuple[str, ...]


class _Cursor(Model):
    """The key, in the owner's index, of the last record that a page was made from."""

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
        did not get it done. With the claim, ``validate_image`` begins.

        Args:
            execution_arn: the execution that claims.
            resume_of: the execution that this one takes up again: it failed, or was cut off.
            ttl_days: for how many days from now the record is kept.

        Returns:
            the record as it now is, its ``options`` None if none came with a request for an upload URL;
            or None when it is not to be had: the event is a duplicate, or an older upload is being processed.
        """
        record = new_record(identity, upload, Status.PROCESSING, execution_arn, ttl_days)
        begun = StepProgress(state="running", started_at=record.created_at)
        ended = Attr("status").ne(Status.PROCESSING)
        condition = _unclaimed(upload) | (_of_older(upload) & ended)
        if resume_of is not None:
            condition |= Attr("execution_arn").eq(resume_of) & Attr("status").is_in([Status.FAILED, Status.PROCESSING])
        claimed = self._replace(record.model_copy(update={"steps": {"validate_image": begun}}), condition)
        return claimed or self.begin_step(identity.image_id, execution_arn, "validate_image")

    def begin_step(self, image_id: str, execution_arn: str, step: StepName) -> Record | None:
        """Mark that a step begins, or begins again: every beginning is counted, and the first one's time is kept.

        Returns:
            the record as it now is; or None when the execution does not own the picture.
        """
        path = f"steps.{step}"
        return self._update(
            image_id,
            _in_process(execution_arn) & Attr(path).exists(),
            f"SET {path}.#state = :running, {path}.started_at = if_not_exists({path}.started_at, :now), "
            f"{path}.attempts = if_not_exists({path}.attempts, :none) + :one REMOVE {path}.ended_at, {path}.reason",
            names={"#state": "state"},
            values={":running": "running", ":now": _now(), ":none": 0, ":one": 1},
        )

    def mark_step(
        self, image_id: str, execution_arn: str, step: StepName, state: StepState, reason: str | None = None
    ) -> Record | None:
        """Mark what has become of a step that has begun: ``done`` and ``failed`` end it.

        Args:
            reason: why it failed, in words that the picture's owner reads.

        Returns:
            the record as it now is; or None when the execution does not own the picture, or the step has not begun.
        """
        path = f"steps.{step}"
        marks = {"state": state, "reason": reason, "ended_at": _now() if state in ("done", "failed") else None}
        written = {name: value for name, value in marks.items() if value is not None}
        return self._update(
            image_id,
            _in_process(execution_arn) & Attr(f"{path}.attempts").exists(),
            "SET " + ", ".join(f"{path}.#{name} = :{name}" for name in written),
            names={f"#{name}": name for name in written},
            values={f":{name}": value for name, value in written.items()},
        )

    def is_of_older(self, image_id: str, upload: Upload) -> bool:
        """Whether the picture's record is of an older upload to the same key than this one."""
        stored = self.get(image_id)
        return (
            stored is not None
            and stored.upload is not None
            and stored.upload_key == upload.key
            and stored.upload.version != upload.version
            and _upload_order(stored.upload) < _upload_order(upload)
        )

    def end(self, record: Record) -> Record | None:
        """Write how an execution ended, once.

        A REJECTED or FAILED one is also written if the execution never came to claim the picture: the newest upload's
        record stays, so that one of an older upload goes, and what is still made of that upload is not kept. A second
        call changes nothing, and neither does the call of an execution that does not own the picture any more.

        Args:
            record: from :func:`new_record`, with a terminal status and the results.

        Returns:
            the record as it is stored; or None if this call wrote nothing.
        """
        if record.upload is None or record.execution_arn is None:
            raise ValueError("a finished record names its upload and execution")
        condition = _in_process(record.execution_arn)
        if record.status in (Status.REJECTED, Status.FAILED):
            condition |= _unclaimed(record.upload) | _of_older(record.upload)
        return self._replace(record, condition)

    def finish(self, record: Record) -> Record | None:
        """Write how an execution ended, as :meth:`end` does: the commit point of the workflow.

        Returns:
            the record as it is stored, with the status that was written first; or None when a newer upload or a
            resumption owns the picture, or it was deleted.
        """
        if written := self.end(record):
            return written
        stored = self.get(record.image_id)
        return stored if stored and stored.execution_arn == record.execution_arn else None

    def add_output(self, record: Record, output: Output) -> bool:
        """List one more output of a picture that has ended.

        Returns:
            whether it was done: not if the record's outputs are other ones by now than ``record`` says.
        """
        as_read = Attr("execution_arn").eq(record.execution_arn) & Attr(f"outputs[{len(record.outputs)}]").not_exists()
        added = self._update(
            record.image_id,
            as_read,
            "SET outputs = list_append(outputs, :added)",
            names={},
            values={":added": [_to_attributes(output)]},
        )
        return added is not None

    def get(self, image_id: str) -> Record | None:
        """The record as the last write left it, or None."""
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            item = self._table.get_item(Key={"image_id": image_id}, ConsistentRead=True).get("Item")
        return _from_item(item) if item and "status" in item else None

    def count_upload(self, owner: str, day: date, most: int) -> int | None:
        """Count one more upload that the owner asked for on a day in UTC, unless there were ``most`` of them already.

        The counter is an item beside the records, with a key that is no picture's id and no attribute that an index
        has. It is compared and raised in one write, so that requests at once never pass ``most``; a call that the SDK
        repeats after a lost answer may count twice.

        Returns:
            how many there are now; or None if nothing was counted.
        """
        expires_at = datetime.combine(day + timedelta(days=2), time(), UTC)
        try:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                answer = self._table.update_item(
                    Key=_counter_key(owner, day),
                    UpdateExpression="SET expires_at = :expires_at ADD uploads :one",
                    ConditionExpression=Attr("uploads").not_exists() | Attr("uploads").lt(most),
                    ExpressionAttributeValues={":one": 1, ":expires_at": int(expires_at.timestamp())},
                    ReturnValues="UPDATED_NEW",
                )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return None
        return _count(answer["Attributes"])

    def uploads_counted(self, owner: str, day: date) -> int:
        """How many uploads of the owner's were counted on a day in UTC."""
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            item = self._table.get_item(Key=_counter_key(owner, day), ConsistentRead=True).get("Item")
        return _count(item) if item else 0

    def delete(self, image_id: str, upload_key: str | None = None) -> bool:
        """Delete a record, unless an execution is working on it; one that is not there is deleted already.

        Its key stays for a while, so that no upload or event that comes later brings the picture back.

        Args:
            upload_key: where an upload can still come; see :meth:`late_uploads`.

        Returns:
            whether it was done: not while the picture is PROCESSING, as its execution would write what nobody deletes.
        """
        now = datetime.now(UTC)
        item: dict[str, Any] = {"image_id": image_id, "expires_at": int((now + _EVENTS_END_AFTER).timestamp())}
        if upload_key is not None:
            item |= {"late_key": upload_key, "unsettled": _DELETED, "updated_at": now.isoformat()}
        is_left_alone = Attr("status").not_exists() | Attr("status").ne(Status.PROCESSING)
        try:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                self._table.put_item(Item=item, ConditionExpression=is_left_alone)
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def late_uploads(self, before: datetime, limit: int) -> dict[str, str]:
        """Of at most ``limit`` pictures deleted before a time: the id, and the key to which an upload may have come."""
        keys = self._unsettled_keys(_DELETED, before, limit)
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            items = [self._table.get_item(Key={"image_id": key}, ConsistentRead=True).get("Item", {}) for key in keys]
        return {str(item["image_id"]): str(item["late_key"]) for item in items if "late_key" in item}

    def settle_deleted(self, image_id: str) -> None:
        """Let a deleted picture to which no upload can come any more be settled."""
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            self._table.update_item(
                Key={"image_id": image_id}, UpdateExpression="REMOVE unsettled, late_key, updated_at"
            )

    def list_by_owner(
        self,
        owner: str,
        limit: int,
        cursor: str | None = None,
        *,
        status: Status | None = None,
        label: str | None = None,
        name: str | None = None,
    ) -> RecordPage:
        """A page of at most ``limit`` of the owner's records, newest first.

        It is made from 8 MB of records at most: with a filter it may hold fewer, or none, and still have a cursor.

        Args:
            status: only those of it.
            label: only those that have it, in any case.
            name: only those with it in their file name, in any case.

        Raises:
            InvalidRequest: the cursor is not one of this owner's pages.
        """
        filters: list[ConditionBase] = []
        if status is not None:
            filters.append(Attr("status").eq(status))
        if label is not None:
            filters.append(Attr("labels_folded").contains(_folded(label)))
        if name is not None:
            filters.append(Attr("name_folded").contains(_folded(name)))
        # One more than asked for tells whether there is a next page. A filter drops records after Limit counted them.
        query: dict[str, Any] = (
            {"FilterExpression": functools.reduce(operator.and_, filters)} if filters else {"Limit": limit + 1}
        )
        if cursor is not None:
            query["ExclusiveStartKey"] = _read_cursor(cursor, owner)
        records: list[Record] = []
        behind: Mapping[str, Any] | None = None
        for page in itertools.islice(self._newest_first(Key("owner").eq(owner), **query), _MOST_READ):
            records += map(_from_item, page["Items"][: limit + 1 - len(records)])
            if len(records) > limit:
                last = records[limit - 1]
                return RecordPage(records[:limit], _write_cursor(last.model_dump(include=set(_Cursor.model_fields))))
            behind = page.get("LastEvaluatedKey")
        return RecordPage(records, _write_cursor(behind) if behind else None)

    def outcomes(self, owner: str, since: datetime, until: datetime, limit: int) -> list[Outcome]:
        """How the owner's newest ``limit`` pictures went, of those created between two times in UTC."""
        pages = self._newest_first(
            Key("owner").eq(owner) & Key("created_at").between(since.isoformat(), until.isoformat()),
            ProjectionExpression="created_at, #status, timings, labels",
            ExpressionAttributeNames={"#status": "status"},
        )
        items = itertools.chain.from_iterable(page["Items"] for page in pages)
        return [_outcome(item) for item in itertools.islice(items, limit)]

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

    def unsettled(self, status: Status, before: datetime, limit: int) -> list[Record]:
        """At most ``limit`` of those that have been AWAITING_UPLOAD, or PROCESSING, since ``before``, longest first.

        It costs what it finds, however many records there are.
        """
        records = map(self.get, self._unsettled_keys(status, before, limit))
        return [record for record in records if record is not None and record.status == status]

    def stop_awaiting(self, image_id: str) -> None:
        """Let a record whose upload can come no more be settled; it stays as it is until it expires."""
        awaiting = Attr("status").eq(Status.AWAITING_UPLOAD)
        self._update(image_id, awaiting, "REMOVE unsettled", names={}, values={})

    def _unsettled_keys(self, unsettled: str, before: datetime, limit: int) -> list[str]:
        with translated("DynamoDB", _ERRORS, StoreUnavailable):
            items = self._table.query(
                IndexName=UNSETTLED_INDEX,
                KeyConditionExpression=Key("unsettled").eq(unsettled) & Key("updated_at").lt(before.isoformat()),
                Limit=limit,
            )["Items"]
        return [str(item["image_id"]) for item in items]

    def _newest_first(self, of: ConditionBase, **query: Any) -> Iterator[QueryOutputTableTypeDef]:
        """DynamoDB's pages of the owners' index, each read when it is asked for."""
        while True:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                page = self._table.query(
                    IndexName=OWNER_INDEX, KeyConditionExpression=of, ScanIndexForward=False, **query
                )
            yield page
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
        names = (*Record.model_fields, *_BESIDE_THE_RECORD)
        removed = [name for name in names if name not in (*item, *_KEPT, "image_id")]
        return self._update(
            record.image_id,
            condition,
            f"SET {', '.join(written)}" + (f" REMOVE {', '.join(f'#{name}' for name in removed)}" if removed else ""),
            names={f"#{name}": name for name in (*item, *removed)},
            values={f":{name}": value for name, value in item.items()},
        )

    def _update(
        self,
        image_id: str,
        condition: ConditionBase,
        update: str,
        *,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> Record | None:
        """Update a record in one write, and return it as it now is; None if ``condition`` does not hold."""
        try:
            with translated("DynamoDB", _ERRORS, StoreUnavailable):
                answer = self._table.update_item(
                    Key={"image_id": image_id},
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
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


def _counter_key(owner: str, day: date) -> dict[str, str]:
    return {"image_id": f"uploads#{owner}#{day.isoformat()}"}


def _count(counter: Mapping[str, Any]) -> int:
    return int(counter["uploads"])


def _unclaimed(upload: Upload) -> ConditionBase:
    """Nobody's picture yet."""
    awaited = Attr("upload_key").eq(upload.key) & Attr("status").eq(Status.AWAITING_UPLOAD)
    return Attr("image_id").not_exists() | awaited


def _of_older(upload: Upload) -> ConditionBase:
    """The picture of an older upload to the same key: S3 orders the uploads of one key only."""
    is_another = Attr("upload_key").eq(upload.key) & Attr("upload.version").ne(upload.version)
    return is_another & Attr("upload_order").lt(_upload_order(upload))


def _in_process(execution_arn: str) -> ConditionBase:
    return Attr("execution_arn").eq(execution_arn) & Attr("status").eq(Status.PROCESSING)


def _upload_order(upload: Upload) -> str:
    """The sequencer as a string that sorts: S3 compares them as hexadecimal strings, the shorter padded with zeros."""
    return upload.sequencer.upper().ljust(_SEQUENCER_DIGITS, "0")


def _folded(text: str) -> str:
    """The same of texts that differ in case, or in how their accents are encoded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _to_attributes(model: Model) -> dict[str, Any]:
    attributes: dict[str, Any] = json.loads(model.model_dump_json(exclude_none=True), parse_float=Decimal)
    return attributes


def _to_item(record: Record) -> dict[str, Any]:
    item = _to_attributes(record)
    # DynamoDB writes below a map only where there is one.
    item["steps"] = {name: {} for name in get_args(StepName)} | item["steps"]
    item["name_folded"] = _folded(record.file_name)
    item["labels_folded"] = [_folded(label.name) for label in record.labels]
    if record.status.is_unfinished:
        item["unsettled"] = record.status
    if record.upload is not None:
        item["upload_order"] = _upload_order(record.upload)
    return item


def _from_item(item: Mapping[str, Any]) -> Record:
    fields = {name: value for name, value in item.items() if name not in _BESIDE_THE_RECORD}
    fields["steps"] = {name: step for name, step in item.get("steps", {}).items() if step}
    return Record.model_validate_json(json.dumps(fields, default=_number))


def _outcome(item: Mapping[str, Any]) -> Outcome:
    return Outcome(
        created_at=datetime.fromisoformat(item["created_at"]),
        status=Status(item["status"]),
        timings={step: float(elapsed_ms) for step, elapsed_ms in item.get("timings", {}).items()},
        labels=tuple(label["name"] for label in item.get("labels", ())),
    )


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _write_cursor(key: Mapping[str, Any]) -> str:
    cursor = _Cursor.model_validate(key)
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
