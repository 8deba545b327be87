"""Everything that is made of a picture and its matte."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image

from functions.apply_mask.composite import cast_shadow, compose, covering, matte_preview, out_of_focus
from functions.apply_mask.encoding import ENCODINGS, FileFormat
from functions.apply_mask.foreground import cut_out
from functions.apply_mask.framing import Window, composed, crop_window, fractions, subject_box, within
from functions.apply_mask.thumbnails import make_thumbnails
from functions.core.models import Box, Face, OutputKind, ProcessingOptions, ThumbnailSize

_PAPER = "#ffffff"  # under a transparent original where the backdrop is no colour


class Rendition(NamedTuple):
    """One output before it is encoded; ``stem`` is its file name without extension, ``window`` what it shows.

    ``background`` is what a composite is laid on.
    """

    kind: OutputKind
    stem: str
    format: FileFormat
    image: Image.Image
    window: Box | None = None
    background: str | None = None

    @property
    def file_name(self) -> str:
        return f"{self.stem}.{ENCODINGS[self.format].extension}"


def make_renditions(
    picture: Image.Image,
    matte: Image.Image,
    options: ProcessingOptions,
    *,
    faces: Sequence[Face] = (),
    background: Image.Image | None = None,
    variant: str | None = None,
) -> Iterator[Rendition]:
    """Make every rendition asked for, one at a time. None changes any more once the next is asked for.

    Args:
        picture: ``RGB`` or straight ``RGBA``, upright, sRGB. It becomes the cut-out.
        matte: ``L`` of the picture's size, at most the picture's own alpha.
        options: what is made, and how.
        faces: boxes in fractions of the picture, which thumbnails of the fit ``focal`` keep in.
        background: the other picture that ``options.background`` names, ``RGB``, of any size.
        variant: ends the name of a further composite, which comes without thumbnails.
    """
    subject = subject_box(matte)
    thumbnail_sizes = () if variant else options.thumbnail_sizes
    original = picture if picture.mode == "RGB" else _on_paper(picture, options.background)
    yield from _thumbnails("thumbnail", original, thumbnail_sizes, faces, subject)
    if "matte_preview" in options.outputs:
        yield Rendition("matte_preview", "matte_preview", "jpeg", matte_preview(original, matte))
    del original

    blurred = None
    if "composite" in options.outputs and options.background == "blur":
        blurred = out_of_focus(picture, matte)
    cutout = cut_out(picture, matte)
    del picture
    window = None
    if options.crop and subject:
        reach = options.shadow.reach if options.shadow and "composite" in options.outputs else 0
        crop = crop_window(subject, cutout.size, max(options.crop.margin, reach))
        window = fractions(crop, cutout.size)
        faces = [face.model_copy(update={"box": within(face.box, window)}) for face in faces]
        cutout, matte = cutout.crop(crop), matte.crop(crop)
        blurred = blurred and blurred.crop(crop)
        subject = subject_box(matte)

    if "matte" in options.outputs:
        yield Rendition("matte", "matte", "png", matte, window)
    if "cutout" in options.outputs:
        for file_format in options.formats:
            yield Rendition("cutout", "cutout", file_format, cutout, window)
        for thumbnail in _thumbnails("cutout_thumbnail", cutout, thumbnail_sizes, faces, subject):
            yield thumbnail._replace(window=composed(thumbnail.window, window))
    if "composite" in options.outputs:
        if background:
            backdrop = covering(background, cutout.size)
        else:
            backdrop = blurred or Image.new("RGB", cutout.size, options.background)
        if options.shadow and subject:
            cast_shadow(backdrop, matte, options.shadow, subject)
        stem = f"composite_{variant}" if variant else "composite"
        yield Rendition("composite", stem, "jpeg", compose(cutout, backdrop), window, options.background)


def _thumbnails(
    kind: OutputKind,
    picture: Image.Image,
    sizes: Sequence[ThumbnailSize],
    faces: Sequence[Face],
    subject: Window | None,
) -> Iterator[Rendition]:
    file_format: FileFormat = "jpeg" if picture.mode == "RGB" else "png"
    focus = fractions(subject, picture.size) if subject else None
    for size, image, window in make_thumbnails(picture, sizes, faces=faces, subject=focus):
        fit = "" if size.fit == "contain" else f"_{size.fit}"
        yield Rendition(kind, f"{kind}_{size.width}x{size.height}{fit}", file_format, image, window)


def _on_paper(picture: Image.Image, background: str) -> Image.Image:
    colour = background if background.startswith("#") else _PAPER
    return compose(picture, Image.new("RGB", picture.size, colour))
