"""Finds the pairs of a table that may be the same, and learns from the table how to tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from apps.duplicates.matching.bulk_comparing import BulkComparing, Levels, Mask, explanations
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
    MOST_UNEXPLAINED_PAIRS,
    Attempt,
    Floats,
    Shares,
    Start,
    estimate,
    patterns_of,
)
from apps.duplicates.matching.fields import Field, Table
from apps.duplicates.matching.frequencies import (
    NameFrequencies,
    frequencies_of,
    is_of_companies,
    name_frequencies_of,
)
from apps.duplicates.matching.ladders import LADDERS
from apps.duplicates.matching.others import have_other_names
from apps.duplicates.matching.plausibility import (
    LEAST_FIELDS,
    LEAST_RECORDS,
    is_plausible,
    without_turned,
)
from apps.duplicates.matching.thresholds import MORE_LIKELY_THAN_NOT, estimates_of, threshold_of

# Below this nobody would call two records the same; such pairs are not kept.
LEAST_PROBABILITY = 0.01
PAIRS_PER_CHUNK = 2_000_000

# With fewer fields, what pairs of the same show leans on what is usual from the beginning. Of companies, what
# is learned freely is held against more (``plausibility``).
LEAST_FREE_FIELDS, LEAST_FREE_FIELDS_OF_COMPANIES = 5, 4
# By so many parts of the pairs of the same that are expected.
LEANING = 1.0

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

    def only(self, kept: Mask) -> Found:
        """The same with the marked pairs alone."""
        return replace(
            self,
            left=self.left[kept],
            right=self.right[kept],
            bits=self.bits[kept],
            probabilities=self.probabilities[kept],
        )


@dataclass(frozen=True)
class _Compared:
    """What the pairs of a ``Found`` were weighed by."""

    table: EncodedTable
    comparing: BulkComparing
    levels: Mapping[Field, Levels]


def find_pairs(
    table: Table,
    *,
    document: MatcherDocument | None = None,
    most_per_key: int | None = None,
    progress: Told = lambda stage: None,
    region: str = "",
) -> Found:
    """Find the pairs of a table; without a ``document`` its weights are learned from the table itself.

    Where they cannot be learned the usual weights are taken, and ``Found.document.is_estimated`` is False.
    ``most_per_key`` is how many records may share a key; without it that follows from the table, too.
    ``region`` (ISO 3166) is where telephone numbers are dialled; a document brings its own.
    """
    return _find(table, document, most_per_key, progress, region)[0]


def find_pairs_and_others(
    table: Table, *, progress: Told = lambda stage: None, region: str = ""
) -> tuple[Found, Mask]:
    """Find the same pairs, and of each whether its names say that two are others (``others``)."""
    found, by = _find(table, None, None, progress, region)
    bits = dict(_bits_by_field(found.document, by.table, by.comparing, found.left, by.levels))
    # Where no field says anything, it is one answer for all of them.
    return found, have_other_names(bits) & np.ones(len(found.left), dtype=np.bool_)


def _find(
    table: Table,
    document: MatcherDocument | None,
    most_per_key: int | None,
    progress: Told,
    region: str,
) -> tuple[Found, _Compared]:
    progress("reading values")
    encoded = encode(table, document.region if document is not None else region)
    candidates = find_candidates(encoded, progress, most_per_key)
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
    found = Found(
        left=candidates.left[order],
        right=candidates.right[order],
        bits=bits[order],
        probabilities=probabilities[order],
        document=document,
        compared=len(candidates.left),
        most_per_key=candidates.most_records,
        dropped=candidates.dropped,
    )
    kept_levels = {field: of_field[order] for field, of_field in levels.items()}
    return found, _Compared(encoded, comparing, kept_levels)


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

    names = name_frequencies_of(table) if is_of_companies(table) else None
    by_chance = {} if names is None else {Field.COMPANY: names.average}
    # One field tells enough of companies alone.
    least_fields = 2 if names is None else 1
    if table.size >= LEAST_RECORDS and len(table.codes) >= least_fields:
        patterns = patterns_of(levels, len(candidates.left))
        drawn = draw(table, comparing, by_chance)
        first_held: tuple[MatcherDocument, Floats] | None = None
        for attempt in attempts(len(levels), names is not None):
            shares = estimate(patterns, drawn, table.size, attempt)
            learned = MatcherDocument(
                region=region,
                is_estimated=True,
                record_count=table.size,
                prior=shares.prior,
                threshold=MORE_LIKELY_THAN_NOT,
                fields=tuple(
                    _field_weights(field, table, shares, shared, names) for field in levels
                ),
            )
            if attempt.usual_weight is None:
                learned = without_turned(learned)
            bits = weigh(learned)
            found = probabilities_of(bits)
            learned = _expecting(learned, threshold_of(found), found)
            if first_held is None and attempt.usual_weight is None:
                first_held = learned, bits
            if is_plausible(learned, attempt.usual_weight or 0.0):
                return learned, bits
        if first_held is not None:
            return first_held
    usual = _usual(table, shared, names, region)
    bits = weigh(usual)
    return _expecting(usual, MORE_LIKELY_THAN_NOT, probabilities_of(bits)), bits


def attempts(field_count: int, is_of_companies: bool) -> Iterator[Attempt]:
    """The ways to learn weights, the freest first.

    What pairs of the same show can be learned freely where many fields tell them apart. With few, very
    different shares fit nearly as well (Goodman 1974): there they lean on the usual ones from the beginning.
    Companies that agree in a name hardly are others, so that what it explains speaks for them at first.
    """
    if field_count >= (LEAST_FREE_FIELDS_OF_COMPANIES if is_of_companies else LEAST_FREE_FIELDS):
        yield from (Attempt(start, 0.0) for start in Start)
    if field_count >= LEAST_FIELDS and not is_of_companies:
        yield from (Attempt(start, LEANING) for start in Start)
    if is_of_companies:
        yield Attempt(Start.SAYS_AS_MUCH, None, MOST_UNEXPLAINED_PAIRS)
    else:
        yield from (Attempt(start, None) for start in Start)


def _expecting(
    document: MatcherDocument, threshold: float, probabilities: Floats
) -> MatcherDocument:
    chosen = {"threshold": threshold, "estimates": estimates_of(probabilities)}
    return document.model_copy(update=chosen)


def _usual(
    table: EncodedTable,
    shared: Mapping[Field, frozenset[str]],
    names: NameFrequencies | None,
    region: str,
) -> MatcherDocument:
    """The usual weights, with the values that are frequent or belong to many in this table."""
    usual = default_document(table.size, region)
    fields = tuple(
        _usual_weights(weights, table, shared, names) if weights.field in table.codes else weights
        for weights in usual.fields
    )
    return usual.model_copy(update={"fields": fields})


def _usual_weights(
    weights: FieldWeights,
    table: EncodedTable,
    shared: Mapping[Field, frozenset[str]],
    names: NameFrequencies | None,
) -> FieldWeights:
    """Of what is explained, only agreement itself speaks for a pair, and no more than the table lets it.

    Agreement never speaks against one, though all records of the table hold the same value.
    """
    field, first = weights.field, weights.levels[0]
    if field == Field.COMPANY and names is not None:
        return _with_words(weights, names)
    found: dict[str, Any] = {"shared": shared.get(field, frozenset())}
    by_chance = first.other_share
    if LADDERS[field].has_frequent:
        known = frequencies_of(field, table, by_chance).frequent
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
    field: Field,
    table: EncodedTable,
    shares: Shares,
    shared: Mapping[Field, frozenset[str]],
    names: NameFrequencies | None,
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
    weights = FieldWeights(field=field, levels=levels, shared=shared.get(field, frozenset()))
    if field == Field.COMPANY and names is not None:
        return _with_words(weights, names)
    if not LADDERS[field].has_frequent:
        return weights
    found = frequencies_of(field, table, levels[0].other_share)
    return weights.model_copy(update={"frequencies": found.frequent, "rare_frequency": found.rare})


def _with_words(weights: FieldWeights, found: NameFrequencies) -> FieldWeights:
    return weights.model_copy(
        update={
            "frequencies": found.names.frequent,
            "rare_frequency": found.names.rare,
            "word_frequencies": found.words,
            "rare_word_frequency": found.rare_word,
            "word_scale": found.scale,
        }
    )


def _weigh(
    document: MatcherDocument,
    table: EncodedTable,
    comparing: BulkComparing,
    left: Numbers,
    levels: Mapping[Field, Levels],
) -> Floats:
    """The weight of each pair in bits, added up in the order of the document."""
    total = np.full(len(left), document.prior_bits)
    for _, bits in _bits_by_field(document, table, comparing, left, levels):
        total += bits
    return total


def _bits_by_field(
    document: MatcherDocument,
    table: EncodedTable,
    comparing: BulkComparing,
    left: Numbers,
    levels: Mapping[Field, Levels],
) -> Iterator[tuple[Field, Floats]]:
    """What each field says for each pair, in the order of the document."""
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
        yield weights.field, bits


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
    """The values that more people hold than one's own could be held by."""
    found = {}
    whose: Numbers | None = None
    for field, codes in table.codes.items():
        most = LADDERS[field].most_holders
        if most is None:
            continue
        is_many = np.append(table.counts(field) > most, False)
        held = np.flatnonzero(is_many[codes])
        if len(held) and whose is None:
            whose = table.holders()
        if len(held) and whose is not None:
            each = np.unique(np.stack([codes[held], whose[held]]), axis=1)[0]
            is_many = np.bincount(each, minlength=len(is_many)) > most
        texts = table.values[field].texts
        found[field] = frozenset(texts[number] for number in np.flatnonzero(is_many).tolist())
    return found


def _shared_of(document: MatcherDocument) -> dict[Field, frozenset[str]]:
    return {weights.field: weights.shared for weights in document.fields}
