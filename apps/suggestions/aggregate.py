"""What many suggestions of one tool would change together, for the person who approves them at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.execution.enums import ValueKind
from apps.execution.schemas import Diff, FieldDiff
from apps.execution.signs import isolated
from apps.suggestions.models import Suggestion
from apps.tenants.templatetags.aisha_ui import money

# So many values of a field are named; the rest is told as a number.
MOST_VALUES = 5
# A long text is named by its beginning.
MOST_LETTERS = 120


@dataclass(frozen=True, slots=True)
class ValueCount:
    """One value and how many suggestions would write it."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class FieldTotal:
    """One field: how many would change it, its most frequent new values, and how many are not named."""

    label: str
    count: int
    values: tuple[ValueCount, ...]
    other_values: int
    other_count: int


@dataclass(frozen=True, slots=True)
class AggregateDiff:
    """The diffs of many suggestions in one.

    ``stakes`` are the sums at stake, one text for each currency; ``unvalued`` have none.
    """

    count: int
    is_creation: bool
    record_kind: str
    fields: tuple[FieldTotal, ...]
    side_effects: tuple[ValueCount, ...]
    stakes: tuple[str, ...]
    unvalued: int


def aggregate(suggestions: Sequence[Suggestion], diffs: Mapping[int, Diff]) -> AggregateDiff:
    """Add up the diffs of suggestions of one tool; each of them has one, and there is at least one."""
    shown = [diffs[suggestion.pk] for suggestion in suggestions]
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for diff in shown:
        for row in diff.rows:
            values[row.label][_short(row.after_text)] += 1
    effects = Counter(effect for diff in shown for effect in diff.side_effects)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for suggestion in suggestions:
        if suggestion.value_at_stake is not None:
            sums[suggestion.currency] += suggestion.value_at_stake
    return AggregateDiff(
        count=len(shown),
        is_creation=shown[0].is_creation,
        record_kind=shown[0].record_kind.label,
        fields=tuple(
            _total(label, counts)
            for label, counts in sorted(values.items(), key=lambda item: -item[1].total())
        ),
        side_effects=_ranked(effects),
        stakes=tuple(money(sums[currency], currency) for currency in sorted(sums)),
        unvalued=sum(suggestion.value_at_stake is None for suggestion in suggestions),
    )


def line_of(diff: Diff) -> str:
    """A diff on one line."""
    return "; ".join(_words_of(row) for row in diff.rows) or "Nothing is left to change."


def _words_of(row: FieldDiff) -> str:
    if row.is_new or row.kind == ValueKind.LONG_TEXT:
        return f"{row.label}: {isolated(_short(row.after_text))}"
    before, after = isolated(_short(row.before_text)), isolated(_short(row.after_text))
    return f"{row.label}: {before} → {after}"


def _total(label: str, counts: Counter[str]) -> FieldTotal:
    ranked = _ranked(counts)
    others = ranked[MOST_VALUES:]
    return FieldTotal(
        label=label,
        count=counts.total(),
        values=ranked[:MOST_VALUES],
        other_values=len(others),
        other_count=sum(other.count for other in others),
    )


def _ranked(counts: Counter[str]) -> tuple[ValueCount, ...]:
    """The most frequent first, equals by the alphabet."""
    ranked: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ValueCount(text, count) for text, count in ranked)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MOST_LETTERS else f"{words[: MOST_LETTERS - 1]}…"
