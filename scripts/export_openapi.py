"""Write ``functions/api/openapi.json`` from the routes of the API."""

import json

from functions.api.openapi import describe
from functions.api.routes.document import DOCUMENT


def main() -> None:
    DOCUMENT.write_text(json.dumps(describe(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
