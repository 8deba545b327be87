"""DynamoDB through the store: who may claim and finish a picture, what is listed, and what an item holds."""

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore import exceptions as botocore_errors
from moto.dynamodb.models import DynamoDBBackend

from functions.core.errors import AccessDenied, InvalidRequest, MatteflowError, StoreUnavailable
from functions.core.identity import identify, new_image_id
from functions.core.models import (
    Box,
    Face,
    ImageFacts,
    Label,
    MaskFacts,
    Output,
    ProcessingOptions,
    Record,
    Status,
    Upload,
)
from functions.core.record_store import RecordPage, RecordStore, new_record
from tests.unit.record_table import EXECUTION, OTHER_EXECUTION, TABLE, make_upload

UPLOAD = make_upload()
IDENTITY = identify(UPLOAD)
TERMINAL = [status for status in Status if status not in (Status.AWAITING_UPLOAD, Status.PROCESSING)]


def claim(
    records: RecordStore, execution_arn: str = EXECUTION, *, upload: Upload = UPLOAD, resume_of: str | None = None
) -> Record | None:
    return records.claim(identify(upload), upload, execution_arn=execution_arn, resume_of=resume_of, ttl_days=90)


def ended(
    status: Status = Status.SUCCEEDED, execution_arn: str = EXECUTION, *, upload: Upload = UPLOAD, **results: Any
) -> Record:
    return new_record(identify(upload), upload, status, execution_arn, 90).model_copy(update=results)


def awaiting(image_id: str, owner: str = "public", created_at: str = "2025-01-01T00:00:00+00:00") -> Record:
    return Record(
        image_id=image_id,
        owner=owner,
        status=Status.AWAITING_UPLOAD,
        file_name="Red bicycle + child.jpg",
        upload_key=f"uploads/{owner}/{image_id}/{IDENTITY.file_name}",
        options=ProcessingOptions(background="#123456"),
        created_at=created_at,
        updated_at=created_at,
        expires_at=2_000_000_000,
    )


