"""Why: the claims of a suggestion with the facts that carry them, as far as their reader may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.execution.schemas import RecordRef
from apps.execution.services import hidden_records
from apps.suggestions.models import Suggestion
from apps.suggestions.services import record_of
from apps.suggestions.wishes import WISH, is_own_wish, sees_words
from apps.users.models import User

HIDDEN_CLAIM = "This stands in a record that you may not see any more."


@dataclass(frozen=True, slots=True)
class ShownFact:
    """One numbered fact with the way to its record."""

    number: int
    label: str
    text: str
    occurred_at: datetime | None
    url: str | None


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """One sentence of the evidence with its facts."""

    text: str
    facts: tuple[ShownFact, ...]


def evidence_of(suggestion: Suggestion, viewer: User) -> tuple[ShownClaim, ...]:
    """Return the claims with their facts.

    A fact was readable for the assignee when it was gathered. One whose record has been given to others since
    is left out, and so is what was said of it.
    """
    refs = {
        row["number"]: RecordRef.parse(row["record"]) for row in suggestion.facts if row["record"]
    }
    others = {ref for ref in refs.values() if ref != record_of(suggestion)}
    hidden = hidden_records(viewer, others)
    facts = {
        row["number"]: ShownFact(
            number=row["number"],
            label=_label_of(row, suggestion, viewer),
            text=row["text"],
            occurred_at=datetime.fromisoformat(row["occurred_at"]) if row["occurred_at"] else None,
            url=refs[row["number"]].address if row["number"] in refs else None,
        )
        for row in suggestion.facts
        if refs.get(row["number"]) not in hidden
    }
    left_out = {number for number, ref in refs.items() if ref in hidden}
    if suggestion.is_asked and not sees_words(suggestion, viewer):
        left_out.add(WISH)
        facts.pop(WISH, None)
    return tuple(
        ShownClaim(HIDDEN_CLAIM, ())
        if left_out & {*claim["facts"]}
        else ShownClaim(
            claim["text"], tuple(facts[number] for number in claim["facts"] if number in facts)
        )
        for claim in suggestion.evidence
    )


def _label_of(fact: Mapping[str, Any], suggestion: Suggestion, viewer: User) -> str:
    """The label of a fact; what a person asked is told to others as what was asked."""
    is_of_others = suggestion.is_asked and not is_own_wish(suggestion, viewer)
    return "Asked" if is_of_others and fact["number"] == WISH else str(fact["label"])
