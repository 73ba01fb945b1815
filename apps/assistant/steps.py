"""The steps of an answer, as they come while it is made, and how they are written on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from apps.brain.schemas import Claim, Fact


@dataclass(frozen=True, slots=True)
class Kept:
    """The person's message is kept, whatever becomes of the answer."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Working:
    """What is being done, in a few words."""

    label: str


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of the answer, with the numbers of the facts that it rests on."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Cited:
    """The facts that the sentences rest on."""

    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A suggestion that was made, or that waits already, to be reviewed like any other."""

    suggestion_id: int


@dataclass(frozen=True, slots=True)
class LeadsTo:
    """A page of ours to go to."""

    address: str
    label: str


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no answer; ``code`` is stable, ``message`` is for the person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is kept under this id."""

    message_id: int


Step: TypeAlias = Kept | Working | Said | Cited | Proposed | LeadsTo | Failed | Done


def as_wire(step: Step) -> dict[str, Any]:
    """A step as one line of JSON says it: ``step`` names it."""
    match step:
        case Kept(message_id):
            return {"step": "kept", "message": message_id}
        case Working(label):
            return {"step": "working", "label": label}
        case Said(claim):
            return {"step": "said", "text": claim.text, "facts": list(claim.facts)}
        case Cited(facts):
            return {"step": "cited", "facts": [as_json(fact) for fact in facts]}
        case Proposed(suggestion_id):
            return {"step": "proposed", "suggestion": suggestion_id}
        case LeadsTo(address, label):
            return {"step": "leads_to", "address": address, "label": label}
        case Failed(code, message):
            return {"step": "failed", "code": code, "message": message}
        case Done(message_id):
            return {"step": "done", "message": message_id}


def as_json(fact: Fact) -> dict[str, Any]:
    """A fact as it is kept with a message."""
    record = None if fact.record is None else str(fact.record)
    return {"number": fact.number, "label": fact.label, "text": fact.text, "record": record}
