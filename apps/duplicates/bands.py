"""Bands of confidence: how sure one is that the two records of a pair are the same."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, Q, Value, When

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
