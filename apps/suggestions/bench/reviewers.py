"""A company of simulated reviewers: tastes that the learner does not see, and the days on which it learns.

What is learned, ranked, held back and released is the product's own code on the database; suggestions and
decisions are written as rows, without records behind them, which learning never looks at.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.audit.enums import Origin
from apps.brain.enums import Provider
from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.suggestions import rules
from apps.suggestions.bench.pipeline import clear, make_owners
from apps.suggestions.enums import HeldBack, RejectReason, Segment, State, Verdict
from apps.suggestions.learning.learned import mark_quiet, read_learned, rerank
from apps.suggestions.learning.tallies import Tally
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.delivery import fill_queues
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.triggers.rules import registry as triggers
from apps.users.models import User

REVIEWERS = 4
A_DAY = 40
TOP = 10
_TRIGGERS = 12
_FIRST_DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
# What is not wanted of a quiet kind is made anew by the next days' signals.
_KEPT_DAYS = 3
_VALUES = {
    Segment.SMALL: Decimal(300),
    Segment.MIDDLE: Decimal(3_000),
    Segment.LARGE: Decimal(30_000),
    Segment.HUGE: Decimal(300_000),
}


@dataclass(slots=True)
class Taste:
    """How likely one reviewer wants a kind, in log-odds: how strict they are, and what they make of triggers
    and segments. ``is_turned`` turns half of the triggers round.
    """

    strictness: float
    of_trigger: dict[str, float]
    of_segment: dict[str, float]
    turning: frozenset[str]
    is_turned: bool = False
    wants_nothing: bool = False

    def chance(self, trigger: str, segment: str) -> float:
        """The chance that they want such a suggestion."""
        if self.wants_nothing:
            return 0.0
        liking = self.of_trigger[trigger]
        if self.is_turned and trigger in self.turning:
            liking = -liking
        return 1 / (1 + math.exp(-(self.strictness + liking + self.of_segment[segment])))


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision: who, on which day and what, what was expected and shown, and what they said."""

    day: int
    reviewer: int
    place: int
    trigger: str
    tool: str
    segment: str
    urgency: int
    expected: float
    shown: float | None
    chance: float
    wanted: bool


@dataclass(slots=True)
class Company:
    """Reviewers of one seed, and everything that they have decided."""

    seed: int
    tastes: list[Taste] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    # The chances of the ten that would come first for one who knew the tastes, by day and reviewer.
    best: dict[tuple[int, int], float] = field(default_factory=dict)
    people: list[User] = field(default_factory=list)
    tallies: Sequence[Tally] = ()

    def top(self, day: int) -> list[Judged]:
        """What stood among the first ten of a day's queues."""
        return [one for one in self.judged if one.day == day and one.place < TOP]


def simulate(seed: int, days: int, prepare: Callable[[Company, int], None]) -> Company:
    """Let a company of new reviewers decide for so many days; ``prepare`` is called before each day."""
    clear()
    random_ = random.Random(seed)  # noqa: S311 - a simulation
    keys = [trigger.key for trigger in triggers.all()][:_TRIGGERS]
    common = {key: random_.gauss(0, 1.2) for key in keys}
    company = Company(seed, people=make_owners(REVIEWERS))
    company.tastes = [_taste(random_, common) for _ in range(REVIEWERS)]
    for day in range(days):
        prepare(company, day)
        now = _FIRST_DAY + timedelta(days=day)
        _bring(company, random_, keys, now)
        with taking_role(Role.AI):
            learned = read_learned(now)
            rerank(learned.acceptance)
            mark_quiet(learned.quieting)
            fill_queues(
                cap_per_day=A_DAY,
                day_begins=now.replace(hour=0),
                now=now,
                quieting=learned.quieting,
            )
        company.tallies = learned.acceptance.tallies
        _decide(company, random_, day, now)
    clear()
    return company


