"""The first page of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.exporting import send_table
from apps.crm.models import Task
from apps.dashboard.asked import PERIODS_DAYS, Asked, offered_scopes
from apps.dashboard.conversion import window_days
from apps.dashboard.enums import Scope
from apps.dashboard.layout import (
    lay_out_aging,
    lay_out_conversion,
    lay_out_pipeline,
    lay_out_weeks,
)
from apps.dashboard.reading import TASKS_PERMISSION, DealFigures, read_dashboard
from apps.dashboard.stats import stats_of
from apps.dashboard.team import Standing
from apps.suggestions.cards import Card, cards_of
from apps.suggestions.queue import listed_in
from apps.suggestions.services import may_view
from apps.users.services import person_of

TOP_SUGGESTIONS = 5
TASKS_SHOWN = 8
NOBODY = "Nobody"
TEAM_HEADER = (
    "Person", "Currency", "Open deals", "Worth", "Won", "Won, worth", "Beyond their stage's limit",
    "Tasks overdue", "Suggestions waiting", "Decided",
)  # fmt: skip


@require_safe
def show_today(request: HttpRequest) -> HttpResponse:
    """What is worth deciding, what is due, how things stand, as far as the person's role goes."""
    user = person_of(request)
    asked = Asked.read(user, request.GET, timezone.now())
    dashboard = read_dashboard(asked)
    context = {
        "nav_section": "today",
        "asked": asked,
        "scopes": offered_scopes(user),
        "periods": PERIODS_DAYS,
        "cards": _cards(asked),
        "none_waiting": _none_waiting(asked),
        "tasks_due": _tasks(asked),
        "stats": stats_of(dashboard),
        "dashboard": dashboard,
        **(_charts(dashboard.deals) if dashboard.deals else {}),
        "conversion_days": window_days(asked),
    }
    return render(request, "dashboard/today.html", context)


@require_safe
def export_team(request: HttpRequest) -> HttpResponseBase:
    """The team view as a CSV file: one line for each person and currency."""
    user = person_of(request)
    dashboard = read_dashboard(Asked.read(user, request.GET, timezone.now()))
    if dashboard.team is None:
        raise PermissionDenied("The team view is for managers and administrators.")
    return send_table(
        request,
        user,
        what="team",
        header=TEAM_HEADER,
        rows=[line for row in dashboard.team for line in _team_lines(row)],
        filters=sorted({"scope", "days"} & set(request.GET)),
    )


def _team_lines(row: Standing) -> Iterator[Sequence[object]]:
    """Money is told by currency; what has none stands in the first line of a person."""
    opened = {worth.currency: worth for worth in row.opened}
    won = {worth.currency: worth for worth in row.won}
    rest: tuple[object, ...] = (row.beyond, row.overdue_tasks, row.waiting, row.decided)
    for currency in list(dict.fromkeys([*opened, *won])) or [""]:
        here, there = opened.get(currency), won.get(currency)
        yield (
            str(row.person or NOBODY),
            currency,
            here.count if here else 0,
            here.amount if here else 0,
            there.count if there else 0,
            there.amount if there else 0,
            *rest,
        )
        rest = (None,) * len(rest)


def _charts(deals: DealFigures) -> dict[str, Any]:
    return {
        "pipelines": [lay_out_pipeline(row) for row in deals.pipelines if row.count],
        "weeks_chart": lay_out_weeks(deals.weeks),
        "conversion_bars": lay_out_conversion(deals.conversion),
        "has_entries": any(row.entered for row in deals.conversion),
        "age_chart": lay_out_aging(deals.aging),
    }


def _cards(asked: Asked) -> list[Card]:
    """The best of what waits, as the queue has it: one card for what was found about a record."""
    if not may_view(asked.person):
        return []
    view = "mine" if asked.scope == Scope.ME else "team"
    rows = listed_in(asked.person, view).filter(asked.is_of("assignee"))
    return cards_of(rows.for_queue_page()[:TOP_SUGGESTIONS], asked.person)


def _none_waiting(asked: Asked) -> str:
    if not may_view(asked.person):
        return "Your role does not let you see suggestions. An administrator can change it."
    record = "a record of yours" if asked.scope == Scope.ME else "a record"
    return f"A suggestion appears when a scan finds {record} that needs attention."


def _tasks(asked: Asked) -> list[Task]:
    if not asked.person.has_perm(TASKS_PERMISSION):
        return []
    due = Task.objects.visible_to(asked.person).due_by(asked.today).filter(asked.is_of())
    return list(due.for_list_page().order_by("due_on", "-priority", "id")[:TASKS_SHOWN])
