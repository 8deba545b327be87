"""The step ValidateImage: claimed once, checked, and left with a proxy; or rejected in words its owner can act on."""

import hashlib
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from pydantic import ValidationError

from functions.core.errors import ImageRejected, PictureBusy
from functions.core.identity import identify, new_image_id
from functions.core.image_store import ImageStore
from functions.core.models import (
    Crop,
    ProcessingOptions,
    Record,
    Status,
    Upload,
    ValidateImageRequest,
    ValidateImageResult,
)
from functions.core.picture import open_picture
from functions.core.record_store import RecordStore
from functions.validate_image import handler
from functions.validate_image.proxy import MAX_PROXY_BYTES, make_proxy
from functions.validate_image.settings import Settings
from functions.validate_image.validation import validate_image
from tests.unit import pictures
from tests.unit.buckets import MASKS_BUCKET, UPLOADS_BUCKET
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, TABLE

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


class Step:
    """The step on one upload at a time."""

    def __init__(self, s3: S3Client, records: RecordStore) -> None:
        self.s3 = s3
        self.records = records

    def upload(self, body: bytes, key: str = "uploads/picture", content_type: str = "binary/octet-stream") -> Upload:
        put = self.s3.put_object(Bucket=UPLOADS_BUCKET, Key=key, Body=body, ContentType=content_type)
        return Upload(
            bucket=UPLOADS_BUCKET,
            key=key,
            version=put["VersionId"],
            etag=put["ETag"],
            size=len(body),
            sequencer="0055AED6DCD90281E5",
        )

    def run(self, upload: Upload, execution_arn: str = EXECUTION, **settings: Any) -> ValidateImageResult:
        return validate_image(
            ValidateImageRequest(upload=upload, execution_arn=execution_arn),
            images=ImageStore(),
            records=self.records,
            settings=Settings(table_name=TABLE, masks_bucket=MASKS_BUCKET, **settings),
        )

    def proxy(self, result: ValidateImageResult) -> bytes:
        assert result.proxy is not None
        return self.s3.get_object(Bucket=result.proxy.bucket, Key=result.proxy.key)["Body"].read()


@pytest.fixture
def step(s3: S3Client, records: RecordStore) -> Step:
    return Step(s3, records)


def test_a_picture_gets_its_facts_a_proxy_and_a_claimed_record(step: Step) -> None:
    # Given a JPEG that is stored turned by 90 degrees
    stored = pictures.stored(pictures.scene(96, 64), orientation=6)
    jpeg = pictures.encoded(stored, "JPEG", exif=pictures.exif(6))
    upload = step.upload(jpeg, "uploads/cat.jpg", "image/jpeg")
    # When it is validated
    result = step.run(upload)
    # Then its facts are those of the upright picture
    assert result.disposition == "PROCESS"
    assert result.image_id == identify(upload).image_id
    assert result.image is not None
    assert (result.image.format, result.image.mode) == ("JPEG", "RGB")
    assert (result.image.width, result.image.height) == (96, 64)
    assert result.image.size_bytes == len(jpeg)
    assert result.image.sha256 == hashlib.sha256(jpeg).hexdigest()
    # And its proxy is an upright JPEG in the masks bucket
    proxy = pictures.decoded(step.proxy(result))
    assert result.proxy is not None
    assert result.proxy.key == f"{result.image_id}/proxy.jpg"
    assert (proxy.format, proxy.mode) == ("JPEG", "RGB")
    assert proxy.size == (result.proxy.width, result.proxy.height) == (96, 64)
    # And the record is in process
    record = step.records.get(result.image_id)
    assert record is not None
    assert record.status == Status.PROCESSING


