"""Every kind of output, compared with pictures that a person has looked at."""

import re
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
import skimage.data
from mypy_boto3_s3 import S3Client
from PIL import Image, ImageDraw, ImageFilter

from functions.apply_mask.publishing import apply_mask
from functions.core.image_store import ImageStore
from functions.core.models import (
    ApplyMaskRequest,
    Box,
    Crop,
    CutoutFormat,
    Face,
    ImageFacts,
    MaskFacts,
    ProcessingOptions,
    RequestedOutput,
    Shadow,
    ThumbnailSize,
    Upload,
)
from tests.conftest import Goldens, Tolerance
from tests.unit import pictures
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET

IMAGE_ID = "5b2f0d3e-7c7b-5e0e-9a55-0123456789ab"
BACKGROUND_ID = "0191f3a2-7c7b-7e0e-9a55-ba9876543210"
SIZE = (160, 120)

LOSSLESS = Tolerance(0.5, 8)
# Another version of an encoder spends its bits elsewhere, by a few steps of a quantiser, which at edges are large.
JPEG = Tolerance(1.0, 24)
LOSSY_WITH_ALPHA = Tolerance(1.5, 40)


class Subject(NamedTuple):
    """A picture, the mask of it as an engine would give it, and a face where there is one."""

    picture: Image.Image
    mask: Image.Image
    faces: tuple[Face, ...] = ()


def astronaut() -> Subject:
    """A photograph; its mask is drawn by hand, soft, and half the picture's size."""
    photograph = Image.fromarray(skimage.data.astronaut()).crop((0, 0, 512, 384)).resize(SIZE, Image.Resampling.LANCZOS)
    mask = Image.new("L", (512, 384))
    draw = ImageDraw.Draw(mask)
    draw.ellipse((153, 15, 301, 130), 255)  # hair
    draw.polygon([(175, 90), (280, 90), (262, 150), (250, 190), (190, 190), (180, 130)], 255)  # face and neck
    draw.ellipse((112, 148, 306, 296), 255)  # collar
    draw.polygon([(120, 220), (300, 235), (345, 265), (360, 300), (365, 384), (22, 384), (45, 290), (75, 240)], 255)
    mask = mask.filter(ImageFilter.GaussianBlur(3)).reduce(2).resize((80, 60), Image.Resampling.BOX)
    face = Face(box=Box(left=0.35, top=0.19, width=0.17, height=0.3), confidence=99)
    return Subject(photograph, mask, (face,))


