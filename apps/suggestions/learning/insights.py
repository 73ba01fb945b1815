"""What was learned, from whom, what is quiet and why, and what came of it: as one person may see it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Case, Count, FloatField, Q, QuerySet, Value, When

from apps.execution.tools import registry as tools
from apps.suggestions.enums import HeldBack, RejectReason, Segment, State, Verdict
from apps.suggestions.learning import rules
from apps.suggestions.learning.acceptance import Acceptance, AcceptanceTable
from apps.suggestions.learning.enums import QuietBecause, ResetScope
from apps.suggestions.learning.learned import read_learned
from apps.suggestions.learning.models import LearningReset
from apps.suggestions.learning.outcomes import OutcomeRow, read_outcomes
from apps.suggestions.learning.quieting import QuietKind
from apps.suggestions.learning.resets import Scope
from apps.suggestions.learning.tallies import Tally
from apps.suggestions.models import Decision, Suggestion
from apps.triggers.rules import registry as triggers
from apps.users.models import User

# So many of the last decisions say whether the shown confidence holds.
CALIBRATION_DECISIONS = 1_000
_BANDS = 5
RESETS_SHOWN = 20
# What was suggested by no trigger: a person's wish, the assistant.
NO_TRIGGER = "No trigger"


@dataclass(frozen=True, slots=True)
class Counted:
    """Plain numbers of decisions: how many, how many approved, how many of those after an edit."""

    count: int = 0
    approved: int = 0
    edited: int = 0

    @property
    def rate_0_1(self) -> float | None:
        """The share approved, or None where nothing was decided."""
        return self.approved / self.count if self.count else None

    @property
    def edited_0_1(self) -> float | None:
        """The share of the approved that a person had edited."""
        return self.edited / self.approved if self.approved else None

    def plus(self, tally: Tally) -> Counted:
        """With what one tally adds."""
        return Counted(
            self.count + tally.count, self.approved + tally.approved, self.edited + tally.edited
        )


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind: what everybody and the reader decided on it, and what is expected of the reader now."""

    trigger: str
    tool: str
    segment: Segment
    everybody: Counted
    own: Counted
    expected: Acceptance
    is_quiet: bool

    @property
    def trigger_label(self) -> str:
        """What noticed it."""
        return label_of_trigger(self.trigger)

    @property
    def tool_label(self) -> str:
        """What was proposed."""
        return tools.label(self.tool)


@dataclass(frozen=True, slots=True)
class QuietRow:
    """A quiet trigger and segment: for whom, why, and how many suggestions wait behind it.

    ``people`` are names; ``count`` and ``approved`` are the decisions that it rests on.
    """

    trigger: str
    segment: Segment
    people: tuple[str, ...]
    because: QuietBecause
    count: int
    approved: int
    held_back: int

    @property
    def trigger_label(self) -> str:
        """What noticed it."""
        return label_of_trigger(self.trigger)


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why suggestions of a trigger were rejected: a number for each of ``RejectReason``, in its order."""

    trigger: str
    counts: tuple[int, ...]

    @property
    def trigger_label(self) -> str:
        """What noticed it."""
        return label_of_trigger(self.trigger)

    @property
    def labelled(self) -> list[tuple[str, int]]:
        """The numbers with their reasons in words."""
        return list(zip(RejectReason.labels, self.counts, strict=True))

    @property
    def by_reason(self) -> dict[str, int]:
        """The numbers with their reasons."""
        return dict(zip(RejectReason.values, self.counts, strict=True))


@dataclass(frozen=True, slots=True)
class PersonRow:
    """From whom it was learned."""

    person: User
    counted: Counted
    quiet_kinds: int


@dataclass(frozen=True, slots=True)
class Band:
    """Decisions at which a confidence within a fifth was shown: the mean of it, and what was approved."""

    count: int
    shown_0_1: float
    approved_0_1: float


@dataclass(frozen=True, slots=True)
class Insights:
    """Everything that the page shows. ``people`` is empty for who does not see everybody's decisions."""

    sees_all: bool
    total: Counted
    kinds: tuple[KindRow, ...]
    quiet: tuple[QuietRow, ...]
    reasons: tuple[ReasonRow, ...]
    people: tuple[PersonRow, ...]
    bands: tuple[Band, ...]
    outcomes: tuple[OutcomeRow, ...]
    resets: tuple[LearningReset, ...]


