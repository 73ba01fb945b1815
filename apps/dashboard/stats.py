"""The figures at the top of the first page, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.formats import number_format

from apps.dashboard.deals import LEAST_CLOSED
from apps.dashboard.enums import Scope
from apps.dashboard.reading import COUNT_LIMIT, Dashboard, DealFigures
from apps.tenants.templatetags.aisha_ui import NOT_SET, money, number, percent


@dataclass(frozen=True, slots=True)
class Stat:
    """One figure; ``value`` is text with its unit, ``note`` says what it is of."""

    label: str
    value: str
    note: str


def stats_of(dashboard: Dashboard) -> list[Stat]:
    """The figures of what the person's role lets them see."""
    stats = []
    if dashboard.waiting is not None:
        is_own = dashboard.asked.scope == Scope.ME
        whose = "waiting for your decision" if is_own else "waiting for a decision"
        stats.append(Stat("Suggestions", _counted(dashboard.waiting), whose))
    if dashboard.tasks_due is not None:
        stats.append(Stat("Tasks due", number(dashboard.tasks_due), "today or overdue"))
    if dashboard.deals is not None:
        stats.extend(_deal_stats(dashboard.deals, dashboard.asked.days))
    return stats


def _deal_stats(deals: DealFigures, days: int) -> Iterator[Stat]:
    pipelines, closings = deals.pipelines, deals.closings
    worth = ", ".join(str(money(row.amount, row.currency)) for row in pipelines if row.count)
    count = sum(row.count for row in pipelines)
    yield Stat("Open deals", number(count), f"worth {worth}" if worth else "none at present")
    won = ", ".join(str(money(row.won_amount, row.currency)) for row in pipelines if row.won_amount)
    yield Stat(f"Won in {days} days", number(closings.won), f"worth {won}" if won else "none")
    closed = closings.won + closings.lost
    yield (
        Stat("Share won", NOT_SET, _too_few(closed, "closed deals"))
        if closings.win_rate_0_1 is None
        else Stat("Share won", percent(closings.win_rate_0_1), f"of {number(closed)} closed deals")
    )
    yield (
        Stat("From opening to won", NOT_SET, _too_few(closings.cycle_count, "won deals"))
        if closings.cycle_days is None
        else Stat(
            "From opening to won",
            _days(closings.cycle_days),
            f"median of {number(closings.cycle_count)} won deals",
        )
    )
    paces = [row for row in pipelines if row.velocity_per_day is not None]
    formula = "a day: deals × share won × value ÷ days"
    if paces:
        values = [str(money(round(row.velocity_per_day or 0), row.currency)) for row in paces]
        yield Stat("Sales velocity", values[0], "; ".join([formula, *values[1:]]))


def _too_few(count: int, noun: str) -> str:
    return f"not enough data yet ({count} of {LEAST_CLOSED} {noun})"


def _counted(count: int) -> str:
    return f"{COUNT_LIMIT:,}+" if count > COUNT_LIMIT else number(count)


def _days(days: float) -> str:
    whole = round(days)
    return f"{number_format(whole, force_grouping=True)} day{'' if whole == 1 else 's'}"
