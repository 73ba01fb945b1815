"""What the rows of a file look like: records that are here already, or rows above them in the same file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.crm.enums import RecordKind
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
from apps.execution.schemas import RecordRef, ids_by_kind
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on

# Of each row so many are compared: a file has many rows, and what is missed here is found within a minute.
MOST_COMPARED = 15


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the file."""

    values: Comparable
    keys: tuple[int, ...]


def describe_rows(kind: RecordKind, rows: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """By number, what a row looks like; nothing where duplicates are switched off."""
    if kind not in RECORD_MODELS or not is_module_on(current_tenant(), Module.DUPLICATES):
        return {}
    subject = subject_of(kind)
    document, most_per_key = in_force(subject)
    read = {number: _read(kind, values, document) for number, values in rows.items()}
    in_file = _in_file(read, document, most_per_key)
    here = _here(read, subject, document, most_per_key)
    return {number: f"Looks like row {other}." for number, other in in_file.items()} | _named(here)


def _read(kind: RecordKind, values: Mapping[str, Any], document: MatcherDocument) -> _Row:
    found = comparable(row_of_values(kind, values), document.region)
    return _Row(found, keys_of(found))


def _in_file(
    rows: Mapping[int, _Row], document: MatcherDocument, most_per_key: int
) -> dict[int, int]:
    """By row, the first one above it that is likely the same."""
    holders: defaultdict[int, list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for number, row in sorted(rows.items()):
        above = {
            other for key in row.keys if len(holders[key]) < most_per_key for other in holders[key]
        }
        for other in sorted(above):
            comparison = compare_comparable(document, row.values, rows[other].values)
            if comparison.probability >= least_warned(document):
                found[number] = other
                break
        for key in row.keys:
            holders[key].append(number)
    return found


def _here(
    rows: Mapping[int, _Row], subject: Subject, document: MatcherDocument, most_per_key: int
) -> dict[int, RecordRef]:
    """By row, the record that is most likely the same."""
    keys = {key for row in rows.values() for key in row.keys}
    holders = read_holders(keys, subject, most_per_key + 1)
    candidates = {
        number: most_telling(holders, row.keys, most_per_key, MOST_COMPARED)
        for number, row in rows.items()
    }
    refs = {ref for found in candidates.values() for ref in found}
    known = comparables_of(refs, document)
    recent = comparables_of(read_recent(subject), document)
    found = {}
    for number, row in rows.items():
        others = {ref: known[ref] for ref in candidates[number] if ref in known}
        if ref := _likest(row, {**others, **recent}, document):
            found[number] = ref
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


def _named(found: Mapping[int, RecordRef]) -> dict[int, str]:
    labels: dict[RecordRef, str] = {}
    for kind, ids in ids_by_kind(found.values()).items():
        records = RECORD_MODELS[kind]._default_manager.in_bulk(ids)
        labels |= {RecordRef(kind, pk): str(record) for pk, record in records.items()}
    return {
        number: f"Looks like the {ref.kind.label.lower()} “{labels[ref]}”."
        for number, ref in found.items()
        if ref in labels
    }