def shapes() -> Subject:
    """A red ring with a hole, thin lines and a wide soft edge, off the middle of a bright checkerboard.

    Its mask also has what a mask should not have: a pinhole in the ring and a speck far from it.
    """
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    radius = np.hypot(x - 60.5, y - 62.5)
    ring = np.clip(np.minimum((radius - 12) / 2, (42 - radius) / np.where(x < 60, 2, 9)), 0, 1)
    lines = (np.abs(y - x * 0.3 - 30) < 0.8) & (x > 90) & (x < 140)
    alpha = np.maximum(ring, lines * 0.8)
    board = np.where(((x // 8 + y // 8) % 2 == 0)[..., None], (90, 200, 240), (240, 230, 120))
    picture = alpha[..., None] * (200, 30, 40) + (1 - alpha[..., None]) * board
    mask = (alpha * 255).round().astype(np.uint8)
    mask[60:62, 35:37] = 0
    mask[12:14, 140:142] = 255
    return Subject(Image.fromarray(picture.round().astype(np.uint8)), Image.fromarray(mask))


def transparent() -> Subject:
    """The astronaut as an upload that fades out to the right, with a mask of its own."""
    photograph, mask, faces = astronaut()
    photograph.putalpha(Image.fromarray(np.tile(np.linspace(510, 0, SIZE[0]).clip(0, 255), (SIZE[1], 1)).astype("u1")))
    return Subject(photograph, mask, faces)


def options(
    *outputs: RequestedOutput,
    formats: tuple[CutoutFormat, ...] = ("png",),
    thumbnails: tuple[ThumbnailSize, ...] = (ThumbnailSize(width=32, height=32),),
    **others: Any,
) -> ProcessingOptions:
    return ProcessingOptions(outputs=outputs, formats=formats, thumbnail_sizes=thumbnails, **others)


THUMBNAILS = (
    ThumbnailSize(width=64, height=64),
    ThumbnailSize(width=64, height=60, fit="cover"),
    ThumbnailSize(width=40, height=80, fit="focal"),
)
CASES = {
    "astronaut": (
        astronaut,
        options(
            *get_args(RequestedOutput),
            formats=get_args(CutoutFormat),
            thumbnails=THUMBNAILS,
            background="#3366cc",
        ),
    ),
    "astronaut_cropped": (
        astronaut,
        options("cutout", "matte", "matte_preview", "composite", crop=Crop(margin=8), background="blur"),
    ),
    "astronaut_blur": (astronaut, options("composite", background="blur", shadow=Shadow())),
    "astronaut_elsewhere": (astronaut, options("composite", background=BACKGROUND_ID)),
    "shapes": (shapes, options(*get_args(RequestedOutput), thumbnails=THUMBNAILS)),
    "shapes_shadow": (
        shapes,
        options(
            "composite", background="#ddeedd", shadow=Shadow(opacity=80, blur=3, offset_x=9, offset_y=6), crop=Crop()
        ),
    ),
    "transparent": (transparent, options("cutout", "matte", "matte_preview", "composite", background="blur")),
}


def test_the_cases_show_every_kind_of_output_and_every_option() -> None:
    chosen = [options for _, options in CASES.values()]
    assert {output for each in chosen for output in each.outputs} == set(get_args(RequestedOutput))
    assert {name for each in chosen for name in each.formats} == set(get_args(CutoutFormat))
    assert {size.fit for each in chosen for size in each.thumbnail_sizes} == {"contain", "cover", "focal"}
    assert {each.background[:1] for each in chosen} == {"#", "b", BACKGROUND_ID[:1]}
    assert any(each.crop for each in chosen)
    assert any(each.shadow for each in chosen)


@pytest.mark.parametrize("case", CASES)
def test_every_output_looks_as_it_did(case: str, s3: S3Client, goldens: Goldens) -> None:
    # Given a picture, its mask and what was asked for
    make, chosen = CASES[case]
    # When every output is made
    made = {f"{case}.{name.replace('.', '_')}": file for name, file in outputs_of(make(), chosen, s3).items()}
    # Then each is the golden one, and none is missing
    wrong = [goldens.difference(name, pictures.decoded(file), tolerance(name)) for name, file in made.items()]
    golden_only = goldens.names(f"{case}.") - made.keys()
    wrong += [f"{name}.png: the output is no longer made" for name in golden_only if not goldens.remove(name)]
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_a_picture_that_changed_is_named_and_written_beside_its_golden(tmp_path: Path) -> None:
    # Given a golden picture
    golden = pictures.scene(96, 64)
    assert not Goldens(tmp_path, update=True).difference("scene", golden, LOSSLESS)
    # When a picture is the same, then nothing is wrong
    goldens = Goldens(tmp_path, update=False)
    assert not goldens.difference("scene", golden, LOSSLESS)
    # When it is another, is of another size or has no golden, then it is named, and there to be looked at
    one_pixel = golden.copy()
    one_pixel.putpixel((50, 30), (255, 255, 255))
    for name, changed, reason in (
        ("scene", one_pixel, "by 0.0. on average and by 255 at most"),
        ("scene", golden.resize((95, 64)), r"of \(95, 64\), not RGB of \(96, 64\)"),
        ("other", golden, "no such golden"),
    ):
        assert re.search(rf"{name}\.png.*{reason}", goldens.difference(name, changed, LOSSLESS))
        written = pictures.decoded((tmp_path / f"{name}.actual.png").read_bytes())
        assert written.tobytes() == changed.tobytes()
    assert goldens.names("") == {"scene"}
    # When it is right again, then nothing is left of it
    assert not goldens.difference("scene", golden, LOSSLESS)
    assert not (tmp_path / "scene.actual.png").exists()


def tolerance(name: str) -> Tolerance:
    if name.endswith("_jpg"):
        return JPEG
    return LOSSY_WITH_ALPHA if "lossy" in name or name.endswith("_avif") else LOSSLESS


def outputs_of(subject: Subject, chosen: ProcessingOptions, s3: S3Client) -> dict[str, bytes]:
    """The step's outputs by file name."""
    picture, mask = pictures.encoded(subject.picture), pictures.encoded(subject.mask)
    put = s3.put_object(Bucket=UPLOADS_BUCKET, Key="uploads/picture", Body=picture)
    s3.put_object(Bucket=MASKS_BUCKET, Key=f"{IMAGE_ID}/mask.png", Body=mask)
    elsewhere = pictures.encoded(pictures.scene(240, 100), "JPEG", quality=95)
    s3.put_object(Bucket=MASKS_BUCKET, Key=f"{BACKGROUND_ID}/proxy.jpg", Body=elsewhere)
    left, top, right, bottom = subject.mask.point(lambda value: 255 * (value >= 128)).getbbox() or (0, 0, 0, 0)
    width, height = subject.mask.size
    result = apply_mask(
        ApplyMaskRequest(
            image_id=IMAGE_ID,
            upload=Upload(
                bucket=UPLOADS_BUCKET,
                key="uploads/picture",
                version=put["VersionId"],
                etag=put["ETag"],
                size=len(picture),
                sequencer="00",
            ),
            image=ImageFacts(
                format="PNG",
                width=SIZE[0],
                height=SIZE[1],
                mode=subject.picture.mode,
                size_bytes=len(picture),
                sha256="0" * 64,
            ),
            mask=MaskFacts(
                bucket=MASKS_BUCKET,
                key=f"{IMAGE_ID}/mask.png",
                width=width,
                height=height,
                model="drawn",
                provider="none",
                inference_ms=0,
                coverage=0.4,
                confidence=95,
                edge_softness=0.1,
                parts=1,
                subject=Box(
                    left=left / width, top=top / height, width=(right - left) / width, height=(bottom - top) / height
                ),
            ),
            faces=subject.faces,
            options=chosen,
        ),
        images=ImageStore(),
        results_bucket=RESULTS_BUCKET,
        max_pixels=50_000_000,
    )
    return {
        PurePosixPath(output.key).name: s3.get_object(Bucket=RESULTS_BUCKET, Key=output.key)["Body"].read()
        for output in result.outputs
    }
