"""The API's error answers: problem+json with a stable code, mapped in one place (RFC 9457)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.tenants.exceptions import AishaError

_CODES = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "authentication_failed",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.ParseError: "parse_error",
    exceptions.Throttled: "throttled",
}


def answer_api_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of an API view, or None for what is really a fault of ours."""
    if isinstance(error, AishaError):
        body = {"code": error.code, "title": error.message, "status": error.status, **_extras(error)}
        return _problem(body)
    if isinstance(error, Http404):
        return _problem({"code": "not_found", "title": "There is no such thing here.", "status": 404})
    if isinstance(error, PermissionDenied):
        return _problem({"code": "permission_denied", "title": "You may not do this.", "status": 403})
    if isinstance(error, exceptions.ValidationError):
        return _problem(
            {
                "code": "invalid",
                "title": "Some fields are not as they should be.",
                "status": 400,
                "errors": error.detail,
            }
        )
    answer = exception_handler(error, context)
    if answer is None:
        return None
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "error")
    title = str(getattr(error, "detail", "Something went wrong."))
    problem = _problem({"code": code, "title": title, "status": answer.status_code})
    for name, value in answer.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            problem[name] = value
    return problem


def _extras(error: AishaError) -> dict[str, Any]:
    return dict(getattr(error, "extras", {}))


def _problem(body: dict[str, Any]) -> Response:
    return Response(body, status=body["status"], content_type="application/problem+json")
