"""What each level of each field is worth, learned from a table without anybody saying which pairs are right.

The model is that of Fellegi and Sunter (1969): among pairs of the same, and among others, each field reaches
its levels with shares of its own. The shares among others come from pairs drawn at random, those among
the same from expectation–maximisation (Winkler 1988) over all pairs of the table, of which those that share
no key count as others. Both are drawn towards what is usual by as much as a few pairs of the same would, so
that a small table, or a level that hardly occurs, never leads to nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.duplicates.matching.bulk_comparing import Levels
from apps.duplicates.matching.comparing import UNKNOWN
from apps.duplicates.matching.documents import levels_of_ladder, usual_prior
from apps.duplicates.matching.encoding import Numbers
from apps.duplicates.matching.fields import Field

Floats = NDArray[np.float64]

# What is usual weighs as much as so many pairs of the same, and among others at most this share of the drawn.
USUAL_MATCHES = 12.0
MOST_USUAL_OTHERS = 0.1
# A share is never told to be smaller, whatever was not seen.
LEAST_SHARE = 1e-9
MOST_ROUNDS = 200
_CHANGE = 1e-6


@dataclass(frozen=True)
class Patterns:
    """The different combinations of levels among the candidates, and how many pairs show each."""

    levels: Mapping[Field, Levels]
    counts: Floats
    inverse: Numbers


@dataclass(frozen=True)
class Drawn:
    """How many of the pairs drawn at random reach each level of a field."""

    tally: Floats

    def shares(self, usual: Floats, matches: float) -> Floats:
        """The share of each level, drawn towards the usual one as much as among so many pairs of the same.

        A level that was seen in neither then tells as much as it usually does.
        """
        pairs = self.tally.sum()
        weight = pairs * min(USUAL_MATCHES / max(matches, 1.0), MOST_USUAL_OTHERS)
        return np.asarray((self.tally + weight * usual) / max(pairs + weight, 1.0))


@dataclass(frozen=True)
class Shares:
    """By field, the share of each level among pairs of the same and among others; and the prior."""

    prior: float
    match: Mapping[Field, Floats]
    other: Mapping[Field, Floats]


def patterns_of(levels: Mapping[Field, Levels], size: int) -> Patterns:
    """Count the combinations of levels."""
    code = np.zeros(size, dtype=np.int64)
    for field, found in levels.items():
        code = code * (len(levels_of_ladder(field)) + 1) + (found - UNKNOWN)
    unique, inverse, counts = np.unique(code, return_inverse=True, return_counts=True)
    by_field: dict[Field, Levels] = {}
    for field in reversed(list(levels)):
        base = len(levels_of_ladder(field)) + 1
        by_field[field] = (unique % base + UNKNOWN).astype(np.int8)
        unique = unique // base
    return Patterns(dict(reversed(list(by_field.items()))), counts.astype(np.float64), inverse)


def usual_shares(field: Field) -> tuple[Floats, Floats]:
    """The shares of a field's levels where nothing is estimated: among pairs of the same, among others."""
    levels = levels_of_ladder(field)
    match = np.array([level.match_share for level in levels])
    other = np.array([level.other_share for level in levels])
    return match / match.sum(), other / other.sum()


def estimate(patterns: Patterns, drawn: Mapping[Field, Drawn], record_count: int) -> Shares:
    """Estimate all shares from the candidates, and from pairs drawn at random."""
    all_pairs = record_count * (record_count - 1) / 2
    usual = {field: usual_shares(field) for field in patterns.levels}
    shares = Shares(
        usual_prior(record_count),
        {field: match for field, (match, _) in usual.items()},
        {
            field: _others(drawn[field], usual[field], usual[field][0], 0.0, all_pairs)
            for field in usual
        },
    )
    for _ in range(MOST_ROUNDS):
        weights = patterns.counts * probabilities(patterns, shares)
        prior = _prior(weights.sum(), record_count)
        match = {
            field: _shrunk(_tally(levels, weights, len(usual[field][0])), usual[field][0])
            for field, levels in patterns.levels.items()
        }
        other = {
            field: _others(drawn[field], usual[field], match[field], weights.sum(), all_pairs)
            for field in usual
        }
        change = abs(prior - shares.prior) / shares.prior
        shares = Shares(prior, match, other)
        if change < _CHANGE:
            break
    return shares


def probabilities(patterns: Patterns, shares: Shares) -> Floats:
    """How probably the pairs of each pattern are of the same."""
    odds = np.full(len(patterns.counts), np.log(shares.prior / (1 - shares.prior)))
    for field, levels in patterns.levels.items():
        weights = np.log(shares.match[field] / shares.other[field])
        odds += np.where(levels == UNKNOWN, 0.0, np.append(weights, 0.0)[levels])
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -40, 40))))


def _tally(levels: Levels, weights: Floats, size: int) -> Floats:
    is_known = levels != UNKNOWN
    tally = np.bincount(levels[is_known], weights=weights[is_known], minlength=size)
    return tally.astype(np.float64)


def _shrunk(tally: Floats, usual: Floats) -> Floats:
    """Shares from counts, drawn towards the usual ones."""
    return np.asarray((tally + USUAL_MATCHES * usual) / (tally.sum() + USUAL_MATCHES))


def _prior(expected: float, record_count: int) -> float:
    """The probability that two records are of the same; a few usual pairs are added to those expected."""
    all_pairs = max(record_count * (record_count - 1) / 2, 1.0)
    usual = usual_prior(record_count)
    drawn = USUAL_MATCHES / usual if usual * all_pairs < USUAL_MATCHES else 0.0
    return float(min((expected + usual * drawn + 0.5) / (all_pairs + drawn + 1), 0.2))


def _others(
    drawn: Drawn, usual: tuple[Floats, Floats], match: Floats, matches: float, all_pairs: float
) -> Floats:
    """What pairs drawn at random show, less what those of the same among them do.

    Where nobody knows the field of two records, it is what is usual.
    """
    if not drawn.tally.sum():
        return usual[1]
    shares = drawn.shares(usual[1], matches)
    left = shares - matches / all_pairs * match
    # Of what was seen at random a tenth at least is left to others.
    floored = np.maximum(left, np.maximum(shares * 0.1, LEAST_SHARE))
    return np.asarray(floored / floored.sum())
