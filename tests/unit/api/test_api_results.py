"""Reading, listing and deleting results."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from functions.core.identity import identify
from functions.core.image_store import ImageStore
from functions.core.models import Box, ImageFacts, Label, MaskFacts, Output, Status, StepProgress
from scripts.signing_key import SigningKeys
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET
from tests.unit.record_table import EXECUTION

FACTS = ImageFacts(format="JPEG", width=640, height=480, mode="RGB", size_bytes=9, sha256="0" * 64)
STEP = StepProgress(state="running", started_at="2026-01-01T00:00:00+00:00", attempts=2)
ABSENT = "01890000-0000-7000-8000-000000000000"


def mask_of(image_id: str) -> MaskFacts:
    return MaskFacts(
        bucket=MASKS_BUCKET,
        key=f"{image_id}/mask.png",
        width=640,
        height=480,
        model="classical",
        provider="CPUExecutionProvider",
        inference_ms=12.5,
        coverage=0.25,
        confidence=97.5,
        edge_softness=0.02,
        parts=2,
        touches=("left", "bottom"),
        subject=Box(left=0, top=0.25, width=0.5, height=0.75),
    )


def object_of(url: str) -> str:
    """The object that a signed URL reads, as bucket/key."""
    parts = urlsplit(url)
    return f"{parts.netloc.split('.')[0]}{parts.path}"


class TestOneResult:
    def test_every_object_of_it_has_a_signed_url(self, api, make_record):
        image_id = "01890000-0000-7000-8000-00000000000a"
        record = make_record(image_id=image_id, image=FACTS, mask=mask_of(image_id))

        answer = api.get(f"/results/{image_id}")

        result = answer.body
        assert answer.status == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert [object_of(output["url"]) for output in result["outputs"]] == [
            f"{RESULTS_BUCKET}/{output.key}" for output in record.outputs
        ]
        assert {name: object_of(url) for name, url in result["links"].items()} == {
            "original": f"{UPLOADS_BUCKET}/{record.upload_key}",
            "proxy": f"{MASKS_BUCKET}/{image_id}/proxy.jpg",
            "mask": f"{MASKS_BUCKET}/{image_id}/mask.png",
        }
        for url in (result["outputs"][0]["url"], *result["links"].values()):
            assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["300"]

    def test_behind_an_edge_its_outputs_are_read_there_and_the_rest_from_the_buckets(self, api, configure, make_record):
        keys = SigningKeys("test", boto3.Session())
        version = keys.make()
        secret_arn = boto3.client("secretsmanager").describe_secret(SecretId=keys.secret)["ARN"]
        edge = {
            "domain": "results.example.org",
            "key_id": "K2JCJMDEHXQW5F",
            "secret_arn": secret_arn,
            "secret_version": version,
        }
        configure("RESULTS_EDGE", json.dumps(edge))
        record = make_record(image=FACTS)

        result = api.get(f"/results/{record.image_id}").body

        for output, made in zip(result["outputs"], record.outputs, strict=True):
            url = urlsplit(output["url"])
            assert f"{url.netloc}{url.path}" == f"results.example.org/{made.key}"
            assert parse_qs(url.query)["Key-Pair-Id"] == ["K2JCJMDEHXQW5F"]
        assert object_of(result["links"]["original"]) == f"{UPLOADS_BUCKET}/{record.upload_key}"

    def test_the_fields_are_those_of_the_record(self, api, make_record):
        record = make_record(image=FACTS, timings={"validate_image": 12.5})

        result = api.get(f"/results/{record.image_id}").body

        assert {name: result[name] for name in record.model_fields_set - {"outputs"}} == record.model_dump(
            mode="json", include=record.model_fields_set - {"outputs"}
        )

    def test_it_says_what_was_measured_of_the_mask_and_which_part_an_output_shows(self, api, make_record):
        image_id = "01890000-0000-7000-8000-00000000000b"
        window = {"left": 0.25, "top": 0.25, "width": 0.5, "height": 0.5}
        cropped, whole = (
            Output(kind="cutout", key=f"{image_id}/{name}", format="png", width=9, height=9, bytes=9, window=part)
            for name, part in (("cutout.png", window), ("matte.png", None))
        )
        make_record(image_id=image_id, mask=mask_of(image_id), outputs=(cropped, whole))

        result = api.get(f"/results/{image_id}").body

        assert [output["window"] for output in result["outputs"]] == [window, None]
        measured = ("coverage", "confidence", "edge_softness", "parts", "touches", "subject", "flags")
        assert {name: result["mask"][name] for name in measured} == {
            "coverage": 0.25,
            "confidence": 97.5,
            "edge_softness": 0.02,
            "parts": 2,
            "touches": ["left", "bottom"],
            "subject": {"left": 0, "top": 0.25, "width": 0.5, "height": 0.75},
            "flags": [],
        }

    def test_the_original_is_the_version_that_was_processed(self, api, make_record):
        record = make_record()

        query = parse_qs(urlsplit(api.get(f"/results/{record.image_id}").body["links"]["original"]).query)

        assert query["versionId"] == [record.upload.version]
        assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''boat.jpg"]

    def test_an_output_is_saved_under_the_name_of_its_picture(self, api, make_record):
        output = api.get(f"/results/{make_record().image_id}").body["outputs"][0]

        disposition = parse_qs(urlsplit(output["url"]).query)["response-content-disposition"]
        assert disposition == ["attachment; filename*=UTF-8''boat-cutout.png"]

    def test_what_is_not_there_yet_has_no_link(self, api):
        ticket = api.post({"fileName": "boat.jpg", "fileType": "image/jpeg"}).body

        result = api.get(f"/results/{ticket['imageId']}").body

        assert result["status"] == "AWAITING_UPLOAD"
        assert result["links"] == {"original": None, "proxy": None, "mask": None}

    @pytest.mark.parametrize(
        "image_id", [ABSENT, "7", "..", "' OR 1=1", "x" * 4000, "\N{SAILBOAT}", "a/b", ABSENT.upper() + "A"]
    )
    def test_an_absent_and_a_malformed_id_are_not_found(self, api, image_id):
        answer = api.get(f"/results/{image_id}")

        assert answer.status == 404
        assert answer.body["detail"] == f"There is no result {image_id}."

    def test_the_log_names_the_picture_and_no_signed_url(self, api, make_record, log):
        image_id = make_record().image_id
        api.get(f"/results/{image_id}")

        line = json.loads(log.getvalue())
        assert (line["message"], line["image_id"], line["status"]) == ("request answered", image_id, 200)
        assert "X-Amz" not in log.getvalue()


class TestList:
    def test_newest_first_page_by_page(self, api, make_record):
        newest_first = [make_record().image_id for _ in range(5)][::-1]

        pages, cursor = [], {}
        for _ in range(3):
            page = api.get("/results", limit=2, **cursor).body
            pages.append([item["image_id"] for item in page["items"]])
            cursor = {"cursor": page["next_cursor"]}

        assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
        assert cursor == {"cursor": None}

    def test_an_item_says_how_it_went_and_shows_a_thumbnail_large_enough(self, api, make_record):
        record = make_record(
            status=Status.PARTIAL,
            status_reason="The labels are missing.",
            needs_review=True,
            image=FACTS,
            labels=tuple(Label(name=f"Label {number}", confidence=99) for number in range(7)),
            steps={"infer_mask": STEP},
        )

        (item,) = api.get("/results").body["items"]

        for kind in ("thumbnail", "cutout_thumbnail"):
            shown = item.pop(kind)
            assert (shown["kind"], shown["width"]) == (kind, 480)
            assert object_of(shown["url"]) == f"{RESULTS_BUCKET}/{shown['key']}"
        assert item == {
            "image_id": record.image_id,
            "file_name": "boat.jpg",
            "status": "PARTIAL",
            "status_reason": "The labels are missing.",
            "needs_review": True,
            "created_at": record.created_at,
            "updated_at": record.updated_at,
            "steps": {"infer_mask": STEP.model_dump(mode="json")},
            "width": 640,
            "height": 480,
            "labels": [f"Label {number}" for number in range(5)],
        }

    def test_a_picture_without_outputs_has_nothing_to_show_yet(self, api):
        api.post({"fileName": "boat.jpg", "fileType": "image/jpeg"})

        (item,) = api.get("/results").body["items"]

        unknown = ("thumbnail", "cutout_thumbnail", "width", "height")
        assert [item[name] for name in unknown] == [None] * 4
        assert (item["labels"], item["steps"]) == ([], {})

    def test_of_small_thumbnails_only_the_largest_is_shown(self, api, make_record):
        image_id = "01890000-0000-7000-8000-00000000000c"
        sides = (32, 300, 200)
        make_record(
            image_id=image_id,
            outputs=[
                Output(kind="thumbnail", key=f"{image_id}/{side}", format="JPEG", width=side, height=9, bytes=9)
                for side in sides
            ],
        )

        assert api.get("/results").body["items"][0]["thumbnail"]["width"] == 300

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"label": "boat"}, ["Straße.jpg", "Cafe\N{COMBINING ACUTE ACCENT}.jpg"]),
            ({"label": "BOAT", "status": "FAILED"}, []),
            ({"label": "boa"}, []),
            ({"name": "STRASSE"}, ["Straße.jpg"]),
            ({"name": "café"}, ["Cafe\N{COMBINING ACUTE ACCENT}.jpg"]),
            ({"name": ".jpg", "label": "Sea"}, ["Straße.jpg"]),
            ({"name": "%"}, []),
        ],
    )
    def test_by_label_and_by_a_part_of_the_name(self, api, make_record, query, found):
        boat, sea = (Label(name=name, confidence=99) for name in ("Boat", "Sea"))
        make_record(file_name="Cafe\N{COMBINING ACUTE ACCENT}.jpg", labels=(boat,))
        make_record(file_name="Straße.jpg", labels=(sea, boat))
        make_record("alice", file_name="Straße.jpg", labels=(sea, boat))

        assert [item["file_name"] for item in api.get("/results", **query).body["items"]] == found

    @pytest.mark.parametrize("field", ["label", "name"])
    @pytest.mark.parametrize("text", ["", "x" * 256, "x" * 2048])
    def test_a_search_for_nothing_or_for_too_much(self, api, field, text):
        answer = api.get("/results", **{field: text})

        assert answer.status == 400
        assert [error["field"] for error in answer.body["errors"]] == [field]

    def test_nothing_yet(self, api):
        assert api.get("/results").body == {"items": [], "next_cursor": None}

    def test_twenty_a_page_if_not_said(self, api, make_record):
        for _ in range(21):
            make_record()

        assert len(api.get("/results").body["items"]) == 20

    def test_by_status(self, api, make_record):
        failed = make_record(status=Status.FAILED)
        make_record()

        assert [item["image_id"] for item in api.get("/results", status="FAILED").body["items"]] == [failed.image_id]

    @pytest.mark.parametrize("limit", ["-1", "0", "101", "1e9", "1000000000", "abc", "", "1,2", "2.5"])
    def test_a_limit_that_is_none(self, api, limit):
        answer = api.get("/results", limit=limit)

        assert answer.status == 400
        assert [error["field"] for error in answer.body["errors"]] == ["limit"]

    def test_a_status_that_is_none(self, api):
        answer = api.get("/results", status="DONE")

        assert answer.status == 400
        assert "SUCCEEDED" in answer.body["detail"]

    @pytest.mark.parametrize("cursor", ["x", "e30", "bnVsbA", "%%%", "\N{SAILBOAT}", "A" * 4000])
    def test_a_forged_cursor(self, api, cursor):
        answer = api.get("/results", cursor=cursor)

        assert answer.status == 400
        assert answer.body["detail"].startswith("cursor:")

    def test_a_cursor_of_anothers_list(self, api, make_record):
        for _ in range(2):
            make_record("alice")
        cursor = api.get("/results", user_id="alice", limit=1).body["next_cursor"]

        assert api.get("/results", cursor=cursor).status == 400


class TestOwner:
    def test_without_sign_in_user_id_selects_the_owner(self, api, make_record):
        of_alice, of_nobody = make_record("alice"), make_record()

        assert [item["image_id"] for item in api.get("/results", user_id="alice").body["items"]] == [of_alice.image_id]
        assert [item["image_id"] for item in api.get("/results").body["items"]] == [of_nobody.image_id]
        assert api.get(f"/results/{of_alice.image_id}", user_id="alice").status == 200
        assert api.get(f"/results/{of_alice.image_id}").status == 404

    @pytest.mark.parametrize("user_id", ["a/b", "..", "x" * 129, "a b", "\N{SAILBOAT}", "-"])
    def test_a_user_id_that_cannot_be_an_owner(self, api, user_id):
        answer = api.get("/results", user_id=user_id)

        assert answer.status == 400
        assert answer.body["detail"].startswith("user_id:")

    def test_with_sign_in_the_owner_is_the_subject_of_the_token(self, signed_in, make_record, subject):
        mine = make_record(subject)
        make_record("alice")

        page = signed_in.get("/results", "api_get_signed_in").body

        assert [item["image_id"] for item in page["items"]] == [mine.image_id]
        assert signed_in.get(f"/results/{mine.image_id}", "api_get_signed_in").status == 200

    @pytest.mark.parametrize("user_id", ["alice", "a/b", ""])
    def test_with_sign_in_user_id_is_ignored(self, signed_in, make_record, subject, user_id):
        mine = make_record(subject)
        make_record("alice")

        page = signed_in.get("/results", "api_get_signed_in", user_id=user_id).body

        assert [item["image_id"] for item in page["items"]] == [mine.image_id]

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_what_is_anothers_looks_absent(self, signed_in, make_record, method):
        of_alice = make_record("alice")

        refused = signed_in.get(f"/results/{of_alice.image_id}", "api_get_signed_in", method)
        absent = signed_in.get(f"/results/{ABSENT}", "api_get_signed_in", method)

        assert refused.status == absent.status == 404
        assert refused.text.replace(of_alice.image_id, ABSENT) == absent.text

    @pytest.mark.parametrize("claims", [{}, {"sub": ""}, {"sub": "a/b"}, {"sub": "public"}])
    def test_a_token_that_names_nobody(self, signed_in, load_event, claims):
        event = load_event("api_get_signed_in")
        event["requestContext"]["authorizer"]["jwt"]["claims"] = claims

        assert signed_in.send(event).status == 401

    def test_no_token_at_all(self, signed_in):
        assert signed_in.get("/results").status == 401
        assert signed_in.post({"fileName": "boat.jpg", "fileType": "image/jpeg"}).status == 401

    @pytest.mark.usefixtures("s3")
    def test_health_and_document_ask_for_no_token(self, signed_in):
        assert signed_in.get("/health").status == 200
        assert signed_in.get("/openapi.json").status == 200


class TestDelete:
    @pytest.fixture
    def keys(self, s3):
        """All objects, in every version, of the three buckets."""

        def read() -> list[str]:
            buckets = (UPLOADS_BUCKET, MASKS_BUCKET, RESULTS_BUCKET)
            listings = [s3.list_object_versions(Bucket=bucket) for bucket in buckets]
            return [version["Key"] for listing in listings for version in listing.get("Versions", [])]

        return read

    def test_the_record_and_every_object_of_it_go(self, api, records, make_record, s3, keys):
        record, other = make_record(), make_record()
        for picture in (record, other):
            for _ in range(2):
                s3.put_object(Bucket=UPLOADS_BUCKET, Key=picture.upload_key)
            s3.put_object(Bucket=MASKS_BUCKET, Key=f"{picture.image_id}/mask.png")
            s3.put_object(Bucket=RESULTS_BUCKET, Key=f"{picture.image_id}/cutout.png")

        answer = api.delete(f"/results/{record.image_id}")

        assert (answer.status, answer.text) == (204, "")
        assert records.get(record.image_id) is None
        assert len(keys()) == 4
        assert all(other.image_id in key for key in keys())
        assert api.delete(f"/results/{record.image_id}").status == 404
        assert records.late_uploads(datetime.now(UTC), 10) == {record.image_id: record.upload_key}

    def test_another_version_of_a_key_chosen_elsewhere_is_another_picture(self, api, records, make_record, s3, keys):
        versions = [s3.put_object(Bucket=UPLOADS_BUCKET, Key="uploads/boat.jpg")["VersionId"] for _ in "ab"]
        image_id = "8a6e0804-2bd0-5672-b79d-d97027f9071a"
        record = make_record(image_id=image_id, upload_key="uploads/boat.jpg", version=versions[0])

        assert api.delete(f"/results/{record.image_id}").status == 204
        assert keys() == ["uploads/boat.jpg"]
        assert records.late_uploads(datetime.now(UTC), 10) == {}
        assert s3.head_object(Bucket=UPLOADS_BUCKET, Key="uploads/boat.jpg")["VersionId"] == versions[1]

    def test_not_while_it_is_being_processed(self, api, records, make_record, s3, keys):
        record = make_record(status=Status.PROCESSING)
        s3.put_object(Bucket=UPLOADS_BUCKET, Key=record.upload_key)

        answer = api.delete(f"/results/{record.image_id}")

        assert answer.status == 409
        assert "processed" in answer.body["detail"]
        assert records.get(record.image_id) == record
        assert keys() == [record.upload_key]

    @pytest.mark.usefixtures("s3")
    def test_not_when_an_execution_has_overtaken_it(self, api, records, make_record, monkeypatch):
        # Given an upload that comes while its picture is being deleted
        record = make_record(status=Status.AWAITING_UPLOAD)

        def overtake(*_: str) -> None:
            identity = identify(record.upload)
            records.claim(identity, record.upload, execution_arn=EXECUTION, resume_of=None, ttl_days=90)

        monkeypatch.setattr(ImageStore, "delete_versions", overtake)

        answer = api.delete(f"/results/{record.image_id}")

        # Then the picture is still there to be deleted, with what its execution writes
        assert answer.status == 409
        assert records.get(record.image_id).status == Status.PROCESSING


class TestUploadStatus:
    # As an HTTP API gives a path: every escape decoded but that of the percent sign.
    @pytest.mark.parametrize(
        ("raw_path_part", "key"),
        [
            ("boat.jpg", "uploads/boat.jpg"),
            ("a b+c.jpg", "uploads/a b+c.jpg"),
            ("x%252Fy.jpg", "uploads/x%2Fy.jpg"),
            ("100%25.jpg", "uploads/100%.jpg"),
            ("100%2525.jpg", "uploads/100%25.jpg"),
            ("x/y.jpg", "uploads/x/y.jpg"),
            ("\N{SAILBOAT}.jpg", "uploads/\N{SAILBOAT}.jpg"),
            ("e\N{COMBINING ACUTE ACCENT}te.jpg", "uploads/e\N{COMBINING ACUTE ACCENT}te.jpg"),
            ("a\nb.jpg", "uploads/a\nb.jpg"),
            ("status/status", "uploads/status/status"),
        ],
    )
    def test_an_upload_is_found_by_exactly_its_key(self, api, make_record, raw_path_part, key):
        record = make_record(upload_key=key)

        answer = api.get(f"/images/uploads/{raw_path_part}/status")

        assert answer.status == 200, answer.text
        assert answer.body["image_id"] == record.image_id

    def test_a_literal_percent_escape_is_not_decoded_twice(self, api, make_record):
        make_record(upload_key="uploads/x/y.jpg")

        assert api.get("/images/uploads/x%252Fy.jpg/status").status == 404

    def test_it_tells_status_metadata_and_thumbnails(self, api, make_record):
        record = make_record(
            upload_key="uploads/boat.jpg",
            image=FACTS,
            labels=(Label(name="Boat", confidence=99.5),),
            status_reason=None,
        )

        status = api.get("/images/uploads/boat.jpg/status").body

        assert status.keys() == {"image_id", "status", "status_reason", "metadata", "labels", "thumbnails"}
        assert status["status"] == "SUCCEEDED"
        assert status["metadata"] == FACTS.model_dump(mode="json")
        assert status["labels"] == [{"name": "Boat", "confidence": 99.5, "parents": []}]
        assert [object_of(thumbnail["url"]) for thumbnail in status["thumbnails"]] == [
            f"{RESULTS_BUCKET}/{record.image_id}/thumbnail_{size}.jpg" for size in ("100x100", "640x480", "1600x1200")
        ]

    def test_the_newest_upload_to_a_key_counts(self, api, make_record):
        make_record(upload_key="uploads/boat.jpg")
        newest = make_record(upload_key="uploads/boat.jpg")

        assert api.get("/images/uploads/boat.jpg/status").body["image_id"] == newest.image_id

    def test_an_upload_by_url_is_found_by_its_key(self, api):
        ticket = api.post({"fileName": "boat.jpg", "fileType": "image/jpeg"}).body

        status = api.get(f"/images/{ticket['key']}/status").body

        assert (status["image_id"], status["status"]) == (ticket["imageId"], "AWAITING_UPLOAD")

    @pytest.mark.parametrize("file_name", ["absent.jpg", "\N{SAILBOAT}" * 400, "x" * 3000])
    def test_a_key_without_an_upload(self, api, file_name):
        assert api.get(f"/images/uploads/{file_name}/status").status == 404

    def test_anothers_upload(self, signed_in, make_record):
        make_record("alice", upload_key="uploads/boat.jpg")

        assert signed_in.get("/images/uploads/boat.jpg/status", "api_get_signed_in").status == 404
