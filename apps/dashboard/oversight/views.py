"""The page on which managers see how people decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.exporting import send_table
from apps.dashboard.oversight.kinds import LEAST_DECISIONS
from apps.dashboard.oversight.people import LEAST_STREAK, STREAK_GAP_S
from apps.dashboard.oversight.reading import (
    PERIODS_DAYS,
    VIEW_PERMISSION,
    Oversight,
    PersonRow,
    chosen_days,
    read_oversight,
)
from apps.dashboard.oversight.waiting import AgeBand
from apps.triggers.charts import share
from apps.users.models import User
from apps.users.services import person_with

HEADERS = {
    "people": (
        "Person", "Approved", "In bulk", "Rejected", "Snoozed", "Accepted (0-1)",
        "Colleagues on the same kinds (0-1)", "Waited, median (s)", "Read, median (s)", "Unopened",
        "Longest streak", "Approved in streaks", "Edited (0-1)", "Taken back", "Overturned",
        "Waiting now", "Waiting, median (days)", "Waiting since",
    ),
    "disagreements": (
        "Kind", "Decisions", "People", "Accepts most", "Accepted (0-1)", "Accepts least",
        "Accepted (0-1)",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BandBar:
    """How much has waited for so long; ``width`` is a share of the longest bar, which begins at zero."""

    band: AgeBand
    width: str


@require_safe
def show_oversight(request: HttpRequest) -> HttpResponse:
    """Decisions by person, times, streaks, edits, disagreement, and what waits undecided."""
    _viewer_of(request)
    oversight = _read(request)
    highest = max(band.count for band in oversight.bands) or 1
    context = {
        "nav_section": "learning",
        "tab": "oversight",
        "oversight": oversight,
        "periods": PERIODS_DAYS,
        "bands": [BandBar(band, share(band.count, highest)) for band in oversight.bands],
        "disagreements": [
            (row, oversight.names[row.most.person_id], oversight.names[row.least.person_id])
            for row in oversight.disagreements
        ],
        "streak_gap_s": STREAK_GAP_S,
        "least_streak": LEAST_STREAK,
        "least_decisions": LEAST_DECISIONS,
    }
    return render(request, "dashboard/oversight/page.html", context)


@require_safe
def export_oversight(request: HttpRequest, table: str) -> HttpResponseBase:
    """One table of the page as a CSV file."""
    user, oversight = _viewer_of(request), _read(request)
    return send_table(
        request,
        user,
        what=f"oversight-{table}",
        header=HEADERS[table],
        rows=_rows(oversight, table),
        filters=["days"] if "days" in request.GET else [],
    )


def _viewer_of(request: HttpRequest) -> User:
    """The signed-in person, who may see how others decide.

    Raises:
        PermissionDenied: their role does not include it.
    """
    refusal = "How people decide is for managers and administrators."
    return person_with(request, VIEW_PERMISSION, refusal)


def _read(request: HttpRequest) -> Oversight:
    return read_oversight(chosen_days(request.GET.get("days", "")), timezone.now())


def _rows(oversight: Oversight, table: str) -> Iterable[Sequence[object]]:
    if table == "people":
        return (_person_line(row) for row in oversight.people)
    return (
        (
            row.kind,
            row.decided,
            row.people,
            oversight.names[row.most.person_id],
            _two_places(row.most.accepted_0_1),
            oversight.names[row.least.person_id],
            _two_places(row.least.accepted_0_1),
        )
        for row in oversight.disagreements
    )


def _person_line(row: PersonRow) -> Sequence[object]:
    deciding, waiting = row.deciding, row.waiting
    colleagues = row.comparison.colleagues_0_1 if row.comparison else None
    return (
        row.name,
        deciding.approved,
        deciding.bulk,
        deciding.rejected,
        deciding.snoozed,
        _two_places(deciding.accepted_0_1),
        _two_places(colleagues),
        _whole(deciding.waited_s),
        _whole(deciding.read_s),
        deciding.unopened,
        deciding.longest_streak,
        deciding.hurried,
        _two_places(deciding.edited_0_1),
        deciding.taken_back,
        deciding.overturned,
        waiting.count,
        _two_places(waiting.median_days),
        waiting.oldest_at,
    )


def _two_places(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
