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
from apps.suggestions.queue import default_view, in_view, left_for, left_text
from apps.tenants.templatetags.aisha_ui import money
from apps.triggers.enums import ScanStatus
from apps.triggers.models import Scan
from apps.users.models import User
from apps.users.services import person_of

TOP_SUGGESTIONS = 5
TASKS_SHOWN = 8


@require_safe
def show_today(request: HttpRequest) -> HttpResponse:
    """What is worth deciding, what is due, how things stand, for the signed-in person."""
    user = person_of(request)
    today = timezone.localdate()
    due = Task.objects.due_by(today).filter(owner=user)
    first = in_view(user, default_view(user)).for_queue_page()[:TOP_SUGGESTIONS]
    context = {
        "nav_section": "today",
        "cards": cards_of(first, user),
        "none_waiting": _none_waiting(user),
        "tasks_due": due.for_list_page().order_by("due_on", "-priority", "id")[:TASKS_SHOWN],
        "today": today,
        "stats": _stats(user, due.count(), today, request.tenant.currency),  # type: ignore[attr-defined]
        "last_scan": Scan.objects.filter(status=ScanStatus.SUCCEEDED).order_by("-id").first(),
    }
    return render(request, "dashboard/today.html", context)


def _none_waiting(user: User) -> str:
    record = "a record" if user.sees_all else "a record of yours"
    return f"A suggestion appears when a scan finds {record} that needs attention."


def _stats(user: User, tasks_due: int, today: date, currency: str) -> list[tuple[str, str, str]]:
    open_deals = Opportunity.objects.open().filter(owner=user)
    totals = open_deals.aggregate(count=Count("pk"), amount=Sum("amount"))
    closing = open_deals.filter(
        expected_close_on__year=today.year, expected_close_on__month=today.month
    ).count()
    whose = "waiting for a decision" if user.sees_all else "waiting for your decision"
    return [
        ("Suggestions", left_text(left_for(user)), whose),
        ("Tasks due", str(tasks_due), "today or overdue"),
        ("Open deals", f"{totals['count']:,}", f"worth {money(totals['amount'] or 0, currency)}"),
        ("Closing this month", str(closing), "by their expected close date"),
    ]
