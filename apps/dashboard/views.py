"""The first page of the day."""

from __future__ import annotations

from datetime import date

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.crm.models import Opportunity, Task
from apps.suggestions.cards import cards_of
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.queue import default_view, in_view, left_for, left_text
from apps.suggestions.services import may_view
from apps.tenants.templatetags.aisha_ui import money
from apps.triggers.enums import ScanStatus
from apps.triggers.models import Scan
from apps.users.models import User
from apps.users.services import person_of

TOP_SUGGESTIONS = 5
TASKS_SHOWN = 8


@require_safe
def show_today(request: HttpRequest) -> HttpResponse:
    """What is worth deciding, what is due, how things stand, as far as the person's role goes."""
    user = person_of(request)
    today = timezone.localdate()
    tasks = Task.objects.due_by(today).filter(owner=user)
    due = tasks if user.has_perm("crm.view_task") else tasks.none()
    sees_scans = user.has_perm("triggers.view_scan")
    context = {
        "nav_section": "today",
        "cards": cards_of(_first(user), user),
        "none_waiting": _none_waiting(user),
        "tasks_due": due.for_list_page().order_by("due_on", "-priority", "id")[:TASKS_SHOWN],
        "today": today,
        "stats": _stats(user, due.count(), today, request.tenant.currency),  # type: ignore[attr-defined]
        "sees_scans": sees_scans,
        "last_scan": _last_scan() if sees_scans else None,
    }
    return render(request, "dashboard/today.html", context)


def _first(user: User) -> SuggestionQuerySet:
    """The first cards of the person's first view."""
    if not may_view(user):
        return Suggestion.objects.none()
    return in_view(user, default_view(user)).for_queue_page()[:TOP_SUGGESTIONS]


def _last_scan() -> Scan | None:
    return Scan.objects.filter(status=ScanStatus.SUCCEEDED).order_by("-id").first()


def _none_waiting(user: User) -> str:
    if not may_view(user):
        return "Your role does not let you see suggestions. An administrator can change it."
    record = "a record" if user.sees_all else "a record of yours"
    return f"A suggestion appears when a scan finds {record} that needs attention."


def _stats(user: User, tasks_due: int, today: date, currency: str) -> list[tuple[str, str, str]]:
    """The figures of what the person's role lets them see."""
    stats = []
    if may_view(user):
        whose = "waiting for a decision" if user.sees_all else "waiting for your decision"
        stats.append(("Suggestions", left_text(left_for(user)), whose))
    if user.has_perm("crm.view_task"):
        stats.append(("Tasks due", str(tasks_due), "today or overdue"))
    if user.has_perm("crm.view_opportunity"):
        stats.extend(_deal_stats(user, today, currency))
    return stats


def _deal_stats(user: User, today: date, currency: str) -> list[tuple[str, str, str]]:
    open_deals = Opportunity.objects.open().filter(owner=user)
    totals = open_deals.aggregate(count=Count("pk"), amount=Sum("amount"))
    closing = open_deals.filter(
        expected_close_on__year=today.year, expected_close_on__month=today.month
    ).count()
    return [
        ("Open deals", f"{totals['count']:,}", f"worth {money(totals['amount'] or 0, currency)}"),
        ("Closing this month", str(closing), "by their expected close date"),
    ]
