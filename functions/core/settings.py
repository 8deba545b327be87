"""The environment of a function as a model: read when a handler first needs it, never at import."""

import os
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from functions.core.models import HexColor, ProcessingOptions


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split), Field(min_length=1)]


class EnvironmentModel(BaseModel):
    """Base of each function's settings: the field ``table_name`` is read from ``TABLE_NAME``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_environment(cls) -> Self:
        """Read and check the environment.

        Raises:
            pydantic.ValidationError: a variable is missing or out of range; the message names the field.
        """
        return cls.model_validate({name.lower(): value for name, value in os.environ.items() if value})


class PictureSettings(EnvironmentModel):
    """Which pictures are taken, and what is made of one whose owner asked for nothing."""

    max_size_bytes: Annotated[int, Field(ge=1)] = 50 * 1024 * 1024
    accepted_formats: CommaSeparated = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
    background_color: HexColor = "#ffffff"
    output_formats: CommaSeparated = ("png", "webp")
    thumbnail_sizes: CommaSeparated = ("100x100", "640x480", "1600x1200")

    @property
    def default_options(self) -> ProcessingOptions:
        """The options of an upload whose owner asked for nothing.

        Raises:
            pydantic.ValidationError: a format or size in the environment is not one.
        """
        sizes = [dict(zip(("width", "height"), size.split("x"), strict=True)) for size in self.thumbnail_sizes]
        return ProcessingOptions.model_validate(
            {"background": self.background_color, "formats": self.output_formats, "thumbnail_sizes": sizes}
        )
