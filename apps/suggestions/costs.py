"""What the language model costs: by month, model, goal and suggestion; and what came of its calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from apps.brain.budget import Standing, standing
from apps.brain.config import config_of, stored_settings
from apps.brain.enums import CallOutcome, FallBack, Goal, Mode, Provider
from apps.brain.error_words import describe_error
from apps.brain.models import BrainCall, BudgetMonth
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.tenants.models import Tenant

VIEW_PERMISSION = "brain.view_budgetmonth"
MONTHS_SHOWN = 12
# What a person has said yes to, whatever became of it afterwards.
_APPROVED = (State.APPROVED, State.APPLIED, State.FAILED, State.UNDONE)


@dataclass(frozen=True, slots=True)
class MonthCost:
    """What a month has cost, in tokens and US dollars; with what is set aside for calls under way."""

    begins_on: date
    tokens: int
    usd: Decimal
    tokens_reserved: int
    usd_reserved: Decimal


@dataclass(frozen=True, slots=True)
class Written:
    """Calls and what they wrote. The cost is that of all these calls, in US dollars.

    ``name`` is a model, or a goal in words.
    """

    name: str
    calls: int
    tokens: int
    usd: Decimal
    suggestions: int
    approved: int

    @property
    def usd_per_suggestion(self) -> Decimal | None:
        """What a suggestion cost; None where there was none."""
        return self.usd / self.suggestions if self.suggestions else None

    @property
    def usd_per_approved(self) -> Decimal | None:
        """What an approved suggestion cost; None where there was none."""
        return self.usd / self.approved if self.approved else None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Calls whose answer did not become a suggestion, of one kind and for one reason.

    ``count`` is a number of calls, for ``Rules wrote instead`` one of questions. ``query`` narrows the list
    of calls to such ones, where it can.
    """

    kind: str
    code: str
    reason: str
    count: int
    usd: Decimal
    query: str


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything about the cost of one month.

    ``without_suggestion`` is the cost of calls that stand behind no suggestion: they failed, did not hold, or
    what they wrote has been written anew since.
    """

    month: date
    asks_model: bool
    now: Standing
    months: tuple[MonthCost, ...]
    models: tuple[Written, ...]
    goals: tuple[Written, ...]
    troubles: tuple[Trouble, ...]

    @property
    def total(self) -> Written:
        """All models together."""
        return Written(
            "All",
            calls=sum(row.calls for row in self.models),
            tokens=sum(row.tokens for row in self.models),
            usd=sum((row.usd for row in self.models), Decimal(0)),
            suggestions=sum(row.suggestions for row in self.models),
            approved=sum(row.approved for row in self.models),
        )

    @property
    def without_suggestion_usd(self) -> Decimal:
        """What the calls cost that stand behind no suggestion."""
        return self.total.usd - sum((row.usd for row in self.goals), Decimal(0))


def read_costs(tenant: Tenant, asked: date | None, now: datetime) -> Costs:
    """Return the costs of the month of ``asked``, by default the present one; months are the company's."""
    today = timezone.localdate(now, timezone=tenant.zone)
    month = (asked or today).replace(day=1)
    row = stored_settings()
    # What answers to questions cost stands in the months' sums alone.
    calls = BrainCall.objects.filter(
        mode=Mode.PROPOSE_ACTIONS,
        called_at__gte=_begin(month, tenant.zone),
        called_at__lt=_begin(_next(month), tenant.zone),
    )
    by_goal = _by_goal(month, tenant.zone)
    return Costs(
        month=month,
        asks_model=row.provider == Provider.OPENAI,
        now=standing(config_of(row).limits, today),
        months=tuple(
            MonthCost(
                found.begins_on,
                found.tokens_spent,
                found.usd_spent,
                found.tokens_reserved,
                found.usd_reserved,
            )
            for found in BudgetMonth.objects.all()[:MONTHS_SHOWN]
        ),
        models=tuple(_models(calls, by_goal)),
        goals=tuple(_goals(by_goal)),
        troubles=tuple(_troubles(calls)),
    )


@dataclass(frozen=True, slots=True)
class _OfGoal:
    """Suggestions of one model and goal, and the calls that wrote them."""

    model: str
    goal: str
    suggestions: int
    approved: int
    tokens: int
    usd: Decimal


def _by_goal(month: date, zone: ZoneInfo) -> list[_OfGoal]:
    rows = (
        Suggestion.objects.filter(
            brain_call__provider=Provider.OPENAI,
            brain_call__called_at__gte=_begin(month, zone),
            brain_call__called_at__lt=_begin(_next(month), zone),
        )
        .order_by()
        .values_list("brain_call__model", "goal")
        .annotate(
            suggestions=Count("pk"),
            approved=Count("pk", filter=Q(state__in=_APPROVED)),
            tokens=Sum("brain_call__tokens_in") + Sum("brain_call__tokens_out"),
            usd=Sum("brain_call__cost_usd"),
        )
    )
    return [_OfGoal(*row) for row in rows]


def _models(calls: QuerySet[BrainCall], by_goal: list[_OfGoal]) -> list[Written]:
    rows = (
        calls.filter(provider=Provider.OPENAI)
        .order_by("model")
        .values_list("model")
        .annotate(
            count=Count("pk"),
            tokens=Sum("tokens_in") + Sum("tokens_out"),
            usd=Sum("cost_usd"),
        )
    )
    return [
        Written(
            model,
            count,
            tokens,
            usd,
            suggestions=sum(row.suggestions for row in by_goal if row.model == model),
            approved=sum(row.approved for row in by_goal if row.model == model),
        )
        for model, count, tokens, usd in rows
    ]


def _goals(by_goal: list[_OfGoal]) -> list[Written]:
    goals = []
    for goal in dict.fromkeys(row.goal for row in by_goal):
        rows = [row for row in by_goal if row.goal == goal]
        suggestions = sum(row.suggestions for row in rows)
        goals.append(
            Written(
                Goal(goal).label,
                # A language model is asked one question in one call.
                calls=suggestions,
                tokens=sum(row.tokens for row in rows),
                usd=sum((row.usd for row in rows), Decimal(0)),
                suggestions=suggestions,
                approved=sum(row.approved for row in rows),
            )
        )
    return sorted(goals, key=lambda row: (-row.usd, row.name))


def _troubles(calls: QuerySet[BrainCall]) -> list[Trouble]:
    failures = (
        calls.exclude(outcome=CallOutcome.ANSWERED)
        .order_by("outcome", "error_code")
        .values_list("outcome", "error_code")
        .annotate(Count("pk"), Sum("cost_usd"))
    )
    dropped = (
        calls.exclude(dropped_code="")
        .order_by("provider", "dropped_code")
        .values_list("provider", "dropped_code")
        .annotate(Count("pk"), Sum("cost_usd"))
    )
    instead = (
        calls.exclude(fell_back_because="")
        .order_by("fell_back_because")
        .values_list("fell_back_because")
        .annotate(Sum("tasks_count"))
    )
    return [
        *(
            Trouble(
                CallOutcome(outcome).label,
                code,
                describe_error(code),
                count,
                usd,
                f"outcome={outcome}",
            )
            for outcome, code, count, usd in failures
        ),
        *(
            Trouble(
                "Did not hold",
                code,
                f"{code.replace('_', ' ')} ({Provider(provider).label.lower()})",
                count,
                usd,
                "",
            )
            for provider, code, count, usd in dropped
        ),
        *(
            Trouble(
                "Rules wrote instead",
                reason,
                FallBack(reason).label,
                count,
                Decimal(0),
                f"fell_back_because={reason}",
            )
            for reason, count in instead
        ),
    ]


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
