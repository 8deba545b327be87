"""The proxy: the small picture that mask inference and image analysis read instead of the upload."""

import io

from PIL import Image, ImageFile

from functions.core.picture import decode

# A real-time SageMaker call takes bodies of up to 6 MB; below 5 MB, its framing always fits.
MAX_PROXY_BYTES = 5_000_000
_QUALITIES = (90, 75, 50, 25)


def make_proxy(image: ImageFile.ImageFile, max_side: int) -> tuple[bytes, tuple[int, int]]:
    """Decode the picture into an upright sRGB JPEG on white, of under 5 MB and with no metadata.

    Args:
        image: from ``open_picture``.
        max_side: the longest side in pixels. A smaller picture keeps its size.

    Returns:
        The JPEG, and its width and height in pixels.

    Raises:
        ImageRejected: the picture's pixels are damaged or incomplete.
    """
    picture = decode(image, max_side=max_side)
    if picture.mode == "RGBA":
        on_white = Image.new("RGB", picture.size, "white")
        on_white.paste(picture, mask=picture)
        picture = on_white
    for quality in _QUALITIES:
        jpeg = io.BytesIO()
        picture.save(jpeg, "JPEG", quality=quality)
        if jpeg.tell() < MAX_PROXY_BYTES:
            break
    return jpeg.getvalue(), picture.size
