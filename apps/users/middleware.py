"""Everything needs a sign-in unless it says otherwise; times are shown in the person's zone."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils import timezone

from apps.tenants.context import note_person
from apps.users.models import User

# The routes open to strangers, each with its reason. A test walks all routes against this list.
OPEN_ROUTES: dict[str, str] = {
    "users:sign_in": "the sign-in page itself",
    "digest:unsubscribe": "a signed link in a mail, for whoever reads it without a sign-in",
    "landing": "the public host's front page",
    "admin:login": "the admin's own sign-in page",
    "schema": "describes the API; holds nothing of a tenant",
    "docs": "the API's documentation page",
}
# The API answers 401 itself, in JSON, to those without a token or a session.
SELF_GUARDED_PREFIXES = ("/api/v1/", "/api/ai/")


class SignInRequiredMiddleware:
    """Sends strangers to the sign-in page from every route that is not in ``OPEN_ROUTES``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let through people who are signed in, open routes and the self-guarded API."""
        if request.user.is_authenticated:
            note_person(request.user.pk)
            return self.get_response(request)
        if request.path_info.startswith(SELF_GUARDED_PREFIXES) or _is_open(request):
            return self.get_response(request)
        if request.headers.get("HX-Request") == "true":
            # A fragment must not be filled with the sign-in page: make the browser go there.
            response = HttpResponse(status=204)
            response["HX-Redirect"] = _sign_in_address(request)
            return response
        return redirect_to_login(request.get_full_path(), _sign_in_address(request))


def _sign_in_address(request: HttpRequest) -> str:
    """The tenant's sign-in page; on the public host, where only operators have accounts, theirs."""
    try:
        return reverse("users:sign_in", urlconf=getattr(request, "urlconf", None))
    except NoReverseMatch:
        return reverse("admin:login", urlconf=getattr(request, "urlconf", None))


def _is_open(request: HttpRequest) -> bool:
    try:
        match = resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        # Nothing there: the 404 page tells no secret.
        return True
    return match.view_name in OPEN_ROUTES


class PersonTimeZoneMiddleware:
    """Activates the person's time zone, or the tenant's, for the length of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Choose the zone and restore the default afterwards."""
        tenant = getattr(request, "tenant", None)
        if tenant is None:
            return self.get_response(request)
        user = request.user
        zone = user.zone(tenant.zone) if isinstance(user, User) else tenant.zone
        with timezone.override(zone):
            return self.get_response(request)