def label_of_trigger(key: str) -> str:
    """A trigger's label, or that there was none."""
    return triggers.label(key) if key else NO_TRIGGER


def scope_of(reset: LearningReset) -> Scope:
    """What a reset was about."""
    return Scope(ResetScope(reset.scope), reset.key, reset.person)


def read_insights(viewer: User, now: datetime) -> Insights:
    """Gather it in a constant number of queries.

    Who does not see everybody's records is told their own decisions and, of a kind, the company's sum without
    names.
    """
    learned = read_learned(now)
    tallies = learned.acceptance.tallies
    is_quiet = {
        (kind.trigger, kind.segment)
        for kind in learned.quieting.quiet
        if kind.person_id == viewer.pk
    }
    names = {person.pk: person for person in User.objects.all()} if viewer.sees_all else {}
    quiet = tuple(_quiet(learned.quieting.quiet, viewer, names))
    return Insights(
        sees_all=viewer.sees_all,
        total=_total(tallies if viewer.sees_all else _of(tallies, viewer)),
        kinds=tuple(_kinds(learned.acceptance, viewer, is_quiet)),
        quiet=quiet,
        reasons=tuple(_reasons(viewer, now)),
        people=tuple(_people(tallies, learned.quieting.quiet, names)),
        bands=tuple(_bands(viewer)),
        outcomes=tuple(read_outcomes(viewer)),
        resets=tuple(resets_for(viewer)[:RESETS_SHOWN]),
    )


def resets_for(viewer: User) -> QuerySet[LearningReset]:
    """The resets that this person may see, newest first: another person's is for managers."""
    rows = LearningReset.objects.select_related("person", "reset_by").order_by("-id")
    return rows if viewer.sees_all else rows.filter(Q(person=None) | Q(person=viewer))


def _of(tallies: Iterable[Tally], person: User) -> list[Tally]:
    return [tally for tally in tallies if tally.person_id == person.pk]


def _total(tallies: Iterable[Tally]) -> Counted:
    total = Counted()
    for tally in tallies:
        total = total.plus(tally)
    return total


def _kinds(
    acceptance: AcceptanceTable, viewer: User, is_quiet: set[tuple[str, str]]
) -> list[KindRow]:
    of_kind: dict[tuple[str, str, str], list[Tally]] = defaultdict(list)
    for tally in acceptance.tallies:
        of_kind[tally.trigger, tally.tool, tally.segment].append(tally)
    rows = [
        KindRow(
            trigger=trigger,
            tool=tool,
            segment=Segment(segment),
            everybody=_total(tallies),
            own=_total(_of(tallies, viewer)),
            expected=acceptance.of(trigger, tool, segment, viewer.pk),
            is_quiet=(trigger, segment) in is_quiet,
        )
        for (trigger, tool, segment), tallies in of_kind.items()
    ]
    places = list(Segment)
    return sorted(
        rows, key=lambda row: (row.trigger_label, row.tool_label, places.index(row.segment))
    )


def _quiet(quiet: Sequence[QuietKind], viewer: User, names: dict[int, User]) -> list[QuietRow]:
    waiting = _held_back(viewer)
    grouped: dict[tuple[str, str, QuietBecause], list[QuietKind]] = defaultdict(list)
    for kind in quiet:
        if viewer.sees_all or kind.person_id == viewer.pk:
            grouped[kind.trigger, kind.segment, kind.because].append(kind)
    return [
        QuietRow(
            trigger=trigger,
            segment=Segment(segment),
            people=_named(kinds, viewer, names),
            because=because,
            count=sum(kind.count for kind in _distinct(kinds)),
            approved=sum(kind.approved for kind in _distinct(kinds)),
            held_back=sum(waiting.get((kind.person_id, trigger, segment), 0) for kind in kinds),
        )
        for (trigger, segment, because), kinds in grouped.items()
    ]


