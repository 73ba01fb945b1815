"""Which of two records of the same survives, and what speaks against their being the same. No database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from apps.crm.enums import RecordKind
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.surviving import Values, is_empty, proposed_values


class Reason(StrEnum):
    """Why a record survives the other."""

    CONTACT = "It is a contact, the other still a lead."
    CONVERTED = "It was converted, the other was not."
    HANGING = "More hangs on it."
    ANSWERED = "Its address answered, the other’s did not."
    WORKS = "Its address works, the other’s is not known to."
    OLDER = "It is older."


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one record besides what it says of the person or company.

    ``hanging`` counts what hangs on it: activities, tasks, deals and so on. ``answered_at`` is when its own
    address last wrote; ``email_works`` None where nobody knows.
    """

    ref: RecordRef
    created_at: datetime
    is_converted: bool = False
    hanging: int = 0
    email: str = ""
    answered_at: datetime | None = None
    email_works: bool | None = None


def survivor_of(one: Standing, other: Standing) -> tuple[Standing, Reason]:
    """The record to keep, and why. It does not depend on which is named first.

    A lead never survives a contact: what becomes of a lead ends at the contact.
    """
    first, second = sorted((one, other), key=_older_first)
    for reason, ours, theirs in (
        (Reason.CONTACT, _is_contact(first), _is_contact(second)),
        (Reason.CONVERTED, first.is_converted, second.is_converted),
        (Reason.HANGING, first.hanging, second.hanging),
        (Reason.ANSWERED, first.answered_at is not None, second.answered_at is not None),
        (Reason.WORKS, _works(first), _works(second)),
    ):
        if ours != theirs:
            return (first if ours > theirs else second), reason
    return first, Reason.OLDER


def are_in_conflict(one: Standing, other: Standing, since: datetime) -> bool:
    """Whether both have addresses of their own that wrote since then: hard evidence that they are two."""
    if not one.email or not other.email or one.email == other.email:
        return False
    return all(
        standing.answered_at is not None and standing.answered_at >= since
        for standing in (one, other)
    )


@dataclass(frozen=True, slots=True)
class ProposedValue:
    """A value of the duplicate that the survivor is to take, and why."""

    field: str
    value: JsonValue
    reason: str


def values(
    fields: Iterable[str], kept: Values, other: Values, survivor: Standing, duplicate: Standing
) -> tuple[ProposedValue, ...]:
    """What the survivor is to take, by field: what it lacks, the notes of both, and the better address.

    ``fields`` are those that both kinds of record have; ``kept`` and ``other`` are their values.
    """
    names = {*fields}
    proposed = [
        ProposedValue(name, value, _reason_of(name, kept))
        for name, value in proposed_values(names, kept, other).items()
    ]
    if "email" in names and (reason := _better_address(survivor, duplicate)):
        proposed += [
            ProposedValue(name, other[name], reason)
            for name in ("email", "email_status")
            if name in names
        ]
    return tuple(sorted(proposed, key=lambda item: item.field))


def _reason_of(name: str, kept: Values) -> str:
    if is_empty(kept.get(name)):
        return "The survivor says nothing of it."
    return "Both are kept." if name == "notes" else "One of the two says so."


def _better_address(survivor: Standing, duplicate: Standing) -> str:
    """Why the duplicate's address is to be taken; empty where the survivor's is as good."""
    if not survivor.email or not duplicate.email or survivor.email == duplicate.email:
        return ""
    if survivor.email_works is False and duplicate.email_works is not False:
        return "The survivor’s address bounces."
    if duplicate.answered_at is not None and survivor.answered_at is None:
        return "This address answered, the survivor’s did not."
    return ""


def _older_first(standing: Standing) -> tuple[datetime, str, int]:
    return (standing.created_at, standing.ref.kind.value, standing.ref.id)


def _is_contact(standing: Standing) -> bool:
    return standing.ref.kind == RecordKind.CONTACT


def _works(standing: Standing) -> int:
    """Known to work, nothing known, known not to."""
    return {True: 2, None: 1, False: 0}[standing.email_works]
