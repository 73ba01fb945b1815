"""What the rows of a file look like: records that are here already, or rows above them in the same file."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from apps.crm.enums import RecordKind
from apps.crm.look_alikes import RowsProbed
from apps.duplicates.enums import Subject
from apps.duplicates.matching.documents import MatcherDocument
from apps.duplicates.matching.explaining import compare_comparable
from apps.duplicates.matching.fields import Comparable
from apps.duplicates.matching.keys import keys_of
from apps.duplicates.matching.values import comparable
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.holders import read_holders
from apps.duplicates.services.judging import in_force
from apps.duplicates.services.probe import (
    comparables_of,
    least_warned,
    most_telling,
    read_recent,
)
from apps.duplicates.services.records import row_of_values, subject_of
from apps.execution.schemas import RecordRef
from apps.tenants.chunks import chunks
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on

# Of each row so many are compared: a file has many rows, and what is missed here is found within a minute.
MOST_COMPARED = 15
# Few enough that a look ends soon after its time is over, many enough that their keys are looked up together.
ROWS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the file."""

    values: Comparable
    keys: tuple[int, ...]


def probe_rows(
    kind: RecordKind, rows: Mapping[int, Mapping[str, Any]], budget_s: float
) -> RowsProbed:
    """What rows look like, by their numbers; nothing where duplicates are switched off.

    So many rows at a time are looked up and compared, until ``budget_s`` seconds are over.
    """
    if kind not in RECORD_MODELS or not is_module_on(current_tenant(), Module.DUPLICATES):
        return RowsProbed()
    ends_at = time.monotonic() + budget_s
    look = _Look.begin(subject_of(kind))
    looked_at = 0
    records: dict[int, RecordRef] = {}
    in_file: dict[int, int] = {}
    for numbers in chunks(sorted(rows), ROWS_AT_A_TIME):
        if looked_at and time.monotonic() >= ends_at:
            break
        read = {number: look.read(kind, rows[number]) for number in numbers}
        records |= look.records_like(read)
        in_file |= look.rows_like(read)
        looked_at += len(numbers)
    return RowsProbed(
        looked_at,
        {number: (ref.kind, ref.id) for number, ref in records.items()},
        {number: other for number, other in in_file.items() if number not in records},
    )


@dataclass
class _Look:
    """One look at a file: what is known of the tenant's records, and of the rows so far."""

    subject: Subject
    document: MatcherDocument
    most_per_key: int
    # What changed since keys were written last, and who of them has a key.
    recent: Mapping[RecordRef, Comparable]
    recent_holders: Mapping[int, Sequence[RecordRef]]
    rows: dict[int, _Row] = field(default_factory=dict)
    row_holders: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def begin(cls, subject: Subject) -> Self:
        """Read the weights in force, and what changed lately."""
        document, most_per_key = in_force(subject)
        recent = comparables_of(read_recent(subject), document)
        holders: defaultdict[int, list[RecordRef]] = defaultdict(list)
        for ref, values in recent.items():
            for key in keys_of(values):
                holders[key].append(ref)
        return cls(subject, document, most_per_key, recent, holders)

    def read(self, kind: RecordKind, values: Mapping[str, Any]) -> _Row:
        """A row of the file, to be compared."""
        found = comparable(row_of_values(kind, values), self.document.region)
        return _Row(found, keys_of(found))

    def records_like(self, rows: Mapping[int, _Row]) -> dict[int, RecordRef]:
        """By row, the record that is most likely the same."""
        keys = {key for row in rows.values() for key in row.keys}
        holders = read_holders(keys, self.subject, self.most_per_key + 1)
        candidates = {
            number: most_telling(holders, row.keys, self.most_per_key, MOST_COMPARED)
            for number, row in rows.items()
        }
        refs = {ref for found in candidates.values() for ref in found}
        known = comparables_of(refs - self.recent.keys(), self.document) | dict(self.recent)
        found = {}
        for number, row in rows.items():
            near = {ref for key in row.keys for ref in self.recent_holders.get(key, ())}
            others = {ref: known[ref] for ref in {*candidates[number], *near} if ref in known}
            if ref := _likest(row, others, self.document):
                found[number] = ref
        return found

    def rows_like(self, rows: Mapping[int, _Row]) -> dict[int, int]:
        """By row, the first one above it in the file that is likely the same."""
        found: dict[int, int] = {}
        for number, row in rows.items():
            above = {
                other
                for key in row.keys
                if len(self.row_holders[key]) < self.most_per_key
                for other in self.row_holders[key]
            }
            for other in sorted(above):
                comparison = compare_comparable(self.document, row.values, self.rows[other].values)
                if comparison.probability >= least_warned(self.document):
                    found[number] = other
                    break
            self.rows[number] = row
            for key in row.keys:
                self.row_holders[key].append(number)
        return found


def _likest(
    row: _Row, others: Mapping[RecordRef, Comparable], document: MatcherDocument
) -> RecordRef | None:
    """The record that is most probably the same, if one is likely enough."""
    compared = {
        ref: compare_comparable(document, row.values, values) for ref, values in others.items()
    }
    likest = max(compared, key=lambda ref: (compared[ref].weight_bits, str(ref)), default=None)
    is_likely = likest is not None and compared[likest].probability >= least_warned(document)
    return likest if is_likely else None
