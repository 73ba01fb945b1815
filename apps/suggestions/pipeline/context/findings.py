"""What the signals saw, as facts: the reason why something is to be suggested at all.

Each signal becomes one fact with the key ``finding``. Its raw value holds the trigger's key, what the trigger
saw and the parameters that it went by, under the names that it gave: moments (``…_at``), days (``…_on``) and
numbers. Ids and texts stay out: a trigger may have read them in rows that readers may not see.
"""

from __future__ import annotations

from datetime import date, datetime

from apps.execution.schemas import JsonValue
from apps.suggestions.pipeline.context.contexts import Context, day_text, local_day, local_iso
from apps.triggers.fact_words import fact_in_words, is_telling
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry as triggers

# What the facts of the record itself tell already.
TOLD_BY_RECORD = frozenset(
    {"created_at", "last_activity_at", "stage_entered_at", "expected_close_on", "occurred_at", "due_on"}
)  # fmt: skip


def add_findings(context: Context, signals: list[Signal]) -> None:
    """Add one fact for each signal, the strongest first."""

    def show_day(day: date) -> str:
        return local_day(day, context.moment) if isinstance(day, datetime) else day_text(day)

    for signal in signals:
        saw = {
            name: value
            for name, value in sorted(signal.facts.items())
            if is_telling(name, value) and name not in context.unreadable
        }
        shown = [
            fact_in_words(name, value, show_day)
            for name, value in saw.items()
            if name not in TOLD_BY_RECORD
        ]
        label = triggers.label(signal.trigger)
        context.add(
            "finding",
            "Noticed",
            f"{label}: {', '.join(shown)}" if shown else label,
            value={
                "trigger": signal.trigger,
                "saw": {name: _local(name, value, context.moment) for name, value in saw.items()},
                "went_by": dict(signal.parameters),
            },
            occurred_at=signal.fired_at,
        )


def _local(name: str, value: JsonValue, moment: ScanMoment) -> JsonValue:
    if name.endswith("_at"):
        return local_iso(datetime.fromisoformat(str(value)), moment)
    return value
