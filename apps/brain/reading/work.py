"""Reading what a person has to do, and what is in the pipeline."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, Q, Sum

from apps.brain.reading.tools import ReadArguments, ReadTool, check_may_view, found
from apps.brain.schemas import Fact
from apps.crm.enums import RecordKind
from apps.crm.models import Opportunity, Task
from apps.crm.presentation import describe_time
from apps.execution.schemas import RecordRef
from apps.users.models import User

# Of a longer list the number is told, and the most pressing ones.
MOST_TASKS = 15


class NoArguments(ReadArguments):
    """Nothing is to be told."""


def read_my_tasks(asker: User, _: NoArguments, today: date) -> Sequence[Fact]:
    """How many open tasks the person has, how many of them are overdue, and the most pressing ones."""
    check_may_view(asker, Task)
    mine = Task.objects.visible_to(asker).filter(owner=asker).open()
    count = mine.count()
    overdue = mine.filter(due_on__lt=today).count()
    facts = [
        found("open_tasks", "Open tasks of who asks", str(count) if count else "none", value=count),
        found("overdue_tasks", "Of these overdue", str(overdue) if overdue else "none"),
    ]
    rows = mine.order_by(F("due_on").asc(nulls_last=True), "-priority", "id")
    for task in rows[:MOST_TASKS]:
        due = f"due {describe_time(task.due_on)}" if task.due_on else "without a day"
        ref = RecordRef(RecordKind.TASK, task.pk)
        day = task.due_on.isoformat() if task.due_on else None
        facts.append(found("task", f"Open task, {due}", task.title, value=day, record=ref))
    return facts


def read_pipeline_numbers(asker: User, _: NoArguments, today: date) -> Sequence[Fact]:
    """How many open deals stand in each stage, and what they amount to, each currency for itself.

    Where others' are among them, the asker's own are told apart.
    """
    check_may_view(asker, Opportunity)
    is_own = Q(owner=asker)
    rows = (
        Opportunity.objects.visible_to(asker)
        .open()
        .order_by("stage__position", "stage_id", "currency")
        .values_list("stage__label", "currency")
        .annotate(
            count=Count("pk"),
            total=Sum("amount"),
            own_count=Count("pk", filter=is_own),
            own_amount=Sum("amount", filter=is_own),
        )
    )
    facts: list[Fact] = []
    everything, own = _Totals(), _Totals()
    for stage, currency, count, amount, own_count, own_amount in rows:
        facts.append(found("stage", f"Open deals in {stage}", _deals(count, amount, currency)))
        everything.add(currency, count, amount)
        own.add(currency, own_count, own_amount)
    if own.counts != everything.counts:
        facts += own.facts("own_deals", "Your own open deals")
    return [*facts, *everything.facts("deals", "Open deals in all")]


@dataclass(slots=True)
class _Totals:
    """How many deals, and what they amount to, by currency."""

    counts: Counter[str] = field(default_factory=Counter)
    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, currency: str, count: int, amount: Decimal | None) -> None:
        if count:
            self.counts[currency] += count
            self.sums[currency] += amount or 0

    def facts(self, key: str, label: str) -> Iterator[Fact]:
        if not self.counts:
            yield found(key, label.removesuffix(" in all"), "none", value=0)
        for currency, count in sorted(self.counts.items()):
            yield found(key, label, _deals(count, self.sums[currency], currency))


def _deals(count: int, amount: Decimal | None, currency: str) -> str:
    deals = "1 deal" if count == 1 else f"{count:,} deals"
    if not amount:
        return deals
    return f"{deals}, {f'{amount:,.2f}'.removesuffix('.00')} {currency}".strip()


MY_TASKS = ReadTool(
    "my_tasks",
    "The open tasks of the person who asks: how many, how many overdue, and the most pressing.",
    NoArguments,
    read_my_tasks,
)
PIPELINE_NUMBERS = ReadTool(
    "pipeline_numbers",
    "The open deals that the person who asks may see: how many in each stage, and their amounts.",
    NoArguments,
    read_pipeline_numbers,
)
