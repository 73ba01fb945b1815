"""What is asked before a write: may this person, and does what was seen still stand there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.execution.custom_names import ATTRIBUTES, custom_key, custom_name
from apps.execution.exceptions import PermissionRefusedError, RecordGoneError, RecordMergedError
from apps.execution.schemas import JsonValue, RecordRef, Seen, ValueMoved, ids_by_kind
from apps.execution.signs import with_unseen_named
from apps.execution.tools import Tool
from apps.execution.tools.base import every_row_of, to_json
from apps.tenants.statements import Asked, ask_together
from apps.users.models import User
from apps.users.rules import Reader
from apps.users.statements import ROW_PLACE, AnyReader, ExistsStatement, RowsStatement


def check_permission(tool: Tool[Any], subject: RecordKind, user: User) -> None:
    """See that the person may use the tool for a change that is about this kind of record.

    Raises:
        PermissionRefusedError: they may not.
    """
    if not user.is_active or not user.has_perms(tool.permissions(subject)):
        raise PermissionRefusedError()


def check_sight(refs: Iterable[RecordRef], user: User) -> None:
    """See that the records are there and the person sees them all; before a write, under the locks.

    One of them may be given to others while a lock is waited for.

    Raises:
        PermissionRefusedError: they do not.
    """
    sight = Sight.of(refs, user)
    sight.take(ask_together(*sight.asked))


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether a person sees some records: asked together with what else a block begins with."""

    asked: tuple[Asked[bool], ...]
    # Of a kind that they see nothing of there is nothing to ask.
    is_possible: bool

    @classmethod
    def of(cls, refs: Iterable[RecordRef], user: User) -> Self:
        """See ``check_sight``."""
        reader = AnyReader.like(user)
        asked = [_statement_of_sight(ref.kind, reader).asked(user, ref.id) for ref in set(refs)]
        return cls(tuple(filter(None, asked)), None not in asked)

    def take(self, answers: Iterable[bool]) -> None:
        """Look at what was answered.

        Raises:
            PermissionRefusedError: they do not see them all.
        """
        if not self.is_possible or not all(answers):
            raise PermissionRefusedError()


@lru_cache(maxsize=64)
def _statement_of_sight(kind: RecordKind, reader: AnyReader) -> ExistsStatement:
    """Whether people of a kind see one record."""
    return ExistsStatement.of(every_row_of(kind).visible_to(reader).filter(pk=ROW_PLACE))


def sees_records(user: User, refs: Iterable[RecordRef]) -> bool:
    """Whether none of the records is hidden from the person; one that is gone hides nothing."""
    return not hidden_records(user, refs)


def hidden_records(user: Reader, refs: Iterable[RecordRef]) -> set[RecordRef]:
    """Those of the records that are there and hidden from the person, by one query for each kind.

    One that was merged is still there.
    """
    if user.sees_all:
        return set()
    return {
        RecordRef(kind, record_id)
        for kind, ids in ids_by_kind(refs).items()
        for record_id in every_row_of(kind)
        .hidden_from(user)
        .filter(pk__in=ids)
        .values_list("pk", flat=True)
    }


def find_moved(seen: Seen, unseen: Collection[tuple[RecordRef, str]] = ()) -> list[ValueMoved]:
    """Compare what was seen with what stands there now, without locking: for showing, not for writing.

    What would have had to be seen (``unseen_fields``) counts as another value.

    Raises:
        RecordGoneError, RecordMergedError: a record is not there (any more).
    """
    seen_by_record = seen.by_record()
    refs = sorted({*seen_by_record, *(ref for ref, _ in unseen)})
    records = read_records(refs, is_locked=False)
    return [
        *moved_in(records, seen_by_record),
        *(ValueMoved(ref, name, None, _held_by(records[ref], name)) for ref, name in unseen),
    ]


def read_records(
    refs: Iterable[RecordRef], *, is_locked: bool, viewer: Reader | None = None
) -> dict[RecordRef, Record]:
    """Read records in the order given; ``is_locked`` keeps the rows until the transaction ends.

    Raises:
        RecordGoneError, RecordMergedError: a record is not there (any more).
    """
    kept = list(refs)
    found = ask_together(*asking_records(kept, is_locked=is_locked))
    return records_in(kept, found, viewer=viewer)


def asking_records(refs: Iterable[RecordRef], *, is_locked: bool) -> list[Asked[list[Record]]]:
    """What ``read_records`` asks, one after the other, to be asked together with others."""
    return [_statement_of_record(ref.kind, is_locked).asked(None, ref.id) for ref in refs]


def records_in(
    refs: Iterable[RecordRef], answers: Iterable[list[Record]], *, viewer: Reader | None = None
) -> dict[RecordRef, Record]:
    """The records that were found.

    Raises:
        RecordGoneError, RecordMergedError: a record is not there (any more).
    """
    records: dict[RecordRef, Record] = {}
    for ref, found in zip(refs, answers, strict=True):
        if not found:
            raise RecordGoneError()
        (row,) = found
        if (survivor := getattr(row, "merge_target", None)) is not None:
            raise RecordMergedError(
                _named(row, viewer),
                _named(survivor, viewer),
                RecordRef(survivor.kind, survivor.pk),
            )
        records[ref] = row
    return records


@lru_cache(maxsize=64)
def _statement_of_record(kind: RecordKind, is_locked: bool) -> RowsStatement:
    """One record, whoever may see it; ``is_locked`` keeps its row until the transaction ends."""
    rows = every_row_of(kind).filter(pk=ROW_PLACE).order_by()
    return RowsStatement.of(rows.select_for_update() if is_locked else rows)


def _named(record: Record, viewer: Reader | None) -> str:
    """The record by its name, for who sees it."""
    if viewer is None or hidden_records(viewer, [RecordRef(record.kind, record.pk)]):
        return f"a {record.kind.label.lower()}"
    return f"“{with_unseen_named(str(record))}”"


def moved_in(
    records: Mapping[RecordRef, Record], seen_by_record: Mapping[RecordRef, Mapping[str, JsonValue]]
) -> list[ValueMoved]:
    """Return the seen values that are others in these records."""
    return [
        ValueMoved(ref, name, seen, now)
        for ref, values in seen_by_record.items()
        for name, seen in _each_seen(values, records[ref])
        if (now := _held_by(records[ref], name)) != seen
    ]


def _held_by(record: Record, name: str) -> JsonValue:
    key = custom_key(name)
    return to_json(record.attributes.get(key) if key else getattr(record, name))


def _each_seen(values: Mapping[str, JsonValue], record: Record) -> Iterator[tuple[str, JsonValue]]:
    """What was seen field by field: of custom fields also that one was not there."""
    custom = values.get(ATTRIBUTES)
    if not isinstance(custom, Mapping):
        yield from values.items()
        return
    yield from (
        (name, seen) for name, seen in values.items() if name != ATTRIBUTES and not custom_key(name)
    )
    for key in sorted({*custom, *record.attributes}):
        yield custom_name(key), custom.get(key)
