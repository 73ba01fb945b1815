"""The log of calls: who answered, what it cost, what came of it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.brain.forms import CallFilterSet
from apps.brain.models import BrainCall, CapturedText
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User
from apps.users.services import person_of

VIEW_PERMISSION = "brain.view_braincall"
READ_TEXT_PERMISSION = "brain.view_capturedtext"
CALLS_PER_PAGE = 50
EXPORT_CHUNK = 2000
HEADER = (
    "Call", "Time", "Written by", "Model", "Questions", "Proposals", "Tokens sent", "Tokens cached",
    "Tokens received", "Cost ($)", "Took (ms)", "Retries", "Outcome", "Error", "In its place because",
    "Dropped because", "Prompt version",
)  # fmt: skip


@require_safe
def list_calls(request: HttpRequest) -> HttpResponse:
    """Calls, newest first; of one provider, outcome, reason or day when asked."""
    viewer_of(request)
    filter_set = _read_filters(request)
    page = CappedPaginator(filter_set.qs, CALLS_PER_PAGE, request.GET.get("page")).asked_page()
    context = {"nav_section": "brain", "tab": "calls", "filters": filter_set.form, "page": page}
    return render(request, "brain/call_list.html", context)


@require_safe
def export_calls(request: HttpRequest) -> HttpResponseBase:
    """The list as it is on screen, all pages of it, as a CSV file."""
    user = viewer_of(request)
    filter_set = _read_filters(request)
    rows = (
        (
            call.pk,
            call.called_at,
            call.get_provider_display(),
            call.model,
            call.tasks_count,
            call.proposals_count,
            call.tokens_in,
            call.tokens_cached,
            call.tokens_out,
            call.cost_usd,
            call.latency_ms,
            call.retries,
            call.get_outcome_display(),
            call.error_code,
            call.get_fell_back_because_display(),
            call.dropped_code,
            call.prompt_version,
        )
        for call in filter_set.qs.iterator(chunk_size=EXPORT_CHUNK)
    )
    return send_table(
        request,
        user,
        what="brain-calls",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


@require_safe
def show_call(request: HttpRequest, pk: int) -> HttpResponse:
    """One call with its suggestions and, for administrators, prompt and answer where they were kept."""
    user = viewer_of(request)
    call = get_object_or_404(BrainCall, pk=pk)
    may_read = user.has_perm(READ_TEXT_PERMISSION)
    context = {
        "nav_section": "brain",
        "call": call,
        "may_read": may_read,
        "captured": CapturedText.objects.filter(call=call).first() if may_read else None,
    }
    return render(request, "brain/call_detail.html", context)


def viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at the calls.

    Raises:
        PermissionDenied: their role does not include it.
    """
    user = person_of(request)
    if not user.has_perm(VIEW_PERMISSION):
        raise PermissionDenied("Your role does not let you see the Brain's calls.")
    return user


def _read_filters(request: HttpRequest) -> CallFilterSet:
    return CallFilterSet(request.GET, queryset=BrainCall.objects.order_by("-id"))
