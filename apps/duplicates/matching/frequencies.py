"""How frequent the values of a field are in a table: to agree in a rare one tells more."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from apps.duplicates.matching.encoding import EncodedTable
from apps.duplicates.matching.estimating import LEAST_SHARE
from apps.duplicates.matching.fields import NAMES, Field
from apps.duplicates.matching.ladders import LADDERS

# Frequencies of so many values of a field are kept, the most frequent ones.
MOST_FREQUENT_VALUES = 2_000
# A company that stands in a table so often may still be one.
_MOST_OF_ONE_COMPANY = 5
# Of records of companies with the same name, so many are others: what nothing in a table of names tells.
OTHERS_OF_A_NAME = 0.3
# A name is at least so frequent, in parts of the average; which is this where no name stands twice.
_RARE_NAME, _NO_NAME_TWICE = 0.1, 1e-5


@dataclass(frozen=True, slots=True)
class Frequencies:
    """The shares of records that hold the frequent values, and of one that holds a rare one."""

    frequent: dict[str, float]
    rare: float | None


@dataclass(frozen=True, slots=True)
class NameFrequencies:
    """How frequent names of companies are by chance: ``words`` and ``rare_word`` are shares of names.

    Names are so frequent as their words together, times ``scale``, or as the rarest; ``average`` is how
    probably two companies that are not the same have the same name.
    """

    names: Frequencies
    words: dict[str, float]
    rare_word: float
    scale: float
    average: float


def is_of_companies(table: EncodedTable) -> bool:
    """Whether records are companies: where they are people, many share a company."""
    return Field.COMPANY in table.codes and not any(name in table.codes for name in NAMES)


def frequencies_of(field: Field, table: EncodedTable, chance: float) -> Frequencies:
    """Of a field; ``chance`` is how probably two others hold the same value."""
    counts = table.counts(field)
    total = int(counts.sum())
    if not total:
        return Frequencies({}, None)
    order = np.lexsort((np.arange(len(counts)), -counts))
    frequent = [number for number in order[:MOST_FREQUENT_VALUES].tolist() if counts[number] > 2]
    texts = table.values[field].texts
    frequencies = {texts[number]: counts[number] / total for number in frequent}
    rest = counts[order[len(frequent) :]]
    rest = rest[rest > 0]
    rare = float(rest.mean() / total) if len(rest) else min(chance, 1 / total)
    top = 1 - LEAST_SHARE
    return Frequencies(
        {text: min(float(share), top) for text, share in frequencies.items()}, min(rare, top)
    )


def name_frequencies_of(table: EncodedTable) -> NameFrequencies:
    """Of the names of a table of companies, by the words that other names hold, too.

    That two records have the same name does not say how frequent it is by chance: mostly they are the same
    company. Each name therefore counts once for its words, and they only tell which names are more frequent
    than others: on average so many of those that are the same are of others as ``OTHERS_OF_A_NAME`` says.
    """
    counts, texts = table.counts(Field.COMPANY), table.values[Field.COMPANY].texts
    total, names = int(counts.sum()), len(texts)
    top = 1 - LEAST_SHARE
    held = Counter(word for text in texts for word in set(text.split()))
    shares = {word: (count - 1) / names for word, count in held.items() if count > 1}
    rare_word = 0.5 / names
    by_words = np.array(
        [math.prod(shares.get(word, rare_word) for word in text.split()) for text in texts]
    )
    same = float((counts * (counts - 1)).sum() / max(total * (total - 1), 1))
    # In a table of a few records one pair is a large share of all.
    usual = LADDERS[Field.COMPANY].levels[0].other_share
    average = min(OTHERS_OF_A_NAME * same, usual) or _NO_NAME_TWICE
    scale = average / float((by_words * counts).sum() / total)
    rarest = min(_RARE_NAME * average, top)
    often = np.flatnonzero(counts > _MOST_OF_ONE_COMPANY).tolist()
    frequent = {
        texts[number]: min(float(counts[number] / total), top)
        for number in sorted(often, key=lambda number: -counts[number])[:MOST_FREQUENT_VALUES]
    }
    kept = sorted(shares, key=lambda word: (-shares[word], word))[:MOST_FREQUENT_VALUES]
    return NameFrequencies(
        names=Frequencies(frequent, rarest),
        words={word: min(shares[word], top) for word in kept},
        rare_word=min(rare_word, top),
        scale=scale,
        average=min(average, top),
    )
