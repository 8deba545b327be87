"""What a cut-out is laid on, its shadow, and the preview of a matte.

Full-size pictures are blended by Pillow's integer arithmetic in the backdrop's own memory; whatever is blurred is made
at a reduced size and enlarged, as nothing sharp is left in it.
"""

import math

from PIL import Image, ImageChops, ImageFilter

from functions.apply_mask.framing import Size, Window, focal_window
from functions.core.models import Shadow
from functions.core.picture import fit

_PREVIEW_SIDE = 1024  # pixels of the longer side
_RUBYLITH = (255, 0, 0)

_BLURRED_SIDE = 256  # pixels that a blurred backdrop keeps of its longer side, at least
_BACKDROP_SIGMA = 0.02  # of the longer side
_SURROUNDINGS = 192  # of 255: what is at most a quarter subject
_SHADOW_SIGMA = 4  # pixels at which a shadow is blurred, at least; bilinear enlarging is then within 1 of 255


def compose(cutout: Image.Image, backdrop: Image.Image) -> Image.Image:
    """Lay the cut-out over the backdrop: ``a * F + (1 - a) * B``, rounded to nearest (Porter and Duff, SIGGRAPH 1984).

    Args:
        cutout: straight ``RGBA``.
        backdrop: ``RGB`` of the same size. It is painted over.

    Returns:
        The backdrop.
    """
    backdrop.paste(cutout, mask=cutout)
    return backdrop


def out_of_focus(picture: Image.Image, matte: Image.Image) -> Image.Image:
    """The picture as a lens shows it that is focused on the subject, and without the subject: it leaves no halo.

    The subject's place, and a little around it, is filled from its surroundings (pull-push: Gortler et al., "The
    Lumigraph", SIGGRAPH 1996) before all of it is blurred. Where nothing but subject is seen, it is its mean colour.

    Args:
        picture: ``RGB``, or straight ``RGBA``, whose transparent parts are filled too.
        matte: ``L`` of the picture's size.

    Returns:
        A new ``RGB`` picture of the same size.
    """
    factor = max(1, max(picture.size) // _BLURRED_SIDE)
    small = picture.reduce(factor)
    mean = small.resize((1, 1), Image.Resampling.BOX).convert("RGB")
    # Masks tend to end a little inside the subject, and to be not quite 255 in it.
    surroundings = ImageChops.invert(matte.reduce(factor).filter(ImageFilter.MaxFilter(7)))
    if small.mode == "RGBA":
        surroundings = ImageChops.multiply(surroundings, small.getchannel("A"))
    small.putalpha(surroundings.point([255 if value >= _SURROUNDINGS else 0 for value in range(256)]))
    filled = _filled(small, mean)
    blurred = filled.filter(ImageFilter.GaussianBlur(_BACKDROP_SIGMA * max(picture.size) / factor))
    # The last column and row of the reduced picture may stand for fewer pixels than the others.
    box = (0, 0, picture.width / factor, picture.height / factor)
    return blurred.resize(picture.size, Image.Resampling.BILINEAR, box)


def covering(picture: Image.Image, size: Size) -> Image.Image:
    """The middle of an ``RGB`` picture, scaled up or down to fill ``size`` (width and height in pixels)."""
    window = focal_window(picture.size, size)
    return picture.resize(size, Image.Resampling.BICUBIC, window, reducing_gap=2.0)


def cast_shadow(backdrop: Image.Image, matte: Image.Image, shadow: Shadow, subject: Window) -> Image.Image:
    """Darken the backdrop where the subject's drop shadow falls: its matte, moved and blurred, in black.

    As in CSS, the blur is twice the Gaussian's standard deviation (https://drafts.csswg.org/css-backgrounds-3/
    #shadow-blur). What lies outside the frame casts no shadow.

    Args:
        backdrop: ``RGB``. It is painted over.
        matte: ``L`` of the backdrop's size.
        subject: the window around it. Its longer side is what percents are of.

    Returns:
        The backdrop.
    """
    outline = matte.getbbox()
    if outline is None or shadow.opacity == 0:
        return backdrop
    percent_px = max(subject[2] - subject[0], subject[3] - subject[1]) / 100
    sigma = shadow.blur * percent_px / 2
    factor = max(1, int(sigma / _SHADOW_SIGMA))
    margin = math.ceil(3 * sigma / factor)
    left, top, right, bottom = outline
    columns, rows = math.ceil((right - left) / factor), math.ceil((bottom - top) / factor)
    silhouette = matte.crop((left, top, left + columns * factor, top + rows * factor)).reduce(factor)
    darkness = (
        silhouette.crop((-margin, -margin, columns + margin, rows + margin))
        .filter(ImageFilter.GaussianBlur(sigma / factor))
        .point([round(value * shadow.opacity / 100) for value in range(256)])
    )
    x = left - margin * factor + round(shadow.offset_x * percent_px)
    y = top - margin * factor + round(shadow.offset_y * percent_px)
    seen = (
        max(0, x),
        max(0, y),
        min(backdrop.width, x + darkness.width * factor),
        min(backdrop.height, y + darkness.height * factor),
    )
    if seen[0] < seen[2] and seen[1] < seen[3]:
        source = ((seen[0] - x) / factor, (seen[1] - y) / factor, (seen[2] - x) / factor, (seen[3] - y) / factor)
        size = (seen[2] - seen[0], seen[3] - seen[1])
        backdrop.paste((0, 0, 0), seen, darkness.resize(size, Image.Resampling.BILINEAR, source))
    return backdrop


def matte_preview(picture: Image.Image, matte: Image.Image) -> Image.Image:
    """The picture under a rubylith: what is kept shows as it is, what is removed is half covered by red.

    Args:
        picture: ``RGB``.
        matte: ``L`` of the picture's size.

    Returns:
        A new ``RGB`` picture of at most 1024 pixels a side.
    """
    size = fit(picture.size, (_PREVIEW_SIDE, _PREVIEW_SIDE))
    preview, kept = (image.resize(size, Image.Resampling.BICUBIC, reducing_gap=1.0) for image in (picture, matte))
    preview.paste(_RUBYLITH, mask=kept.point([(256 - value) // 2 for value in range(256)]))
    return preview


def _filled(known: Image.Image, mean: Image.Image) -> Image.Image:
    """``RGB`` of a small straight ``RGBA`` picture, its transparent parts filled from what lies around them."""
    if known.size == (1, 1):
        coarse = mean.copy()
    else:
        halved = known.reduce(2)
        # One known pixel of the four is enough for their colour.
        halved.putalpha(halved.getchannel("A").point([min(255, 4 * value) for value in range(256)]))
        coarse = _filled(halved, mean).resize(known.size, Image.Resampling.BILINEAR)
    coarse.paste(known, mask=known)
    return coarse
