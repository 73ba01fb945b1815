"""What was learned about telling duplicates, as a JSON document that compares one pair in plain Python."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Constrained

from apps.duplicates.matching.comparing import UNKNOWN
from apps.duplicates.matching.fields import Field
from apps.duplicates.matching.ladders import LADDERS, SWAPPED, Level

FORMAT_VERSION: Literal[1] = 1

# Nothing is certain: a probability of 1 would say that a person need not look.
LOWEST_0_1, HIGHEST_0_1 = 0.0001, 0.9999

# Of how many records, one stands for the other, as long as nothing was estimated.
_DEFAULT_DUPLICATES_PER_RECORD = 0.1
_DEFAULT_THRESHOLD = 0.8

Share = Annotated[float, Constrained(gt=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class LevelWeight(_Strict):
    """How often a level is reached among pairs of the same, and among other pairs.

    ``explained_shares`` are those among other pairs that agree in what explains this field
    (``Ladder.explained_by``), one for each explanation.
    """

    words: str
    match_share: Share
    other_share: Share
    explained_shares: tuple[Share, ...] = ()

    @cached_property
    def bits(self) -> tuple[float, ...]:
        """What reaching it says for (positive) or against, in bits (Fellegi and Sunter 1969).

        The first is where nothing explains it, then one for each explanation.
        """
        shares = (self.other_share, *self.explained_shares)
        return tuple(math.log2(self.match_share / share) for share in shares)


class FieldWeights(_Strict):
    """The levels of one field, the highest first, and the values that are no average ones.

    ``frequencies`` are the shares of records that hold a frequent value; of the others each has
    ``rare_frequency``. None where frequency does not matter. Values in ``shared`` belong to many who have
    nothing else in common and count as not known.

    Of names made of words, ``word_frequencies`` are the shares of names that hold a frequent word; of the
    others each has ``rare_word_frequency``. How frequent a name is by chance then follows from its words,
    times ``word_scale``; none is rarer than ``rare_frequency``.
    """

    field: Annotated[Field, Constrained(strict=False)]
    levels: tuple[LevelWeight, ...]
    frequencies: dict[str, Share] = {}
    rare_frequency: Share | None = None
    word_frequencies: dict[str, Share] = {}
    rare_word_frequency: Share | None = None
    word_scale: Annotated[float, Constrained(gt=0)] = 1.0
    shared: frozenset[str] = Constrained(default=frozenset(), strict=False)

    @model_validator(mode="after")
    def _fits_the_ladder(self) -> Self:
        if len(self.levels) != len(levels_of_ladder(self.field)):
            raise ValueError("A field needs a weight for each level of its ladder.")
        return self

    def bits(self, level: int, explanation: int, value: str) -> float:
        """What a level says, in bits; ``value`` is that of both where both hold the same.

        ``explanation`` is what ``comparing.explanation_of`` says.
        """
        if level == UNKNOWN:
            return 0.0
        if level == 0 and explanation == 0 and self.rare_frequency is not None:
            return math.log2(self.levels[0].match_share / self._frequency(value))
        return self.bits_of(level, explanation)

    def bits_of(self, level: int, explanation: int) -> float:
        """What a level says whatever the value, in bits."""
        bits = self.levels[level].bits
        return bits[explanation] if explanation < len(bits) else bits[0]

    def _frequency(self, value: str) -> float:
        assert self.rare_frequency is not None  # noqa: S101 - else values are not told apart
        frequency = self.frequencies.get(value, self.rare_frequency)
        if self.rare_word_frequency is None or value in self.frequencies:
            return frequency
        by_chance = self.word_scale
        for word in value.split():
            by_chance *= self.word_frequencies.get(word, self.rare_word_frequency)
        # What both hold speaks against no pair.
        return min(max(frequency, by_chance), self.levels[0].match_share)

    def known(self, value: str) -> str:
        """The value, unless it belongs to so many that it says nothing."""
        return "" if value in self.shared else value


class Estimate(_Strict):
    """How right and how complete one is who takes all pairs of at least this probability for duplicates."""

    probability: float
    precision: float
    recall: float


class MatcherDocument(_Strict):
    """How duplicates are told among the records of one kind.

    ``prior`` is the probability that two records drawn at random are of the same. ``estimates`` rise in
    probability and precision and fall in recall. ``region`` (ISO 3166) is where telephones are dialled.
    ``is_estimated`` is False where the document only holds what is usual.
    """

    format_version: Literal[1] = FORMAT_VERSION
    region: str = ""
    is_estimated: bool
    record_count: int
    prior: Share
    threshold: float
    fields: tuple[FieldWeights, ...]
    estimates: tuple[Estimate, ...] = ()

    @cached_property
    def prior_bits(self) -> float:
        """What is known before anything is compared, in bits."""
        return math.log2(self.prior / (1 - self.prior))


def levels_of_ladder(field: Field) -> tuple[Level, ...]:
    """The levels of a field, with the one at the end that looks at the surname, too."""
    levels = LADDERS[field].levels
    return (*levels, SWAPPED) if field == Field.GIVEN_NAME else levels


def default_document(record_count: int, region: str = "") -> MatcherDocument:
    """What is usual, for so many records: used as long as there is too little to estimate from."""
    fields = tuple(
        FieldWeights(
            field=field,
            levels=tuple(
                LevelWeight(
                    words=level.words,
                    match_share=level.match_share,
                    other_share=level.other_share,
                )
                for level in levels_of_ladder(field)
            ),
        )
        for field in LADDERS
    )
    return MatcherDocument(
        region=region,
        is_estimated=False,
        record_count=record_count,
        prior=usual_prior(record_count),
        threshold=_DEFAULT_THRESHOLD,
        fields=fields,
    )


def usual_prior(record_count: int) -> float:
    """The probability that two of so many records are of the same, where a tenth stands twice."""
    return min(2 * _DEFAULT_DUPLICATES_PER_RECORD / max(record_count, 10), 0.02)


def probability_of(bits: float) -> float:
    """The probability that a sum of weights stands for, between 0.0001 and 0.9999."""
    odds_against = math.pow(2.0, -min(max(bits, -60.0), 60.0))
    return min(max(1 / (1 + odds_against), LOWEST_0_1), HIGHEST_0_1)
