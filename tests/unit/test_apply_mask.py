"""The step ApplyMask: outputs at full size from a mask of the proxy's size, or a refusal to paste a wrong one."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mypy_boto3_s3 import S3Client
from PIL import Image

from functions.apply_mask import handler, publishing
from functions.apply_mask.publishing import apply_mask
from functions.core.errors import ImageRejected, MaskRejected
from functions.core.image_store import ImageStore
from functions.core.models import (
    ApplyMaskRequest,
    ApplyMaskResult,
    Box,
    Crop,
    Face,
    ImageFacts,
    MaskFacts,
    ProcessingOptions,
    Shadow,
    ThumbnailSize,
    Upload,
)
from tests.unit import pictures
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET
from tests.unit.lambda_context import Context
from tests.unit.record_table import EXECUTION, TABLE

IMAGE_ID = "5b2f0d3e-7c7b-5e0e-9a55-0123456789ab"
MASK_KEY = f"{IMAGE_ID}/mask.png"
OPTIONS = ProcessingOptions(
    background="#00ff00",
    thumbnail_sizes=(ThumbnailSize(width=16, height=16), ThumbnailSize(width=48, height=200)),
)


def ellipse(width: int, height: int) -> Image.Image:
    """A soft-edged mask: 255 in the middle, 0 in the corners."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return Image.fromarray(np.clip((1.0 - np.hypot(x, y)) * 4 * 255, 0, 255).astype(np.uint8))


class Step:
    """The step on one picture and one mask at a time."""

    def __init__(self, s3: S3Client) -> None:
        self.s3 = s3

    def request(
        self,
        picture: bytes,
        mask: Image.Image | bytes,
        *,
        mask_size: tuple[int, int] | None = None,
        options: ProcessingOptions = OPTIONS,
    ) -> ApplyMaskRequest:
        """``mask_size`` is what the facts say of the mask; without it, they are true."""
        put = self.s3.put_object(Bucket=UPLOADS_BUCKET, Key="uploads/cat", Body=picture)
        body = mask if isinstance(mask, bytes) else pictures.encoded(mask, "PNG")
        self.s3.put_object(Bucket=MASKS_BUCKET, Key=MASK_KEY, Body=body)
        width, height = mask_size or (mask.size if isinstance(mask, Image.Image) else (1, 1))
        opened = pictures.decoded(picture)
        return ApplyMaskRequest(
            image_id=IMAGE_ID,
            execution_arn=EXECUTION,
            upload=Upload(
                bucket=UPLOADS_BUCKET,
                key="uploads/cat",
                version=put["VersionId"],
                etag=put["ETag"],
                size=len(picture),
                sequencer="00",
            ),
            image=ImageFacts(
                format=str(opened.format),
                width=opened.width,
                height=opened.height,
                mode=opened.mode,
                size_bytes=len(picture),
                sha256="0" * 64,
            ),
            mask=MaskFacts(
                bucket=MASKS_BUCKET,
                key=MASK_KEY,
                width=width,
                height=height,
                model="u2netp",
                provider="CPUExecutionProvider",
                inference_ms=1.0,
                coverage=0.5,
                confidence=90.0,
                edge_softness=0.1,
                parts=1,
            ),
            options=options,
        )

    def run(self, picture: bytes, mask: Image.Image | bytes, **described: Any) -> ApplyMaskResult:
        return self.apply(self.request(picture, mask, **described))

    def apply(self, request: ApplyMaskRequest) -> ApplyMaskResult:
        return apply_mask(request, images=ImageStore(), results_bucket=RESULTS_BUCKET, max_pixels=50_000_000)

    def file(self, name: str) -> bytes:
        return self.s3.get_object(Bucket=RESULTS_BUCKET, Key=f"{IMAGE_ID}/{name}")["Body"].read()

    def pixels(self, name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return np.asarray(pictures.decoded(self.file(name)))

    def files(self) -> dict[str, bytes]:
        keys = [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=RESULTS_BUCKET).get("Contents", [])]
        return {key.removeprefix(f"{IMAGE_ID}/"): self.file(key.removeprefix(f"{IMAGE_ID}/")) for key in keys}