class TestClaim:
    def test_a_picture_without_a_record_gets_one(self, records: RecordStore) -> None:
        # When the event of a file put straight into the bucket is claimed
        before = datetime.now(UTC)
        record = claim(records)
        # Then the record is there, in process, without options, and kept for 90 days
        assert record is not None
        assert record == records.get(IDENTITY.image_id)
        assert (record.status, record.execution_arn, record.upload) == (Status.PROCESSING, EXECUTION, UPLOAD)
        assert (record.owner, record.file_name, record.upload_key) == ("public", "red bicycle + child.jpg", UPLOAD.key)
        assert record.options is None
        assert record.created_at == record.updated_at >= before.isoformat()
        assert abs(record.expires_at - (before + timedelta(days=90)).timestamp()) < 60

    def test_an_awaited_upload_keeps_what_was_asked_for(self, records: RecordStore) -> None:
        # Given a record made with an upload URL, to be forgotten soon if nothing comes
        asked = awaiting(IDENTITY.image_id)
        records.create(asked)
        # When the upload comes
        record = claim(records)
        # Then its options, name and time are kept, and its end of life is the long one
        assert record is not None
        assert record.status == Status.PROCESSING
        assert (record.options, record.file_name, record.created_at) == (
            asked.options,
            asked.file_name,
            asked.created_at,
        )
        assert record.expires_at != asked.expires_at

    def test_the_same_event_ten_times_at_once_is_claimed_once(
        self, records: RecordStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given that writes of an item come one after another, as DynamoDB has them and moto does not
        write, one_at_a_time = DynamoDBBackend.update_item, threading.Lock()

        def serialized(*arguments: Any, **named: Any) -> Any:
            with one_at_a_time:
                return write(*arguments, **named)

        monkeypatch.setattr(DynamoDBBackend, "update_item", serialized)
        stores = [RecordStore(TABLE) for _ in range(10)]
        start = threading.Barrier(10)

        # When ten executions claim at once
        def run(number: int) -> Record | None:
            start.wait()
            return claim(stores[number], f"{EXECUTION}-{number}")

        with ThreadPoolExecutor(10) as threads:
            claimed = [record for record in threads.map(run, range(10)) if record]
        # Then one has it
        assert [record.execution_arn for record in claimed] == [records.get(IDENTITY.image_id).execution_arn]  # type: ignore[union-attr]

    def test_a_retried_step_claims_its_picture_again(self, records: RecordStore) -> None:
        claim(records)
        again = claim(records)
        assert again is not None
        assert again.execution_arn == EXECUTION

    def test_a_late_retry_does_not_reopen_what_has_ended(self, records: RecordStore) -> None:
        claim(records)
        records.finish(ended())
        assert claim(records) is None
        assert status_of(records) == Status.SUCCEEDED

    @pytest.mark.parametrize("status", [Status.PROCESSING, *TERMINAL])
    def test_the_same_event_later_is_a_duplicate(self, records: RecordStore, status: Status) -> None:
        claim(records)
        if status != Status.PROCESSING:
            records.finish(ended(status))
        assert claim(records, OTHER_EXECUTION) is None
        assert records.get(IDENTITY.image_id).execution_arn == EXECUTION  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("stored", "newer"),
        [
            ("00617F08299329D189", "00617F08299329D18A"),
            # A shorter sequencer counts as if zeros followed.
            ("00617F08299329D1", "00617F08299329D101"),
            ("00617F0829", "00617F083"),
            ("00617f08299329d1", "00617F08299329D2"),
        ],
    )
    def test_the_newest_upload_to_a_key_stays(self, records: RecordStore, stored: str, newer: str) -> None:
        old, new = make_upload(sequencer=stored), make_upload(sequencer=newer, version="v2")
        # Given a result of an older version
        claim(records, upload=old)
        records.finish(ended(upload=old, labels=(Label(name="Boat", confidence=90),), needs_review=True, image=IMAGE))
        # When a newer version comes, then it is processed, and nothing of the old result is left
        record = claim(records, OTHER_EXECUTION, upload=new)
        assert record is not None
        assert (record.upload, record.labels, record.needs_review, record.image) == (new, (), False, None)
        # And an old version's event that comes last changes nothing
        assert claim(records, f"{EXECUTION}-late", upload=old) is None
        assert records.get(IDENTITY.image_id) == record

    @pytest.mark.parametrize("zeros", [("", "00"), ("00", "")])
    def test_zeros_behind_a_sequencer_make_it_no_newer(self, records: RecordStore, zeros: tuple[str, str]) -> None:
        first, second = (make_upload(sequencer=f"00617F08299329D1{end}") for end in zeros)
        claim(records, upload=first)
        assert claim(records, OTHER_EXECUTION, upload=second) is None

    def test_an_object_of_another_key_never_takes_a_record_over(self, records: RecordStore) -> None:
        # Given that sequencers order the versions of one key only
        claim(records)
        stranger = make_upload(key=UPLOAD.key.replace("child", "dog"), sequencer="F" * 18)
        assert claim(records, OTHER_EXECUTION, upload=stranger) is None

    def test_a_failed_picture_is_resumed_once(self, records: RecordStore) -> None:
        claim(records)
        records.finish(ended(Status.FAILED, status_reason="the endpoint was down"))
        # When it is resumed by two
        resumed = claim(records, OTHER_EXECUTION, resume_of=EXECUTION)
        again = claim(records, f"{OTHER_EXECUTION}-too", resume_of=EXECUTION)
        # Then one of them has it, and the reason of the failure is gone
        assert resumed is not None
        assert (resumed.execution_arn, resumed.status_reason) == (OTHER_EXECUTION, None)
        assert again is None

    def test_a_newer_upload_waits_for_the_older_one_to_end(self, records: RecordStore) -> None:
        # Given an upload that is being processed
        newer = make_upload(version="newer", sequencer="F" * 18)
        claim(records)
        # When a newer one to the same key comes, then it has to wait, as both would write the same objects
        assert claim(records, OTHER_EXECUTION, upload=newer) is None
        assert records.is_of_older(IDENTITY.image_id, newer)
        assert not records.is_of_older(IDENTITY.image_id, UPLOAD)
        # And it has its turn when the older one has ended
        records.finish(ended())
        claimed = claim(records, OTHER_EXECUTION, upload=newer)
        assert claimed is not None
        assert (claimed.status, claimed.upload) == (Status.PROCESSING, newer)

    def test_the_event_of_an_upload_that_was_started_without_it_is_a_duplicate(self, records: RecordStore) -> None:
        # Given a picture that was processed before its event told the sequencer
        claim(records, upload=make_upload(sequencer="0"))
        assert not records.is_of_older(IDENTITY.image_id, UPLOAD)
        records.finish(ended(upload=make_upload(sequencer="0")))
        # When the event comes, then there is nothing to claim
        assert claim(records, OTHER_EXECUTION) is None

    @pytest.mark.parametrize("status", [status for status in TERMINAL if status != Status.FAILED])
    def test_only_a_failed_picture_can_be_resumed(self, records: RecordStore, status: Status) -> None:
        claim(records)
        records.finish(ended(status))
        assert claim(records, OTHER_EXECUTION, resume_of=EXECUTION) is None


