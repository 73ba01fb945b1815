"""What a merge is told, and what it notes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from apps.crm.enums import RecordKind
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.base import ToolArguments, settable_fields
from apps.execution.tools.fields import (
    AccountId,
    Amount,
    CurrencyCode,
    CustomKey,
    CustomValue,
    EmailText,
    Fixed,
    OneLine,
    OwnerId,
    RecordId,
    Revenue,
    require_both,
)
from apps.execution.tools.repointing import Move

# The notes of both records, also where either took those of others before.
LONGEST_NOTES = 100_000

_EVERY = frozenset({"owner_id", "phone", "notes", "attributes"})
_PERSON = _EVERY | {"first_name", "last_name", "title", "email"}
_KINDS = Literal["lead", "contact", "account"]
# The fields of a survivor that may take another value.
MERGED_FIELDS: dict[RecordKind, frozenset[str]] = {
    RecordKind.LEAD: _PERSON
    | {"company", "status", "lead_source", "estimated_value", "currency", "do_not_contact"},
    RecordKind.CONTACT: _PERSON | {"account_id", "email_status", "do_not_contact"},
    RecordKind.ACCOUNT: _EVERY
    | {
        "name",
        "website",
        "sector",
        "location",
        "employees",
        "annual_revenue",
        "currency",
        "parent_id",
    },
}


class MergeDuplicatesArguments(ToolArguments):
    """The record that survives, its duplicate, and the fields of the survivor that take another value.

    A field that is not given stays as the survivor has it. A lead may be a contact already: then the contact
    survives.
    """

    record_kind: Annotated[_KINDS, Field(description="The survivor's."), Fixed]
    survivor_id: RecordId
    duplicate_kind: Annotated[
        _KINDS, Field(description="The same, or a lead where a contact survives."), Fixed
    ]
    duplicate_id: RecordId
    first_name: Annotated[str, Field(max_length=100), OneLine] = ""
    last_name: Annotated[str, Field(max_length=100), OneLine] = ""
    name: Annotated[str, Field(min_length=1, max_length=200), OneLine] = ""
    company: Annotated[str, Field(max_length=200), OneLine] = ""
    title: Annotated[str, Field(max_length=150), OneLine] = ""
    email: EmailText = ""
    email_status: Literal["unknown", "valid", "bounced"] = "unknown"
    phone: Annotated[str, Field(max_length=50), OneLine] = ""
    account_id: AccountId = 0
    status: Literal["new", "working", "qualified", "unqualified"] = "new"
    lead_source: Annotated[str, Field(max_length=60), OneLine] = ""
    estimated_value: Amount = Decimal(0)
    website: Annotated[str, Field(max_length=200), OneLine] = ""
    sector: Annotated[str, Field(max_length=100), OneLine] = ""
    location: Annotated[str, Field(max_length=100), OneLine] = ""
    employees: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    annual_revenue: Revenue = Decimal(0)
    currency: CurrencyCode = ""
    parent_id: AccountId = 0
    do_not_contact: bool = False
    owner_id: OwnerId = 0
    notes: Annotated[str, Field(max_length=LONGEST_NOTES)] = ""
    attributes: Annotated[
        dict[CustomKey, CustomValue],
        Field(
            max_length=200, description="Fields of the company's own, by key: those that change."
        ),
    ] = {}

    @property
    def survivor(self) -> RecordRef:
        """The record that stays."""
        return RecordRef(RecordKind(self.record_kind), self.survivor_id)

    @property
    def duplicate(self) -> RecordRef:
        """The record that is marked as merged."""
        return RecordRef(RecordKind(self.duplicate_kind), self.duplicate_id)

    @model_validator(mode="after")
    def _check_records(self) -> MergeDuplicatesArguments:
        kinds = {self.record_kind, self.duplicate_kind}
        if len(kinds) > 1 and (self.record_kind, self.duplicate_kind) != ("contact", "lead"):
            raise ValueError("records of these kinds are not merged like this")
        if self.survivor == self.duplicate:
            raise ValueError("a record is not merged into itself")
        return self

    @model_validator(mode="after")
    def _check_fields(self) -> MergeDuplicatesArguments:
        fields = self.model_fields_set & settable_fields(MergeDuplicatesArguments)
        foreign = sorted(fields - MERGED_FIELDS[self.survivor.kind])
        if foreign:
            raise ValueError(f"a {self.record_kind} has no {', '.join(foreign)}")
        if self.record_kind != "contact":
            require_both(
                self, "estimated_value" if self.record_kind == "lead" else "annual_revenue"
            )
        return self


def naming(survivor: RecordRef, duplicate: RecordRef) -> dict[str, JsonValue]:
    """The arguments that say which records are meant."""
    return {
        "record_kind": survivor.kind.value,
        "survivor_id": survivor.id,
        "duplicate_kind": duplicate.kind.value,
        "duplicate_id": duplicate.id,
    }


class MergeNote(BaseModel):
    """What a merge did besides the fields of the survivor, so that it can be taken back.

    ``parent`` is the survivor's parent account before and after, where the duplicate stood above it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplicate_kind: RecordKind
    duplicate_id: int
    moves: tuple[Move, ...]
    parent: tuple[int | None, int | None] | None = None

    @property
    def duplicate(self) -> RecordRef:
        """The record that was merged."""
        return RecordRef(self.duplicate_kind, self.duplicate_id)
