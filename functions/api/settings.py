"""What the API reads from its environment."""

from typing import Annotated, Literal

from pydantic import Field, Json

from functions.core.models import ProcessingOptions
from functions.core.result_urls import ResultsEdge
from functions.core.settings import CommaSeparated, PictureSettings

# A signature of version 4 lives for seven days at most.
UrlLifetime = Annotated[int, Field(ge=1, le=604_800)]

PicturesPerDay = Annotated[int, Field(ge=1)] | None


class Settings(PictureSettings):
    table_name: str
    uploads_bucket: str
    masks_bucket: str
    results_bucket: str
    apply_mask_function: str
    state_machine_arn: str
    auth: Literal["none", "cognito"]
    # How many pictures a day; None is any number.
    pictures_per_day: PicturesPerDay = None
    group_pictures_per_day: Annotated[Json[dict[str, PicturesPerDay]], Field(default_factory=dict)]
    mask_provider: str
    models: CommaSeparated
    version: str
    upload_url_ttl_s: UrlLifetime = 900
    result_url_ttl_s: UrlLifetime = 900
    results_edge: Json[ResultsEdge] | None = None  # without one, S3 itself serves the results
    awaiting_upload_ttl_days: Annotated[int, Field(ge=1)] = 1

    @property
    def accepted_types(self) -> tuple[str, ...]:
        """The media types of the accepted formats: each is registered as ``image/`` and the format's name."""
        return tuple(f"image/{name.lower()}" for name in self.accepted_formats)

    def options(self, asked: ProcessingOptions | None) -> ProcessingOptions:
        """What was asked for with one upload, and the defaults of this deployment for the rest."""
        chosen = {name: getattr(asked, name) for name in asked.model_fields_set} if asked else {}
        return self.default_options.model_copy(update=chosen)
