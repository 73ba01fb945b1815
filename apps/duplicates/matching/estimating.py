"""What each level of each field is worth, learned from a table without anybody saying which pairs are right.

The model is that of Fellegi and Sunter (1969): among pairs of the same, and among others, each field reaches
its levels with shares of its own. The shares among others come from pairs drawn at random, those among
the same from expectation–maximisation (Winkler 1988) over all pairs of the table, of which those that share
no key count as others. Both are drawn towards what is usual by as much as a few pairs of the same would, for
the sake of levels that hardly occur. That does not keep a table in which hardly anything stands twice from
teaching something else: ``plausibility`` says whether what was learned is to be used.

Fields are not independent among others: who has the same name has a similar address. What one field says
where another explains it is therefore learned from pairs drawn among those that agree in the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.duplicates.matching.bulk_comparing import Levels, explanations
from apps.duplicates.matching.comparing import UNKNOWN
from apps.duplicates.matching.documents import levels_of_ladder, usual_prior
from apps.duplicates.matching.fields import Field
from apps.duplicates.matching.ladders import LADDERS

Floats = NDArray[np.float64]

# What is usual weighs as much as so many pairs of the same, and among others at most this share of the drawn.
USUAL_MATCHES = 12.0
MOST_USUAL_OTHERS = 0.1
# What others show where nothing explains a field weighs as much as so many pairs where something does; more
# where most who agree in what explains it are the same, so that few others are seen.
UNEXPLAINED_PAIRS, MOST_UNEXPLAINED_PAIRS = 2.0, 50.0
# A share is never told to be smaller, whatever was not seen.
LEAST_SHARE = 1e-9
MOST_ROUNDS = 200
_CHANGE = 1e-6


@dataclass(frozen=True)
class Patterns:
    """The different combinations of levels among some pairs, and how many pairs show each."""

    levels: Mapping[Field, Levels]
    counts: Floats

    @cached_property
    def explanations(self) -> Mapping[Field, Levels]:
        """By field, what explains it in each pattern."""
        return {field: explanations(field, self.levels) for field in self.levels}


@dataclass(frozen=True)
class Drawn:
    """Pairs drawn to see what others show.

    ``at_random`` has, by field, how many of the pairs drawn at random reach each level; ``explained``, by the
    fields that explain others, the patterns of pairs drawn among those that agree in them. Of the fields in
    ``by_chance``, how many hold the same value is of others alone.
    """

    at_random: Mapping[Field, Floats]
    explained: Mapping[tuple[Field, ...], Patterns]
    by_chance: frozenset[Field] = frozenset()


@dataclass(frozen=True)
class Shares:
    """By field, the shares of its levels among pairs of the same and among others; and the prior.

    Of others there is a row for each explanation, the first for none.
    """

    prior: float
    match: Mapping[Field, Floats]
    other: Mapping[Field, Floats]


def patterns_of(levels: Mapping[Field, Levels], size: int) -> Patterns:
    """Count the combinations of levels."""
    code = np.zeros(size, dtype=np.int64)
    for field, found in levels.items():
        code = code * (len(levels_of_ladder(field)) + 1) + (found - UNKNOWN)
    unique, counts = np.unique(code, return_counts=True)
    by_field: dict[Field, Levels] = {}
    for field in reversed(list(levels)):
        base = len(levels_of_ladder(field)) + 1
        by_field[field] = (unique % base + UNKNOWN).astype(np.int8)
        unique = unique // base
    return Patterns({field: by_field[field] for field in levels}, counts.astype(np.float64))


class Start(Enum):
    """What is thought at first of agreement that something explains."""

    SAYS_NOTHING = auto()
    SAYS_AS_MUCH = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to estimate: where it begins, and how far pairs of the same may be other than usual.

    ``usual_weight`` is how much the usual shares weigh, in parts of the pairs of the same that are expected;
    None holds them as they are, so that only others and the prior are learned. What others show where nothing
    explains a field weighs as much as ``unexplained_pairs`` where something does.
    """

    start: Start = Start.SAYS_NOTHING
    usual_weight: float | None = 0.0
    unexplained_pairs: float = UNEXPLAINED_PAIRS


def estimate(
    candidates: Patterns, drawn: Drawn, record_count: int, attempt: Attempt | None = None
) -> Shares:
    """Estimate all shares from the candidates and from the pairs that were drawn.

    Where one starts decides at which of several answers one arrives. If at first what is explained says
    nothing, nobody is the same for having a similar address. In a table in which hardly any two agree in a
    company but those that are the same, it must say as much as what is not explained.
    """
    attempt = attempt or Attempt()
    fields = list(candidates.levels)
    all_pairs = record_count * (record_count - 1) / 2
    match = {field: usual_shares(field)[0] for field in fields}
    others = {field: _others(drawn, field, match[field], 0.0, all_pairs) for field in fields}
    at_first = match if attempt.start == Start.SAYS_NOTHING else others
    shares = Shares(
        usual_prior(record_count),
        match,
        {
            field: np.vstack(
                [others[field], *([at_first[field]] * len(LADDERS[field].explained_by))]
            )
            for field in fields
        },
    )
    for _ in range(MOST_ROUNDS):
        weights = candidates.counts * probabilities(candidates, shares)
        matches = float(weights.sum())
        prior = _prior(matches, record_count)
        if attempt.usual_weight is not None:
            match = {
                field: _match(field, candidates.levels[field], weights, attempt.usual_weight)
                for field in fields
            }
        unexplained = {
            field: _others(drawn, field, match[field], matches, all_pairs) for field in fields
        }
        explained = _explained(drawn.explained, shares, unexplained, attempt.unexplained_pairs)
        change = abs(prior - shares.prior) / shares.prior
        shares = Shares(
            prior,
            match,
            {field: np.vstack([unexplained[field], *explained[field]]) for field in fields},
        )
        if change < _CHANGE:
            break
    return shares


