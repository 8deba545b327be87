"""The matte: the endpoint's mask, checked, at the picture's own size and never above the picture's own alpha."""

from PIL import Image, ImageChops

from functions.core.errors import ImageRejected, MaskRejected
from functions.core.models import MaskFacts
from functions.core.picture import fit, open_picture, reading


def read_mask(png: bytes, facts: MaskFacts) -> Image.Image:
    """The mask as ``L``, 0 (background) to 255 (foreground).

    Raises:
        MaskRejected: the bytes are no 8-bit grey PNG of the size in ``facts``.
    """
    try:
        image = open_picture(png, ("PNG",), max_pixels=facts.width * facts.height)
        if (image.mode, image.size) != ("L", (facts.width, facts.height)):
            raise MaskRejected(
                f"The mask is {image.mode} of {image.width} x {image.height} pixels, "
                f"not 8-bit grey of {facts.width} x {facts.height}."
            )
        with reading():
            image.load()
    except ImageRejected as exc:
        raise MaskRejected(f"The mask is not a sound PNG of {facts.width} x {facts.height} pixels.") from exc
    return image


def make_matte(mask: Image.Image, picture: Image.Image) -> Image.Image:
    """The alpha of the cut-out as ``L`` of the picture's size: the mask times the picture's own alpha.

    Raises:
        MaskRejected: the mask was not made of a proxy of this picture, as its aspect ratio is another.
    """
    side = max(mask.size)
    if mask.size != fit(picture.size, (side, side)):
        raise MaskRejected(
            f"A mask of {mask.width} x {mask.height} pixels does not fit a picture of "
            f"{picture.width} x {picture.height}."
        )
    # The bicubic filter overshoots only where it is clipped, so nothing rings around the foreground.
    matte = mask if mask.size == picture.size else mask.resize(picture.size, Image.Resampling.BICUBIC)
    return ImageChops.multiply(matte, picture.getchannel("A")) if picture.mode == "RGBA" else matte
