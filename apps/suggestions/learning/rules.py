"""The statistics of learning: pure functions of counts, with the reasons for their constants.

Decision 21 tells where they come from and how they were measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from apps.suggestions.enums import RejectReason

# With fewer decisions the standard error of a rate is above 11 percentage points, too wide to show.
MINIMUM_DECISIONS = 20
# What is expected of a kind that has not been measured, and of a tenant without decisions.
UNMEASURED_ACCEPTANCE = 0.5
# The weight of a wider kind's rate, in decisions, against that of a narrower one.
PRIOR_DECISIONS = 5

# A decision weighs half as much after so many days, and nothing after HORIZON_DAYS (2 % are left by then).
HALF_LIFE_DAYS = 30
HORIZON_DAYS = 180
# It weighs half as much, too, once its maker has decided so many later ones of the same trigger and tool. So
# a taste that changes is followed at the pace at which it is told, and no person ever weighs more than
# 10 / ln 2 + 1/2 = 15 decisions there, however many they make.
HALF_LIFE_DECISIONS = 10
# A kind becomes quiet by a longer memory, of the trigger and segment, so that a bad day silences nothing.
QUIETING_HALF_LIFE_DECISIONS = 20

# What a rejection says against the kind itself; of the rest it is no fault that it was suggested. A
# confidence counts every rejection whole: it promises how often people say yes.
REASON_WEIGHTS: Mapping[RejectReason, float] = {
    RejectReason.NOT_NEEDED: 1.0,
    RejectReason.NOT_DUPLICATE: 1.0,
    RejectReason.WRONG_RECORD: 0.5,
    RejectReason.WRONG_CHANGE: 0.5,
    RejectReason.ALREADY_DONE: 0.25,
    RejectReason.BAD_TIMING: 0.25,
}

# Below this share of wanted suggestions a kind is quiet: four out of five were in the way.
QUIET_BELOW = 0.2
# The bound that must lie below it is that of a one-sided 95 % interval.
_Z = 1.6449
# What others say of a kind counts like so many decisions of each: three people who agree silence a kind for a
# newcomer, one or two do not. Against a person's own decisions others count for no more than three, however
# many they are, so that a few yeses bring it back.
OTHERS_EACH = 4.0
OTHERS_ALL = 12.0

# One place of a day in twenty is kept for what is quiet, or has been decided on less than so often.
TRIAL_ONE_IN = 20
PROVEN_DECISIONS = 5

# A share is told apart from nothing and all: no log-odds beyond those of 1 % and 99 %.
_EDGE = 0.01


def shrunken(*, accepted: float, decided: float, toward: float) -> float:
    """Return the acceptance rate, drawn towards another one as if that were ``PRIOR_DECISIONS`` decisions.

    The mean of a beta distribution with that prior (empirical Bayes, as in Efron and Morris 1975); counts may
    be fractions, because old decisions weigh less.
    """
    return (accepted + PRIOR_DECISIONS * toward) / (decided + PRIOR_DECISIONS)


def leaning_to(rate: float, *, own: float, others: float) -> float:
    """Return a kind's rate as it is for a person who accepts ``own`` where others accept ``others``.

    The difference is taken in log-odds, so that it stays a share whatever it is added to.
    """
    return _share(_log_odds(rate) + _log_odds(own) - _log_odds(others))


def upper_bound(*, wanted: float, judged: float) -> float:
    """Return the upper end of the one-sided 95 % interval of a share (Wilson 1927); 1 where nothing is known.

    Wilson's stays honest at few decisions and at shares near 0 (Brown, Cai and DasGupta 2001).
    """
    if judged <= 0:
        return 1.0
    share = wanted / judged
    centre = share + _Z**2 / (2 * judged)
    half = _Z * math.sqrt(share * (1 - share) / judged + _Z**2 / (4 * judged**2))
    return (centre + half) / (1 + _Z**2 / judged)


def trials_on(day: date, *, per_day: int) -> int:
    """How many of a person's places of this day are kept for trials: one in twenty, spread over the days."""
    reached = day.toordinal() * per_day
    return (reached + per_day) // TRIAL_ONE_IN - reached // TRIAL_ONE_IN


def _log_odds(share: float) -> float:
    inside = min(max(share, _EDGE), 1 - _EDGE)
    return math.log(inside / (1 - inside))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