class TestOutputs:
    def test_an_output_is_added_behind_the_others_once(self, records: RecordStore) -> None:
        claim(records)
        finished = records.finish(ended(outputs=(OUTPUT,)))
        assert finished is not None
        window = Box(left=0.1, top=0.25, width=1 / 3, height=0.5)
        added = OUTPUT.model_copy(update={"kind": "composite", "background": "blur", "window": window})
        # When one is added, and then another by somebody who has not seen it
        assert records.add_output(finished, added)
        assert not records.add_output(finished, added)
        # Then the first is there
        record = records.get(IDENTITY.image_id)
        assert record is not None
        assert record.outputs == (OUTPUT, added)
        assert records.add_output(record, added)

    def test_a_picture_that_was_taken_over_or_deleted_gets_none(self, records: RecordStore) -> None:
        claim(records)
        failed = records.finish(ended(Status.FAILED))
        assert failed is not None
        claim(records, OTHER_EXECUTION, resume_of=EXECUTION)
        assert not records.add_output(failed, OUTPUT)
        records.finish(ended(Status.FAILED, OTHER_EXECUTION))
        records.delete(IDENTITY.image_id)
        assert not records.add_output(failed, OUTPUT)
        assert records.get(IDENTITY.image_id) is None


class TestFinish:
    def test_the_results_are_there_as_they_were_given(self, records: RecordStore) -> None:
        # Given a picture whose upload was announced
        records.create(awaiting(IDENTITY.image_id))
        claimed = claim(records)
        assert claimed is not None
        # When it ends with every kind of number in it
        result = ended(
            image=IMAGE,
            mask=MASK,
            faces=(Face(box=Box(left=-0.0123456789012345, top=0.1, width=1 / 3, height=1e-7), confidence=99.99),),
            outputs=(OUTPUT,),
            timings={"infer_mask": 1234.5, "validate_image": 10.0},
        )
        stored = records.finish(result)
        # Then it is read back exactly, with what the claim had kept
        kept = {"options": claimed.options, "file_name": claimed.file_name, "created_at": claimed.created_at}
        assert stored == result.model_copy(update=kept) == records.get(IDENTITY.image_id)
        assert stored is not None
        assert stored.image is not None
        assert {name: type(value) for name, value in stored.image.exif.items()} == {"iso": int, "f": float, "make": str}
        # And the item itself holds decimals, and nothing absent
        item: dict[str, Any] = (
            boto3.resource("dynamodb").Table(TABLE).get_item(Key={"image_id": IDENTITY.image_id})["Item"]
        )
        assert item["mask"]["coverage"] == Decimal("0.30000000000000004")
        assert "status_reason" not in item

    def test_a_rerun_after_the_write_says_the_same(self, records: RecordStore) -> None:
        # Given a Lambda that was killed after its write
        claim(records)
        first = records.finish(ended(labels=(Label(name="Boat", confidence=90),)))
        # When it runs again
        second = records.finish(ended(labels=(Label(name="Boat", confidence=90),)))
        # Then it succeeds, and the record is the one that was written first
        assert first == second == records.get(IDENTITY.image_id)

    def test_a_failure_after_the_result_leaves_the_result(self, records: RecordStore) -> None:
        claim(records)
        records.finish(ended(Status.SUCCEEDED))
        stored = records.finish(ended(Status.FAILED))
        assert stored is not None
        assert stored.status == status_of(records) == Status.SUCCEEDED

    @pytest.mark.parametrize("status", TERMINAL)
    def test_an_older_execution_never_overwrites_a_newer_one(self, records: RecordStore, status: Status) -> None:
        # Given an execution that was cut off, and taken up again by another
        claim(records)
        newer = claim(records, OTHER_EXECUTION, resume_of=EXECUTION)
        # When the older one ends
        stored = records.finish(ended(status))
        # Then nothing has changed
        assert stored is None
        assert records.get(IDENTITY.image_id) == newer

    @pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.PARTIAL, Status.BLOCKED])
    def test_a_deleted_picture_stays_deleted(self, records: RecordStore, status: Status) -> None:
        claim(records)
        records.finish(ended(Status.FAILED))
        records.delete(IDENTITY.image_id)
        assert records.finish(ended(status)) is None
        assert records.get(IDENTITY.image_id) is None

    @pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED])
    @pytest.mark.parametrize("announced", [True, False])
    def test_what_failed_before_its_claim_is_recorded_all_the_same(
        self, records: RecordStore, status: Status, announced: bool
    ) -> None:
        if announced:
            records.create(awaiting(IDENTITY.image_id))
        stored = records.finish(ended(status, status_reason="why"))
        assert stored is not None
        assert stored == records.get(IDENTITY.image_id)
        assert (stored.status, stored.status_reason, stored.execution_arn) == (status, "why", EXECUTION)
        assert (stored.options is None) != announced

    def test_a_newer_version_that_failed_before_its_claim_replaces_the_older_result(self, records: RecordStore) -> None:
        claim(records)
        records.finish(ended())
        newer = make_upload(version="newer", sequencer="F" * 18)
        stored = records.finish(ended(Status.FAILED, OTHER_EXECUTION, upload=newer))
        assert stored is not None
        assert (stored.status, stored.upload) == (Status.FAILED, newer)

    def test_a_newer_version_that_failed_before_its_claim_supersedes_an_older_one_in_process(
        self, records: RecordStore
    ) -> None:
        # Given an older version that is being processed for longer than the newer one can wait
        claim(records)
        newer = make_upload(version="newer", sequencer="F" * 18)
        failed = records.finish(ended(Status.FAILED, OTHER_EXECUTION, upload=newer))
        # When the older one ends, well or not, then its result is not kept
        assert records.finish(ended(outputs=(OUTPUT,))) is None
        assert records.finish(ended(Status.FAILED)) is None
        assert claim(records) is None
        assert records.get(IDENTITY.image_id) == failed
        # And the newer one can be resumed
        assert claim(records, f"{OTHER_EXECUTION}-again", upload=newer, resume_of=OTHER_EXECUTION) is not None

    def test_a_duplicate_that_failed_leaves_the_picture_alone(self, records: RecordStore) -> None:
        claim(records)
        assert records.finish(ended(Status.FAILED, OTHER_EXECUTION)) is None
        assert status_of(records) == Status.PROCESSING

    def test_a_record_without_its_execution_is_refused(self, records: RecordStore) -> None:
        with pytest.raises(ValueError, match="execution"):
            records.finish(awaiting(IDENTITY.image_id))


