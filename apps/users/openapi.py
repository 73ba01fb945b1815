"""How the API's endpoints are described in OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS

from apps.users.api import Endpoint
from apps.users.idempotency import HEADER, MOST_CHARACTERS

_IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Sent again with the same key within a day, it is not done again and answered alike.",
)


class EndpointSchema(AutoSchema):
    """Adds to each operation what a token needs for it, and to each write the key to send it again."""

    view: Any

    def get_override_parameters(self) -> list[Any]:
        """The headers of the endpoint."""
        parameters = list(super().get_override_parameters())
        takes_key = self.method not in SAFE_METHODS and getattr(self.view, "takes_keys", True)
        return [*parameters, _IDEMPOTENCY_KEY] if takes_key else parameters

    def get_operation(self, *args: Any, **options: Any) -> dict[str, Any] | None:
        """The operation, with its scope."""
        operation: dict[str, Any] | None = super().get_operation(*args, **options)
        if operation is not None and isinstance(self.view, Endpoint):
            scope = self.view.required_scope(self.method)
            if scope is not None:
                operation["x-required-scope"] = scope.value
        return operation
