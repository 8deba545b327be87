"""Everything that is made of a picture and its matte."""

import io
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from PIL import Image

from functions.core.models import OutputKind, ProcessingOptions, ThumbnailSize
from functions.core.picture import fit

# Fast first: deeper searches cost several times the time for a few percent of the bytes.
_ENCODING: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1},
    "WEBP": {"lossless": True, "quality": 0, "method": 0},
    "JPEG": {"quality": 90},
}
_EXTENSIONS = {"PNG": "png", "WEBP": "webp", "JPEG": "jpg"}
_CLEAR_ONLY = [255] + [0] * 255


class Rendition(NamedTuple):
    """One output before it is encoded; ``stem`` is its file name without extension, ``format`` Pillow's name."""

    kind: OutputKind
    stem: str
    format: str
    image: Image.Image

    @property
    def file_name(self) -> str:
        return f"{self.stem}.{_EXTENSIONS[self.format]}"

    @property
    def content_type(self) -> str:
        return f"image/{self.format.lower()}"

    def encode(self) -> bytes:
        """The file. It holds pixels and nothing else: no EXIF, no profile, no text."""
        file = io.BytesIO()
        self.image.save(file, self.format, **_ENCODING[self.format])
        return file.getvalue()


def make_renditions(picture: Image.Image, matte: Image.Image, options: ProcessingOptions) -> Iterator[Rendition]:
    """Make every rendition, one at a time; encode each before taking the next, as full-size memory is reused.

    Args:
        picture: ``RGB`` or straight ``RGBA``, upright, sRGB. It becomes the cut-out.
        matte: ``L`` of the picture's size, at most the picture's own alpha.
        options: background, formats and thumbnail boxes.
    """
    original = picture if picture.mode == "RGB" else _over(picture, picture.getchannel("A"), options.background)
    yield from _thumbnails("thumbnail", "JPEG", original, options.thumbnail_sizes)
    del original
    yield Rendition("composite", "composite", "JPEG", _over(picture, matte, options.background))
    yield Rendition("matte", "matte", "PNG", matte)
    picture.putalpha(matte)
    _clear_hidden_colour(picture)
    for name in options.formats:
        yield Rendition("cutout", "cutout", name.upper(), picture)
    yield from _thumbnails("cutout_thumbnail", "PNG", picture, options.thumbnail_sizes)


def _thumbnails(
    kind: OutputKind, file_format: str, picture: Image.Image, sizes: Iterable[ThumbnailSize]
) -> Iterator[Rendition]:
    """One for each box, each made of the next larger one; straight alpha is resampled premultiplied."""
    shrunk = picture if picture.mode == "RGB" else picture.convert("RGBa")
    for box in sorted(sizes, key=lambda box: max(fit(picture.size, (box.width, box.height))), reverse=True):
        size = fit(picture.size, (box.width, box.height))
        if shrunk.size != size:
            # Boxes do most of the shrinking; the filter sees at most twice the size it makes.
            shrunk = shrunk.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        thumbnail = shrunk
        if shrunk.mode == "RGBa":
            thumbnail = shrunk.convert("RGBA")
            _clear_hidden_colour(thumbnail)
        yield Rendition(kind, f"{kind}_{box.width}x{box.height}", file_format, thumbnail)


def _over(picture: Image.Image, alpha: Image.Image, background: str) -> Image.Image:
    flat = Image.new("RGB", picture.size, background)
    flat.paste(picture, mask=alpha)
    return flat


def _clear_hidden_colour(picture: Image.Image) -> None:
    """Make the colour 0 where alpha is 0, in place: nothing of the background is left in the file."""
    hidden = picture.getchannel("A").point(_CLEAR_ONLY)
    picture.paste((0, 0, 0, 0), mask=hidden)
