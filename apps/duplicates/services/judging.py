"""Pairs of records compared one by one, as they are stored and explained."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from pydantic import ValidationError

from apps.duplicates.enums import Subject
from apps.duplicates.matching.documents import MatcherDocument, default_document
from apps.duplicates.matching.explaining import Comparison, compare, compare_comparable
from apps.duplicates.matching.fields import Comparable
from apps.duplicates.models import Matcher, Pair
from apps.duplicates.services.records import own_region, read_rows_of
from apps.duplicates.services.settling import LEAST_KEPT_0_1, Judged
from apps.execution.schemas import RecordRef
from apps.tenants.connections import tenant_connection

log = logging.getLogger(__name__)

_USUAL_RECORDS = 1_000
# Before anything was learned nobody knows how common a key may be.
_USUAL_MOST_PER_KEY = 50


def document_of(matcher: Matcher) -> MatcherDocument | None:
    """The weights of a matcher; None where another version of the product wrote them."""
    try:
        return MatcherDocument.model_validate_json(json.dumps(matcher.document))
    except ValidationError:
        log.warning("a stored matcher was refused", extra={"matcher": matcher.pk})
        return None


def in_force(subject: Subject) -> tuple[MatcherDocument, int]:
    """The weights in force, and from how many holders on a key is too common; else what is usual."""
    learned, most_per_key = _learned(subject)
    return learned or usual_document(), most_per_key


def current_document(subject: Subject) -> MatcherDocument:
    """The weights in force; what is usual where nothing was learned yet."""
    return in_force(subject)[0]


def learned_document(subject: Subject) -> MatcherDocument | None:
    """The weights in force; None where nothing was learned yet that this version can read."""
    return _learned(subject)[0]


def usual_document() -> MatcherDocument:
    """What is usual in a company of some size: that two records agree by chance is then likely enough."""
    return default_document(_USUAL_RECORDS, own_region())


def explain(pair: Pair, document: MatcherDocument) -> Comparison | None:
    """What speaks for and against a pair, from the records as they stand now; None when one is gone."""
    rows = read_rows_of((pair.survivor, pair.duplicate))
    if len(rows) < 2:
        return None
    return compare(document, rows[pair.survivor], rows[pair.duplicate])


def judge(
    pairs: Iterable[tuple[RecordRef, RecordRef]],
    comparables: Mapping[RecordRef, Comparable],
    document: MatcherDocument,
) -> Iterator[Judged]:
    """Compare pairs; those that nobody would look at are left out."""
    least = least_kept(document)
    for one, other in pairs:
        comparison = compare_comparable(document, comparables[one], comparables[other])
        if comparison.probability >= least:
            yield Judged(one, other, comparison.probability, _weights(comparison))


def least_kept(document: MatcherDocument) -> float:
    """The probability from which on a pair is kept."""
    return min(LEAST_KEPT_0_1, document.threshold)


def _learned(subject: Subject) -> tuple[MatcherDocument | None, int]:
    """The matcher in force, without reading its document again where that is held already."""
    matcher = (
        Matcher.objects.filter(subject=subject, is_current=True)
        .values_list("pk", "estimated_at", "most_per_key")
        .first()
    )
    if matcher is None:
        return None, _USUAL_MOST_PER_KEY
    pk, estimated_at, most_per_key = matcher
    schema = tenant_connection().schema_name
    return _read_document(schema, pk, str(estimated_at)), most_per_key


@lru_cache(maxsize=64)
def _read_document(schema: str, pk: int, estimated_at: str) -> MatcherDocument | None:
    """A stored matcher never changes; the schema and its moment tell it from those of other tenants."""
    return document_of(Matcher.objects.get(pk=pk))


def _weights(comparison: Comparison) -> dict[str, float]:
    """By field, what it says in bits; a field that says nothing is left out."""
    return {item.field.value: round(item.bits, 3) for item in comparison.evidence if item.bits}
