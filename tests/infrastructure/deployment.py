"""What Terraform makes of the configuration."""

import json
from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]


class Deployment:
    """Resources by type, each by its key, or by its name where it has none."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self._resources = resources

    def each(self, kind: str) -> list[Resource]:
        """All of a type, also where several have one key."""
        return [
            resource["values"]
            for resource in self._resources
            if resource["type"] == kind and resource["mode"] == "managed"
        ]

    def of_type(self, kind: str, name: str | None = None) -> dict[str, Resource]:
        """All of a type, or those that one block makes."""
        return {
            str(resource.get("index", resource["name"])): resource["values"]
            for resource in self._resources
            if resource["type"] == kind and resource["mode"] == "managed" and name in (None, resource["name"])
        }

    @property
    def policy_statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Of every policy document: its address, and each of its statements."""
        for resource in self._resources:
            if resource["type"] == "aws_iam_policy_document":
                for statement in resource["values"]["statement"]:
                    yield resource["address"], statement

    @property
    def functions(self) -> dict[str, Resource]:
        """Those of the one map."""
        return self.of_type("aws_lambda_function", "function")

    @property
    def definition(self) -> dict[str, Any]:
        """The state machine's definition with its placeholders filled in."""
        definition: dict[str, Any] = json.loads(self.of_type("aws_sfn_state_machine")["process_image"]["definition"])
        return definition