def _taste(random_: random.Random, common: dict[str, float]) -> Taste:
    return Taste(
        strictness=-0.6 + random_.gauss(0, 0.3),
        of_trigger={key: value + random_.gauss(0, 1) for key, value in common.items()},
        of_segment={segment: random_.gauss(0, 0.4) for segment in _VALUES},
        turning=frozenset(random_.sample(sorted(common), _TRIGGERS // 2)),
    )


def _bring(company: Company, random_: random.Random, keys: Sequence[str], now: datetime) -> None:
    """A day's suggestions for each reviewer; what was held back for days is gone."""
    old = Suggestion.objects.held_back().filter(created_at__lt=now - timedelta(days=_KEPT_DAYS))
    old.update(state=State.WITHDRAWN)
    Suggestion.objects.bulk_create(
        _suggestion(person, random_, keys, 1_000 * now.toordinal() + A_DAY * place + number, now)
        for place, person in enumerate(company.people)
        for number in range(A_DAY)
    )


def _suggestion(
    person: User, random_: random.Random, keys: Sequence[str], record_id: int, now: datetime
) -> Suggestion:
    trigger = triggers.get(random_.choice(keys))
    segment = random_.choice(list(_VALUES))
    urgency = random_.choice([1, 2, 2, 3])
    return Suggestion(
        state=State.PENDING,
        goal=trigger.goal,
        record_kind=RecordKind.LEAD,
        record_id=record_id,
        record_label="A lead",
        assignee=person,
        tool=trigger.tools[0],
        arguments={},
        risk=Risk.LOW,
        title="Do something",
        reason="Somebody should.",
        trigger=trigger.key,
        segment=segment,
        value_at_stake=_VALUES[segment],
        urgency=urgency,
        rank=rules.rank(value_at_stake=_VALUES[segment], urgency=urgency, acceptance=0.5),
        held_back=HeldBack.DAILY_CAP,
        origin=Origin.PERSON,
        provider=Provider.RULES,
        created_at=now,
        refreshed_at=now,
        expires_at=now + rules.LIFETIME,
    )


def _decide(company: Company, random_: random.Random, day: int, now: datetime) -> None:
    """Each reviewer goes through the queue from the top, and says what they want of it."""
    for reviewer, (person, taste) in enumerate(zip(company.people, company.tastes, strict=True)):
        waiting = Suggestion.objects.filter(state=State.PENDING, assignee=person)
        offered = list(waiting.order_by("-rank", "-id"))
        company.best[day, reviewer] = _best(offered, taste)
        queue = [one for one in offered if one.held_back == HeldBack.NO]
        judged = list(_judge(queue, taste, random_, day, reviewer))
        company.judged += judged
        Decision.objects.bulk_create(
            Decision(
                suggestion=suggestion,
                verdict=Verdict.APPROVE if one.wanted else Verdict.REJECT,
                reason="" if one.wanted else RejectReason.NOT_NEEDED,
                decided_by=person,
                decided_at=now + timedelta(seconds=one.place),
                goal=suggestion.goal,
                trigger=one.trigger,
                tool=one.tool,
                segment=one.segment,
                confidence=one.shown,
            )
            for suggestion, one in zip(queue, judged, strict=True)
        )
        Suggestion.objects.filter(pk__in=[one.pk for one in queue]).update(state=State.WITHDRAWN)


def _judge(
    queue: Sequence[Suggestion], taste: Taste, random_: random.Random, day: int, reviewer: int
) -> Iterator[Judged]:
    for place, one in enumerate(queue):
        chance = taste.chance(one.trigger, one.segment)
        expected = rules.acceptance_in(
            one.rank, value_at_stake=one.value_at_stake, urgency=one.urgency
        )
        yield Judged(
            day=day,
            reviewer=reviewer,
            place=place,
            trigger=one.trigger,
            tool=one.tool,
            segment=one.segment,
            urgency=one.urgency,
            expected=expected,
            shown=one.confidence,
            chance=chance,
            wanted=random_.random() < chance,
        )


def _best(offered: Sequence[Suggestion], taste: Taste) -> float:
    """The mean chance of the ten that would come first if the taste were known."""

    def place(one: Suggestion) -> float:
        chance = taste.chance(one.trigger, one.segment)
        return rules.rank(value_at_stake=one.value_at_stake, urgency=one.urgency, acceptance=chance)

    first = sorted(offered, key=place, reverse=True)[:TOP]
    return sum(taste.chance(one.trigger, one.segment) for one in first) / len(first)