def test_the_handler_answers_with_the_result_and_its_time(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("MASKS_BUCKET", MASKS_BUCKET)
    monkeypatch.setenv("PROXY_MAX_SIDE", "80")
    upload = step.upload(pictures.encoded(pictures.scene(160, 80), "PNG"))
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    answer = handler.handler({"upload": upload.model_dump(), "execution_arn": EXECUTION}, Context())
    assert answer.pop("elapsed_ms") > 0
    result = ValidateImageResult.model_validate(answer)
    assert result.proxy is not None
    assert (result.disposition, result.proxy.width, result.proxy.height) == ("PROCESS", 80, 40)
    # And its progress is marked
    record = step.records.get(result.image_id)
    assert record is not None
    assert {name: progress.state for name, progress in record.steps.items()} == {"validate_image": "done"}


def test_only_safe_exif_facts_are_kept(step: Step) -> None:
    made = pictures.exif(None, LensModel="50mm\x07 F1.8", FNumber=1.8, FocalLength=50.0)
    result = step.run(step.upload(pictures.encoded(pictures.scene(), "JPEG", exif=made)))
    assert result.image is not None
    assert result.image.exif == {
        "camera_make": "Matteflow Optics",
        "exposure_time_s": 0.004,
        "iso": 400,
        "lens_model": "50mm F1.8",
        "f_number": 1.8,
        "focal_length_mm": 50.0,
    }


def test_a_number_that_no_camera_has_is_no_fact(step: Step) -> None:
    made = pictures.exif(None, FNumber=1e300, FocalLength=50.0)
    result = step.run(step.upload(pictures.encoded(pictures.scene(), "JPEG", exif=made)))
    assert result.image is not None
    assert result.image.exif.keys() & {"f_number", "focal_length_mm"} == {"focal_length_mm"}


@pytest.mark.parametrize(
    "broken", [pictures.looping_exif(), pictures.lying_exif(), b"Exif\0\0garbage"], ids=["loop", "lie", "garbage"]
)
def test_broken_exif_gives_no_facts_and_no_error(step: Step, broken: bytes) -> None:
    result = step.run(step.upload(pictures.encoded(pictures.scene(), "JPEG", exif=broken)))
    assert result.image is not None
    assert result.image.exif == {}


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_no_metadata_is_in_the_proxy(step: Step, file_format: str) -> None:
    profile = pictures.matrix_profile(pictures.SRGB_TO_XYZ, 2.2)
    body = pictures.encoded(
        pictures.scene(), file_format, exif=pictures.exif(1), icc_profile=profile, comment=b"SECRET-COMMENT"
    )
    assert b"SECRET" in body
    proxy = step.proxy(step.run(step.upload(body)))
    for trace in (b"SECRET", b"Exif", b"GPS", b"ICC_PROFILE", b"Matteflow"):
        assert trace not in proxy


def test_the_tail_of_a_polyglot_is_not_in_the_proxy(step: Step) -> None:
    tail = b"PK\x03\x04SECRET-ARCHIVE"
    result = step.run(step.upload(pictures.encoded(pictures.scene(), "JPEG") + tail))
    assert result.disposition == "PROCESS"
    assert tail not in step.proxy(result)


def test_transparency_is_white_in_the_proxy(step: Step) -> None:
    clear = pictures.encoded(pictures.plain((10, 20, 30, 0), mode="RGBA"), "PNG")
    proxy = pictures.decoded(step.proxy(step.run(step.upload(clear))))
    assert proxy.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(1, 1), (79, 79), (3000, 2000), (2000, 3000), (6000, 7)])
def test_the_proxy_is_bounded_and_never_enlarged(size: tuple[int, int]) -> None:
    image = open_picture(pictures.encoded(pictures.plain(size=size), "JPEG"), ("JPEG",), max_pixels=50_000_000)
    jpeg, proxy_size = make_proxy(image, 1000)
    longest = max(size)
    scale = min(1, 1000 / longest)
    assert pictures.decoded(jpeg).size == proxy_size == tuple(max(1, round(side * scale)) for side in size)


def test_the_proxy_of_noise_is_still_small_enough_to_send() -> None:
    # Given a picture that compresses as badly as any
    noise = pictures.encoded(pictures.noise(2048, 2048), "BMP")
    # When its proxy is made, then it is below what the endpoint takes
    jpeg, size = make_proxy(open_picture(noise, ("BMP",), max_pixels=50_000_000), 2048)
    assert len(jpeg) < MAX_PROXY_BYTES
    assert size == (2048, 2048)


def test_the_same_event_twice_is_processed_once(step: Step) -> None:
    upload = step.upload(pictures.encoded(pictures.scene(), "PNG"))
    first = step.run(upload)
    second = step.run(upload, execution_arn=f"{EXECUTION}-again")
    assert first.disposition == "PROCESS"
    assert second == ValidateImageResult(disposition="DUPLICATE", image_id=first.image_id, owner="public")


def test_the_same_execution_again_gives_the_same_result(step: Step) -> None:
    upload = step.upload(pictures.encoded(pictures.scene(), "PNG"))
    first = step.run(upload)
    proxy = step.proxy(first)
    assert step.run(upload) == first
    assert step.proxy(first) == proxy


def test_a_newer_upload_to_a_key_waits_while_the_older_one_is_processed(step: Step) -> None:
    # Given a presigned key, uploaded to twice: both are the same picture and would write the same objects
    key = f"uploads/owner/{new_image_id()}/cat.png"
    older, newer = (step.upload(pictures.encoded(pictures.scene(), "PNG"), key) for _ in range(2))
    newer = newer.model_copy(update={"sequencer": "F" * 18})
    step.run(older)
    # When the newer one comes before the older one has ended, then the workflow has to try again later
    with pytest.raises(PictureBusy):
        step.run(newer, execution_arn=f"{EXECUTION}-newer")


def test_a_duplicate_is_not_even_read(step: Step) -> None:
    upload = step.upload(b"no picture at all")
    with pytest.raises(ImageRejected):
        step.run(upload)
    assert step.run(upload, execution_arn=f"{EXECUTION}-again").disposition == "DUPLICATE"


