"""The page of what was learned, its tables as files, and learning a scope anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.audit.exporting import send_table
from apps.suggestions.enums import RejectReason
from apps.suggestions.learning import rules
from apps.suggestions.learning.enums import FollowedDays
from apps.suggestions.learning.forms import ResetForm
from apps.suggestions.learning.insights import (
    CALIBRATION_DECISIONS,
    Insights,
    label_of_trigger,
    read_insights,
    scope_of,
)
from apps.suggestions.learning.outcomes import OutcomeRow
from apps.suggestions.learning.resets import (
    RESET_PERMISSION,
    count_in,
    require_reset,
    reset_learning,
    scope_named,
)
from apps.suggestions.views.access import viewer_of

_COUNTED = ("Decided", "Approved", "Edited")
HEADERS = {
    "kinds": (
        "Trigger", "Tool", "At stake", *_COUNTED, *(f"{name} by you" for name in _COUNTED),
        "Expected of you", "Quiet for you",
    ),
    "quiet": ("Trigger", "At stake", "For", "Because of", "Decided", "Approved", "Held back"),
    "reasons": ("Trigger", *RejectReason.labels),
    "people": ("Person", *_COUNTED, "Quiet kinds"),
    "outcomes": (
        "Trigger", "After days", "Applied or rejected", "Followed", "Answered", "Of", "Moved", "Of",
        "Done", "Of",
    ),
}  # fmt: skip


@require_safe
def show_learning(request: HttpRequest) -> HttpResponse:
    """What was learned from whom, what is quiet and why, and what came of it."""
    viewer = viewer_of(request)
    insights = read_insights(viewer, timezone.now())
    context = {
        "nav_section": "learning",
        "insights": insights,
        "outcomes": [(label_of_trigger(row.trigger), row) for row in insights.outcomes],
        "resets": [(scope_of(reset).label, reset) for reset in insights.resets],
        "reason_labels": RejectReason.labels,
        "reset_form": ResetForm(viewer),
        "can_reset_all": viewer.has_perm(RESET_PERMISSION),
        "followed_days": [days.label for days in FollowedDays],
        "minimum": rules.MINIMUM_DECISIONS,
        "quiet_below": rules.QUIET_BELOW,
        "half_life_days": rules.HALF_LIFE_DAYS,
        "half_life_decisions": rules.HALF_LIFE_DECISIONS,
        "trial_one_in": rules.TRIAL_ONE_IN,
        "calibration_decisions": CALIBRATION_DECISIONS,
    }
    return render(request, "suggestions/learning.html", context)


@require_safe
def export_learning(request: HttpRequest, table: str) -> HttpResponseBase:
    """One table of the page as a CSV file."""
    viewer = viewer_of(request)
    return send_table(
        request,
        viewer,
        what=f"learning-{table}",
        header=HEADERS[table],
        rows=_rows(read_insights(viewer, timezone.now()), table),
        filters=[],
    )


@require_safe
def ask_reset(request: HttpRequest) -> HttpResponse:
    """Say what would no longer count, before it is done."""
    viewer = viewer_of(request)
    scope = scope_named(request.GET.get("target", ""))
    require_reset(viewer, scope)
    context = {
        "nav_section": "learning",
        "scope": scope,
        "count": count_in(scope, timezone.now()),
    }
    return render(request, "suggestions/learning_reset.html", context)


@require_POST
def reset(request: HttpRequest) -> HttpResponse:
    """Learn a scope anew."""
    viewer = viewer_of(request)
    scope = scope_named(request.POST.get("target", ""))
    reset_learning(scope=scope, user=viewer, now=timezone.now())
    messages.success(request, f"From now on {scope.label} is learned anew.")
    return redirect("learning:learning")


def _rows(insights: Insights, table: str) -> Iterable[Sequence[object]]:
    match table:
        case "quiet":
            return (
                (
                    row.trigger_label,
                    row.segment.label,
                    ", ".join(row.people),
                    row.because.label,
                    row.count,
                    row.approved,
                    row.held_back,
                )
                for row in insights.quiet
            )
        case "reasons":
            return ((row.trigger_label, *row.counts) for row in insights.reasons)
        case "people":
            return (
                (
                    str(row.person),
                    row.counted.count,
                    row.counted.approved,
                    row.counted.edited,
                    row.quiet_kinds,
                )
                for row in insights.people
            )
        case "outcomes":
            return (_outcome(row) for row in insights.outcomes)
        case _:
            return (
                (
                    row.trigger_label,
                    row.tool_label,
                    row.segment.label,
                    row.everybody.count,
                    row.everybody.approved,
                    row.everybody.edited,
                    row.own.count,
                    row.own.approved,
                    row.own.edited,
                    "" if row.expected.rate is None else round(row.expected.rate, 2),
                    "yes" if row.is_quiet else "no",
                )
                for row in insights.kinds
            )


def _outcome(row: OutcomeRow) -> Sequence[object]:
    return (
        label_of_trigger(row.trigger),
        row.days.value,
        "applied" if row.is_applied else "rejected",
        row.followed,
        row.answered.count,
        row.answered.of,
        row.moved.count,
        row.moved.of,
        row.done.count,
        row.done.of,
    )