class TestReading:
    def test_what_is_absent_is_none(self, records: RecordStore) -> None:
        assert records.get(IDENTITY.image_id) is None
        assert records.newest_by_upload_key("uploads/nothing.jpg") is None
        assert list(records.unfinished()) == []

    def test_deleting_twice_is_no_error(self, records: RecordStore) -> None:
        records.create(awaiting(IDENTITY.image_id))
        assert records.delete(IDENTITY.image_id, UPLOAD.key)
        assert records.delete(IDENTITY.image_id)
        assert records.get(IDENTITY.image_id) is None

    def test_what_an_execution_works_on_is_not_deleted(self, records: RecordStore) -> None:
        claimed = claim(records)
        assert not records.delete(IDENTITY.image_id)
        assert records.get(IDENTITY.image_id) == claimed

    def test_a_deleted_picture_does_not_come_back_with_an_upload_or_event_that_comes_later(
        self, records: RecordStore
    ) -> None:
        # Given a picture that was deleted while its upload was on the way
        records.create(awaiting(IDENTITY.image_id))
        records.delete(IDENTITY.image_id)
        # Then no execution can claim it, nor record that it failed
        assert claim(records) is None
        assert records.finish(ended(Status.FAILED)) is None
        assert records.get(IDENTITY.image_id) is None
        assert records.newest_by_upload_key(UPLOAD.key) is None
        assert list(records.unfinished()) == []

    def test_what_is_left_of_a_deleted_picture_expires_after_the_last_event_of_it(self, records: RecordStore) -> None:
        records.delete(IDENTITY.image_id)
        item = records._table.get_item(Key={"image_id": IDENTITY.image_id})["Item"]
        assert item.keys() == {"image_id", "expires_at"}
        days = (int(item["expires_at"]) - datetime.now(UTC).timestamp()) / 86400
        assert 30 < days <= 31

    @pytest.mark.parametrize(("limit", "sizes"), [(2, [2, 2, 1]), (5, [5]), (4, [4, 1]), (100, [5])])
    def test_pages_hold_every_record_once_newest_first(
        self, records: RecordStore, limit: int, sizes: list[int]
    ) -> None:
        # Given five records of the owner, and one of another
        ids = [new_image_id() for _ in range(5)]
        for day, image_id in enumerate(ids, start=1):
            records.create(awaiting(image_id, "me", f"2025-01-0{day}T00:00:00+00:00"))
        records.create(awaiting(new_image_id(), "other"))
        # When they are read page by page
        pages = all_pages(lambda cursor: records.list_by_owner("me", limit, cursor))
        # Then each is there once, the newest first, and the last page knows that it is the last
        assert [record.image_id for page in pages for record in page.records] == ids[::-1]
        assert [len(page.records) for page in pages] == sizes

    def test_a_page_of_one_status_is_full_however_rare_it_is(self, records: RecordStore) -> None:
        # Given nine records, every third of which is in process
        ids = []
        for day in range(1, 10):
            image_id = new_image_id()
            record = awaiting(image_id, "me", f"2025-01-0{day}T00:00:00+00:00")
            records.create(record)
            if day % 3 == 0:
                upload = make_upload(key=record.upload_key)
                claim(records, f"{EXECUTION}-{day}", upload=upload)
                ids.append(image_id)
        # When those are read two a page
        pages = all_pages(lambda cursor: records.list_by_owner("me", 2, cursor, status=Status.PROCESSING))
        # Then pages are full while there are records
        assert [[record.image_id for record in page.records] for page in pages] == [[ids[2], ids[1]], [ids[0]]]

    def test_a_record_is_found_by_what_is_kept_and_by_its_newest_labels(self, records: RecordStore) -> None:
        # Given a picture with a name of its owner's, and an older result with another label
        records.create(awaiting(IDENTITY.image_id))
        claim(records)
        records.finish(ended(Status.FAILED, labels=(Label(name="Dog", confidence=90),)))
        claim(records, OTHER_EXECUTION, resume_of=EXECUTION)
        records.finish(ended(execution_arn=OTHER_EXECUTION, labels=(Label(name="Boat", confidence=90),)))

        def found(**filters: str) -> int:
            return len(records.list_by_owner("public", 5, **filters).records)

        assert (found(name="RED bicycle + child.j"), found(label="boat")) == (1, 1)
        assert (found(label="dog"), found(name="upload_key"), found(label="boat", name="blue")) == (0, 0, 0)

    def test_the_outcomes_of_a_time_are_the_newest_first(self, records: RecordStore) -> None:
        for day in range(1, 6):
            records.create(awaiting(new_image_id(), "me", f"2025-01-0{day}T00:00:00+00:00"))
        since, until = (datetime(2025, 1, day, tzinfo=UTC) for day in (2, 4))
        outcomes = records.outcomes("me", since, until, 2)
        assert [outcome.created_at.day for outcome in outcomes] == [4, 3]
        assert outcomes[0][1:] == (Status.AWAITING_UPLOAD, {}, ())
        assert len(records.outcomes("me", since, until, 9)) == 3

    def test_a_page_is_filled_across_dynamodb_s_own_pages(self, records: RecordStore) -> None:
        # Given records that DynamoDB cannot give in one answer, of 1 MB
        for day in range(1, 8):
            record = awaiting(new_image_id(), "me", f"2025-01-0{day}T00:00:00+00:00")
            records.create(record.model_copy(update={"status_reason": "x" * 300_000}))
        page = records.list_by_owner("me", 6, status=Status.AWAITING_UPLOAD)
        assert len(page.records) == 6
        assert page.next_cursor is not None

    def test_what_is_rare_is_looked_for_in_so_many_records_a_page_and_no_more(self, records: RecordStore) -> None:
        # Given a record with another name behind more than is read for one page
        rare = awaiting(new_image_id(), "me", "2025-01-01T00:00:00+00:00")
        records.create(rare.model_copy(update={"file_name": "boat.jpg"}))
        for hour in range(24):
            record = awaiting(new_image_id(), "me", f"2025-01-02T{hour:02}:00:00+00:00")
            records.create(record.model_copy(update={"status_reason": "x" * 399_000}))
        # When it is looked for, page by page
        pages = all_pages(lambda cursor: records.list_by_owner("me", 5, cursor, name="boat"))
        # Then it is found once, behind an empty page
        assert [[record.image_id for record in page.records] for page in pages] == [[], [rare.image_id]]

    def test_a_cursor_of_another_owner_is_refused(self, records: RecordStore) -> None:
        for _ in range(2):
            records.create(awaiting(new_image_id(), "other"))
        cursor = records.list_by_owner("other", 1).next_cursor
        with pytest.raises(InvalidRequest, match="cursor"):
            records.list_by_owner("me", 1, cursor)

    @pytest.mark.parametrize(
        "forged",
        [
            "",
            "!",
            "é",
            "bm90IGpzb24",
            "W10",
            "e30",
            base64.urlsafe_b64encode(json.dumps({"owner": "me"}).encode()).decode(),
            base64.urlsafe_b64encode(
                json.dumps({"image_id": "x", "owner": "me", "created_at": "2025"}).encode()
            ).decode(),
            base64.urlsafe_b64encode(
                json.dumps({"image_id": IDENTITY.image_id, "owner": "me", "created_at": "2025", "status": "x"}).encode()
            ).decode(),
        ],
    )
    def test_a_forged_cursor_is_refused(self, records: RecordStore, forged: str) -> None:
        with pytest.raises(InvalidRequest, match="cursor"):
            records.list_by_owner("me", 1, forged)

    def test_the_newest_upload_to_a_key_is_by_sequencer_not_by_time(self, records: RecordStore) -> None:
        # Given a key outside the presigned form, where every version is a picture of its own
        new = make_upload(key="uploads/boat.jpg", version="new", sequencer="0B")
        old = make_upload(key="uploads/boat.jpg", version="old", sequencer="0A")
        # When the old version's event comes last
        claim(records, upload=new)
        claim(records, OTHER_EXECUTION, upload=old)
        # Then the newest is still the newest
        newest = records.newest_by_upload_key("uploads/boat.jpg")
        assert newest is not None
        assert newest.upload == new

    def test_every_failed_record_is_found(self, records: RecordStore) -> None:
        # Given more records than DynamoDB scans in one answer, of 1 MB
        failed = set()
        for number in range(6):
            upload = make_upload(key=f"uploads/{number}.jpg")
            status = Status.FAILED if number % 2 else Status.REJECTED
            records.finish(ended(status, f"{EXECUTION}-{number}", upload=upload, status_reason="x" * 300_000))
            if status == Status.FAILED:
                failed.add(identify(upload).image_id)
        assert {record.image_id for record in records.unfinished()} == failed

    def test_what_something_has_yet_to_happen_to_is_found_oldest_first(self, records: RecordStore) -> None:
        # Given an awaited upload, three pictures in process, and one that has ended
        records.create(awaiting(IDENTITY.image_id))
        in_process = [make_upload(key=f"uploads/{number}.jpg") for number in range(4)]
        for upload in in_process:
            claim(records, upload=upload)
        records.finish(ended(upload=in_process[1]))

        def found(status: Status, before: datetime, limit: int = 10) -> list[str]:
            return [record.image_id for record in records.unsettled(status, before, limit)]

        now = datetime.now(UTC)
        oldest = [identify(in_process[number]).image_id for number in (0, 2, 3)]
        assert found(Status.PROCESSING, now) == oldest
        assert found(Status.PROCESSING, now, limit=2) == oldest[:2]
        assert found(Status.PROCESSING, now - timedelta(minutes=1)) == []
        assert found(Status.AWAITING_UPLOAD, now) == [IDENTITY.image_id]
        # When it is no longer waited for, then it is not found, but there
        records.stop_awaiting(IDENTITY.image_id)
        assert found(Status.AWAITING_UPLOAD, now) == []
        assert records.get(IDENTITY.image_id) == awaiting(IDENTITY.image_id)
        # And a picture in process is not let go of
        records.stop_awaiting(oldest[0])
        assert found(Status.PROCESSING, now) == oldest


