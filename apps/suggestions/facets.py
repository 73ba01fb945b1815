"""What the queue can be narrowed by, and how many suggestions stand behind each choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from apps.brain.enums import Goal
from apps.execution.enums import Risk
from apps.execution.tools import registry as tools
from apps.suggestions.enums import Segment
from apps.suggestions.querysets import SuggestionQuerySet
from apps.triggers.enums import Discovery, Severity
from apps.triggers.rules import registry as triggers
from apps.users.models import User

# The numbers are those of so many, best first: a look at all of a million would cost more than it tells.
SAMPLE = 1000

Row = Mapping[str, Any]
Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing to narrow by.

    ``options`` are its choices in order; ``condition`` narrows to one of them; ``value_of`` tells the choice
    that a row (``COLUMNS``) belongs to, at a moment.
    """

    key: str
    label: str
    options: Callable[[], Sequence[Option]]
    condition: Callable[[str], Q]
    value_of: Callable[[Row, datetime], str]


COLUMNS = (
    "trigger", "goal", "tool", "risk", "urgency", "segment", "confidence", "assignee_id", "created_at",
)  # fmt: skip

# Bands that a person decides by; (key, label, from, below) of the share that was accepted.
_CONFIDENCES = (
    ("high", "70 % and more", 0.7, 2.0),
    ("middle", "50 to 69 %", 0.5, 0.7),
    ("low", "under 50 %", -1.0, 0.5),
)
_UNMEASURED = "unmeasured"
_AGES = (
    ("day", "in the last 24 hours", timedelta(days=1)),
    ("week", "in the last 7 days", timedelta(days=7)),
)
_OLDER = "older"
_NOBODY = "0"


def _of_column(
    key: str, label: str, options: Callable[[], Sequence[Option]], column: str = ""
) -> Facet:
    """A facet whose choices stand in a column as they are."""
    column = column or key
    return Facet(
        key,
        label,
        options,
        lambda value: Q(**{column: value}),
        lambda row, now: str(row[column]),
    )


def _confidence_condition(value: str) -> Q:
    for key, _, low, high in _CONFIDENCES:
        if key == value:
            return Q(confidence__gte=low, confidence__lt=high)
    return Q(confidence=None)


def _confidence_of(row: Row, now: datetime) -> str:
    rate = row["confidence"]
    if rate is None:
        return _UNMEASURED
    return next(key for key, _, low, high in _CONFIDENCES if low <= rate < high)


def _age_condition(value: str) -> Q:
    # "The last 7 days" holds the last 24 hours as well, as people read it.
    ages = {key: age for key, _, age in _AGES}
    if value == _OLDER:
        return Q(created_at__lt=Now() - max(ages.values()))
    return Q(created_at__gte=Now() - ages[value])


def _age_of(row: Row, now: datetime) -> str:
    return next((key for key, _, age in _AGES if row["created_at"] >= now - age), _OLDER)


def _owner_condition(value: str) -> Q:
    return Q(assignee=None) if value == _NOBODY else Q(assignee_id=int(value))


FACETS: tuple[Facet, ...] = (
    Facet(
        "discovery",
        "Discovered",
        lambda: Discovery.choices,
        lambda value: Q(trigger__in=triggers.discovering(value)),
        lambda row, now: str(triggers.discovery_of(row["trigger"]) or ""),
    ),
    _of_column(
        "trigger", "Trigger", lambda: [(trigger.key, trigger.label) for trigger in triggers.all()]
    ),
    _of_column("goal", "Goal", lambda: Goal.choices),
    _of_column("tool", "Change", lambda: [(tool.key, tool.label) for tool in tools.all()]),
    _of_column("urgency", "Urgency", lambda: [(str(n), label) for n, label in Severity.choices]),
    _of_column("risk", "Risk", lambda: Risk.choices),
    _of_column("value", "At stake", lambda: Segment.choices, "segment"),
    Facet(
        "confidence",
        "Confidence",
        lambda: [
            *((key, label) for key, label, _, _ in _CONFIDENCES),
            (_UNMEASURED, "not yet measured"),
        ],
        _confidence_condition,
        _confidence_of,
    ),
    Facet(
        "age",
        "Suggested",
        lambda: [*((key, label) for key, label, _ in _AGES), (_OLDER, "longer ago")],
        _age_condition,
        _age_of,
    ),
    Facet(
        "owner",
        "For",
        lambda: [(_NOBODY, "Nobody in particular")],
        _owner_condition,
        lambda row, now: str(row["assignee_id"] or 0),
    ),
)

FACETS_BY_KEY = {facet.key: facet for facet in FACETS}


def condition_of(chosen: Mapping[str, str]) -> Q:
    """What narrows to the chosen values, by facet; an empty one narrows nothing."""
    narrowed = Q()
    for facet in FACETS:
        if value := chosen.get(facet.key, ""):
            narrowed &= facet.condition(value)
    return narrowed


def count_facets(
    rows: SuggestionQuerySet, chosen: Mapping[str, str], now: datetime
) -> dict[str, list[Option]]:
    """The choices of each facet that are there, with how many suggestions each would leave.

    ``rows`` are those of the view in its order, unnarrowed. Two queries, whatever is asked.
    """
    sample = list(rows.values(*COLUMNS)[:SAMPLE])
    names = _names_of(row["assignee_id"] for row in sample)
    counted = {}
    for facet in FACETS:
        others = [other for other in FACETS if other is not facet and chosen.get(other.key)]
        counts = Counter(
            facet.value_of(row, now)
            for row in sample
            if all(_belongs(row, other, chosen[other.key], now) for other in others)
        )
        if facet.key == "age":
            counts["week"] += counts["day"]
        options = [*facet.options(), *(names.items() if facet.key == "owner" else ())]
        counted[facet.key] = [
            (value, f"{label} ({counts[value]})")
            for value, label in options
            if counts[value] or chosen.get(facet.key) == value
        ]
    return counted


def _belongs(row: Row, facet: Facet, value: str, now: datetime) -> bool:
    found = facet.value_of(row, now)
    return found == value or (facet.key == "age" and (value, found) == ("week", "day"))


def _names_of(ids: Iterable[int | None]) -> dict[str, str]:
    """The names of these people by id, in order of names."""
    people = User.objects.filter(pk__in={pk for pk in ids if pk is not None})
    return {str(person.pk): person.display_name for person in people}
