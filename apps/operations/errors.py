"""The API's error answers: problem+json with a stable code, mapped in one place (RFC 9457)."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.tenants.context import current_request_id
from apps.tenants.exceptions import AishaError

API_PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"

_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "authentication_failed",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.ParseError: "parse_error",
    exceptions.Throttled: "throttled",
}


def answer_api_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of an API view, or None for what is really a fault of ours."""
    if isinstance(error, AishaError):
        problem = _problem(error.status, error.code, error.message, getattr(error, "extras", {}))
        for name, value in getattr(error, "headers", {}).items():
            problem[name] = value
        return problem
    if isinstance(error, Http404):
        return _problem(404, "not_found", "There is no such thing here.")
    if isinstance(error, PermissionDenied):
        return _problem(403, "permission_denied", "You may not do this.")
    if isinstance(error, RequestDataTooBig):
        return _problem(413, "payload_too_large", "The body is too large.")
    if isinstance(error, exceptions.ValidationError):
        title = "Some fields are not as they should be."
        return _problem(400, "invalid", title, {"errors": _by_field(error.detail)})
    answer = exception_handler(error, context)
    if answer is None:
        return None
    title = str(getattr(error, "detail", error))
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "error")
    if code == "permission_denied" and title.startswith("CSRF Failed"):
        code = "csrf_failed"
    problem = _problem(answer.status_code, code, title)
    for name, value in answer.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            problem[name] = value
    return problem


@extend_schema(exclude=True)
@api_view(["GET", "POST", "PUT", "PATCH", "DELETE"])
def refuse_unknown_endpoint(request: Request) -> NoReturn:
    """Answer below the API's address where there is nothing, as a problem and not as a page."""
    raise Http404


def answer_fault(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours (``handler500``): without a word about what it was."""
    if not request.path.startswith(API_PREFIX):
        return defaults.server_error(request)
    body = _body(500, "fault", "Something went wrong on our side. Nothing is known to be written.")
    return JsonResponse(body, status=500, content_type=CONTENT_TYPE)


def _by_field(detail: Any) -> dict[str, Any]:
    told: Any = _tellable(detail)
    return told if isinstance(told, dict) else {"non_field_errors": told}


def _tellable(detail: Any) -> Any:
    """What is wrong, with a question mark for each half of a surrogate pair: an answer cannot hold one.

    Problems repeat what was sent, and JSON can name what no text can hold.
    """
    if isinstance(detail, dict):
        return {_tellable(name): _tellable(problem) for name, problem in detail.items()}
    if isinstance(detail, list):
        return [_tellable(problem) for problem in detail]
    return detail.encode(errors="replace").decode() if isinstance(detail, str) else detail


def _body(
    status: int, code: str, title: str, extras: dict[str, Any] | None = None
) -> dict[str, Any]:
    request_id = current_request_id()
    return {
        "code": code,
        "title": title,
        "status": status,
        "request_id": request_id,
        **(extras or {}),
    }


def _problem(status: int, code: str, title: str, extras: dict[str, Any] | None = None) -> Response:
    return Response(_body(status, code, title, extras), status=status, content_type=CONTENT_TYPE)
