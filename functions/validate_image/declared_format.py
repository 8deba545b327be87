"""Which format an upload says it is in, by its content type and by its name."""

from pathlib import PurePosixPath

_BY_CONTENT_TYPE = {
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",
    "image/pjpeg": "JPEG",
    "image/png": "PNG",
    "image/apng": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/heic": "HEIC",
    "image/heif": "HEIC",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/x-ms-bmp": "BMP",
    "image/gif": "GIF",
}
_BY_EXTENSION = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".heic": "HEIC",
    ".heif": "HEIC",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
}


def declared_formats(content_type: str, file_name: str) -> dict[str, str]:
    """How the upload is declared -> the format that this stands for. What declares no picture format is left out.

    >>> declared_formats("image/jpeg; charset=binary", "cat.PNG")
    {'content type image/jpeg': 'JPEG', 'file extension .png': 'PNG'}
    """
    media_type = content_type.split(";")[0].strip().lower()
    extension = PurePosixPath(file_name).suffix.lower()
    declared = {}
    if media_type in _BY_CONTENT_TYPE:
        declared[f"content type {media_type}"] = _BY_CONTENT_TYPE[media_type]
    if extension in _BY_EXTENSION:
        declared[f"file extension {extension}"] = _BY_EXTENSION[extension]
    return declared
