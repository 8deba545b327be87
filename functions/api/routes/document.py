"""GET /openapi.json: this API, described."""

from pathlib import Path

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

router = Router()

DOCUMENT = Path(__file__).parents[1] / "openapi.json"


@router.get(
    "/openapi.json",
    summary="Read this document",
    operation_id="getDocument",
    responses={200: {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}},
)
def get_document() -> Response[str]:
    return Response(200, "application/json", DOCUMENT.read_text(encoding="utf-8"))
