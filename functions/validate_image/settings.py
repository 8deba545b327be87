"""What ValidateImage reads from its environment."""

from typing import Annotated

from pydantic import Field

from functions.core.settings import PictureSettings


class Settings(PictureSettings):
    table_name: str
    masks_bucket: str
    # At most Pillow's own limit, above which it opens nothing.
    max_pixels: Annotated[int, Field(ge=1, le=178_956_970)] = 50_000_000
    max_frames: Annotated[int, Field(ge=1)] = 100
    proxy_max_side: Annotated[int, Field(ge=80, le=10_000)] = 2000
    record_ttl_days: Annotated[int, Field(ge=1)] = 90
