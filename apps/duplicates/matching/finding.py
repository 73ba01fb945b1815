"""Finds the pairs of a table that may be the same, and learns from the table how to tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.duplicates.matching.bulk_comparing import BulkComparing, Levels, explanations
from apps.duplicates.matching.candidates import Candidates, DroppedKeys, find_candidates
from apps.duplicates.matching.documents import (
    HIGHEST_0_1,
    LOWEST_0_1,
    FieldWeights,
    LevelWeight,
    MatcherDocument,
    default_document,
    levels_of_ladder,
)
from apps.duplicates.matching.drawing import draw
from apps.duplicates.matching.encoding import EncodedTable, Numbers, encode
from apps.duplicates.matching.estimating import (
    LEAST_SHARE,
    Floats,
    Shares,
    Start,
    estimate,
    patterns_of,
)
from apps.duplicates.matching.fields import Field, Table
from apps.duplicates.matching.ladders import LADDERS
from apps.duplicates.matching.plausibility import LEAST_FIELDS, LEAST_RECORDS, is_plausible
from apps.duplicates.matching.thresholds import estimates_of, threshold_of

# Below this nobody would call two records the same; such pairs are not kept.
LEAST_PROBABILITY = 0.01
PAIRS_PER_CHUNK = 2_000_000
# Frequencies of so many values of a field are kept, the most frequent ones.
MOST_FREQUENT_VALUES = 2_000
# The threshold of weights that a table did not teach: its expected F1 would say little.
MORE_LIKELY_THAN_NOT = 0.5

Told = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """The pairs of a table that may be the same, by the positions of their records, the likeliest first.

    ``bits`` and ``probabilities`` are what ``explaining.compare`` gives for each. ``compared`` pairs were
    looked at; ``dropped`` are the keys that more than ``most_per_key`` records share.
    """

    left: Numbers
    right: Numbers
    bits: Floats
    probabilities: Floats
    document: MatcherDocument
    compared: int
    most_per_key: int
    dropped: tuple[DroppedKeys, ...]

    @property
    def likely(self) -> int:
        """How many pairs, from the first on, reach the threshold."""
        return int((self.probabilities >= self.document.threshold).sum())


def find_pairs(
    table: Table,
    *,
    document: MatcherDocument | None = None,
    progress: Told = lambda stage: None,
    region: str = "",
) -> Found:
    """Find the pairs of a table; without a ``document`` its weights are learned from the table itself.

    Where they cannot be learned the usual weights are taken, and ``Found.document.is_estimated`` is False.
    ``region`` (ISO 3166) is where telephone numbers are dialled; a document brings its own.
    """
    progress("reading values")
    encoded = encode(table, document.region if document is not None else region)
    candidates = find_candidates(encoded, progress)
    shared = _shared(encoded) if document is None else _shared_of(document)
    comparing = BulkComparing(encoded, shared, _fields(encoded, document))
    levels = _compare(comparing, candidates, progress)
    if document is None:
        progress("estimating weights")
        document, bits = _learn(encoded, comparing, levels, candidates, shared, region)
    else:
        bits = _weigh(document, encoded, comparing, candidates.left, levels)
    probabilities = probabilities_of(bits)
    kept = np.flatnonzero(probabilities >= min(LEAST_PROBABILITY, document.threshold))
    order = kept[np.lexsort((candidates.right[kept], candidates.left[kept], -bits[kept]))]
    return Found(
        left=candidates.left[order],
        right=candidates.right[order],
        bits=bits[order],
        probabilities=probabilities[order],
        document=document,
        compared=len(candidates.left),
        most_per_key=candidates.most_records,
        dropped=candidates.dropped,
    )


def weigh_pairs(table: Table, pairs: Candidates, document: MatcherDocument) -> Floats:
    """The probability of each of these pairs of a table, as ``find_pairs`` gives it."""
    encoded = encode(table, document.region)
    comparing = BulkComparing(encoded, _shared_of(document), _fields(encoded, document))
    levels = _compare(comparing, pairs, lambda stage: None)
    return probabilities_of(_weigh(document, encoded, comparing, pairs.left, levels))


def probabilities_of(bits: Floats) -> Floats:
    """``documents.probability_of``, for many."""
    odds_against = np.exp2(-np.clip(bits, -60.0, 60.0))
    return np.asarray(np.clip(1 / (1 + odds_against), LOWEST_0_1, HIGHEST_0_1))


def _compare(
    comparing: BulkComparing, candidates: Candidates, progress: Told
) -> dict[Field, Levels]:
    size = len(candidates.left)
    chunks: dict[Field, list[Levels]] = {field: [] for field in comparing.fields}
    for start in range(0, max(size, 1), PAIRS_PER_CHUNK):
        progress(f"comparing {start:,} of {size:,} pairs")
        chunk = slice(start, start + PAIRS_PER_CHUNK)
        found = comparing.levels(candidates.left[chunk], candidates.right[chunk])
        for field, levels in found.items():
            chunks[field].append(levels)
    return {field: np.concatenate(found) for field, found in chunks.items()}


def _learn(
    table: EncodedTable,
    comparing: BulkComparing,
    levels: Mapping[Field, Levels],
    candidates: Candidates,
    shared: Mapping[Field, frozenset[str]],
    region: str,
) -> tuple[MatcherDocument, Floats]:
    """The weights that the table teaches; the usual ones where it can teach none, or teaches nonsense.

    With them comes what each pair weighs, in bits.
    """

    def weigh(document: MatcherDocument) -> Floats:
        return _weigh(document, table, comparing, candidates.left, levels)

    if table.size >= LEAST_RECORDS and len(levels) >= LEAST_FIELDS:
        patterns, drawn = patterns_of(levels, len(candidates.left)), draw(table, comparing)
        for start in Start:
            shares = estimate(patterns, drawn, table.size, start)
            learned = MatcherDocument(
                region=region,
                is_estimated=True,
                record_count=table.size,
                prior=shares.prior,
                threshold=MORE_LIKELY_THAN_NOT,
                fields=tuple(_field_weights(field, table, shares, shared) for field in levels),
            )
            bits = weigh(learned)
            found = probabilities_of(bits)
            learned = _expecting(learned, threshold_of(found), found)
            if is_plausible(learned):
                return learned, bits
    usual = _usual(table, shared, region)
    bits = weigh(usual)
    return _expecting(usual, MORE_LIKELY_THAN_NOT, probabilities_of(bits)), bits


def _expecting(
    document: MatcherDocument, threshold: float, probabilities: Floats
) -> MatcherDocument:
    chosen = {"threshold": threshold, "estimates": estimates_of(probabilities)}
    return document.model_copy(update=chosen)


def _usual(
    table: EncodedTable, shared: Mapping[Field, frozenset[str]], region: str
) -> MatcherDocument:
    """The usual weights, with the values that are frequent or belong to many in this table."""
    usual = default_document(table.size, region)
    fields = tuple(
        _usual_weights(weights, table, shared) if weights.field in table.codes else weights
        for weights in usual.fields
    )
    return usual.model_copy(update={"fields": fields})


def _usual_weights(
    weights: FieldWeights, table: EncodedTable, shared: Mapping[Field, frozenset[str]]
) -> FieldWeights:
    """Of what is explained, only agreement itself speaks for a pair, and no more than the table lets it.

    Agreement never speaks against one, though all records of the table hold the same value.
    """
    field, first = weights.field, weights.levels[0]
    found: dict[str, Any] = {"shared": shared.get(field, frozenset())}
    by_chance = first.other_share
    if LADDERS[field].has_frequent:
        known, _ = _frequencies(field, table, by_chance)
        frequencies = {
            text: min(max(share, by_chance), first.match_share) for text, share in known.items()
        }
        found |= {"frequencies": frequencies, "rare_frequency": by_chance}
        measured = sum(share**2 for share in known.values())
        by_chance = min(max(measured, by_chance), first.match_share)
    explained = [
        by_chance,
        *(max(level.match_share, level.other_share) for level in weights.levels[1:]),
    ]
    found["levels"] = tuple(
        level.model_copy(update={"explained_shares": (share,) * len(LADDERS[field].explained_by)})
        for level, share in zip(weights.levels, explained, strict=True)
    )
    return weights.model_copy(update=found)


def _field_weights(
    field: Field, table: EncodedTable, shares: Shares, shared: Mapping[Field, frozenset[str]]
) -> FieldWeights:
    levels = tuple(
        LevelWeight(
            words=level.words,
            match_share=float(match),
            other_share=float(other[0]),
            explained_shares=tuple(other[1:].tolist()),
        )
        for level, match, other in zip(
            levels_of_ladder(field), shares.match[field], shares.other[field].T, strict=True
        )
    )
    frequencies: dict[str, float] = {}
    rare: float | None = None
    if LADDERS[field].has_frequent:
        frequencies, rare = _frequencies(field, table, levels[0].other_share)
    return FieldWeights(
        field=field,
        levels=levels,
        frequencies=frequencies,
        rare_frequency=rare,
        shared=shared.get(field, frozenset()),
    )


def _frequencies(
    field: Field, table: EncodedTable, chance: float
) -> tuple[dict[str, float], float | None]:
    """The shares of records that hold the frequent values, and of one that holds a rare one."""
    counts = table.counts(field)
    total = int(counts.sum())
    if not total:
        return {}, None
    order = np.lexsort((np.arange(len(counts)), -counts))
    frequent = [number for number in order[:MOST_FREQUENT_VALUES].tolist() if counts[number] > 2]
    texts = table.values[field].texts
    frequencies = {texts[number]: counts[number] / total for number in frequent}
    rest = counts[order[len(frequent) :]]
    rest = rest[rest > 0]
    rare = float(rest.mean() / total) if len(rest) else min(chance, 1 / total)
    top = 1 - LEAST_SHARE
    return {text: min(float(share), top) for text, share in frequencies.items()}, min(rare, top)


def _weigh(
    document: MatcherDocument,
    table: EncodedTable,
    comparing: BulkComparing,
    left: Numbers,
    levels: Mapping[Field, Levels],
) -> Floats:
    """The weight of each pair in bits, added up in the order of the document."""
    total = np.full(len(left), document.prior_bits)
    for weights in document.fields:
        found = levels.get(weights.field)
        if found is None:
            continue
        explained = explanations(weights.field, levels)
        bits = _bits_by_level(weights)[explained, found]
        if weights.rare_frequency is not None:
            is_same = (found == 0) & (explained == 0)
            by_value = np.array(
                [weights.bits(0, 0, text) for text in table.values[weights.field].texts]
            )
            codes = comparing.codes_where_same(weights.field, left, found)
            bits[is_same] = by_value[codes[is_same]]
        total += bits
    return total


def _bits_by_level(weights: FieldWeights) -> Floats:
    """The bits of each level in a row for each explanation; the last column is for what is not known."""
    count = len(LADDERS[weights.field].explained_by) + 1
    return np.array(
        [
            [*(weights.bits_of(level, explanation) for level in range(len(weights.levels))), 0.0]
            for explanation in range(count)
        ]
    )


def _fields(table: EncodedTable, document: MatcherDocument | None) -> tuple[Field, ...]:
    """The fields that are compared: those of the table that the document knows."""
    known = set(table.codes) if document is None else {item.field for item in document.fields}
    return tuple(field for field in table.codes if field in known)


def _shared(table: EncodedTable) -> dict[Field, frozenset[str]]:
    """The values that more records hold than a person's own could."""
    found = {}
    for field in table.codes:
        most = LADDERS[field].most_holders
        if most is not None:
            texts = table.values[field].texts
            many = np.flatnonzero(table.counts(field) > most).tolist()
            found[field] = frozenset(texts[number] for number in many)
    return found


def _shared_of(document: MatcherDocument) -> dict[Field, frozenset[str]]:
    return {weights.field: weights.shared for weights in document.fields}
