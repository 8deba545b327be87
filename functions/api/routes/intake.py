"""GET /intake: which pictures are taken and how many, and what is made of one whose owner asks for nothing else."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api.quota import DailyLimit, Quota
from functions.api.services import Injected, Owner
from functions.core.models import Model, Pixels, ProcessingOptions

router = Router()


class Intake(Model):
    """``max_pixels`` is width times height; ``models`` are what ``options.model`` can name.

    ``quota`` is how many pictures the caller may upload today, null for any number.
    """

    accepted_types: tuple[str, ...]
    max_size_bytes: int
    max_pixels: Pixels
    models: tuple[str, ...]
    default_options: ProcessingOptions
    quota: Quota | None


@router.get(
    "/intake",
    summary="Read which pictures are taken",
    operation_id="getIntake",
    responses={200: {"description": "Types, limits, models, default options, and today's quota"}},
    cache_control="no-store",
)
def get_intake(services: Injected, owner: Owner, limit: DailyLimit) -> Intake:
    settings = services.settings
    return Intake(
        accepted_types=settings.accepted_types,
        max_size_bytes=settings.max_size_bytes,
        max_pixels=settings.max_pixels,
        models=settings.models,
        default_options=settings.default_options,
        quota=None if limit is None else Quota.read(services.records, owner, limit),
    )
