"""How each person of a team stands: what they hold, won and decided. For managers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity, Task
from apps.dashboard.aging import StageLimits
from apps.dashboard.asked import Asked
from apps.dashboard.deals import NOTHING
from apps.dashboard.enums import Scope
from apps.suggestions.enums import Verdict
from apps.suggestions.models import Decision, Suggestion
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Worth:
    """Deals of one currency and what they add up to."""

    currency: str
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """One person; ``person`` is None for what nobody owns.

    ``won`` and ``decided`` are those of the period; the rest is how it is now. ``beyond`` counts open deals
    that have stood in their stage beyond its limit, ``waiting`` suggestions in the person's queue.
    """

    person: User | None
    opened: tuple[Worth, ...]
    won: tuple[Worth, ...]
    beyond: int
    overdue_tasks: int
    waiting: int
    decided: int

    @property
    def open_count(self) -> int:
        """Open deals."""
        return sum(worth.count for worth in self.opened)

    @property
    def won_count(self) -> int:
        """Deals won in the period."""
        return sum(worth.count for worth in self.won)


def read_team(asked: Asked, limits: StageLimits) -> tuple[Standing, ...]:
    """Everybody who has or did something, those with most open deals first; six queries."""
    deals = Opportunity.objects.filter(asked.is_of()).order_by()
    opened = deals.open()
    won = deals.filter(
        outcome=DealOutcome.WON, closed_on__gte=asked.first_day, closed_on__lte=asked.today
    )
    tasks = Task.objects.open().filter(asked.is_of(), due_on__lt=asked.today)
    queue = Suggestion.objects.in_queue().filter(asked.is_of("assignee"))
    decisions = Decision.objects.filter(
        asked.is_of("decided_by"),
        verdict__in=[Verdict.APPROVE, Verdict.REJECT],
        decided_at__gte=asked.since,
    )
    worth_open, worth_won = _worths(opened), _worths(won)
    beyond = _counts(opened, "owner_id", only=limits.is_beyond(asked.now))
    overdue, waiting = _counts(tasks, "owner_id"), _counts(queue, "assignee_id")
    decided = _counts(decisions, "decided_by_id")
    people = {person.pk: person for person in User.objects.filter(_is_of_people(asked))}
    shown = {*worth_open, *worth_won, *overdue, *waiting, *decided}
    rows = [
        Standing(
            person=people.get(pk) if pk is not None else None,
            opened=tuple(worth_open[pk]),
            won=tuple(worth_won[pk]),
            beyond=beyond[pk],
            overdue_tasks=overdue[pk],
            waiting=waiting[pk],
            decided=decided[pk],
        )
        for pk in shown
        if pk is None or pk in people
    ]
    return tuple(
        sorted(rows, key=lambda row: (row.person is None, -row.open_count, str(row.person)))
    )


def _is_of_people(asked: Asked) -> Q:
    """The people themselves, as ``Asked.is_of`` has the owners of rows."""
    match asked.scope:
        case Scope.ME:
            return Q(pk=asked.person.pk)
        case Scope.TEAM:
            return Q(team_id=asked.person.team_id)
        case _:
            return Q()


def _worths(deals: QuerySet[Opportunity]) -> defaultdict[int | None, list[Worth]]:
    rows = deals.values_list("owner_id", "currency").annotate(Count("pk"), Sum("amount"))
    found: defaultdict[int | None, list[Worth]] = defaultdict(list)
    for owner, currency, count, amount in sorted(rows, key=lambda row: (-row[2], row[1])):
        found[owner].append(Worth(currency, count, amount or NOTHING))
    return found


def _counts(rows: QuerySet[Any], owner: str, only: Q | None = None) -> defaultdict[int | None, int]:
    narrowed = rows if only is None else rows.filter(only)
    counted: Iterable[tuple[int | None, int]] = (
        narrowed.order_by().values_list(owner).annotate(Count("pk"))
    )
    return defaultdict(int, dict(counted))
