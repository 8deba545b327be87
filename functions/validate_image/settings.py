"""What ValidateImage reads from its environment."""

from typing import Annotated

from pydantic import Field

from functions.core.settings import PictureSettings


class Settings(PictureSettings):
    table_name: str
    masks_bucket: str
    max_frames: Annotated[int, Field(ge=1)] = 100
    proxy_max_side: Annotated[int, Field(ge=80, le=10_000)] = 2000
    record_ttl_days: Annotated[int, Field(ge=1)] = 90
