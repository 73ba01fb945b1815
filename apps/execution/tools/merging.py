"""The tool that merges two records of one person or company into one. Nothing is deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Account, Lead, Record
from apps.execution.comparing import compare_records
from apps.execution.custom_fields import require_custom
from apps.execution.custom_names import flat
from apps.execution.enums import Risk
from apps.execution.exceptions import ChangeNotPossibleError, RecordGoneError
from apps.execution.schemas import Comparison, JsonValue, RecordRef, Seen, SideUndo
from apps.execution.signs import with_unseen_named
from apps.execution.tools.accounts import chain_of, require_parent
from apps.execution.tools.base import UpdateTool, every_row_of, settable_fields, to_json
from apps.execution.tools.merge_arguments import (
    MERGED_FIELDS,
    MergeDuplicatesArguments,
    MergeNote,
)
from apps.execution.tools.naming import require_called
from apps.execution.tools.references import require_owner, require_owner_back
from apps.execution.tools.repointing import (
    count_hanging,
    count_moved,
    hanging_on,
    move_back,
    move_to,
    part_moved,
    said,
)
from apps.execution.tools.surviving import possible_values
from apps.users.models import User
from apps.users.rules import Reader

_MERGED = ("merged_at", "merged_into_id")


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
    writes = MERGED_FIELDS
    # All that is read of either record.
    guard_fields = {
        RecordKind.LEAD: (
            *sorted(MERGED_FIELDS[RecordKind.LEAD]), "converted_contact_id", "converted_opportunity_id",
            "merged_into_contact_id", *_MERGED,
        ),
        RecordKind.CONTACT: (*sorted(MERGED_FIELDS[RecordKind.CONTACT]), *_MERGED),
        RecordKind.ACCOUNT: (*sorted(MERGED_FIELDS[RecordKind.ACCOUNT]), *_MERGED),
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
        """The given fields, the company's own each by its name; of another address nothing is known yet."""
        values: dict[str, Any] = dict(sorted(flat(super().values(arguments)).items()))
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

    def is_same_matter(self, fixed: Mapping[str, Any], arguments: MergeDuplicatesArguments) -> bool:
        """The same two records, whichever of them survives."""
        former = {
            (fixed["record_kind"], fixed["survivor_id"]),
            (fixed["duplicate_kind"], fixed["duplicate_id"]),
        }
        return former == {
            (arguments.record_kind, arguments.survivor_id),
            (arguments.duplicate_kind, arguments.duplicate_id),
        }

    def compare(
        self,
        arguments: MergeDuplicatesArguments,
        seen: Seen,
        viewer: Reader,
        noted: JsonValue,
    ) -> Comparison | None:
        """Both records; what has moved, once that is noted, or what would move."""
        is_done = noted is not None
        pair = (arguments.duplicate, arguments.survivor)
        moved = self.moved(noted) if is_done else count_hanging([pair])[pair]
        return compare_records(self, arguments, seen, viewer, moved=moved, is_done=is_done)

    def invented(self, arguments: MergeDuplicatesArguments, seen: Seen) -> frozenset[str]:
        """Fields that are to have a value which neither record has."""
        rows = seen.by_record()
        kept, other = flat(rows[arguments.survivor]), flat(rows[arguments.duplicate])
        given = flat(
            {
                name: to_json(getattr(arguments, name))
                for name in arguments.model_fields_set & settable_fields(MergeDuplicatesArguments)
            }
        )
        return frozenset(
            name for name, value in given.items() if value not in possible_values(name, kept, other)
        )

    def check(self, arguments: MergeDuplicatesArguments, approver: User) -> None:
        """A converted lead is not lost; owner, parent and own fields are such as the survivor may have."""
        given = arguments.model_fields_set
        if "owner_id" in given:
            require_owner(arguments.owner_id, approver)
        if "parent_id" in given:
            both = (arguments.survivor_id, arguments.duplicate_id)
            require_parent(both, arguments.parent_id)
        require_custom(arguments.survivor.kind, arguments.attributes)
        require_called(arguments.survivor, self.values(arguments))
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

    def moved(self, noted: JsonValue) -> Mapping[RecordKind, int]:
        """By kind of record."""
        return {} if noted is None else count_moved(MergeNote.model_validate(noted).moves)

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
    if duplicate.merge_target != survivor:
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
