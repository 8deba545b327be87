"""The OpenAPI document of the API, made from its routes."""

import json
from typing import Any

from functions.api.app import app
from functions.api.problem import MEDIA_TYPE, title
from functions.api.routes.composites import CompositeRequest
from functions.api.routes.upload_url import UploadUrlRequest

_SCHEMAS = "#/components/schemas/"
# Nobody's pictures are read or written here.
_WITHOUT_OWNER = ("/health", "/openapi.json")
# Where sign-in is on, the scope of the token that a route asks for.
_READ, _WRITE = "matteflow/pictures.read", "matteflow/pictures.write"
_USER_ID = {
    "name": "user_id",
    "in": "query",
    "required": False,
    "description": "Whose pictures, where sign-in is off (`public` if not given). Ignored where it is on.",
    "schema": {"type": "string", "maxLength": 128},
}


def describe() -> dict[str, Any]:
    """The document: what the routes declare, and what every route shares."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="Matteflow",
            version="1.0.0",
            description="Upload a picture; read its cut-out, matte, thumbnails, labels, faces, text and moderation.",
        )
    )
    document["paths"] = dict(sorted(document["paths"].items()))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            # The resolver documents its own answers to what fails a check; here problems replace them.
            del operation["responses"]["422"]
            operation["responses"]["500"] = _problem(500)
            if path not in _WITHOUT_OWNER:
                operation.setdefault("parameters", []).append(_USER_ID)
                operation["responses"] |= {str(status): _problem(status) for status in (400, 503)}
            operation["responses"] |= {str(status): _refused_by_api_gateway(status) for status in (401, 403)}
            operation["security"] = [{}, {"token": [_READ if method == "get" else _WRITE]}]
    components = document["components"]
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the deployment's sign-in. Needed where sign-in is on.",
        }
    }
    schemas = components["schemas"]
    for replaced in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        del schemas[replaced]
    for body in (UploadUrlRequest, CompositeRequest):
        request = body.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        schemas |= request.pop("$defs") | {body.__name__: request}
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def _problem(status: int) -> dict[str, Any]:
    return {"description": title(status), "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}}


def _refused_by_api_gateway(status: int) -> dict[str, Any]:
    """Of a token that is missing, not valid (401), or without the route's scope (403): before anything of ours runs."""
    message = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
    return {"description": title(status), "content": {"application/json": {"schema": message}}}
