"""Pure decisions about suggestions: rank, confidence, when they run out."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal

from apps.suggestions.enums import MOVES, State

# An undecided suggestion runs out after two weeks: by then its reason has changed.
LIFETIME = timedelta(days=14)

# For each goal and owner suggestions are made so many days ahead of what a person gets in a day, enough for a
# long weekend. What an import of thousands of records calls for beyond that stays signals, and is taken up as
# the queue drains.
DAYS_AHEAD = 4

# With fewer decisions the standard error of a rate is above 11 percentage points, too wide to show.
MINIMUM_DECISIONS = 20
# The weight of the tenant's overall rate, in decisions, against the rate of one kind of suggestion.
PRIOR_DECISIONS = 10
# What ranking assumes of a kind that has not been measured, and of a tenant without decisions.
UNMEASURED_ACCEPTANCE = 0.5


def may_move(before: State, after: State) -> bool:
    """Whether the table of moves allows this one."""
    return after in MOVES[before]


def sources_of(after: State) -> list[State]:
    """The states from which a suggestion may come to this one."""
    return [before for before, targets in MOVES.items() if after in targets]


def measured_confidence(*, accepted: int, decided: int, overall_rate: float) -> float | None:
    """Return the acceptance rate, shrunken toward the tenant's overall rate, or None below the minimum.

    The estimate is the mean of a beta distribution whose prior weighs ``PRIOR_DECISIONS`` decisions
    (empirical Bayes, as in Efron and Morris 1975).
    """
    if decided < MINIMUM_DECISIONS:
        return None
    return (accepted + PRIOR_DECISIONS * overall_rate) / (decided + PRIOR_DECISIONS)


def most_pending(*, per_day: int) -> int:
    """How many suggestions of one goal may be pending for one owner's records."""
    return DAYS_AHEAD * per_day


def rank(*, value_at_stake: Decimal | None, urgency: int, acceptance: float | None) -> float:
    """Return the place in the queue, larger first: value × urgency × acceptance.

    The value enters by its logarithm: a deal ten times as large comes first among equals, but does not push
    everything else out of the day.
    """
    value = float(value_at_stake or 0)
    weight = 1 + math.log10(1 + max(value, 0.0))
    return weight * urgency * (UNMEASURED_ACCEPTANCE if acceptance is None else acceptance)
