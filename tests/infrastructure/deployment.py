"""What Terraform makes of the configuration."""

import json
from typing import Any

Resource = dict[str, Any]


class Deployment:
    """Resources by type, each by its key, or by its name where it has none."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self._resources = resources

    def of_type(self, kind: str, name: str | None = None) -> dict[str, Resource]:
        """All of a type, or those that one block makes."""
        return {
            str(resource.get("index", resource["name"])): resource["values"]
            for resource in self._resources
            if resource["type"] == kind and resource["mode"] == "managed" and name in (None, resource["name"])
        }

    @property
    def functions(self) -> dict[str, Resource]:
        """Those of the one map."""
        return self.of_type("aws_lambda_function", "function")

    @property
    def definition(self) -> dict[str, Any]:
        """The state machine's definition with its placeholders filled in."""
        definition: dict[str, Any] = json.loads(self.of_type("aws_sfn_state_machine")["process_image"]["definition"])
        return definition
