"""Bands of confidence: how sure one is that the two records of a pair are the same."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import Case, Q, Value, When

from apps.duplicates.enums import PairState
from apps.duplicates.matching.others import have_other_names
from apps.duplicates.models import Pair

# From here on hardly a pair is another's: one of a hundred, where probabilities are right.
ALMOST_CERTAIN_0_1 = 0.99


class Band(models.TextChoices):
    """How likely a pair is; every pair is in one band."""

    CERTAIN = "certain", "Almost certain"
    LIKELY = "likely", "Likely"
    POSSIBLE = "possible", "Possible"

    @property
    def pairs(self) -> Q:
        """The condition for its pairs."""
        is_certain = Q(probability__gte=ALMOST_CERTAIN_0_1)
        match self:
            case Band.CERTAIN:
                return Q(is_likely=True) & is_certain
            case Band.LIKELY:
                return Q(is_likely=True) & ~is_certain
            case _:
                return Q(is_likely=False)


# The least sure first: their places in it are compared in the database.
BY_SURENESS = (Band.POSSIBLE, Band.LIKELY, Band.CERTAIN)


def sureness() -> Case:
    """The place of a pair's band in ``BY_SURENESS``."""
    return Case(*(When(band.pairs, then=Value(n)) for n, band in enumerate(BY_SURENESS)))


def band_of(pair: Pair) -> Band:
    """The band of a pair."""
    if not pair.is_likely:
        return Band.POSSIBLE
    return Band.CERTAIN if pair.probability >= ALMOST_CERTAIN_0_1 else Band.LIKELY


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Why a pair is only called possible: in short, as a heading, and in full."""

    short: str
    title: str
    text: str


BY_CONFLICT = HeldBack(
    "Both addresses answered",
    "Both addresses answered within the last year",
    "That is hard evidence that these are two. The pair is never called likely.",
)
BY_NAMES = HeldBack(
    "Other names",
    "Their names are different",
    "Who shares a telephone number or a company and is called otherwise is taken for a colleague or a"
    " relative, however much agrees, until an address or something else of their own says that they are one.",
)
BY_GROUP = HeldBack(
    "Other pairs speak against it",
    "Other pairs of these two speak against it",
    "Looked at alone they are likely. But one of them belongs to a record from which the other is kept apart:"
    " both addresses answered, somebody has said that they are not the same, or too little agrees.",
)


def held_back(pair: Pair, threshold_0_1: float) -> HeldBack | None:
    """What keeps an open pair from being likely though its probability reaches the threshold, if anything."""
    if pair.state != PairState.OPEN or pair.is_likely:
        return None
    if pair.has_conflict:
        return BY_CONFLICT
    if pair.probability < threshold_0_1:
        return None
    return BY_NAMES if have_other_names(pair.weights) else BY_GROUP
