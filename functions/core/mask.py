"""A mask as it is stored: an 8-bit grey PNG of the proxy's size."""

from PIL import Image

from functions.core.errors import ImageRejected, MaskRejected
from functions.core.picture import open_picture, reading


def read_mask(png: bytes, size: tuple[int, int]) -> Image.Image:
    """The mask as ``L``, 0 (background) to 255 (foreground).

    Args:
        size: the width and height, in pixels, that it must have.

    Raises:
        MaskRejected: the bytes are no sound 8-bit grey PNG of exactly this size.
    """
    try:
        image = open_picture(png, ("PNG",), max_pixels=size[0] * size[1])
        if (image.mode, image.size) != ("L", size):
            raise MaskRejected(
                f"The mask is of mode {image.mode} and {image.width} x {image.height} pixels, "
                f"not an 8-bit grey one of {size[0]} x {size[1]}."
            )
        with reading():
            image.load()
    except ImageRejected as exc:
        raise MaskRejected(f"The mask is not a sound PNG of {size[0]} x {size[1]} pixels.") from exc
    return image
