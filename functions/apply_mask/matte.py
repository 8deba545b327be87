"""The matte: the endpoint's mask at the picture's own size and never above the picture's own alpha."""

from PIL import Image, ImageChops

from functions.core.errors import MaskRejected
from functions.core.picture import fit


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
