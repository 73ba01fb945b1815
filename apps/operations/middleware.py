"""Room on the call stack, health answers, the admin's own content policy, fragments, errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from apps.operations import health
from apps.tenants.exceptions import AishaError

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
GetResponse = Callable[[HttpRequest], HttpResponse]

# In words of eight bytes. It makes a piece of 512 KB and leaves half of that to the calls below; the
# deepest page used 2,600 words. Memory that is not touched costs nothing.
_ROOM_WORDS = 33_000


class RoomyStackMiddleware:
    """Gives a request's calls one piece of stack instead of many small ones.

    CPython keeps its call stack in pieces of 16 KB, and before 2026 every call that crossed the edge of one
    asked the system for the next (python/cpython#142183). A template's loop over rows that happened to lie at
    an edge took five times as long; which page met one, each middleware and include shifted. A frame larger
    than a piece gets one in which everything below it fits.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Hand the request on from a large frame."""
        return call_with_room(self.get_response, request)


def call_with_room(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function`` from a frame of ``_ROOM_WORDS``."""
    return function(*args, **kwargs)


call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=_ROOM_WORDS)


class HealthMiddleware:
    """Answers ``/healthz``, ``/readyz`` and ``/metrics`` on any host name, before a tenant is looked for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer these paths; hand everything else on."""
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
        if request.path == "/metrics":
            # What it needs is loaded when somebody collects.
            from apps.operations.metrics import answer_metrics

            return answer_metrics(request)
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


class FragmentMiddleware:
    """Says of every answer that htmx may have got another one, a part of the page, at the same address.

    Without that a browser that goes back to such an address shows the part as the page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Name the two headers that views look at."""
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response


class ErrorPageMiddleware:
    """Turns an ``AishaError`` that leaves a view into a page with its message and status, or leads on."""

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
        if exception.goes_on_at:
            messages.info(request, exception.message)
            return redirect(exception.goes_on_at)
        if exception.status == HTTPStatus.NOT_FOUND:
            return render(request, "404.html", status=HTTPStatus.NOT_FOUND)
        context = {"message": exception.message, "code": exception.code}
        return render(request, "error.html", context, status=exception.status)