def _named(kinds: Sequence[QuietKind], viewer: User, names: dict[int, User]) -> tuple[str, ...]:
    """For whom; what several people's decisions made quiet is so for whoever has not said otherwise."""
    if not viewer.sees_all:
        return ("You",)
    if kinds[0].because == QuietBecause.ALL:
        return ("Everybody who has not decided otherwise",)
    people = (names[kind.person_id] for kind in kinds if kind.person_id in names)
    return tuple(sorted(str(person) for person in people))


def _distinct(kinds: Sequence[QuietKind]) -> Sequence[QuietKind]:
    """What several people decided is the same for each of those it is quiet for."""
    return kinds if kinds[0].because == QuietBecause.OWN else kinds[:1]


def _held_back(viewer: User) -> dict[tuple[int | None, str, str], int]:
    rows = Suggestion.objects.filter(state=State.PENDING, held_back=HeldBack.QUIET)
    if not viewer.sees_all:
        rows = rows.filter(assignee=viewer)
    counted = rows.order_by().values_list("assignee_id", "trigger", "segment").annotate(Count("pk"))
    return {(person_id, trigger, segment): n for person_id, trigger, segment, n in counted}


def _reasons(viewer: User, now: datetime) -> list[ReasonRow]:
    """Rejections of half a year by trigger, the most frequent first, whatever was said later."""
    rejected = Decision.objects.filter(
        verdict=Verdict.REJECT,
        decided_at__gt=now - timedelta(days=rules.HORIZON_DAYS),
        decided_at__lte=now,
    )
    if not viewer.sees_all:
        rejected = rejected.filter(decided_by=viewer)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    grouped = rejected.order_by("trigger").values_list("trigger", "reason").annotate(Count("pk"))
    for trigger, reason, count in grouped:
        counts[trigger][reason] += count
    rows = [
        ReasonRow(trigger, tuple(by_reason[reason] for reason in RejectReason.values))
        for trigger, by_reason in counts.items()
    ]
    return sorted(rows, key=lambda row: (-sum(row.counts), row.trigger_label))


def _people(
    tallies: Iterable[Tally], quiet: Sequence[QuietKind], names: dict[int, User]
) -> list[PersonRow]:
    by_person: dict[int, list[Tally]] = defaultdict(list)
    for tally in tallies:
        by_person[tally.person_id].append(tally)
    rows = [
        PersonRow(
            names[person_id],
            _total(told),
            sum(kind.person_id == person_id for kind in quiet),
        )
        for person_id, told in by_person.items()
        if person_id in names
    ]
    return sorted(rows, key=lambda row: (-row.counted.count, str(row.person)))


def _bands(viewer: User) -> list[Band]:
    """Whether what was shown has come true, over the last decisions that it was shown at."""
    shown = Decision.objects.filter(
        verdict__in=[Verdict.APPROVE, Verdict.REJECT], confidence__isnull=False
    )
    if not viewer.sees_all:
        shown = shown.filter(decided_by=viewer)
    last = shown.order_by("-id").values("pk")[:CALIBRATION_DECISIONS]
    bounds = [
        When(confidence__lt=(band + 1) / _BANDS, then=Value(band)) for band in range(_BANDS - 1)
    ]
    approved = Case(
        When(verdict=Verdict.APPROVE, then=Value(1.0)),
        default=Value(0.0),
        output_field=FloatField(),
    )
    rows = (
        Decision.objects.filter(pk__in=last)
        .order_by()
        .annotate(band=Case(*bounds, default=Value(_BANDS - 1)))
        .values("band")
        .annotate(count=Count("pk"), shown=Avg("confidence"), approved=Avg(approved))
        .order_by("band")
    )
    return [Band(row["count"], row["shown"], row["approved"]) for row in rows]
