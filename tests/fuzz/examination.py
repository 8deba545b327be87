"""What must hold of every file: it is rejected in words, or taken with outputs that are what they say."""

import hashlib
import random

import numpy as np
from PIL import Image

from functions.core.errors import ImageRejected, MaskRejected
from functions.core.models import Crop, Output, ProcessingOptions, Shadow, ThumbnailSize
from tests.unit.pictures import decoded, encoded
from tests.unit.pipeline import Result, process

MAX_PIXELS = 1_000_000  # enough for every size that a field of two bytes can be given on one side


def examine(data: bytes) -> str:
    """Run one file through the pipeline, with options and a mask that its bytes choose: the same file, the same run.

    Returns:
        ``taken``, ``rejected`` or ``mask rejected``.

    Raises:
        AssertionError: an output is not what its description says.
        Exception: whatever else the pipeline lets out; it is a failure.
    """
    random_source = random.Random(hashlib.sha256(data).digest())  # noqa: S311 - it has to be the same again
    options = _options(random_source)
    good_mask = random_source.random() < 0.95
    mask = _mask(random_source)

    def mask_of(proxy: Image.Image) -> bytes:
        return encoded(mask.resize(proxy.size if good_mask else (proxy.width + 1, proxy.height)))

    try:
        result = process(data, options=options, mask_of=mask_of, max_pixels=MAX_PIXELS)
    except ImageRejected as exc:
        if not str(exc).endswith("."):
            raise AssertionError(f"no sentence for its owner: {exc}") from exc
        return "rejected"
    except MaskRejected:
        assert not good_mask, "a mask of the proxy's size was rejected"
        return "mask rejected"
    assert good_mask, "a mask of a wrong size was taken"
    _check(result, options)
    return "taken"


def _options(random_source: random.Random) -> ProcessingOptions:
    # AVIF takes longer to write than all else together.
    formats = random_source.choices(("png", "webp", "webp_lossy", "avif"), (8, 8, 8, 1))
    thumbnails = [
        ThumbnailSize(width=size[0], height=size[1], fit=fit)
        for size, fit in (((16, 16), "contain"), ((32, 20), "cover"), ((20, 40), "focal"))
    ]
    return ProcessingOptions.model_validate(
        {
            "outputs": random_source.sample(
                ("cutout", "matte", "matte_preview", "composite"), random_source.randint(1, 4)
            ),
            "formats": formats,
            "crop": random_source.choice((None, Crop(margin=random_source.choice((0, 5, 50))))),
            "background": random_source.choice(("#102030", "blur")),
            "shadow": random_source.choice((None, Shadow(), Shadow(blur=25, offset_x=-50, offset_y=50))),
            "thumbnail_sizes": random_source.sample(thumbnails, random_source.randint(1, 3)),
        }
    )


def _mask(random_source: random.Random) -> Image.Image:
    """Nothing, everything, a soft disc or noise; small, to be made the proxy's size."""
    kind = random_source.randrange(4)
    if kind < 2:
        return Image.new("L", (1, 1), 255 * kind)
    if kind == 2:
        return Image.radial_gradient("L").point([255 - min(255, max(0, 4 * (value - 96))) for value in range(256)])
    return Image.frombytes("L", (32, 32), random_source.randbytes(32 * 32))


def _check(result: Result, options: ProcessingOptions) -> None:
    size = result.image.width, result.image.height
    assert result.outputs, "nothing was made"
    for output in result.outputs:
        image = decoded(result.files[output.key.split("/", 1)[1]])
        assert image.size == (output.width, output.height), f"{output.key} is of another size than it says"
        assert image.format == output.format, f"{output.key} is of another format than it says"
        _check_size(output, size, options)
        if output.kind == "cutout" and output.format in ("PNG", "WEBP") and "lossy" not in output.key:
            pixels = np.asarray(image.convert("RGBA"))
            assert not pixels[pixels[..., 3] == 0].any(), f"{output.key} has colour where it is transparent"


def _check_size(output: Output, size: tuple[int, int], options: ProcessingOptions) -> None:
    assert output.width <= size[0], f"{output.key} is wider than the picture"
    assert output.height <= size[1], f"{output.key} is higher than the picture"
    if output.kind in ("cutout", "matte", "composite") and options.crop is None:
        assert (output.width, output.height) == size, f"{output.key} is not of the picture's size"
    if output.kind in ("thumbnail", "cutout_thumbnail"):
        boxes = [box for box in options.thumbnail_sizes if f"_{box.width}x{box.height}" in output.key]
        assert any(output.width <= box.width and output.height <= box.height for box in boxes), (
            f"{output.key} is too big"
        )
