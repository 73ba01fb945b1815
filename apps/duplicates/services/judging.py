"""Pairs of records compared one by one, as they are stored and explained."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from apps.duplicates.enums import Subject
from apps.duplicates.matching.documents import MatcherDocument, default_document
from apps.duplicates.matching.explaining import Comparison, compare, compare_comparable
from apps.duplicates.matching.fields import Comparable
from apps.duplicates.models import Matcher, Pair
from apps.duplicates.services.records import own_region, read_rows_of, subject_of
from apps.duplicates.services.settling import LEAST_KEPT_0_1, Judged
from apps.execution.schemas import RecordRef

log = logging.getLogger(__name__)

_USUAL_RECORDS = 1_000


def document_of(matcher: Matcher) -> MatcherDocument | None:
    """The weights of a matcher; None where another version of the product wrote them."""
    try:
        return MatcherDocument.model_validate_json(json.dumps(matcher.document))
    except ValidationError:
        log.warning("a stored matcher was refused", extra={"matcher": matcher.pk})
        return None


def current_document(subject: Subject) -> MatcherDocument:
    """The weights in force; what is usual where nothing was learned yet."""
    matcher = Matcher.objects.current(subject)
    document = None if matcher is None else document_of(matcher)
    return usual_document() if document is None else document


def usual_document() -> MatcherDocument:
    """What is usual in a company of some size: that two records agree by chance is then likely enough."""
    return default_document(_USUAL_RECORDS, own_region())


def explain(pair: Pair) -> Comparison | None:
    """What speaks for and against a pair, from the records as they stand now; None when one is gone."""
    rows = read_rows_of((pair.survivor, pair.duplicate))
    if len(rows) < 2:
        return None
    document = current_document(subject_of(pair.survivor_kind))
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


def _weights(comparison: Comparison) -> dict[str, float]:
    """By field, what it says in bits; a field that says nothing is left out."""
    return {item.field.value: round(item.bits, 3) for item in comparison.evidence if item.bits}
