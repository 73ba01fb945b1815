"""A replay as people read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.formats import number_format

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS
from apps.crm.models import Record
from apps.crm.services import all_records
from apps.triggers.charts import DayChart, lay_out_days
from apps.triggers.models import ReplayRun
from apps.triggers.registry import Trigger
from apps.triggers.replay.outcomes import DELETED, OPEN
from apps.triggers.replay.schemas import Caveat, Firings, ReplayResult, SampleRecord
from apps.triggers.settings import show_value
from apps.users.models import User

# A label under each of so many weeks at most.
_MOST_WEEK_LABELS = 4

# The order in which outcomes are told; those of one kind of record never meet those of another.
_OUTCOMES = (
    "won", "converted", "renewed", "done", "lost", "unqualified", "churned", "cancelled", OPEN, DELETED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownParameter:
    """One parameter: the value asked about, and the present one."""

    label: str
    asked: str
    present: str

    @property
    def differs(self) -> bool:
        """Whether another value than the present one was asked about."""
        return self.asked != self.present


@dataclass(frozen=True, slots=True)
class ShownCount:
    """One line of the comparison; ``present`` is None when the same parameters were asked about."""

    label: str
    asked: int
    present: int | None
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class ShownWeek:
    """One week of the table."""

    begins_on: date
    asked: int
    present: int | None


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """One of the records for which it would have fired."""

    record: Record
    fired: int
    last_fired_at: datetime
    became: str


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """What the replay found."""

    headline: str
    compared: str
    counts: tuple[ShownCount, ...]
    chart: DayChart
    weeks: tuple[ShownWeek, ...]
    records: tuple[ShownRecord, ...]
    caveats: tuple[Caveat, ...]
    has_outcomes: bool
    has_present: bool


@dataclass(frozen=True, slots=True)
class ShownReplay:
    """A run with its question in words, and its answer if it has one."""

    run: ReplayRun
    trigger: Trigger[Any]
    noun: str
    nouns: str
    parameters: tuple[ShownParameter, ...]
    answer: ShownAnswer | None


def show_replay(run: ReplayRun, trigger: Trigger[Any], viewer: User) -> ShownReplay:
    """Put a run into words; of the records those that the viewer may see."""
    layout = LAYOUTS[trigger.record_kind]
    result = ReplayResult.model_validate(run.result) if run.result else None
    return ShownReplay(
        run=run,
        trigger=trigger,
        noun=layout.noun,
        nouns=layout.nouns,
        parameters=tuple(_parameters(run, trigger)),
        answer=_answer(run, trigger.record_kind, result, viewer) if result else None,
    )


def describe_question(run: ReplayRun, trigger: Trigger[Any]) -> str:
    """What was asked: the values that differed from those then in force."""
    others = [f"{p.label}: {p.asked}" for p in _parameters(run, trigger) if p.differs]
    return ", ".join(others) or "as at present"


def _parameters(run: ReplayRun, trigger: Trigger[Any]) -> Iterable[ShownParameter]:
    for declared in trigger.declared:
        asked, present = (
            show_value(trigger, declared.name, values.get(declared.name, declared.default))
            for values in (run.parameters, run.present_parameters)
        )
        yield ShownParameter(declared.label, asked, present)


def _answer(run: ReplayRun, kind: RecordKind, result: ReplayResult, viewer: User) -> ShownAnswer:
    asked, present = result.asked, result.present
    weeks = _weeks(asked, present)
    compared = ""
    if present is not None:
        compared = (
            f"With the present values: {_times(present.fired)}, for {_records(present, kind)}."
        )
    return ShownAnswer(
        headline=_headline(run, kind, asked),
        compared=compared,
        counts=tuple(_counts(kind, asked, present)),
        chart=lay_out_days(
            [week.begins_on for week in weeks],
            [week.asked for week in weeks],
            [week.present or 0 for week in weeks],
            labelled_every=-(-len(weeks) // _MOST_WEEK_LABELS),
        ),
        weeks=weeks,
        records=tuple(_shown_records(kind, result.sample, viewer)),
        caveats=result.caveats,
        has_outcomes=bool(asked.became),
        has_present=present is not None,
    )


def _headline(run: ReplayRun, kind: RecordKind, asked: Firings) -> str:
    days = "day" if run.days == 1 else f"{run.days} days"
    if not asked.fired:
        return f"It would not have fired in the last {days}."
    told = f"It would have fired {_times(asked.fired)} in the last {days}, for {_records(asked, kind)}."
    outcomes = [
        f"{number_format(count, force_grouping=True)} {_outcome(outcome, kind)}"
        for outcome, count in _in_order(asked.became)
    ]
    if not outcomes:
        return told
    *most, last = outcomes
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"{told} Today: {listed}."


def _counts(kind: RecordKind, asked: Firings, present: Firings | None) -> Iterable[ShownCount]:
    def count(label: str, name: str) -> ShownCount:
        other = None if present is None else getattr(present, name)
        return ShownCount(label, getattr(asked, name), other)

    yield count("Fired", "fired")
    yield count(f"{LAYOUTS[kind].nouns.capitalize()}", "records")
    others = present.became if present else {}
    for outcome, _ in _in_order({**others, **asked.became}):
        other = None if present is None else others.get(outcome, 0)
        label = f"of them {_outcome(outcome, kind)}"
        yield ShownCount(label, asked.became.get(outcome, 0), other, is_part=True)
    yield count("True already at the start", "true_at_start")
    yield count("True at the end", "true_at_end")


def _weeks(asked: Firings, present: Firings | None) -> tuple[ShownWeek, ...]:
    others = {week.begins_on: week.fired for week in present.weeks} if present else None
    return tuple(
        ShownWeek(
            week.begins_on, week.fired, None if others is None else others.get(week.begins_on, 0)
        )
        for week in asked.weeks
    )


def visible_sample(
    kind: RecordKind, sample: tuple[SampleRecord, ...], viewer: User
) -> list[tuple[SampleRecord, Record]]:
    """The records of a sample that are still there and that the viewer may see, in their order."""
    visible = (
        all_records(model_of(kind)).visible_to(viewer).in_bulk([row.record_id for row in sample])
    )
    return [(row, visible[row.record_id]) for row in sample if row.record_id in visible]


def _shown_records(
    kind: RecordKind, sample: tuple[SampleRecord, ...], viewer: User
) -> Iterable[ShownRecord]:
    for row, record in visible_sample(kind, sample, viewer):
        became = _outcome(row.became, kind) if row.became else ""
        yield ShownRecord(record, row.fired, row.last_fired_at, became)


def _in_order(became: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(became.items(), key=lambda pair: _OUTCOMES.index(pair[0]))


def _outcome(outcome: str, kind: RecordKind) -> str:
    # An account is open when none of its contracts has ended since.
    return "undecided" if kind == RecordKind.ACCOUNT and outcome == OPEN else outcome


def _times(count: int) -> str:
    return "once" if count == 1 else f"{number_format(count, force_grouping=True)} times"


def _records(firings: Firings, kind: RecordKind) -> str:
    layout = LAYOUTS[kind]
    noun = layout.noun if firings.records == 1 else layout.nouns
    return f"{number_format(firings.records, force_grouping=True)} {noun}"
