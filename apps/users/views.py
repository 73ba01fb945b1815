"""Signing in and out, and a person's own page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.users import sign_in as signing
from apps.users.enums import PersonEvent
from apps.users.exceptions import SignInThrottledError
from apps.users.forms import OwnPasswordForm, SignInForm, TimeZoneForm, TokenForm
from apps.users.models import ApiToken, User
from apps.users.recorders import Details, report
from apps.users.services import person_of

TOKEN_LIMIT = 20


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; afterwards on to the page that was asked for, if it is ours."""
    target = _safe_next(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.is_valid() and signing.sign_in(request, **form.cleaned_data):
                return redirect(target)
            if not form.errors:
                form.add_error(None, "User name and password do not fit together.")
        except SignInThrottledError as error:
            form.add_error(None, error.message)
            status = error.status
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next", "")}
    return render(request, "users/sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out, and go to the sign-in page."""
    signing.sign_out(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    """A person's own page: time zone, password, API tokens."""
    return _show_profile(request, person_of(request))


@require_POST
def save_time_zone(request: HttpRequest) -> HttpResponse:
    """Change the zone in which the person sees times."""
    person = person_of(request)
    form = TimeZoneForm(request.POST, instance=person, company_zone=_company_zone(request))
    if not form.is_valid():
        return _show_profile(request, person, time_zone_form=form, status=422)
    with transaction.atomic():
        person.save(update_fields=["time_zone"])
        report(PersonEvent.SETTINGS_CHANGED, person, {"setting": "time_zone"})
    messages.success(request, "Time zone saved.")
    return redirect("users:profile")


@sensitive_post_parameters()
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password; other sessions of the person end, this one goes on."""
    person = person_of(request)
    form = OwnPasswordForm(person, request.POST)
    if not form.is_valid():
        return _show_profile(request, person, password_form=form, status=422)
    with transaction.atomic():
        form.save()
        report(PersonEvent.SETTINGS_CHANGED, person, {"setting": "password"})
    update_session_auth_hash(request, person)
    messages.success(request, "Password changed. You are signed out everywhere else.")
    return redirect("users:profile")


@never_cache
@require_POST
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make an API token. Its key stands on this one answer and nowhere else."""
    person = person_of(request)
    form = TokenForm(request.POST)
    if form.is_valid() and person.api_tokens.count() >= TOKEN_LIMIT:
        form.add_error(None, f"{TOKEN_LIMIT} tokens are the limit. Revoke one that is not needed.")
    if not form.is_valid():
        return _show_profile(request, person, token_form=form, status=422)
    with transaction.atomic():
        token, key = ApiToken.issue(
            user=person,
            name=form.cleaned_data["name"],
            expires_at=form.expires_at(),
            scopes=form.cleaned_data["scopes"],
        )
        details: Details = {"token_id": token.pk, "scopes": " ".join(token.scopes)}
        report(PersonEvent.TOKEN_ISSUED, person, details)
    return _show_profile(request, person, new_key=key)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the person's own tokens at once."""
    person = person_of(request)
    token = get_object_or_404(ApiToken, pk=pk, user=person)
    with transaction.atomic():
        token.delete()
        report(PersonEvent.TOKEN_REVOKED, person, {"token_id": pk})
    messages.success(request, f"Token “{token.name}” revoked.")
    return redirect("users:profile")


def _show_profile(
    request: HttpRequest, person: User, *, status: int = 200, **shown: Any
) -> HttpResponse:
    context = {
        "role": person.groups.first(),
        "tokens": person.api_tokens.all(),
        "time_zone_form": TimeZoneForm(instance=person, company_zone=_company_zone(request)),
        "password_form": OwnPasswordForm(person),
        "token_form": TokenForm(),
        **shown,
    }
    return render(request, "users/profile.html", context, status=status)


def _company_zone(request: HttpRequest) -> str:
    return str(request.tenant.time_zone)  # type: ignore[attr-defined]


def _safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: only to a page of this host, never out of it."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)
