"""Records of the CRM as rows that can be compared."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.crm.enums import RecordKind
from apps.crm.models import Account
from apps.duplicates.enums import Subject
from apps.duplicates.matching.fields import Field, Row, Table
from apps.duplicates.querysets import compared_records
from apps.execution.schemas import RecordRef, ids_by_kind
from apps.tenants.chunks import chunks
from apps.tenants.regions import region_of
from apps.tenants.services import current_tenant

CHUNK_ROWS = 20_000

# What each kind of record says, as ORM lookups.
_LOOKUPS: dict[RecordKind, dict[Field, str]] = {
    RecordKind.LEAD: {
        Field.GIVEN_NAME: "first_name",
        Field.SURNAME: "last_name",
        Field.COMPANY: "company",
        Field.TITLE: "title",
        Field.EMAIL: "email",
        Field.PHONE: "phone",
    },
    RecordKind.CONTACT: {
        Field.GIVEN_NAME: "first_name",
        Field.SURNAME: "last_name",
        Field.COMPANY: "account__name",
        Field.TITLE: "title",
        Field.EMAIL: "email",
        Field.PHONE: "phone",
        Field.WEBSITE: "account__website",
    },
    RecordKind.ACCOUNT: {
        Field.COMPANY: "name",
        Field.WEBSITE: "website",
        Field.PHONE: "phone",
        Field.CITY: "location",
    },
}

# Called with the number of records read so far.
Count = Callable[[int], None]


@dataclass(frozen=True)
class Records:
    """All records of a subject side by side: kind after kind, each in the order of ids."""

    table: Table
    kinds: Sequence[RecordKind]
    # Where each kind begins, and the ids of all.
    starts: Sequence[int]
    ids: array[int]

    def ref(self, position: int) -> RecordRef:
        """The record at a position of the table."""
        kind = self.kinds[bisect_right(self.starts, position) - 1]
        return RecordRef(kind, self.ids[position])


def subject_of(kind: RecordKind | str) -> Subject:
    """What a kind of record is about."""
    return next(subject for subject in Subject if RecordKind(kind) in subject.kinds)


def read_records(subject: Subject, count: Count = lambda read: None) -> Records:
    """Read every record of a subject. A million of them take about a gigabyte."""
    fields = sorted({name for kind in subject.kinds for name in _LOOKUPS[kind]})
    columns: dict[Field, list[str]] = {name: [] for name in fields}
    ids, starts = array("q"), []
    for kind in subject.kinds:
        starts.append(len(ids))
        lookups = _LOOKUPS[kind]
        for values in _values(kind):
            ids.append(values[0])
            by_field = dict(zip(lookups, values[1:], strict=True))
            for name, column in columns.items():
                column.append(by_field.get(name) or "")
            if len(ids) % CHUNK_ROWS == 0:
                count(len(ids))
    count(len(ids))
    return Records(Table(columns, len(ids)), subject.kinds, starts, ids)


def read_rows_of(refs: Iterable[RecordRef]) -> dict[RecordRef, Row]:
    """Read some records of several kinds; one that is merged, converted or not there is left out."""
    return {
        RecordRef(kind, record_id): row
        for kind, ids in ids_by_kind(refs).items()
        for record_id, row in _read_rows(kind, ids).items()
    }


def row_of_values(kind: RecordKind | str, values: Mapping[str, Any]) -> Row:
    """The row of a record that is not written yet, from its values by model field."""
    account = values.get("account")
    known = {**values}
    if isinstance(account, Account):
        known |= {"account__name": account.name, "account__website": account.website}
    lookups = _LOOKUPS[RecordKind(kind)]
    return _row((name, known.get(lookup)) for name, lookup in lookups.items())


def own_region() -> str:
    """The country (ISO 3166) in which the tenant dials its telephone numbers; empty where it has none."""
    return region_of(current_tenant().time_zone)


def _read_rows(kind: RecordKind, ids: Iterable[int]) -> dict[int, Row]:
    found: dict[int, Row] = {}
    lookups = _LOOKUPS[kind]
    for chunk in chunks(sorted(ids), CHUNK_ROWS):
        for values in _values(kind, chunk):
            found[values[0]] = _row(zip(lookups, values[1:], strict=True))
    return found


def _values(kind: RecordKind, ids: Sequence[int] | None = None) -> Iterator[tuple[Any, ...]]:
    records = compared_records(kind)
    if ids is not None:
        records = records.filter(pk__in=ids)
    return (
        records.order_by("pk")
        .values_list("pk", *_LOOKUPS[kind].values())
        .iterator(chunk_size=CHUNK_ROWS)
    )


def _row(values: Iterable[tuple[Field, Any]]) -> Row:
    return {name: text for name, value in values if (text := str(value or "").strip())}
