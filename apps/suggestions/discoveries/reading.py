"""What was discovered: a summary by kind, and the records with all that was found about each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.crm.changelog import record_models
from apps.crm.models import Record
from apps.suggestions.discoveries.asked import Asked
from apps.suggestions.discoveries.standing import Standing, read_standings, short_day
from apps.suggestions.discoveries.statements import read_page, read_summary
from apps.triggers.enums import Discovery
from apps.triggers.fact_words import facts_in_words
from apps.triggers.models import Signal
from apps.triggers.rules import registry as triggers


@dataclass(frozen=True, slots=True)
class Worth:
    """Money of one currency; it is never added up over currencies."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Found:
    """How many records have something of a kind, or of any, how many new to the person, and what is at stake.

    ``late`` counts those found within the last seven days, ``early`` those within the seven before, what has
    cleared since included.
    """

    discovery: Discovery | None
    records: int = 0
    new: int = 0
    late: int = 0
    early: int = 0
    worth: tuple[Worth, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The six kinds in their order, all together, and how many records fit what is asked.

    ``has_trend`` is false until the company has been looked at for longer than a week.
    """

    kinds: tuple[Found, ...]
    all: Found
    fitting: int
    has_trend: bool

    @property
    def marks_new(self) -> bool:
        """Whether some are new and others not: where all are, a mark on each would say nothing."""
        return 0 < self.all.new < self.all.records


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found about a record, and how its suggestion stands.

    ``is_told_above``: a stronger finding of the record has the same suggestion.
    """

    signal: Signal
    discovery: Discovery
    label: str
    words: str
    is_new: bool
    standing: Standing
    is_told_above: bool = False


@dataclass(frozen=True, slots=True)
class DiscoveredRecord:
    """A record with all that was found about it, the strongest first.

    ``worth`` is what is at stake there, in the currency that weighs most.
    """

    record: Record
    worth: Worth | None
    findings: tuple[Finding, ...]

    @property
    def kind_label(self) -> str:
        """The kind of record in words."""
        return str(self.record.kind.label)

    @property
    def found_at(self) -> datetime:
        """When the first of it was found."""
        return min(finding.signal.fired_at for finding in self.findings)

    @property
    def is_new(self) -> bool:
        """Whether any of it is new to the person."""
        return any(finding.is_new for finding in self.findings)


def summarise(asked: Asked) -> Summary:
    """Count everything, in one statement."""
    counts: dict[str, tuple[int, ...]] = {}
    worth: dict[str, list[Worth]] = defaultdict(list)
    for kind, currency, *numbers, value in read_summary(asked):
        if currency is None:
            counts[kind] = tuple(numbers)
        else:
            worth[kind].append(Worth(currency, value))

    def found(discovery: Discovery | None) -> Found:
        key = discovery or ""
        records, new, late, early, *_ = counts.get(key, (0, 0, 0, 0))
        sums = sorted(worth[key], key=lambda row: (-row.amount, row.currency))
        return Found(discovery, records, new, late, early, tuple(sums))

    *_, fitting, has_trend = counts[""]
    return Summary(
        kinds=tuple(found(discovery) for discovery in Discovery),
        all=found(None),
        fitting=fitting,
        has_trend=bool(has_trend),
    )


@dataclass(frozen=True, slots=True)
class DiscoveredRecords:
    """The records that fit what is asked, in its order: a slice of them is a page, in few statements."""

    asked: Asked

    def __getitem__(self, places: slice) -> list[DiscoveredRecord]:
        rows = read_page(self.asked, places.start or 0, places.stop)
        ids = [signal_id for _, _, signal_ids, _, _ in rows for signal_id in signal_ids]
        signals = _signals(ids)
        records = _records((kind, pk) for kind, pk, *_ in rows)
        standings = read_standings(self.asked.person, signals.values(), self.asked.now)
        return [
            DiscoveredRecord(
                record=records[kind, pk],
                worth=None if value is None else Worth(currency, value),
                findings=self._findings(
                    (signals[n] for n in signal_ids if n in signals), standings
                ),
            )
            for kind, pk, signal_ids, value, currency in rows
            # One that has gone between two statements is left out.
            if (kind, pk) in records and any(n in signals for n in signal_ids)
        ]

    def _findings(
        self, signals: Iterable[Signal], standings: Mapping[int, Standing]
    ) -> tuple[Finding, ...]:
        found = [self._finding(signal, standings[signal.pk]) for signal in signals]
        found.sort(key=lambda row: row.signal.fired_at, reverse=True)
        found.sort(key=lambda row: (-row.signal.severity, row.standing.is_inhibited))
        told: set[int] = set()
        for place, finding in enumerate(found):
            if (suggestion := finding.standing.suggestion) is not None:
                found[place] = replace(finding, is_told_above=suggestion.pk in told)
                told.add(suggestion.pk)
        return tuple(found)

    def _finding(self, signal: Signal, standing: Standing) -> Finding:
        trigger, seen_until = triggers.get(signal.trigger), self.asked.seen_until
        assert trigger.discovers is not None  # noqa: S101 - others are not read
        return Finding(
            signal=signal,
            discovery=trigger.discovers,
            label=trigger.label,
            words=facts_in_words(signal.facts, short_day),
            is_new=seen_until is None or signal.fired_at > seen_until,
            standing=standing,
        )


def _signals(ids: Iterable[int]) -> dict[int, Signal]:
    firing = Signal.objects.firing().filter(pk__in=ids)
    return {signal.pk: signal for signal in firing.with_inhibitor(triggers.inhibitions())}


def _records(named: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Record]:
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, pk in named:
        by_kind[kind].append(pk)
    found: dict[tuple[str, int], Record] = {}
    for model in record_models():
        if ids := by_kind.get(model.kind):
            rows: Any = model._default_manager
            for record in rows.filter(pk__in=ids).for_list_page():
                found[model.kind.value, record.pk] = record
    return found