@pytest.fixture
def step(s3: S3Client) -> Step:
    return Step(s3)


def test_every_output_is_what_its_description_says(step: Step) -> None:
    # Given a picture twice the size of its mask
    result = step.run(pictures.encoded(pictures.scene(96, 64), "PNG"), ellipse(48, 32))
    # Then the outputs are those of the contract
    assert [(output.kind, output.key, output.format, output.width, output.height) for output in result.outputs] == [
        ("thumbnail", f"{IMAGE_ID}/thumbnail_48x200.jpg", "JPEG", 48, 32),
        ("thumbnail", f"{IMAGE_ID}/thumbnail_16x16.jpg", "JPEG", 16, 11),
        ("matte", f"{IMAGE_ID}/matte.png", "PNG", 96, 64),
        ("cutout", f"{IMAGE_ID}/cutout.png", "PNG", 96, 64),
        ("cutout", f"{IMAGE_ID}/cutout.webp", "WEBP", 96, 64),
        ("cutout_thumbnail", f"{IMAGE_ID}/cutout_thumbnail_48x200.png", "PNG", 48, 32),
        ("cutout_thumbnail", f"{IMAGE_ID}/cutout_thumbnail_16x16.png", "PNG", 16, 11),
        ("composite", f"{IMAGE_ID}/composite.jpg", "JPEG", 96, 64),
    ]
    # And each file is true to its description
    for output in result.outputs:
        file = step.s3.get_object(Bucket=RESULTS_BUCKET, Key=output.key)
        body = file["Body"].read()
        image = pictures.decoded(body)
        assert (image.format, image.width, image.height) == (output.format, output.width, output.height)
        assert len(body) == output.bytes
        assert file["ContentType"] == f"image/{output.format.lower()}"
    modes = {name: pictures.decoded(body).mode for name, body in step.files().items()}
    assert modes["matte.png"] == "L"
    assert modes["cutout.png"] == modes["cutout.webp"] == modes["cutout_thumbnail_16x16.png"] == "RGBA"
    assert modes["composite.jpg"] == modes["thumbnail_16x16.jpg"] == "RGB"


def test_a_variant_is_one_composite_beside_the_others(step: Step) -> None:
    # Given a picture with its outputs
    picture = pictures.encoded(pictures.scene(96, 64), "PNG")
    first = step.run(picture, ellipse(96, 64))
    # When it is put on another background
    options = ProcessingOptions(outputs=("composite",), background="#0000ff", shadow=Shadow(), crop=Crop(margin=0))
    request = step.request(picture, ellipse(96, 64), options=options).model_copy(update={"variant": "0123abcd"})
    (composite,) = step.apply(request).outputs
    # Then that is made and nothing else, and what was there stays
    assert (composite.key, composite.background) == (f"{IMAGE_ID}/composite_0123abcd.jpg", "#0000ff")
    assert composite.window is not None
    assert set(step.files()) == {output.key.rpartition("/")[2] for output in (*first.outputs, composite)}
    corner = step.pixels("composite_0123abcd.jpg")[0, 0]
    assert corner[2] > 150 > 60 > corner[0]
    assert {output.background for output in first.outputs if output.kind == "composite"} == {"#00ff00"}
    assert {output.background for output in first.outputs if output.kind != "composite"} == {None}


