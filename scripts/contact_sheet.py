"""Every output of some pictures on one sheet: ``python -m scripts.contact_sheet [--out FILE] PICTURE...``.

The pictures go through the steps' own code, with the classical engine's masks, and nothing but this process.
"""

import argparse
import io
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from functions.apply_mask.publishing import apply_mask
from functions.core.errors import MatteflowError
from functions.core.image_store import ImageStore
from functions.core.mask_measures import measure
from functions.core.models import (
    ApplyMaskRequest,
    Crop,
    CutoutFormat,
    ImageFacts,
    MaskFacts,
    Output,
    ProcessingOptions,
    RequestedOutput,
    Shadow,
    ThumbnailSize,
    Upload,
)
from functions.core.picture import open_picture
from functions.validate_image.proxy import make_proxy
from functions.validate_image.settings import Settings
from functions.validate_image.validation import image_facts
from inference_image.engines.classical import ClassicalEngine
from inference_image.pictures import decode, encode_mask

DEFAULT_SHEET = Path(".local/contact_sheet.png")
BUCKET = "contact-sheet"
SETTINGS = Settings(table_name="", masks_bucket=BUCKET)  # what a deployment has that sets nothing else

COLUMNS = 6
TILE = (300, 240)
MARGIN = 10
LABEL_HEIGHT = 48
PAPER, INK = "#ffffff", "#202020"
CHECKERBOARD = ("#ffffff", "#d8d8d8", 8)  # two colours and the side of a square in pixels


class Prepared(NamedTuple):
    """A picture that was validated, and its mask; both are in the store."""

    path: Path
    image_id: str
    upload: Upload
    image: ImageFacts
    mask: MaskFacts


class Tile(NamedTuple):
    """One output on the sheet, at most the size of a tile, and the lines under it."""

    image: Image.Image
    lines: tuple[str, ...]


