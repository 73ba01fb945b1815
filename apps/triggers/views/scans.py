"""The ledger of scans and the button that starts one."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.tenants.pagination import CappedPaginator
from apps.triggers.estimates import estimate_scan, plan_scan
from apps.triggers.exceptions import EmptyListError
from apps.triggers.forms import ScanFilterSet, ScanScopeForm
from apps.triggers.ledger import cancel_scan, may_cancel, new_scan, request_scan
from apps.triggers.models import Scan
from apps.triggers.rules import registry
from apps.triggers.schedule import next_daily_scan
from apps.triggers.scopes import SCANNED
from apps.triggers.tasks import send_scan
from apps.users.models import User
from apps.users.services import person_of, person_with

SCANS_PER_PAGE = 25
EXPORT_CHUNK = 500
HEADER = (
    "Scan", "Kind", "Of", "By", "Started", "State", "Took (s)", "Fired", "Cleared", "New suggestions",
    "Withdrawn", "Held back", "Signals waiting",
)  # fmt: skip


@require_safe
def list_scans(request: HttpRequest) -> HttpResponse:
    """Scans, newest first, and what each found; of one kind or state when asked."""
    user = _viewer_of(request)
    filter_set = _read_filters(request)
    page = CappedPaginator(filter_set.qs, SCANS_PER_PAGE, request.GET.get("page")).asked_page()
    can_scan, now = user.has_perm("triggers.add_scan"), timezone.now()
    context = {
        "nav_section": "scans",
        "filters": filter_set.form,
        "page": page,
        "running": Scan.objects.unfinished().order_by("-id").first(),
        "can_scan": can_scan,
        "next_scan_at": next_daily_scan(now),
        "estimate": estimate_scan(request.tenant, now) if can_scan else None,  # type: ignore[attr-defined]
    }
    return render(request, "triggers/scan_list.html", context)


@require_safe
def export_scans(request: HttpRequest) -> HttpResponseBase:
    """The ledger as it is on screen, all pages of it, as a CSV file."""
    user = _viewer_of(request)
    filter_set = _read_filters(request)
    rows = (
        (
            scan.pk,
            scan.get_kind_display(),
            scan.scope_label,
            str(scan.requested_by or ""),
            scan.started_at,
            scan.get_status_display(),
            scan.duration_s,
            scan.fired,
            scan.cleared,
            scan.suggestions_created,
            scan.suggestions_withdrawn,
            scan.held_back,
            scan.signals_waiting,
        )
        for scan in filter_set.qs.iterator(chunk_size=EXPORT_CHUNK)
    )
    return send_table(
        request,
        user,
        what="scans",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


@require_safe
def show_scan(request: HttpRequest, pk: int) -> HttpResponse:
    """One scan: its progress while it runs, afterwards what each trigger found."""
    user = _viewer_of(request)
    scan = get_object_or_404(Scan.objects.select_related("requested_by"), pk=pk)
    results = [(registry.label(result.trigger), result) for result in scan.results.all()]
    context = {
        "nav_section": "scans",
        "scan": scan,
        "results": results,
        "can_stop": may_cancel(scan, user),
    }
    template = "triggers/_scan.html" if request.htmx else "triggers/scan_detail.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_safe
def ask_scan(request: HttpRequest) -> HttpResponse:
    """What a scan of everything, of a list or of one record would be, before it is started."""
    user = person_with(request, "triggers.add_scan", "Your role does not let you start scans.")
    form = ScanScopeForm(request.GET)
    try:
        scope = form.scope(user)
    except EmptyListError as error:
        return _to_list(request, form, error)
    context = {
        "nav_section": "scans",
        "form": form,
        "scope": scope,
        "scan": new_scan(scope, None),
        "record": SCANNED[scope.record_kind]._default_manager.get(pk=scope.record_ids[0])
        if scope and form.is_of_one
        else None,
        "plan": plan_scan(request.tenant, timezone.now(), scope),  # type: ignore[attr-defined]
    }
    return render(request, "triggers/scan_ask.html", context)


@require_POST
def start_scan(request: HttpRequest) -> HttpResponse:
    """Queue a scan of everything, or of what the form names; one that waits already is joined."""
    user, form = person_of(request), ScanScopeForm(request.POST)
    try:
        with transaction.atomic():
            scan = request_scan(user=user, now=timezone.now(), scope=form.scope(user))
            send_scan(scan)
    except EmptyListError as error:
        return _to_list(request, form, error)
    messages.info(request, "The scan is queued. New suggestions appear when it is done.")
    return redirect("triggers:scan_detail", pk=scan.pk)


def _to_list(request: HttpRequest, form: ScanScopeForm, error: EmptyListError) -> HttpResponse:
    """To the list of which nothing can be scanned, which shows why."""
    messages.warning(request, error.message)
    wanted = form.cleaned_data
    address = reverse(f"crm:{wanted['record_kind']}_list")
    return redirect(f"{address}?{QueryDict(wanted['query']).urlencode()}")


@require_POST
def stop_scan(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a scan that waits or runs; what it has found so far stays."""
    user = _viewer_of(request)
    scan = get_object_or_404(Scan, pk=pk)
    cancel_scan(scan, user=user, now=timezone.now())
    messages.info(request, "The scan stops after the trigger at hand. What it has found stays.")
    return redirect("triggers:scan_detail", pk=scan.pk)


def _viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at the scans.

    Raises:
        PermissionDenied: their role does not include it.
    """
    return person_with(request, "triggers.view_scan", "Your role does not let you see scans.")


def _read_filters(request: HttpRequest) -> ScanFilterSet:
    scans = Scan.objects.select_related("requested_by").prefetch_related("results")
    return ScanFilterSet(request.GET, queryset=scans)