def test_the_handler_answers_with_the_outputs_and_its_time(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_BUCKET", RESULTS_BUCKET)
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setattr(handler, "_dependencies", handler._dependencies.__wrapped__)  # nothing kept between tests
    request = step.request(pictures.encoded(pictures.scene(), "PNG"), ellipse(96, 64))
    answer = handler.handler(request.model_dump(mode="json"), Context())
    assert answer.pop("elapsed_ms") > 0
    assert {output.key for output in ApplyMaskResult.model_validate(answer).outputs} == {
        f"{IMAGE_ID}/{name}" for name in step.files()
    }


def test_the_cutout_is_the_picture_where_it_is_solid_and_nothing_where_it_is_not(step: Step) -> None:
    scene = pictures.scene(96, 64)
    step.run(pictures.encoded(scene, "PNG"), ellipse(96, 64))
    cutout, alpha = step.pixels("cutout.png"), step.pixels("matte.png")
    assert (cutout[..., 3] == alpha).all()
    assert (cutout[..., :3][alpha == 255] == np.asarray(scene)[alpha == 255]).all()
    assert (cutout[..., :3][alpha == 0] == 0).all()
    assert {0, 255} < set(np.unique(alpha))
    assert (step.pixels("cutout.webp") == cutout).all()


def test_only_the_formats_asked_for_are_made(step: Step) -> None:
    step.run(
        pictures.encoded(pictures.scene(), "PNG"),
        ellipse(96, 64),
        options=OPTIONS.model_copy(update={"formats": ("webp",)}),
    )
    assert {name for name in step.files() if name.startswith("cutout.")} == {"cutout.webp"}


@pytest.mark.parametrize(
    ("outputs", "kinds"),
    [
        (("cutout",), {"cutout", "cutout_thumbnail"}),
        (("matte",), {"matte"}),
        (("matte_preview", "composite"), {"matte_preview", "composite"}),
    ],
)
def test_only_the_outputs_asked_for_are_made(step: Step, outputs: tuple[str, ...], kinds: set[str]) -> None:
    options = OPTIONS.model_copy(update={"outputs": outputs})
    result = step.run(pictures.encoded(pictures.scene(), "PNG"), ellipse(96, 64), options=options)
    assert {output.kind for output in result.outputs} == {"thumbnail", *kinds}


def test_every_format_of_one_cutout_is_the_same_picture(step: Step) -> None:
    options = OPTIONS.model_copy(update={"formats": ("png", "webp", "webp_lossy", "avif")})
    step.run(pictures.encoded(pictures.scene(), "PNG"), ellipse(96, 64), options=options)
    cutout = step.pixels("cutout.png").astype(int)
    assert (step.pixels("cutout.webp") == cutout).all()
    for name in ("cutout.lossy.webp", "cutout.avif"):
        other = step.pixels(name)
        assert (other[..., 3] == cutout[..., 3]).all()
        assert np.abs(other - cutout)[cutout[..., 3] > 0].mean() < 8


def test_a_crop_shows_the_subject_with_its_margin(step: Step) -> None:
    # Given a subject of 40 x 20 pixels
    mask = Image.new("L", (96, 64))
    mask.paste(255, (30, 20, 70, 40))
    options = OPTIONS.model_copy(update={"crop": Crop(margin=10), "shadow": Shadow()})
    result = step.run(pictures.encoded(pictures.scene(96, 64), "PNG"), mask, options=options)
    # Then what is cut out has a margin of 4 pixels, and says where it lies
    for output in result.outputs:
        if output.kind in ("cutout", "matte", "composite"):
            assert (output.width, output.height) == pytest.approx((48, 28), abs=2)
            assert output.window is not None
            assert output.window.left * 96 == pytest.approx(26, abs=1)
            assert output.window.height * 64 == pytest.approx(output.height)
        if output.kind == "thumbnail":
            assert output.window is None


def test_a_crop_of_nothing_shows_the_whole_picture(step: Step) -> None:
    options = OPTIONS.model_copy(update={"crop": Crop(), "background": "blur", "shadow": Shadow()})
    result = step.run(pictures.encoded(pictures.scene(96, 64), "PNG"), Image.new("L", (96, 64)), options=options)
    assert {(output.width, output.window) for output in result.outputs if output.kind == "cutout"} == {(96, None)}


def test_the_windows_of_a_cropped_cutout_are_of_the_whole_picture(step: Step) -> None:
    # Given a subject in the left half, and a square thumbnail of its crop
    mask = Image.new("L", (96, 64))
    mask.paste(255, (0, 0, 48, 32))
    thumbnail = ThumbnailSize(width=16, height=16, fit="cover")
    options = OPTIONS.model_copy(update={"crop": Crop(margin=0), "thumbnail_sizes": (thumbnail,)})
    result = step.run(pictures.encoded(pictures.scene(96, 64), "PNG"), mask, options=options)
    # Then its window is as high as the crop, and in the middle of it
    (window,) = [output.window for output in result.outputs if output.kind == "cutout_thumbnail"]
    (crop,) = [output.window for output in result.outputs if output.kind == "matte"]
    assert window is not None
    assert crop is not None
    assert window.height == pytest.approx(crop.height)
    assert window.left + window.width / 2 == pytest.approx(crop.left + crop.width / 2, abs=0.02)
    assert window.width * 96 == pytest.approx(window.height * 64, abs=1)


def test_the_face_stays_in_a_focal_thumbnail(step: Step) -> None:
    # Given a wide picture with a face at its right end
    request = step.request(
        pictures.encoded(pictures.scene(96, 32), "PNG"),
        Image.new("L", (96, 32), 255),
        options=OPTIONS.model_copy(update={"thumbnail_sizes": (ThumbnailSize(width=16, height=16, fit="focal"),)}),
    )
    face = Face(box=Box(left=0.8, top=0.3, width=0.1, height=0.4), confidence=99)
    result = step.apply(request.model_copy(update={"faces": (face,)}))
    # Then both the original's and the cut-out's thumbnail show it
    windows = [output.window for output in result.outputs if output.key.endswith(("16_focal.jpg", "16_focal.png"))]
    assert len(windows) == 2
    for window in windows:
        assert window is not None
        assert window.left <= 0.8
        assert window.left + window.width >= 0.9


def test_the_background_may_be_another_picture_of_the_owner(step: Step) -> None:
    other = "01890a5d-ac96-774b-bcce-b302099a8057"
    step.s3.put_object(
        Bucket=MASKS_BUCKET, Key=f"{other}/proxy.jpg", Body=pictures.encoded(pictures.plain("blue", (20, 90)), "JPEG")
    )
    mask = Image.new("L", (96, 64))
    mask.paste(255, (0, 0, 48, 64))
    options = OPTIONS.model_copy(update={"background": other})
    step.run(pictures.encoded(pictures.plain("red", (96, 64)), "PNG"), mask, options=options)
    composite = pictures.decoded(step.file("composite.jpg"))
    assert composite.getpixel((8, 32)) == pytest.approx((255, 0, 0), abs=3)
    assert composite.getpixel((88, 32)) == pytest.approx((0, 0, 255), abs=3)
    # Once that picture is deleted, its owner is told
    step.s3.delete_object(Bucket=MASKS_BUCKET, Key=f"{other}/proxy.jpg")
    with pytest.raises(ImageRejected, match="chosen as the background is gone"):
        step.run(pictures.encoded(pictures.scene(), "PNG"), mask, options=options)


def test_a_background_that_nothing_shows_is_not_read(step: Step) -> None:
    options = OPTIONS.model_copy(update={"outputs": ("cutout",), "background": "01890a5d-ac96-774b-bcce-b302099a8057"})
    assert step.run(pictures.encoded(pictures.scene(), "PNG"), ellipse(96, 64), options=options).outputs


def test_a_crop_leaves_room_for_the_shadow(step: Step) -> None:
    # Given a disc in the middle, and the defaults of crop and shadow
    options = OPTIONS.model_copy(update={"crop": Crop(), "shadow": Shadow(), "background": "#ffffff"})
    mask = Image.new("L", (400, 400))
    mask.paste(ellipse(200, 200), (100, 100))
    step.run(pictures.encoded(pictures.plain(size=(400, 400)), "PNG"), mask, options=options)
    # Then the composite's border is as white as without it
    composite = step.pixels("composite.jpg").astype(int)
    border = np.concatenate([composite[0], composite[-1], composite[:, 0], composite[:, -1]])
    assert border.min() >= 250


def test_few_renditions_are_in_memory_at_once(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a store so slow that renditions would pile up
    request = step.request(pictures.encoded(pictures.scene(), "PNG"), ellipse(96, 64))
    made, published, most = 0, 0, 0
    kept, making = ImageStore.put, publishing.make_renditions

    def put(store: ImageStore, *arguments: Any) -> None:
        nonlocal published
        time.sleep(0.02)
        kept(store, *arguments)
        published += 1

    def make(*arguments: Any, **named: Any) -> Iterator[Any]:
        nonlocal made, most
        for rendition in making(*arguments, **named):
            made += 1
            most = max(most, made - published)
            yield rendition

    monkeypatch.setattr(ImageStore, "put", put)
    monkeypatch.setattr(publishing, "make_renditions", make)
    assert len(step.apply(request).outputs) == made == published
    # Then at most three wait, one more is being made
    assert most <= 4


def test_a_transparent_picture_is_shown_on_paper_where_the_background_is_no_colour(step: Step) -> None:
    picture = pictures.plain((255, 0, 0, 0), (96, 64), "RGBA")
    options = OPTIONS.model_copy(update={"background": "blur"})
    step.run(pictures.encoded(picture, "PNG"), Image.new("L", (96, 64), 255), options=options)
    assert pictures.decoded(step.file("thumbnail_16x16.jpg")).getpixel((8, 5)) == (255, 255, 255)


def test_a_small_mask_is_enlarged_without_ringing(step: Step) -> None:
    # Given a hard-edged mask, a quarter of the picture's size
    mask = Image.new("L", (24, 16))
    mask.paste(255, (0, 0, 12, 16))
    step.run(pictures.encoded(pictures.scene(96, 64), "PNG"), mask)
    # Then the matte falls once from 255 to 0 across the edge
    row = step.pixels("matte.png")[32].astype(int)
    assert (np.diff(row) <= 0).all()
    assert (row[:40] == 255).all()
    assert (row[56:] == 0).all()


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_the_output_alpha_is_never_above_the_input_alpha(step: Step, file_format: str) -> None:
    # Given a picture that is itself transparent from left to right
    picture = pictures.scene(96, 64)
    own_alpha = Image.fromarray(np.tile(np.linspace(0, 255, 96, dtype=np.uint8), (64, 1)))
    picture.putalpha(own_alpha)
    step.run(
        pictures.encoded(picture, file_format, **({"lossless": True} if file_format == "WEBP" else {})), ellipse(96, 64)
    )
    # When it is cut out, then it is nowhere less transparent than before
    for name in ("cutout.png", "cutout.webp"):
        assert (step.pixels(name)[..., 3] <= np.asarray(own_alpha)).all()
    full = Image.new("L", (96, 64), 255)
    step.run(pictures.encoded(picture, "PNG"), full)
    assert (step.pixels("cutout.png")[..., 3] == np.asarray(own_alpha)).all()


def test_the_composite_lies_on_the_background_asked_for(step: Step) -> None:
    mask = Image.new("L", (96, 64))
    mask.paste(255, (0, 0, 48, 64))
    step.run(pictures.encoded(pictures.plain("red", (96, 64)), "PNG"), mask)
    composite = pictures.decoded(step.file("composite.jpg"))
    assert composite.getpixel((8, 32)) == pytest.approx((255, 0, 0), abs=3)
    assert composite.getpixel((88, 32)) == pytest.approx((0, 255, 0), abs=3)


def test_thumbnails_of_the_cutout_have_no_dark_fringe(step: Step) -> None:
    # Given a white picture, whose hidden colour in the cut-out is black
    step.run(pictures.encoded(pictures.plain("white", (96, 64)), "PNG"), ellipse(96, 64))
    # When it is shrunk, then what is seen of its edge is still white
    thumbnail = step.pixels("cutout_thumbnail_16x16.png")
    edge = (thumbnail[..., 3] > 8) & (thumbnail[..., 3] < 250)
    assert edge.any()
    assert thumbnail[..., :3][edge].min() >= 250


def test_thumbnails_are_never_enlarged(step: Step) -> None:
    result = step.run(pictures.encoded(pictures.plain(size=(20, 10)), "PNG"), ellipse(20, 10))
    sizes = {output.kind: (output.width, output.height) for output in result.outputs if "48x200" in output.key}
    assert sizes == {"thumbnail": (20, 10), "cutout_thumbnail": (20, 10)}


def test_the_eight_orientations_give_identical_outputs(step: Step) -> None:
    outputs = []
    for orientation in range(1, 9):
        stored = pictures.stored(pictures.scene(), orientation)
        step.run(pictures.encoded(stored, "PNG", exif=pictures.exif(orientation)), ellipse(48, 32))
        outputs.append(step.files())
    assert all(files == outputs[0] for files in outputs)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_no_output_holds_metadata(step: Step, file_format: str) -> None:
    profile = pictures.matrix_profile(pictures.SRGB_TO_XYZ, 2.2)
    picture = pictures.encoded(
        pictures.scene(), file_format, exif=pictures.exif(1), icc_profile=profile, comment=b"SECRET-COMMENT"
    )
    assert b"SECRET" in picture
    step.run(picture + (b"PK\x03\x04SECRET-TAIL" if file_format in ("JPEG", "PNG") else b""), ellipse(96, 64))
    for name, body in step.files().items():
        for trace in (b"SECRET", b"Exif", b"EXIF", b"eXIf", b"GPS", b"iCCP", b"ICC", b"XMP", b"tEXt", b"Matteflow"):
            assert trace not in body, f"{trace!r} is in {name}"


def test_a_rerun_writes_the_same_objects(step: Step) -> None:
    picture = pictures.encoded(pictures.scene(), "JPEG")
    first, files = step.run(picture, ellipse(96, 64)), step.files()
    assert step.run(picture, ellipse(96, 64)) == first
    assert step.files() == files


@pytest.mark.parametrize("size", [(1, 1), (79, 79)])
@pytest.mark.parametrize("level", [0, 255])
def test_the_smallest_pictures_and_plain_masks_are_taken(step: Step, size: tuple[int, int], level: int) -> None:
    step.run(pictures.encoded(pictures.plain(size=size), "PNG"), Image.new("L", size, level))
    assert (step.pixels("matte.png") == level).all()
    assert step.pixels("cutout.png").shape == (size[1], size[0], 4)


@pytest.mark.parametrize(
    ("mask", "mask_size"),
    [
        (Image.new("L", (95, 64)), (96, 64)),
        (Image.new("L", (64, 96)), (96, 64)),
        (Image.new("L", (64, 96)), (64, 96)),
        (Image.new("L", (48, 33)), (48, 33)),
        (Image.new("L", (192, 128)), (192, 128)),
        (Image.new("RGB", (96, 64)), (96, 64)),
        (Image.new("1", (96, 64)), (96, 64)),
        (b"not a picture", (96, 64)),
        (b"", (96, 64)),
        (pictures.encoded(Image.new("L", (96, 64)), "JPEG"), (96, 64)),
        (pictures.encoded(ellipse(96, 64), "PNG")[:-60], (96, 64)),
    ],
    ids=[
        "a column short",
        "turned",
        "turned, as described",
        "of another aspect",
        "larger than the picture",
        "RGB",
        "1-bit",
        "no picture",
        "empty",
        "JPEG",
        "cut off",
    ],
)
def test_a_wrong_mask_is_never_pasted(step: Step, mask: Image.Image | bytes, mask_size: tuple[int, int]) -> None:
    with pytest.raises(MaskRejected, match=r"[Mm]ask"):
        step.run(pictures.encoded(pictures.scene(96, 64), "PNG"), mask, mask_size=mask_size)
    assert step.files() == {}


@pytest.mark.parametrize("size", [(4001, 1003), (1003, 4001), (2999, 2001), (2049, 3)])
def test_the_mask_of_a_proxy_fits_its_picture_whatever_was_rounded(step: Step, size: tuple[int, int]) -> None:
    scale = 2048 / max(size)
    mask_size = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    result = step.run(pictures.encoded(pictures.plain(size=size), "PNG"), Image.new("L", mask_size, 255))
    assert [(o.width, o.height) for o in result.outputs if o.kind == "matte"] == [size]


def test_an_upload_that_is_gone_is_rejected(step: Step, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ImageStore.get

    def get(store: ImageStore, bucket: str, key: str, version: str | None = None) -> bytes:
        if bucket == UPLOADS_BUCKET and version:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        return kept(store, bucket, key, version)

    monkeypatch.setattr(ImageStore, "get", get)
    with pytest.raises(ImageRejected, match="gone"):
        step.run(pictures.encoded(pictures.scene(), "PNG"), ellipse(96, 64))
