"""The OpenAPI document: valid, checked in as its routes make it, and true to them."""

import json

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from functions.api.openapi import describe
from functions.api.routes.document import DOCUMENT

ROUTES = {
    ("post", "/upload-url"),
    ("get", "/results"),
    ("get", "/results/{image_id}"),
    ("delete", "/results/{image_id}"),
    ("post", "/results/{image_id}/composites"),
    ("post", "/results/{image_id}/resume"),
    ("get", "/images/uploads/{filename}/status"),
    ("get", "/metrics"),
    ("get", "/intake"),
    ("get", "/health"),
    ("get", "/openapi.json"),
}


def test_the_document_that_is_checked_in_is_the_one_the_routes_make():
    assert json.loads(DOCUMENT.read_text()) == describe(), "run `make openapi`"


def test_it_is_a_valid_document_of_openapi_3_1():
    document = describe()

    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["openapi"].startswith("3.1")


def test_it_has_every_route_and_no_other():
    paths = describe()["paths"]

    assert {(method, path) for path, operations in paths.items() for method in operations} == ROUTES


def test_every_refusal_it_names_is_a_problem_but_those_of_api_gateway():
    for path, operations in describe()["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    expected = "application/json" if status in ("401", "403") else "application/problem+json"
                    assert response["content"].keys() == {expected}, (path, status)


def test_every_route_may_ask_for_a_token_of_its_scope():
    for path, operations in describe()["paths"].items():
        for method, operation in operations.items():
            scope = "matteflow/pictures.read" if method == "get" else "matteflow/pictures.write"
            assert operation["security"] == [{}, {"token": [scope]}], path


def test_the_api_serves_it(api):
    answer = api.get("/openapi.json")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == json.loads(DOCUMENT.read_text())