class MemoryStore(ImageStore):
    """The objects of the steps, kept in this process."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:  # noqa: ARG002 - there is one of each
        return self._objects[key]

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:  # noqa: ARG002
        self._objects[key] = body


def prepare(path: Path, store: ImageStore, engine: ClassicalEngine) -> Prepared:
    """Validate a picture and make its mask.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ImageRejected: it is no picture that is taken.
    """
    data = path.read_bytes()
    image_id = str(uuid.uuid5(uuid.NAMESPACE_URL, path.resolve().as_uri()))
    opened = open_picture(data, SETTINGS.accepted_formats, max_pixels=SETTINGS.max_pixels)
    facts = image_facts(opened, data)
    proxy, (proxy_width, proxy_height) = make_proxy(opened, SETTINGS.proxy_max_side)
    pixels = decode(proxy, SETTINGS.max_pixels).picture
    mask = engine.upscale(engine.infer([engine.prepare(pixels)])[0], pixels)
    for key, body in (("upload", data), ("proxy.jpg", proxy), ("mask.png", encode_mask(mask))):
        store.put(BUCKET, f"{image_id}/{key}", body, "")
    return Prepared(
        path,
        image_id,
        Upload(bucket=BUCKET, key=f"{image_id}/upload", version="1", etag="", size=len(data), sequencer="1"),
        facts,
        MaskFacts(
            bucket=BUCKET,
            key=f"{image_id}/mask.png",
            width=proxy_width,
            height=proxy_height,
            model=engine.name,
            provider=engine.provider,
            inference_ms=0,
            **measure(Image.fromarray(mask))._asdict(),
        ),
    )


def choices(background_id: str) -> Iterator[tuple[str, ProcessingOptions]]:
    """Options that together show every output, each with the name that its tiles have."""
    thumbnails = tuple(
        ThumbnailSize(width=width, height=height, fit=fit)
        for width, height, fit in ((240, 240, "contain"), (240, 160, "cover"), (120, 200, "focal"))
    )
    yield (
        "all",
        ProcessingOptions(
            outputs=get_args(RequestedOutput), formats=get_args(CutoutFormat), thumbnail_sizes=thumbnails
        ),
    )
    small = (ThumbnailSize(width=16, height=16),)
    cropped = ProcessingOptions(
        formats=("png",), crop=Crop(), background="#e8e0d0", shadow=Shadow(), thumbnail_sizes=small
    )
    yield "crop, shadow", cropped
    yield "blur", ProcessingOptions(outputs=("composite",), background="blur", thumbnail_sizes=small)
    yield (
        "picture, shadow",
        ProcessingOptions(outputs=("composite",), background=background_id, shadow=Shadow(), thumbnail_sizes=small),
    )


def tiles(prepared: Prepared, background_id: str, store: ImageStore) -> Iterator[Tile]:
    """The picture, its mask, and every output.

    Raises:
        MatteflowError: an output cannot be made.
    """
    facts, mask = prepared.image, prepared.mask
    size = f"{facts.width} x {facts.height}, {facts.size_bytes:,} bytes"
    yield _tile(store.get(BUCKET, prepared.upload.key), prepared.path.name, size)
    flags = ", ".join(mask.flags)
    measures = f"coverage {mask.coverage:.2f}, confidence {mask.confidence:.0f}, parts {mask.parts} {flags}"
    yield _tile(store.get(BUCKET, mask.key), f"mask {mask.width} x {mask.height}", measures)
    for name, options in choices(background_id):
        request = ApplyMaskRequest(
            image_id=prepared.image_id, upload=prepared.upload, image=facts, mask=mask, options=options
        )
        result = apply_mask(request, images=store, results_bucket=BUCKET, max_pixels=SETTINGS.max_pixels)
        for output in result.outputs:
            if name == "all" or not output.kind.endswith("thumbnail"):
                yield _output_tile(name, output, store)


def _output_tile(name: str, output: Output, store: ImageStore) -> Tile:
    label = PurePosixPath(output.key).name if name == "all" else f"{PurePosixPath(output.key).name} ({name})"
    return _tile(store.get(BUCKET, output.key), label, f"{output.width} x {output.height}, {output.bytes:,} bytes")


def _tile(file: bytes, *lines: str) -> Tile:
    with Image.open(io.BytesIO(file)) as image:
        image.thumbnail(TILE)
        shown = image.convert("RGBA")
    paper = _checkerboard(shown.size)
    paper.alpha_composite(shown)
    return Tile(paper, lines)


def _checkerboard(size: tuple[int, int]) -> Image.Image:
    light, dark, side = CHECKERBOARD
    y, x = np.mgrid[: size[1], : size[0]]
    board = Image.new("RGBA", size, light)
    board.paste(dark, mask=Image.fromarray(((x // side + y // side) % 2 * 255).astype(np.uint8)))
    return board


def lay_out(rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """One block of tiles a picture, with a line between them."""
    cell = (TILE[0] + MARGIN, TILE[1] + LABEL_HEIGHT)
    lines = [-(-len(row) // COLUMNS) for row in rows]
    sheet = Image.new("RGB", (MARGIN + COLUMNS * cell[0], sum(lines) * cell[1] + (len(rows) + 1) * MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    top = MARGIN
    for row, count in zip(rows, lines, strict=True):
        for number, tile in enumerate(row):
            x, y = MARGIN + number % COLUMNS * cell[0], top + number // COLUMNS * cell[1]
            sheet.paste(tile.image, (x, y))
            draw.multiline_text((x, y + tile.image.height + 2), "\n".join(tile.lines), INK, font)
        top += count * cell[1] + MARGIN
        draw.line((0, top - MARGIN, sheet.width, top - MARGIN), INK)
    return sheet


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.contact_sheet", description="Lay every output of some pictures out on one sheet."
    )
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="a picture's file")
    parser.add_argument("--out", type=Path, default=DEFAULT_SHEET, help="the sheet's file (default: %(default)s)")
    options = parser.parse_args(arguments)
    store, engine = MemoryStore(), ClassicalEngine(threads=2)
    rows: list[list[Tile]] = []
    path = None
    try:
        prepared = [prepare(path := each, store, engine) for each in options.pictures]
        for number, each in enumerate(prepared, 1):
            path = each.path
            print(f"{number} of {len(prepared)}: {path.name}", file=sys.stderr)
            # Each picture's background is the next one.
            rows.append(list(tiles(each, prepared[number % len(prepared)].image_id, store)))
    except (OSError, MatteflowError) as error:
        print(f"{path}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 1
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lay_out(rows).save(options.out)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