def test_the_options_asked_for_come_back(step: Step) -> None:
    # Given an upload that was announced with options
    image_id, asked = new_image_id(), ProcessingOptions(background="#00ff00", formats=("webp",))
    key = f"uploads/owner/{image_id}/cat.png"
    step.records.create(
        Record(
            image_id=image_id,
            owner="owner",
            status=Status.AWAITING_UPLOAD,
            file_name="cat.png",
            upload_key=key,
            options=asked,
            created_at="2026-01-01T00:00:00+00:00",
            updated_at="2026-01-01T00:00:00+00:00",
            expires_at=4_102_444_800,
        )
    )
    # When it arrives, then they are its options
    result = step.run(
        step.upload(pictures.encoded(pictures.scene(), "PNG"), key), default_options='{"background": "blur"}'
    )
    assert (result.image_id, result.owner, result.options) == (image_id, "owner", asked)


def test_without_options_the_settings_are_the_options(step: Step) -> None:
    result = step.run(
        step.upload(pictures.encoded(pictures.scene(), "PNG")),
        default_options='{"background": "blur", "formats": ["avif"], "crop": {}}',
    )
    assert result.options == ProcessingOptions(background="blur", formats=("avif",), crop=Crop())


def test_without_settings_either_the_models_defaults_are_the_options(step: Step) -> None:
    assert step.run(step.upload(pictures.encoded(pictures.scene(), "PNG"))).options == ProcessingOptions()


@pytest.mark.parametrize(
    ("default_options", "reason"),
    [
        ('{"formats": ["gif"]}', r"default_options\.formats\.0"),
        ('{"colour": "#ffffff"}', r"default_options\.colour"),
        ("{", "Invalid JSON"),
        ('{"background": "01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f"}', "cannot be everybody's default"),
    ],
    ids=["value", "name", "JSON", "somebody's picture"],
)
def test_default_options_that_are_none_end_the_function(default_options: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(table_name=TABLE, masks_bucket=MASKS_BUCKET, default_options=default_options)


PNG = pictures.encoded(pictures.scene(), "PNG")


@pytest.mark.parametrize(
    ("body", "key", "content_type", "reason"),
    [
        (b"", "uploads/a.jpg", "image/jpeg", "empty"),
        (b"<html></html>", "uploads/a.jpg", "image/jpeg", "not a readable JPEG, PNG"),
        (PNG, "uploads/a", "image/jpeg", "file is PNG, but its content type image/jpeg says JPEG"),
        (PNG, "uploads/a.JPG", "binary/octet-stream", r"file is PNG, but its file extension \.jpg says JPEG"),
        (pictures.png_declaring(14_000, 14_000), "uploads/a.png", "image/png", "50,000,000 pixels"),
        (pictures.png_declaring(65_535, 1), "uploads/a.png", "image/png", "no side may have more than 16,383"),
        (pictures.gif_of(10_000), "uploads/a.gif", "image/gif", "more than 100 frames"),
        (pictures.png_with_bad_checksum(), "uploads/a.png", "image/png", "damaged"),
        (pictures.text_bomb(), "uploads/a.png", "image/png", "damaged"),
    ],
    ids=["empty", "HTML", "type", "extension", "bomb", "side", "frames", "checksum", "zTXt"],
)
def test_a_rejection_says_why_and_writes_nothing(
    step: Step, body: bytes, key: str, content_type: str, reason: str
) -> None:
    with pytest.raises(ImageRejected, match=reason):
        step.run(step.upload(body, key, content_type))
    assert "Contents" not in step.s3.list_objects_v2(Bucket=MASKS_BUCKET)


def test_half_a_jpeg_is_rejected(step: Step) -> None:
    jpeg = pictures.encoded(pictures.noise(64, 64), "JPEG")
    with pytest.raises(ImageRejected, match="damaged or incomplete"):
        step.run(step.upload(jpeg[: len(jpeg) // 2]))


def test_a_file_over_the_limit_is_rejected_unread(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = step.upload(PNG)
    monkeypatch.setattr(ImageStore, "get", lambda *_: pytest.fail("the object was read"))
    with pytest.raises(ImageRejected, match=rf"{len(PNG)} bytes, and the limit is {len(PNG) - 1}"):
        step.run(upload, max_size_bytes=len(PNG) - 1)


def test_a_file_of_exactly_the_limit_is_taken(step: Step) -> None:
    assert step.run(step.upload(PNG), max_size_bytes=len(PNG)).disposition == "PROCESS"


def test_an_object_that_is_gone_is_rejected(step: Step) -> None:
    upload = step.upload(PNG)
    step.s3.delete_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version)
    with pytest.raises(ImageRejected, match="gone"):
        step.run(upload)


@pytest.mark.parametrize("content_type", ["", "text/html", "application/octet-stream", "image/png; q=1"])
def test_a_type_that_names_no_other_picture_format_is_no_contradiction(step: Step, content_type: str) -> None:
    assert step.run(step.upload(PNG, "uploads/a.PNG", content_type)).disposition == "PROCESS"


def test_the_list_of_formats_is_one_setting(step: Step) -> None:
    with pytest.raises(ImageRejected, match="not a readable JPEG or WEBP picture"):
        step.run(step.upload(PNG), accepted_formats="JPEG,WEBP")
