"""Health answers, the admin's own content policy, and one place where errors become pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from apps.operations import health
from apps.tenants.exceptions import AishaError

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """Answers ``/healthz`` and ``/readyz`` on any host name, before a tenant is looked for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the two paths; hand everything else on."""
        if request.path == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            parts = health.check_parts()
            is_ready = all(parts.values())
            body = {
                "status": "ok" if is_ready else "not ready",
                "parts": {name: "ok" if works else "down" for name, works in parts.items()},
            }
            return JsonResponse(body, status=200 if is_ready else 503)
        return self.get_response(request)


class AdminContentSecurityPolicyMiddleware:
    """Relaxes the content policy for the admin alone: Unfold ships Alpine, which evaluates expressions."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mark the admin's answers; ``csp.middleware`` reads the mark on the way out."""
        response = self.get_response(request)
        if request.path.startswith(
            reverse("admin:index", urlconf=getattr(request, "urlconf", None))
        ):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": ["'unsafe-eval'", "'unsafe-inline'"],
                "style-src": ["'unsafe-inline'"],
            }
        return response


class ErrorPageMiddleware:
    """Turns an ``AishaError`` that leaves a view into a page with its message and status."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing to do on the way in or out."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer our own errors; leave all others to Django."""
        if not isinstance(exception, AishaError):
            return None
        log.warning("request refused", extra={"code": exception.code, "path": request.path})
        if exception.status == HTTPStatus.NOT_FOUND:
            return render(request, "404.html", status=HTTPStatus.NOT_FOUND)
        context = {"message": exception.message, "code": exception.code}
        return render(request, "error.html", context, status=exception.status)
