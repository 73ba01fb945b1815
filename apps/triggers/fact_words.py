"""What a trigger saw, in words: every name that a trigger gives a fact has its words here, with the unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from apps.execution.schemas import JsonValue

SHARE = "_0_1"

# ``{}`` is the value; where it is a count or days, the words for one stand first.
_WORDS: Mapping[str, str] = {
    "activity_count": "{} activity with one person|{} activities with one person",
    "asked_at": "asked for price, offer, demo or meeting {}",
    "changed_on": "changed {}",
    "created_at": "created {}",
    "due_on": "due {}",
    "expected_close_on": "to close {}",
    "former_activity_at": "before that last in touch {}",
    "former_close_on": "first to close {}",
    "former_count": "{} contact before|{} contacts before",
    "former_score_0_1": "score before {}",
    "inbound_count": "{} message or call from them|{} messages and calls from them",
    "last_activity_at": "last activity {}",
    "last_inbound_at": "last heard from {}",
    "leaving_at": "spoke of leaving {}",
    "last_outbound_at": "last tried {}",
    "more_count": "{} more that may be the same|{} more that may be the same",
    "moved_at": "moved {}",
    "occurred_at": "on {}",
    "outbound_count": "{} attempt|{} attempts",
    "overdue_count": "{} task overdue|{} tasks overdue",
    "own_limit_days": "usually at most {} day in this stage|usually at most {} days in this stage",
    "past_days": "in the {} day before|in the {} days before",
    "probability_0_1": "{} likely the same",
    "promised_on": "promised for {}",
    "push_count": "pushed {} time|pushed {} times",
    "pushed_at": "last pushed {}",
    "recent_days": "in {} day|in {} days",
    "recent_count": "{} contact of late|{} contacts of late",
    "renews_on": "renews {}",
    "score_0_1": "score {}",
    "stage_entered_at": "in this stage since {}",
    "unanswered_at": "unanswered since {}",
}


# What says nothing about why a trigger fires where there is none of it.
_NOTHING_AT_ZERO = frozenset({"activity_count", "inbound_count", "outbound_count"})


def is_told(name: str) -> bool:
    """Whether there are words for it: ids and revisions have none, nor texts of the record itself."""
    return name in _WORDS


def is_telling(name: str, value: JsonValue) -> bool:
    """Whether it is a moment, a day or a number: ids and texts may be of rows that a reader may not see."""
    if isinstance(value, str):
        return name.endswith(("_at", "_on"))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not name.endswith(("_id", "revision"))


def facts_in_words(facts: Mapping[str, JsonValue], show_day: Callable[[date], str]) -> str:
    """All that a signal saw and that there are words for: "last activity 3 Nov, score 72%"."""
    told = (
        fact_in_words(name, value, show_day)
        for name, value in sorted(facts.items())
        if is_told(name) and is_telling(name, value) and (value or name not in _NOTHING_AT_ZERO)
    )
    return ", ".join(told)


def fact_in_words(name: str, value: JsonValue, show_day: Callable[[date], str]) -> str:
    """What was seen, as in "pushed 3 times"; ``show_day`` writes a day, or the day of a moment.

    One that a trigger gave formerly, and that has no words any more, is told by its name.
    """
    one, _, many = _WORDS.get(name, f"{name.replace('_', ' ')} {{}}").partition("|")
    return (one if value == 1 or not many else many).format(_shown(name, value, show_day))


def _shown(name: str, value: JsonValue, show_day: Callable[[date], str]) -> str:
    if isinstance(value, str) and name.endswith("_at"):
        return show_day(datetime.fromisoformat(value))
    if isinstance(value, str) and name.endswith("_on"):
        return show_day(date.fromisoformat(value))
    if isinstance(value, int | float) and name.endswith(SHARE):
        # No score says never or always.
        return f"{min(0.99, max(0.01, value)):.0%}"
    if isinstance(value, int | float):
        return f"{value or 'no'}"
    return str(value)
