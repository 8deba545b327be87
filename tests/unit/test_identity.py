"""Which picture an upload is: the same for every event of it, and another for everything else."""

import uuid

import pytest

from functions.core.identity import PUBLIC_OWNER, identify, new_image_id
from functions.core.models import ImageId, Model
from tests.unit.record_table import make_upload

MADE_HERE = "01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f"


class Named(Model):
    image_id: ImageId


def test_a_key_made_for_an_upload_url_names_picture_owner_and_file() -> None:
    identity = identify(make_upload(key=f"uploads/auth0|me/{MADE_HERE}/boat.jpg"))
    assert identity == (MADE_HERE, "auth0|me", "boat.jpg")


def test_versions_of_such_a_key_are_the_same_picture() -> None:
    assert identify(make_upload(version="one")) == identify(make_upload(version="two"))


@pytest.mark.parametrize(
    "key",
    [
        "uploads/boat.jpg",
        "uploads/a b+c.jpg",
        "uploads/x%2Fy.jpg",
        "uploads/🐈.jpg",
        "uploads/cafe\u0301.jpg",
        "uploads/café.jpg",
        "uploads/holiday/2025/boat.jpg",
        f"uploads/me/{MADE_HERE}",
        f"uploads/me/{MADE_HERE}/deeper/boat.jpg",
        f"uploads/me/{MADE_HERE.upper()}/boat.jpg",
        f"uploads/me/{uuid.UUID(int=0, version=4)}/boat.jpg",
        f"uploads//{MADE_HERE}/boat.jpg",
        f"other/uploads/me/{MADE_HERE}/boat.jpg",
    ],
)
def test_any_other_object_is_a_picture_of_the_public(key: str) -> None:
    identity = identify(make_upload(key=key))
    assert identity.owner == PUBLIC_OWNER
    assert identity.file_name == key.rsplit("/", 1)[-1]
    assert uuid.UUID(identity.image_id).version == 5
    assert Named(image_id=identity.image_id)
    assert identity == identify(make_upload(key=key, etag="other", sequencer="FF"))


@pytest.mark.parametrize("path", ["boat.jpg", "holiday/boat.jpg"])
def test_an_object_in_the_folder_of_a_person_is_theirs(path: str) -> None:
    person = "74c8f4d8-3021-70ab-9d3f-2f9a1c5e7b60"

    identity = identify(make_upload(key=f"uploads/{person}/{path}"))

    assert (identity.owner, identity.file_name) == (person, "boat.jpg")
    assert uuid.UUID(identity.image_id).version == 5


def test_every_version_bucket_and_key_is_a_picture_of_its_own() -> None:
    key = "uploads/cafe\u0301.jpg"
    uploads = [
        make_upload(key=key),
        make_upload(key=key, version="other"),
        make_upload(key=key, bucket="other-bucket"),
        make_upload(key="uploads/caf\u00e9.jpg"),
    ]
    assert len({identify(upload).image_id for upload in uploads}) == len(uploads)


def test_a_new_id_is_a_sortable_uuid() -> None:
    ids = [new_image_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(image_id).version for image_id in ids} == {7}
    assert Named(image_id=ids[0])
