"""The digest as a page: preview and sending, the company's schedule, what was sent, unsubscribing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.suggestions.digest import preferences
from apps.suggestions.digest.composing import compose, write_mail
from apps.suggestions.digest.delivering import MESSAGES
from apps.suggestions.digest.exceptions import DigestError, ScheduleChangedError
from apps.suggestions.digest.forms import DigestFilterSet, PreferenceForm, ScheduleForm
from apps.suggestions.digest.frame import answer_mail
from apps.suggestions.digest.links import person_of_link
from apps.suggestions.digest.models import DigestPreference, DigestSchedule, DigestSent
from apps.suggestions.digest.sending import send_now
from apps.suggestions.views.access import viewer_of
from apps.tenants.pagination import CappedPaginator
from apps.tenants.services import current_tenant
from apps.users.models import User

ROWS_PER_PAGE = 50
EXPORT_CHUNK = 500
HEADER = ("Day", "To", "State", "Sent by", "Rows", "Tries", "Finished", "Next try", "Code")


@never_cache
@require_safe
def show_preview(request: HttpRequest) -> HttpResponse:
    """Today's digest of the signed-in person, as it would be sent now."""
    return _show_preview(request, viewer_of(request))


@never_cache
@require_safe
def show_mail(request: HttpRequest) -> HttpResponse:
    """The mail itself, for the frame of the preview."""
    digest = compose(viewer_of(request), current_tenant(), timezone.now())
    return answer_mail(write_mail(digest).html)


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Send the signed-in person their digest of today."""
    person = viewer_of(request)
    try:
        send_now(person, current_tenant(), timezone.now())
    except DigestError as error:
        return _show_preview(request, person, problem=error.message, status=error.status)
    messages.success(request, f"Sent to {person.email}.")
    return redirect("digest:preview")


@require_POST
def save_preference(request: HttpRequest) -> HttpResponse:
    """Whether the person wants scheduled digests, and when."""
    person = viewer_of(request)
    form = PreferenceForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That is no hour of the list. Nothing was changed.")
    elif preferences.change_preference(person, **form.cleaned_data):
        messages.success(request, "Digest saved.")
    else:
        messages.info(request, "Nothing was changed: it was like this already.")
    return redirect("users:profile")


@require_http_methods(["GET", "HEAD", "POST"])
def edit_schedule(request: HttpRequest) -> HttpResponse:
    """When the company sends its digests."""
    user = viewer_of(request)
    if not user.has_perm(preferences.CHANGE_PERMISSION):
        raise PermissionDenied("Managers and administrators change the schedule.")
    if request.method != "POST":
        return _show_schedule(request, ScheduleForm.of(DigestSchedule.current()))
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _show_schedule(request, form, status=422)
    try:
        is_changed = preferences.change_schedule(user=user, **form.cleaned_data)
    except ScheduleChangedError as error:
        messages.error(request, error.message)
        present = ScheduleForm.of(DigestSchedule.current())
        return _show_schedule(request, present, status=error.status)
    if is_changed:
        messages.success(request, "Schedule saved.")
    else:
        messages.info(request, "Nothing was changed: it was like this already.")
    return redirect("digest:schedule")


@require_safe
def list_sent(request: HttpRequest) -> HttpResponse:
    """What was sent to whom, newest first."""
    filter_set = _read_filters(request)
    page = CappedPaginator(filter_set.qs, ROWS_PER_PAGE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "digest",
        "tab": "sent",
        "filters": filter_set.form,
        "page": page,
        "rows": [(row, MESSAGES.get(row.error_code, "")) for row in page],
    }
    return render(request, "digest/sent_list.html", context)


@require_safe
def export_sent(request: HttpRequest) -> HttpResponseBase:
    """The list as it is on screen, all pages of it, as a CSV file."""
    filter_set = _read_filters(request)
    rows = (
        (
            row.local_day.isoformat(),
            str(row.person),
            row.get_status_display(),
            "hand" if row.is_manual else "schedule",
            row.rows_count,
            row.attempts,
            row.finished_at,
            row.next_try_at,
            row.error_code,
        )
        for row in filter_set.qs.iterator(chunk_size=EXPORT_CHUNK)
    )
    return send_table(
        request,
        viewer_of(request),
        what="digests",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Without a sign-in: a look changes nothing, a POST ends the digests (RFC 8058).

    No token against forgery: mail programs post without one, and whoever has the link may unsubscribe.
    """
    person = person_of_link(current_tenant(), token)
    if request.method == "POST":
        preferences.unsubscribe(person, via="link")
    context = {"is_on": DigestPreference.of(person.pk).is_on}
    return render(request, "digest/unsubscribe.html", context)


def _show_preview(
    request: HttpRequest, person: User, *, problem: str = "", status: int = 200
) -> HttpResponse:
    tenant, now = current_tenant(), timezone.now()
    digest = compose(person, tenant, now)
    context: dict[str, Any] = {
        "nav_section": "digest",
        "tab": "preview",
        "digest": digest,
        "mail": write_mail(digest),
        "problem": problem,
        "today": DigestSent.objects.filter(
            person=person, local_day=timezone.localdate(now)
        ).first(),
        "schedule": DigestSchedule.current(),
        "wish": DigestPreference.of(person.pk),
    }
    return render(request, "digest/preview.html", context, status=status)


def _show_schedule(request: HttpRequest, form: ScheduleForm, status: int = 200) -> HttpResponse:
    people = User.objects.filter(is_active=True)
    context = {
        "nav_section": "digest",
        "tab": "schedule",
        "form": form,
        "schedule": DigestSchedule.current(),
        "without_address": people.filter(email="").count(),
        "unsubscribed": people.filter(digest_preference__is_on=False).count(),
    }
    return render(request, "digest/schedule.html", context, status=status)


def _read_filters(request: HttpRequest) -> DigestFilterSet:
    if not viewer_of(request).has_perm(preferences.SENT_PERMISSION):
        raise PermissionDenied("Managers and administrators see what was sent.")
    rows = DigestSent.objects.select_related("person").order_by("-local_day", "-id")
    return DigestFilterSet(request.GET, queryset=rows)
