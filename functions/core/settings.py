"""The environment of a function as a model: read when a handler first needs it, never at import."""

import os
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Json

from functions.core.models import ProcessingOptions


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


def _for_everyone(options: ProcessingOptions) -> ProcessingOptions:
    if options.background_image_id:
        raise ValueError("a background that is somebody's picture cannot be everybody's default")
    return options


class PictureSettings(EnvironmentModel):
    """Which pictures are taken, and what is made of one whose owner asked for nothing."""

    max_size_bytes: Annotated[int, Field(ge=1)] = 50 * 1024 * 1024
    # At most Pillow's own limit, above which it opens nothing.
    max_pixels: Annotated[int, Field(ge=1, le=178_956_970)] = 50_000_000
    accepted_formats: CommaSeparated = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
    default_options: Annotated[Json[ProcessingOptions], AfterValidator(_for_everyone)] = ProcessingOptions()