CALLS: list[Callable[[RecordStore], object]] = [
    lambda records: records.create(awaiting(IDENTITY.image_id)),
    lambda records: claim(records),
    lambda records: records.finish(ended()),
    lambda records: records.get(IDENTITY.image_id),
    lambda records: records.delete(IDENTITY.image_id),
    lambda records: records.begin_step(IDENTITY.image_id, EXECUTION, "infer_mask"),
    lambda records: records.mark_step(IDENTITY.image_id, EXECUTION, "infer_mask", "done"),
    lambda records: records.add_output(ended(), OUTPUT),
    lambda records: records.list_by_owner("me", 1),
    lambda records: records.outcomes("me", datetime.now(UTC), datetime.now(UTC), 1),
    lambda records: records.newest_by_upload_key("k"),
    lambda records: list(records.unfinished()),
    lambda records: records.unsettled(Status.PROCESSING, datetime.now(UTC), 1),
    lambda records: records.stop_awaiting(IDENTITY.image_id),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ProvisionedThroughputExceededException", StoreUnavailable),
        ("ThrottlingException", StoreUnavailable),
        ("RequestLimitExceeded", StoreUnavailable),
        ("InternalServerError", StoreUnavailable),
        ("503", StoreUnavailable),
        ("AccessDeniedException", AccessDenied),
    ],
)
def test_a_refusal_is_translated(call: Callable[[RecordStore], object], code: str, error: type[MatteflowError]) -> None:
    answer = botocore_errors.ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")
    with pytest.raises(error, match=code) as raised:
        call(failing(answer))
    assert raised.value.__cause__ is answer


