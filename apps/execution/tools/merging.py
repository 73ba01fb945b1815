"""The tool that merges two records of one person or company into one. Nothing is deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, model_validator

from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Account, Lead, Record
from apps.execution.enums import Risk
from apps.execution.exceptions import ChangeNotPossibleError, RecordGoneError
from apps.execution.schemas import JsonValue, RecordRef, Seen, SideUndo
from apps.execution.signs import with_unseen_named
from apps.execution.tools.accounts import chain_of, require_parent
from apps.execution.tools.base import (
    ToolArguments,
    UpdateTool,
    every_row_of,
    settable_fields,
    to_json,
)
from apps.execution.tools.fields import (
    AccountId,
    Amount,
    CurrencyCode,
    EmailText,
    Fixed,
    OneLine,
    OwnerId,
    RecordId,
    Revenue,
    require_both,
)
from apps.execution.tools.references import require_owner, require_owner_back
from apps.execution.tools.repointing import (
    Move,
    count_moved,
    hanging_on,
    move_back,
    move_to,
    part_moved,
    said,
)
from apps.execution.tools.surviving import possible_values
from apps.users.models import User

_PERSON = frozenset({"owner_id", "first_name", "last_name", "title", "email", "phone", "notes"})
_MERGED = ("merged_at", "merged_into_id")
_KINDS = Literal["lead", "contact", "account"]


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
    notes: Annotated[str, Field(max_length=10_000)] = ""

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
        foreign = sorted(fields - MergeDuplicates.writes[self.survivor.kind])
        if foreign:
            raise ValueError(f"a {self.record_kind} has no {', '.join(foreign)}")
        if self.record_kind != "contact":
            require_both(
                self, "estimated_value" if self.record_kind == "lead" else "annual_revenue"
            )
        return self


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


class MergeDuplicates(UpdateTool[MergeDuplicatesArguments]):
    """Merge a record into another one of the same person or company.

    What hangs on the duplicate moves to the survivor, and the duplicate is marked. High risk, because it
    moves what many people work with.
    """

    key = "merge_duplicates"
    label = "Merge duplicates"
    arguments_type = MergeDuplicatesArguments
    id_field = "survivor_id"
    subject_kinds = frozenset({RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT})
    writes = {
        RecordKind.LEAD: _PERSON
        | {"company", "status", "lead_source", "estimated_value", "currency", "do_not_contact"},
        RecordKind.CONTACT: _PERSON | {"account_id", "email_status", "do_not_contact"},
        RecordKind.ACCOUNT: frozenset(
            {"owner_id", "name", "website", "sector", "location", "phone", "employees"}
            | {"annual_revenue", "currency", "parent_id", "notes"}
        ),
    }
    # All that is read of either record.
    guard_fields = {
        RecordKind.LEAD: (
            *sorted(writes[RecordKind.LEAD]), "converted_contact_id", "converted_opportunity_id",
            "merged_into_contact_id", *_MERGED,
        ),
        RecordKind.CONTACT: (*sorted(writes[RecordKind.CONTACT]), *_MERGED),
        RecordKind.ACCOUNT: (*sorted(writes[RecordKind.ACCOUNT]), *_MERGED),
    }  # fmt: skip
    risk = Risk.HIGH
    consequences = (
        "What hangs on the duplicate moves to the survivor. The duplicate is marked as merged, and its"
        " address leads to the survivor; nothing is deleted."
    )
    is_more_than_fields = True
    undo_consequences = (
        "The duplicate is a record of its own again, and what hung on it goes back, except what has been"
        " moved since."
    )
    # Which value survives is chosen field by field before the approval, as an edit.
    partial = False
    together = (
        frozenset({"email", "email_status"}),
        frozenset({"estimated_value", "currency"}),
        frozenset({"annual_revenue", "currency"}),
    )

    def permissions(self, subject: RecordKind) -> frozenset[str]:
        """Of a contact's also that for leads, who may be merged into it."""
        written = {subject, RecordKind.LEAD} if subject == RecordKind.CONTACT else {subject}
        return frozenset(map(self.permission_for, written))

    def subject(self, arguments: MergeDuplicatesArguments) -> RecordRef:
        """The survivor."""
        return arguments.survivor

    def values(self, arguments: MergeDuplicatesArguments) -> dict[str, Any]:
        """The given fields; of another address nothing is known until somebody has written to it."""
        values = super().values(arguments)
        if arguments.record_kind == "contact" and "email" in values:
            values.setdefault("email_status", "unknown")
        return values

    def mentions(self, arguments: MergeDuplicatesArguments) -> tuple[RecordRef, ...]:
        """Both records, and the account that the survivor is to belong to."""
        given = arguments.model_fields_set
        accounts = [
            getattr(arguments, name) for name in ("account_id", "parent_id") if name in given
        ]
        return (
            arguments.survivor,
            arguments.duplicate,
            *(RecordRef(RecordKind.ACCOUNT, account_id) for account_id in accounts),
        )

    def guarded(self, arguments: MergeDuplicatesArguments) -> tuple[RecordRef, ...]:
        """Both records."""
        return (arguments.survivor, arguments.duplicate)

    def side_effects(self, arguments: MergeDuplicatesArguments) -> tuple[str, ...]:
        """What becomes of the duplicate."""
        return (self.consequences,)

    def invented(self, arguments: MergeDuplicatesArguments, seen: Seen) -> frozenset[str]:
        """Fields that are to have a value which neither record has."""
        rows = seen.by_record()
        kept, other = rows[arguments.survivor], rows[arguments.duplicate]
        return frozenset(
            name
            for name in arguments.model_fields_set & settable_fields(MergeDuplicatesArguments)
            if to_json(getattr(arguments, name)) not in possible_values(name, kept, other)
        )

    def check(self, arguments: MergeDuplicatesArguments, approver: User) -> None:
        """A converted lead is not lost; owner and parent are such as the survivor may have."""
        given = arguments.model_fields_set
        if "owner_id" in given:
            require_owner(arguments.owner_id, approver)
        if "parent_id" in given:
            both = (arguments.survivor_id, arguments.duplicate_id)
            require_parent(both, arguments.parent_id)
        if arguments.survivor.kind == RecordKind.LEAD:
            _require_conversion_kept(arguments)

    def finish(self, arguments: MergeDuplicatesArguments, written: Record) -> JsonValue:
        """Move what hangs on the duplicate and mark it; note what was moved."""
        survivor, duplicate = arguments.survivor, arguments.duplicate
        is_below = isinstance(written, Account) and duplicate.id in chain_of(survivor.id)
        moves = hanging_on(duplicate, survivor)
        move_to(moves, survivor)
        mark = "merged_into_id" if duplicate.kind == survivor.kind else "merged_into_contact_id"
        _row_of(duplicate).update(**{mark: survivor.id, "merged_at": timezone.now()})
        note = MergeNote(
            duplicate_kind=duplicate.kind,
            duplicate_id=duplicate.id,
            moves=tuple(moves),
            parent=_give_place(survivor, duplicate) if is_below else None,
        )
        noted: JsonValue = note.model_dump(mode="json")
        return noted

    def check_undo(self, record: Record, back: Mapping[str, JsonValue], approver: User) -> None:
        """The former owner must be here."""
        require_owner_back(back, approver)

    def side_undo(self, written: Record, noted: JsonValue, *, is_locked: bool) -> SideUndo:
        """What goes back to the duplicate, and what has been moved elsewhere since."""
        note = MergeNote.model_validate(noted)
        name = f"“{with_unseen_named(str(_require_merged(note, written)))}”"
        still, gone = part_moved(note.moves, written.pk, is_locked=is_locked)
        back = [f"{name} is a record of its own again."]
        if counts := count_moved(still):
            back.append(said(counts, f"goes back to {name}.", f"go back to {name}."))
        staying: list[str] = []
        if gone:
            one = "does not go back, because it was moved or deleted since."
            many = "do not go back, because they were moved or deleted since."
            staying.append(said(Counter(ref.kind for ref in gone), one, many))
        return SideUndo((note.duplicate,), tuple(back), tuple(staying), tuple(gone))

    def unfinish(self, written: Record, noted: JsonValue, returned: frozenset[str]) -> None:
        """Take the mark off the duplicate, and hang on it again what is still on the survivor."""
        note = MergeNote.model_validate(noted)
        still, _ = part_moved(note.moves, written.pk, is_locked=True)
        unmarked: dict[str, None] = {"merged_at": None, "merged_into_id": None}
        if note.duplicate_kind == RecordKind.LEAD:
            unmarked["merged_into_contact_id"] = None
        _row_of(note.duplicate).update(**unmarked)
        move_back(still, note.duplicate_id)
        if isinstance(written, Account):
            _take_place_back(written, note)


