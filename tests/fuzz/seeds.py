"""The sound files that mutations start from: small, and of every format, mode and extra that is taken."""

import functools
from typing import Any

import numpy as np
from PIL import Image

from tests.unit import pictures


@functools.cache
def seeds() -> dict[str, bytes]:
    """Name -> file. The name begins with the format's usual extension."""
    scene = pictures.scene(48, 32)
    noise = pictures.noise(24, 16)
    clear = scene.copy()
    clear.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 48, dtype=np.uint8), (32, 1))))
    profile = pictures.matrix_profile(pictures.DISPLAY_P3_TO_XYZ, 2.2)
    described: dict[str, Any] = {"exif": pictures.exif(6), "icc_profile": profile}
    more: dict[str, Any] = {"save_all": True, "append_images": [scene.rotate(90), scene.rotate(180)]}
    palette = scene.quantize(16)
    made = {
        "jpg": (scene, "JPEG", {}),
        "jpg.progressive": (scene, "JPEG", {"progressive": True}),
        "jpg.described": (scene, "JPEG", described),
        "jpg.fine": (noise, "JPEG", {"quality": 100, "subsampling": 0, "restart_marker_blocks": 1}),
        "jpg.grey": (scene.convert("L"), "JPEG", {"optimize": True}),
        "jpg.wide": (scene.resize((1603, 97)), "JPEG", {"quality": 10}),
        "jpg.cmyk": (scene.convert("CMYK"), "JPEG", {"icc_profile": pictures.cmyk_profile()}),
        "jpg.mpo": (scene, "MPO", more),
        "png": (scene, "PNG", {}),
        "png.described": (scene, "PNG", described),
        "png.alpha": (clear, "PNG", {}),
        "png.grey": (scene.convert("L"), "PNG", {"transparency": 90}),
        "png.grey-alpha": (clear.convert("LA"), "PNG", {"icc_profile": pictures.grey_profile(1.8)}),
        "png.high": (pictures.plain(size=(3, 2000)), "PNG", {}),
        "png.bits": (scene.convert("1"), "PNG", {}),
        "png.palette": (palette, "PNG", {"transparency": bytes(range(0, 256, 16)), "bits": 4}),
        "png.animated": (scene, "PNG", more),
        "webp": (scene, "WEBP", {"method": 0}),
        "webp.lossless": (clear, "WEBP", {"lossless": True}),
        "webp.alpha": (clear, "WEBP", described),
        "webp.animated": (scene, "WEBP", more),
        "avif": (scene, "AVIF", {"speed": 9}),
        "avif.described": (scene, "AVIF", {"speed": 9, **described}),
        "avif.alpha": (clear, "AVIF", {"speed": 9, "subsampling": "4:4:4"}),
        "avif.animated": (scene, "AVIF", {"speed": 9, **more}),
        "tif": (scene, "TIFF", {}),
        "tif.described": (scene, "TIFF", described),
        "tif.deflate": (clear, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "tif.lzw": (palette, "TIFF", {"compression": "tiff_lzw"}),
        "tif.jpeg": (scene, "TIFF", {"compression": "jpeg"}),
        "tif.group4": (scene.convert("1"), "TIFF", {"compression": "group4"}),
        "tif.packbits": (scene.convert("L"), "TIFF", {"compression": "packbits"}),
        "tif.cmyk": (noise.convert("CMYK"), "TIFF", {}),
        "tif.pages": (noise, "TIFF", {"save_all": True, "append_images": [noise, noise]}),
        "bmp": (noise, "BMP", {}),
        "bmp.palette": (palette, "BMP", {}),
        "bmp.bits": (scene.convert("1"), "BMP", {}),
        "bmp.alpha": (noise.convert("RGBA"), "BMP", {}),
        "gif": (palette, "GIF", {"interlace": 1}),
        "gif.clear": (palette, "GIF", {"transparency": 3, "interlace": 0}),
        "gif.animated": (palette, "GIF", {"save_all": True, "append_images": [palette.rotate(180)], "disposal": 2}),
    }
    files = {
        name: pictures.encoded(image, file_format, **options) for name, (image, file_format, options) in made.items()
    }
    wide = np.asarray(scene).astype(np.uint16) * 257
    return files | {
        "jpg.ycck": pictures.ycck_jpeg((200, 120, 40), 30),
        "jpg.arithmetic": pictures.arithmetic_jpeg([193, 64, 64, 81]),
        "jpg.12-bit": pictures.twelve_bit_jpeg([0, 4095, 2048]),
        "jpg.scans": pictures.jpeg_of_scans(40),
        "png.16-bit": pictures.png_of_16_bits(wide, pictures.png_profile(profile)),
        "png.16-bit-grey": pictures.png_of_16_bits(wide[..., 0]),
        "png.interlaced": pictures.interlaced_png(scene),
        "tif.16-bit": pictures.tiff_of_samples(wide.astype("<u2"), 16, 2),
        "tif.16-bit-grey": pictures.tiff_of_samples(wide[..., :1].astype("<u2"), 16, 0),
        "tif.tiles": pictures.tiff_in_tiles(scene),
        "webp.canvas": pictures.webp_with_canvas_of(64, 64),
    }
