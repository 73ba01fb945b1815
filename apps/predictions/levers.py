"""What people could do about a score, as changes to what a model reads of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.predictions.columns import Row, Value
from apps.predictions.enums import Prediction


@dataclass(frozen=True, slots=True)
class Lever:
    """One thing to do: ``counts`` rise by one, ``values`` become what they are after it."""

    words: str
    counts: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)

    def changes(self, row: Row) -> Row:
        """The columns that it changes in a record, with what they are then."""
        return {name: _one_more(row.get(name)) for name in self.counts if name in row} | {
            name: value for name, value in self.values.items() if name in row and row[name] != value
        }


def _windows(name: str, *days: int) -> tuple[str, ...]:
    return tuple(f"{name}_{length}" for length in days)


_JUST_NOW: Mapping[str, Value] = {"days_since_contact": 0.0}

_LATELY = (*_windows("touches_out", 30, 90, 180), "touches_out_change")

LEVERS: Mapping[Prediction, tuple[Lever, ...]] = {
    Prediction.LEAD_CONVERSION: (
        Lever("One meeting this week", _windows("meetings", 7, 30, 90), _JUST_NOW),
        Lever("One call to them this week", _windows("calls_out", 7, 30, 90), _JUST_NOW),
        Lever("One mail to them this week", _windows("mails_out", 7, 30, 90), _JUST_NOW),
        Lever("A task planned", ("open_tasks",)),
    ),
    Prediction.DEAL_CLOSE: (
        Lever(
            "One meeting this week", ("meetings", *_windows("touches_out", 14, 30, 90)), _JUST_NOW
        ),
        Lever("One call or mail from us this week", _windows("touches_out", 14, 30, 90), _JUST_NOW),
        Lever("A next step agreed", values={"has_next_step": "yes"}),
        Lever("A task planned", ("open_tasks",)),
    ),
    Prediction.RENEWAL_RISK: (
        Lever("One meeting this week", ("meetings", *_LATELY)),
        Lever("One call or mail from us this week", _LATELY),
        Lever("Every mail of theirs answered", values={"waiting_mails": 0.0}),
    ),
}


def _one_more(value: Value) -> Value:
    return 1.0 + (value if isinstance(value, int | float) else 0.0)
