"""The public host's front page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def show_landing(request: HttpRequest) -> HttpResponse:
    """What this is, and where one signs in."""
    return render(request, "tenants/landing.html")
