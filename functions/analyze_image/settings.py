"""What AnalyzeImage reads from its environment."""

from typing import Annotated

from pydantic import Field

from functions.core.models import Percent
from functions.core.settings import CommaSeparated, EnvironmentModel


class Settings(EnvironmentModel):
    masks_bucket: str
    table_name: str
    max_labels: Annotated[int, Field(ge=1, le=100)] = 100
    label_min_confidence: Percent = 55
    moderation_min_confidence: Percent = 60
    blocked_moderation: CommaSeparated = ("Explicit", "Violence", "Visually Disturbing", "Hate Symbols")
