"""Asking for a URL to upload to."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.core.models import Crop, ProcessingOptions, Shadow, Status, ThumbnailSize

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


def options_of(records, answer) -> ProcessingOptions:
    assert answer.status == 200, answer.text
    return records.get(answer.body["imageId"]).options


def test_options_that_were_not_asked_for_come_from_the_settings(api, records):
    asked = {"background": "#ff0000", "formats": ["webp"], "crop": None}

    with_options = options_of(records, api.post(BOAT | {"options": asked}))
    without = options_of(records, api.post(BOAT))

    sizes = (ThumbnailSize(width=64, height=48),)
    assert with_options == ProcessingOptions(background="#ff0000", formats=("webp",), crop=None, thumbnail_sizes=sizes)
    assert without == ProcessingOptions(crop=Crop(margin=10), thumbnail_sizes=sizes)


def test_every_option_is_kept_as_it_was_asked_for(api, records):
    asked = {
        "model": "u2netp",
        "outputs": ["cutout", "matte", "matte_preview", "composite"],
        "formats": ["png", "webp", "webp_lossy", "avif"],
        "crop": {"margin": 2.5},
        "background": "blur",
        "shadow": {"opacity": 40, "blur": 3, "offset_x": -1.5, "offset_y": 2},
        "thumbnail_sizes": [{"width": 64, "height": 64, "fit": fit} for fit in ("contain", "cover", "focal")],
    }
    assert asked.keys() == ProcessingOptions.model_fields.keys()

    assert options_of(records, api.post(BOAT | {"options": asked})).model_dump(mode="json") == asked


def test_a_crop_and_a_shadow_need_no_details(api, records):
    options = options_of(records, api.post(BOAT | {"options": {"crop": {}, "shadow": {}}}))

    assert (options.crop, options.shadow) == (Crop(), Shadow())


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.PARTIAL])
def test_a_background_may_be_another_picture_of_the_owner(api, records, make_record, status):
    beach = make_record(owner="alice", status=status).image_id

    answer = api.post(BOAT | {"options": {"background": beach}}, user_id="alice")

    assert options_of(records, answer).background == beach


def test_any_other_picture_is_no_background_and_none_is_told_from_an_absent_one(api, make_record):
    absent = "01890000-0000-7000-8000-000000000000"
    foreign = make_record(owner="bob").image_id
    unfinished = [
        make_record(owner="alice", status=status).image_id
        for status in Status
        if status not in (Status.SUCCEEDED, Status.PARTIAL)
    ]
    for image_id in (absent, foreign, *unfinished):
        answer = api.post(BOAT | {"options": {"background": image_id}}, user_id="alice")

        assert answer.status == 400
        assert answer.body["errors"] == [
            {"field": "options.background", "message": f"You have no finished picture {image_id}"}
        ]


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
    ],
)
def test_a_field_that_cannot_be_taken_is_named(api, body: dict[str, Any], field: str):
    answer = api.post(body)

    assert answer.status == 400
    assert field in [error["field"] for error in answer.body["errors"]]
    assert field in answer.body["detail"]


BOX = {"width": 64, "height": 64}


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ("all", "options", "should be an object"),
        ({"colour": "#ffffff"}, "options.colour", "There is no field of this name"),
        ({"model": "../u2net"}, "options.model", "1 to 64 of a to z, 0 to 9"),
        ({"model": "sam"}, "options.model", "no model of this name; there is u2netp, isnet-general-use"),
        ({"outputs": []}, "options.outputs", "At least 1 must be given"),
        ({"outputs": ["cutout", "mask"]}, "options.outputs.1", "'cutout', 'matte', 'matte_preview' or 'composite'"),
        ({"outputs": ["matte", "matte"]}, "options.outputs", "matte is there more than once"),
        ({"formats": "png"}, "options.formats", "should be a valid array"),
        ({"formats": []}, "options.formats", "At least 1 must be given"),
        ({"formats": ["gif"]}, "options.formats.0", "'png', 'webp', 'webp_lossy' or 'avif'"),
        ({"formats": ["png", "webp", "png"]}, "options.formats", "png is there more than once"),
        ({"crop": True}, "options.crop", "should be an object"),
        ({"crop": {"border": 5}}, "options.crop.border", "There is no field of this name"),
        ({"crop": {"margin": "wide"}}, "options.crop.margin", "should be a valid number"),
        ({"crop": {"margin": -1}}, "options.crop.margin", "greater than or equal to 0"),
        ({"crop": {"margin": 50.1}}, "options.crop.margin", "less than or equal to 50"),
        ({"background": "white"}, "options.background", "#1e90ff, the word blur, or the image_id"),
        ({"background": "#fff"}, "options.background", "#1e90ff, the word blur, or the image_id"),
        ({"background": "#ffffff\n"}, "options.background", "#1e90ff, the word blur, or the image_id"),
        ({"background": "http://127.0.0.1/a.jpg"}, "options.background", "#1e90ff, the word blur, or the image_id"),
        ({"background": None}, "options.background", "#1e90ff, the word blur, or the image_id"),
        ({"shadow": []}, "options.shadow", "should be an object"),
        ({"shadow": {"opacity": 101}}, "options.shadow.opacity", "less than or equal to 100"),
        ({"shadow": {"blur": 26}}, "options.shadow.blur", "less than or equal to 25"),
        ({"shadow": {"blur": float("nan")}}, "options.shadow.blur", "25"),
        ({"shadow": {"offset_x": -51}}, "options.shadow.offset_x", "greater than or equal to -50"),
        ({"shadow": {"offset_y": float("inf")}}, "options.shadow.offset_y", "less than or equal to 50"),
        ({"thumbnail_sizes": []}, "options.thumbnail_sizes", "At least 1 must be given"),
        (
            {"thumbnail_sizes": [BOX | {"width": side} for side in range(16, 27)]},
            "options.thumbnail_sizes",
            "At most 10 may be given, not 11",
        ),
        (
            {"thumbnail_sizes": [BOX, BOX]},
            "options.thumbnail_sizes",
            "width=64 height=64 fit='contain' is there more than once",
        ),
        ({"thumbnail_sizes": [BOX, {"width": 64}]}, "options.thumbnail_sizes.1.height", "Field required"),
        ({"thumbnail_sizes": [BOX | {"width": 15}]}, "options.thumbnail_sizes.0.width", "greater than or equal to 16"),
        ({"thumbnail_sizes": [BOX | {"height": 4097}]}, "options.thumbnail_sizes.0.height", "or equal to 4096"),
        ({"thumbnail_sizes": [BOX | {"width": 64.5}]}, "options.thumbnail_sizes.0.width", "valid integer"),
        (
            {"thumbnail_sizes": [BOX | {"fit": "fill"}]},
            "options.thumbnail_sizes.0.fit",
            "'contain', 'cover' or 'focal'",
        ),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_taken_is_named_with_what_can(api, options: Any, field: str, message: str):
    answer = api.post(BOAT | {"options": options})

    assert answer.status == 400
    (error,) = answer.body["errors"]
    assert error["field"] == field
    assert message in error["message"]


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


def test_the_log_names_the_picture_but_neither_its_file_nor_a_signed_url(api, log):
    ticket = api.post(BOAT).body
    api.post({"fileName": "boat.jpg", "fileType": "image/jpeg"})

    first, second = (json.loads(line) for line in log.getvalue().splitlines())
    assert first["message"] == second["message"] == "request answered"
    assert first["image_id"] == ticket["imageId"] != second["image_id"]
    assert "boat" not in log.getvalue()
    assert "X-Amz" not in log.getvalue()
    assert parse_qs(urlsplit(ticket["uploadUrl"]).query)["X-Amz-Signature"][0] not in log.getvalue()