def _row_of(ref: RecordRef) -> Any:
    return every_row_of(ref.kind).filter(pk=ref.id)


def _require_conversion_kept(arguments: MergeDuplicatesArguments) -> None:
    both = Lead.objects.in_bulk([arguments.survivor_id, arguments.duplicate_id])
    survivor, duplicate = (both.get(pk) for pk in (arguments.survivor_id, arguments.duplicate_id))
    if duplicate is None or duplicate.status != LeadStatus.CONVERTED:
        return
    if survivor is None or survivor.status != LeadStatus.CONVERTED:
        raise ChangeNotPossibleError(f"“{duplicate}” has been converted: keep that record instead.")


def _require_merged(note: MergeNote, survivor: Record) -> Record:
    """The duplicate, as long as it is marked as this merge marked it.

    Raises:
        RecordGoneError, ChangeNotPossibleError: it is not there any more, or not merged like that.
    """
    duplicate: Any = _row_of(note.duplicate).first()
    if duplicate is None:
        raise RecordGoneError("The record that was merged is no longer there.")
    into = (
        duplicate.merged_into_id
        if duplicate.kind == survivor.kind
        else duplicate.merged_into_contact_id
    )
    if into != survivor.pk:
        raise ChangeNotPossibleError(f"“{duplicate}” is no longer merged into “{survivor}”.")
    found: Record = duplicate
    return found


def _give_place(survivor: RecordRef, duplicate: RecordRef) -> tuple[int | None, int | None]:
    """Put the survivor where the duplicate stood above it; return its former and its new parent.

    What was below the duplicate is below the survivor already, which would else be above and below itself.
    """
    (former,) = _row_of(survivor).values_list("parent_id", flat=True)
    (place,) = _row_of(duplicate).values_list("parent_id", flat=True)
    _row_of(survivor).update(parent_id=place)
    return former, place


def _take_place_back(survivor: Record, note: MergeNote) -> None:
    if note.parent is not None:
        former, place = note.parent
        own = Account.objects.filter(pk=survivor.pk, parent_id=place)
        own.update(parent_id=former)
    for account_id in (survivor.pk, note.duplicate_id):
        above = chain_of(account_id)
        if len(above) != len({*above}):
            raise ChangeNotPossibleError("The accounts above it would form a ring.")