def usual_shares(field: Field) -> tuple[Floats, Floats]:
    """The shares of a field's levels where nothing is estimated: among pairs of the same, among others."""
    levels = levels_of_ladder(field)
    match = np.array([level.match_share for level in levels])
    other = np.array([level.other_share for level in levels])
    return match / match.sum(), other / other.sum()


def probabilities(patterns: Patterns, shares: Shares) -> Floats:
    """How probably the pairs of each pattern are of the same."""
    odds = np.full(len(patterns.counts), np.log(shares.prior / (1 - shares.prior)))
    for field, levels in patterns.levels.items():
        weights = np.log(shares.match[field] / shares.other[field])
        by_level = weights[patterns.explanations[field], np.maximum(levels, 0)]
        odds += np.where(levels == UNKNOWN, 0.0, by_level)
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -40, 40))))


def _explained(
    drawn: Mapping[tuple[Field, ...], Patterns],
    shares: Shares,
    unexplained: Mapping[Field, Floats],
    unexplained_pairs: float,
) -> Mapping[Field, Sequence[Floats]]:
    """By field, the shares among others for each explanation."""
    others = {
        by: patterns.counts * (1 - probabilities(patterns, shares))
        for by, patterns in drawn.items()
    }
    return {
        field: [
            _explained_once(
                field, number, drawn.get(by), others.get(by), unexplained[field], unexplained_pairs
            )
            for number, by in enumerate(LADDERS[field].explained_by, start=1)
        ]
        for field in unexplained
    }


def _explained_once(
    field: Field,
    number: int,
    patterns: Patterns | None,
    others: Floats | None,
    unexplained: Floats,
    unexplained_pairs: float,
) -> Floats:
    if patterns is None or others is None:
        return unexplained
    is_so = patterns.explanations[field] == number
    tally = _tally(patterns.levels[field], np.where(is_so, others, 0.0), len(unexplained))
    shares = (tally + unexplained_pairs * unexplained) / (tally.sum() + unexplained_pairs)
    # An explanation can only make others agree more often.
    alike = slice(len(LADDERS[field].levels) - 1)
    shares[alike] = np.maximum(shares[alike], unexplained[alike])
    return np.asarray(shares / shares.sum())


def _match(field: Field, levels: Levels, weights: Floats, usual_weight: float) -> Floats:
    """The shares among pairs of the same."""
    usual = usual_shares(field)[0]
    tally = _tally(levels, weights, len(usual))
    weight = max(USUAL_MATCHES, usual_weight * float(tally.sum()))
    return np.asarray((tally + weight * usual) / (tally.sum() + weight))


def _others(drawn: Drawn, field: Field, match: Floats, matches: float, all_pairs: float) -> Floats:
    """What pairs drawn at random show, less what those of the same among them do.

    It is drawn towards what is usual as much as the shares among pairs of the same, so that a level that was
    seen in neither tells as much as it usually does. Where no two records tell the field, it is the usual.
    """
    usual = usual_shares(field)[1]
    tally = drawn.at_random[field]
    pairs = tally.sum()
    if not pairs:
        return usual
    weight = pairs * min(USUAL_MATCHES / max(matches, 1.0), MOST_USUAL_OTHERS)
    shares = (tally + weight * usual) / (pairs + weight)
    left = shares - matches / all_pairs * match
    # Of what was seen at random a tenth at least is left to others.
    floored = np.maximum(left, np.maximum(shares * 0.1, LEAST_SHARE))
    if field in drawn.by_chance:
        floored[0] = max(tally[0] / pairs, LEAST_SHARE)
    return np.asarray(floored / floored.sum())


def _tally(levels: Levels, weights: Floats, size: int) -> Floats:
    is_known = levels != UNKNOWN
    tally = np.bincount(levels[is_known], weights=weights[is_known], minlength=size)
    return tally.astype(np.float64)


def _prior(expected: float, record_count: int) -> float:
    """The probability that two records are of the same; a few usual pairs are added to those expected."""
    all_pairs = max(record_count * (record_count - 1) / 2, 1.0)
    usual = usual_prior(record_count)
    drawn = USUAL_MATCHES / usual if usual * all_pairs < USUAL_MATCHES else 0.0
    return float(min((expected + usual * drawn + 0.5) / (all_pairs + drawn + 1), 0.2))
