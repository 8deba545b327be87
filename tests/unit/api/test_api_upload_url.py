"""Asking for a URL to upload to."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.core.models import ProcessingOptions, Status, ThumbnailSize

BOAT = {"fileName": "boat.jpg", "fileType": "image/jpeg", "size": 48213}


def signed_headers(url: str) -> set[str]:
    return set(parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";"))


def test_a_known_size_is_uploaded_by_put(api, records, load_event):
    # Given a request as API Gateway sends it
    answer = api.send(load_event("api_post_upload_url"))

    # Then the answer says where to put the file, with type, size and absence signed
    ticket = answer.body
    assert answer.status == 200, answer.text
    assert ticket.keys() == {"imageId", "uploadUrl", "method", "headers", "key", "expiresIn"}
    assert ticket["method"] == "PUT"
    assert ticket["headers"] == {"Content-Type": "image/jpeg", "Content-Length": "48213", "If-None-Match": "*"}
    assert signed_headers(ticket["uploadUrl"]) == {"host", "content-type", "content-length", "if-none-match"}
    assert parse_qs(urlsplit(ticket["uploadUrl"]).query)["X-Amz-Expires"] == ["600"]
    assert ticket["expiresIn"] == 600
    assert urlsplit(ticket["uploadUrl"]).path.endswith(ticket["key"])
    assert not [name for name in answer.headers if name.lower().startswith("access-control")], (
        "API Gateway answers CORS"
    )

    # And a record waits for the upload
    record = records.get(ticket["imageId"])
    assert record.status == Status.AWAITING_UPLOAD
    assert (record.owner, record.file_name, record.upload_key) == ("public", "boat.jpg", ticket["key"])
    assert ticket["key"] == f"uploads/public/{ticket['imageId']}/boat.jpg"
    assert record.created_at == record.updated_at
    assert record.upload is None
    assert 0 < record.expires_at - datetime.now(UTC).timestamp() <= 86_400


def test_an_unknown_size_is_uploaded_by_a_form_with_a_bounded_size(api):
    ticket = api.post({"fileName": "boat.png", "fileType": "image/png"}).body

    assert ticket.keys() == {"imageId", "uploadUrl", "method", "fields", "key", "expiresIn"}
    assert ticket["method"] == "POST"
    conditions = json.loads(base64.b64decode(ticket["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 1, 1_000_000] in conditions
    assert {"Content-Type": "image/png"} in conditions
    assert {"key": ticket["key"]} in conditions
    assert ticket["fields"]["key"] == ticket["key"]


def test_the_type_is_signed_as_it_was_sent(api):
    assert api.post(BOAT | {"fileType": "image/JPEG"}).body["headers"]["Content-Type"] == "image/JPEG"


def test_options_that_were_not_asked_for_come_from_the_settings(api, records):
    asked = {"background": "#ff0000", "formats": ["webp"]}

    with_options = records.get(api.post(BOAT | {"options": asked}).body["imageId"])
    without = records.get(api.post(BOAT).body["imageId"])

    sizes = (ThumbnailSize(width=100, height=100), ThumbnailSize(width=640, height=480))
    assert with_options.options == ProcessingOptions(background="#ff0000", formats=("webp",), thumbnail_sizes=sizes)
    assert without.options == ProcessingOptions(thumbnail_sizes=sizes)


def test_each_request_makes_another_picture(api):
    assert api.post(BOAT).body["imageId"] != api.post(BOAT).body["imageId"]


def test_without_sign_in_a_person_may_name_themselves(api, records):
    ticket = api.post(BOAT, user_id="alice").body

    assert ticket["key"].startswith(f"uploads/alice/{ticket['imageId']}/")
    assert records.get(ticket["imageId"]).owner == "alice"


@pytest.mark.parametrize(
    ("file_name", "shown", "safe"),
    [
        ("../../secret.jpg", "../../secret.jpg", "secret.jpg"),
        ("boat\x00.jpg", "boat.jpg", "boat.jpg"),
        ("boat\u202egpj.png", "boatgpj.png", "boatgpj.png"),
        ("x" * 2048 + ".jpg", "x" * 255, "x" * 100 + ".jpg"),
        ("", "upload", "upload"),
        ("\u202e", "upload", "upload"),
    ],
    ids=["path", "NUL", "right-to-left mark", "2 KB", "empty", "only a mark"],
)
def test_the_server_makes_the_key_and_keeps_the_name_as_text(api, records, file_name, shown, safe):
    ticket = api.post(BOAT | {"fileName": file_name}).body

    assert ticket["key"] == f"uploads/public/{ticket['imageId']}/{safe}"
    assert records.get(ticket["imageId"]).file_name == shown


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (BOAT | {"fileType": "text/html"}, "fileType"),
        (BOAT | {"fileType": "image/svg+xml"}, "fileType"),
        (BOAT | {"fileType": "image/jpeg\r\nX-Evil: 1"}, "fileType"),
        (BOAT | {"size": 1_000_001}, "size"),
        (BOAT | {"size": 0}, "size"),
        (BOAT | {"size": "48213"}, "size"),
        (BOAT | {"size": True}, "size"),
        ({"fileType": "image/jpeg"}, "fileName"),
        (BOAT | {"fileName": 7}, "fileName"),
        (BOAT | {"owner": "mallory"}, "owner"),
        (BOAT | {"options": {"formats": ["exe"]}}, "options.formats.0"),
        (BOAT | {"options": {"model": "../u2net"}}, "options.model"),
        (BOAT | {"options": {"thumbnail_sizes": [{"width": 100_000, "height": 1}]}}, "options.thumbnail_sizes.0.width"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(api, body: dict[str, Any], field: str):
    answer = api.post(body)

    assert answer.status == 400
    assert field in [error["field"] for error in answer.body["errors"]]
    assert field in answer.body["detail"]


def test_a_type_that_is_not_taken_is_answered_with_those_that_are(api):
    (error,) = api.post(BOAT | {"fileType": "text/html"}).body["errors"]

    assert error["message"].endswith("image/jpeg, image/png, image/webp, image/avif, image/tiff, image/bmp, image/gif")


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "7", "[]", json.dumps([BOAT]), "[" * 60_000, '{"fileName": "\\ud800"}', "fileName=boat.jpg"],
    ids=["empty", "malformed", "null", "number", "array", "array of one", "deep", "lone surrogate", "form"],
)
def test_a_body_that_is_not_the_json_object_asked_for(api, body: str):
    assert api.post(body).status == 400


def test_bytes_that_are_no_text(api, load_event):
    event = load_event("api_post_upload_url") | {
        "body": base64.b64encode(b"\xff\xfe{}").decode(),
        "isBase64Encoded": True,
    }

    assert api.send(event).status == 400


def test_a_body_without_a_content_type_comes_in_base64(api, load_event):
    event = load_event("api_post_upload_url")
    del event["headers"]["content-type"]
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}

    assert api.send(event).status == 200


def test_a_body_of_64_kib_is_read_and_a_byte_more_is_not(api):
    largest = json.dumps(BOAT).ljust(64 * 1024)

    assert api.post(largest).status == 200
    assert api.post(largest + " ").status == 413
    assert api.post("x" * 5_000_000).status == 413


def test_signed_urls_are_not_logged(api, log):
    ticket = api.post(BOAT).body
    api.post({"fileName": "boat.jpg", "fileType": "image/jpeg"})

    assert "request answered" in log.getvalue()
    assert "X-Amz" not in log.getvalue()
    assert parse_qs(urlsplit(ticket["uploadUrl"]).query)["X-Amz-Signature"][0] not in log.getvalue()
