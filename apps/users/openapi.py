"""How the API's endpoints are described in OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from apps.users.api import Endpoint


class EndpointSchema(AutoSchema):
    """Adds to each operation what a token needs for it."""

    view: Any

    def get_operation(self, *args: Any, **options: Any) -> dict[str, Any] | None:
        """The operation, with its scope."""
        operation: dict[str, Any] | None = super().get_operation(*args, **options)
        if operation is not None and isinstance(self.view, Endpoint):
            scope = self.view.required_scope(self.method)
            if scope is not None:
                operation["x-required-scope"] = scope.value
        return operation
