"""One pair compared and explained, in plain Python: the same figures that a look at everything gives."""

from __future__ import annotations

from dataclasses import dataclass

from apps.duplicates.matching.comparing import UNKNOWN, explanation_of, levels_of
from apps.duplicates.matching.documents import MatcherDocument, probability_of
from apps.duplicates.matching.fields import Comparable, Field, Row
from apps.duplicates.matching.values import comparable

_UNKNOWN_WORDS = "not known of both"


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """What one field says: ``level`` in words, and ``bits`` for (positive) or against."""

    field: Field
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair compared. ``prior_bits`` and the fields' bits add up to ``weight_bits`` in their order."""

    probability: float
    weight_bits: float
    prior_bits: float
    evidence: tuple[FieldEvidence, ...]

    @property
    def strongest(self) -> tuple[FieldEvidence, ...]:
        """What says something, the most telling first."""
        said = [item for item in self.evidence if item.bits]
        return tuple(sorted(said, key=lambda item: -abs(item.bits)))


def compare(document: MatcherDocument, left: Row, right: Row) -> Comparison:
    """Compare two records as they were typed in."""
    region = document.region
    return compare_comparable(document, comparable(left, region), comparable(right, region))


def compare_comparable(
    document: MatcherDocument, left: Comparable, right: Comparable
) -> Comparison:
    """Compare two records that were made comparable."""
    left, right = _known(document, left), _known(document, right)
    levels = levels_of(left, right)
    total = document.prior_bits
    evidence = []
    for weights in document.fields:
        level = levels[weights.field]
        explanation = explanation_of(weights.field, levels)
        bits = weights.bits(level, explanation, left.get(weights.field, ""))
        total += bits
        words = _UNKNOWN_WORDS if level == UNKNOWN else weights.levels[level].words
        evidence.append(FieldEvidence(weights.field, words, bits))
    return Comparison(probability_of(total), total, document.prior_bits, tuple(evidence))


def _known(document: MatcherDocument, values: Comparable) -> Comparable:
    known = {
        weights.field: weights.known(values.get(weights.field, "")) for weights in document.fields
    }
    return {field: value for field, value in known.items() if value}
