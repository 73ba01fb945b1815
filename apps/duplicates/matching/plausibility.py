"""Whether weights that a table taught are about duplicates at all.

Expectation–maximisation finds two kinds of pairs, whatever they are. Where hardly anything in a table stands
twice it may settle on pairs that are alike by design, such as companies with similar names in different
places. Then identical records would be no duplicates, or a difference would speak for one: such weights are
not to be used.
"""

from __future__ import annotations

from apps.duplicates.matching.comparing import explanation_of
from apps.duplicates.matching.documents import FieldWeights, MatcherDocument, probability_of
from apps.duplicates.matching.fields import NAMES, Field
from apps.duplicates.matching.ladders import LADDERS

# Two classes are told apart by no fewer fields (Goodman 1974): with two, very different shares fit as well.
LEAST_FIELDS = 3
# Below so many records there are too few pairs of the same to learn their shares from.
LEAST_RECORDS = 100
# A field that says nothing may seem to say a little, either way.
_MOST_BITS = 0.5
# Who moved within one postcode is the same more often than another who lives there: where something explains
# a field, so much may stand against its sense.
_MOST_EXPLAINED_BITS = 4.0

# Of pairs of which both tell a number, so many may have another one; else names that are alike were learned.
# An address is no such proof: where each may stand in a table but once, those of the same always differ.
_MOST_OTHER_NUMBERS = 0.7
# Whoever stands twice may have moved, but mostly has the same name: else neighbours were learned.
_MOST_OTHER_NAMES = 0.5
_MOST_OTHER_COMPANIES = 0.25


def is_plausible(document: MatcherDocument, usual_weight: float = 0.0) -> bool:
    """Whether identical records are found, and in each field sameness speaks for and difference against.

    ``usual_weight`` is how much the usual shares weigh in the document beside what the table taught: that is
    held against the bounds as if they weighed nothing.
    """
    return probability_of_identical(document) >= document.threshold and all(
        _makes_sense(weights) and _mostly_agrees(weights, document, usual_weight)
        for weights in document.fields
    )


def _mostly_agrees(weights: FieldWeights, document: MatcherDocument, usual_weight: float) -> bool:
    """Whether those that are the same mostly agree in what seldom changes."""
    most: float | None = None
    if weights.field == Field.PHONE:
        most = _MOST_OTHER_NUMBERS
    elif weights.field in NAMES:
        most = _MOST_OTHER_NAMES
    elif weights.field == Field.COMPANY and not any(
        other.field in NAMES for other in document.fields
    ):
        most = _MOST_OTHER_COMPANIES
    if most is None:
        return True
    ladder = LADDERS[weights.field]
    # Names that are only similar are others. A digit apart, a number still may be the same.
    first = len(ladder.levels) - 1 if weights.field == Field.PHONE else ladder.agreeing
    differing = slice(first, len(ladder.levels))
    usual = sum(level.match_share for level in ladder.levels[differing])
    learned = sum(level.match_share for level in weights.levels[differing])
    return learned <= (most + usual_weight * usual) / (1 + usual_weight)


def probability_of_identical(document: MatcherDocument) -> float:
    """How probably two records are the same that agree in all fields, in values of usual frequency."""
    levels = {weights.field: 0 for weights in document.fields}
    bits = document.prior_bits + sum(
        _bits_of_same(weights, explanation_of(weights.field, levels)) for weights in document.fields
    )
    return probability_of(bits)


def _bits_of_same(weights: FieldWeights, explanation: int) -> float:
    """What it says on average over the records that two hold the same value."""
    if weights.rare_word_frequency is not None and explanation == 0:
        return weights.bits_of(0, 0)
    rest = max(1 - sum(weights.frequencies.values()), 0.0)
    return rest * weights.bits(0, explanation, "") + sum(
        share * weights.bits(0, explanation, value) for value, share in weights.frequencies.items()
    )


def _makes_sense(weights: FieldWeights) -> bool:
    same = weights.levels[0].bits
    lowest = weights.levels[len(LADDERS[weights.field].levels) - 1]
    different = lowest.bits
    return (
        same[0] >= -_MOST_BITS
        and different[0] <= _MOST_BITS
        and min(same) >= -_MOST_EXPLAINED_BITS
        and max(different) <= _MOST_EXPLAINED_BITS
    )


def without_turned(document: MatcherDocument) -> MatcherDocument:
    """The document in which no difference speaks for a pair, and no agreement against one."""
    return document.model_copy(update={"fields": tuple(map(_without_turned, document.fields))})


def _without_turned(weights: FieldWeights) -> FieldWeights:
    agreeing = LADDERS[weights.field].agreeing
    levels = []
    for number, level in enumerate(weights.levels):
        bound = min if number < agreeing or number >= len(LADDERS[weights.field].levels) else max
        levels.append(
            level.model_copy(
                update={
                    "other_share": bound(level.other_share, level.match_share),
                    "explained_shares": tuple(
                        bound(share, level.match_share) for share in level.explained_shares
                    ),
                }
            )
        )
    return weights.model_copy(update={"levels": tuple(levels)})