@pytest.mark.parametrize(
    "fault",
    [
        botocore_errors.EndpointConnectionError(endpoint_url="http://dynamodb"),
        botocore_errors.ConnectTimeoutError(endpoint_url="http://dynamodb"),
        botocore_errors.ReadTimeoutError(endpoint_url="http://dynamodb"),
        botocore_errors.ConnectionClosedError(endpoint_url="http://dynamodb"),
    ],
)
def test_a_lost_connection_is_the_store_unavailable(fault: Exception) -> None:
    with pytest.raises(StoreUnavailable, match=type(fault).__name__):
        failing(fault).get(IDENTITY.image_id)


def test_an_error_that_no_table_names_is_raised_as_it_is() -> None:
    unknown = botocore_errors.ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetItem")
    with pytest.raises(botocore_errors.ClientError) as raised:
        failing(unknown).get(IDENTITY.image_id)
    assert raised.value is unknown


def failing(fault: Exception) -> RecordStore:
    """A store whose every call ends in ``fault``, once the SDK has given up."""
    table = boto3.resource("dynamodb").Table(TABLE)

    def fail(**_: Any) -> None:
        raise fault

    table.meta.client.meta.events.register("before-call", fail)
    return RecordStore(TABLE, table)


def status_of(records: RecordStore) -> Status:
    record = records.get(IDENTITY.image_id)
    assert record is not None
    return record.status


def all_pages(read: Callable[[str | None], RecordPage]) -> list[RecordPage]:
    pages = [read(None)]
    while pages[-1].next_cursor is not None:
        pages.append(read(pages[-1].next_cursor))
    return pages


IMAGE = ImageFacts(
    format="JPEG",
    width=640,
    height=480,
    mode="RGB",
    size_bytes=48213,
    sha256="0" * 64,
    exif={"iso": 100, "f": 2.8, "make": "Acme"},
)
MASK = MaskFacts(
    bucket="masks",
    key="k/mask.png",
    width=640,
    height=480,
    model="u2netp",
    provider="CPUExecutionProvider",
    inference_ms=123.4,
    coverage=0.1 + 0.2,
    confidence=97.25,
    edge_softness=0.02,
    parts=1,
    touches=("left", "bottom"),
    subject=Box(left=0, top=0.25, width=0.5, height=0.75),
)
OUTPUT = Output(kind="cutout", key="k/cutout.png", format="png", width=640, height=480, bytes=123456)
