"""The EXIF facts of a picture that may be kept: how it was taken, never where, by whom or with which serial number."""

from contextlib import suppress

from PIL import ExifTags, ImageFile

from functions.core.errors import ImageRejected
from functions.core.picture import reading

_MAX_TEXT_CHARACTERS = 64
_FACTS_BELOW = 1e9  # no camera has such a number, and DynamoDB takes none above 1e126

_MAIN = {
    ExifTags.Base.Make: "camera_make",
    ExifTags.Base.Model: "camera_model",
    ExifTags.Base.DateTime: "date_time",
}
_TAKEN = {
    ExifTags.Base.LensModel: "lens_model",
    ExifTags.Base.ExposureTime: "exposure_time_s",
    ExifTags.Base.FNumber: "f_number",
    ExifTags.Base.ISOSpeedRatings: "iso",
    ExifTags.Base.FocalLength: "focal_length_mm",
    ExifTags.Base.FocalLengthIn35mmFilm: "focal_length_35mm",
    ExifTags.Base.DateTimeOriginal: "date_time_original",
}


def exif_facts(image: ImageFile.ImageFile) -> dict[str, str | int | float]:
    """The facts that are named here and readable; broken EXIF gives none, and fails nothing."""
    facts: dict[str, str | int | float] = {}
    with suppress(ImageRejected), reading():
        exif = image.getexif()
        for directory, names in ((exif, _MAIN), (exif.get_ifd(ExifTags.IFD.Exif), _TAKEN)):
            for tag, name in names.items():
                value = _plain(directory.get(tag))
                if value is not None:
                    facts[name] = value
    return facts


def _plain(value: object) -> str | int | float | None:
    if isinstance(value, tuple) and value:
        value = value[0]  # ISO may come with further sensitivities
    if isinstance(value, str):
        printable = "".join(character for character in value if character.isprintable())
        return printable.strip()[:_MAX_TEXT_CHARACTERS] or None
    if isinstance(value, int):
        return value if abs(value) < _FACTS_BELOW else None
    with suppress(TypeError, ValueError, ZeroDivisionError):
        number = float(value)  # type: ignore[arg-type]  # a rational of Pillow's, or what no fact is made of
        return round(number, 6) if abs(number) < _FACTS_BELOW else None  # no infinity, and no NaN, is below
    return None
