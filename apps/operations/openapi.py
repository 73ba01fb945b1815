"""The API's description: sign-in, error answers and the documentation page."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request

from apps.operations.errors import CONTENT_TYPE

# Which error answers an endpoint can give, for OpenAPI: status → what it means.
_MEANINGS = {
    "400": "The request is not as it should be; `errors` says where.",
    "401": "No valid token and no session.",
    "403": "Your role does not include this, or the part is switched off.",
    "404": "There is no such thing, or not for you.",
    "406": "Only JSON is spoken.",
    "409": "It collides with what stands there now.",
    "410": "The cursor comes from another past; begin without one.",
    "412": "It is no longer what `If-Match` names.",
    "413": "The body is too large.",
    "415": "Send JSON.",
    "429": "Too many calls within a minute; `Retry-After` says when to come back.",
    "422": "What was asked cannot be done as it was asked.",
    "502": "It could not be written, or a provider did not answer as it should; nothing was changed.",
    "503": "What is needed for it is not there: a key, or the provider's quota.",
    "504": "A provider took too long.",
}
_ALWAYS = ("400", "401", "403", "406", "429")
_OF_WRITES = ("409", "413", "415", "422")
_OF_ENDINGS = {
    ("post", "/approve/"): ("502",),
    ("post", "/undo/"): ("502",),
    ("get", "/changes/"): ("410",),
    ("get", "/suggestions/events/"): ("410",),
    ("get", "/audit/head/"): ("404",),
    ("get", "/explanation/"): ("409",),
    ("post", "/bulk-approvals/"): ("404",),
    ("post", "/suggestions/merges/"): ("404",),
    ("post", "/ai/realtime-token"): ("404", "502", "503", "504"),
    ("post", "/ai/realtime/tools"): ("404",),
    ("post", "/ai/realtime/transcripts"): ("404",),
    ("post", "/ai/realtime/telemetry"): ("404",),
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was not answered (RFC 9457).",
    "required": ["code", "title", "status", "request_id"],
    "properties": {
        "code": {"type": "string", "description": "Stable: programs decide by it."},
        "title": {"type": "string", "description": "For a person to read; may be reworded."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "request_id": {"type": "string", "description": "Stands in the logs and the audit log."},
        "errors": {
            "type": "object",
            "description": "With `invalid`: what is wrong, by field.",
            "additionalProperties": True,
        },
    },
    "additionalProperties": True,
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes ``Authorization: Token …``."""

    target_class = "apps.users.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Name the header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and your key, as in: `Token aisha_…`",
        }


class DescriptionGenerator(SchemaGenerator):
    """Describes the API once in a process: it is the same to everybody, and takes a second to find out."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        """The description, which nobody may change."""
        return _describe()


class DescriptionView(SpectacularAPIView):
    """The API's description as YAML or JSON."""

    generator_class = DescriptionGenerator


@cache
def _describe() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return found


class DocsView(SpectacularSwaggerSplitView):
    """The documentation page, from files of our own: it works without the internet."""

    template_name = "operations/api_docs.html"


def document_errors(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Add the error answers to every operation of the OpenAPI description, and their one schema."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            statuses = [*_ALWAYS]
            statuses += ["404"] if "{" in path else []
            statuses += _OF_WRITES if method in {"post", "put", "patch", "delete"} else []
            has_precondition = any(p["name"] == "If-Match" for p in operation.get("parameters", []))
            statuses += ["412"] if has_precondition else []
            for (of_method, ending), more in _OF_ENDINGS.items():
                statuses += more if method == of_method and path.endswith(ending) else []
            for status in sorted(statuses):
                operation["responses"].setdefault(
                    status,
                    {
                        "description": _MEANINGS[status],
                        "content": {
                            CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
                        },
                    },
                )
    return result
