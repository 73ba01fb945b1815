"""Pure decisions about predictions."""

from __future__ import annotations

from apps.predictions.schemas import Drift

# Fewer matured outcomes say little: at 50 the standard error of a log loss of 0.6 is about 0.06.
LEAST_MATURED = 50
# A population stability index above the first is some movement, above the second calls for action (Siddiqi,
# "Credit Risk Scorecards", 2006).
MOVED_PSI, MOVED_FAR_PSI = 0.1, 0.25


def is_worse_than_base_rate(drift: Drift) -> bool:
    """Whether scores that were given did worse than telling everybody the base rate would have done."""
    if drift.log_loss is None or drift.base_log_loss is None:
        return False
    return drift.matured >= LEAST_MATURED and drift.log_loss > drift.base_log_loss
