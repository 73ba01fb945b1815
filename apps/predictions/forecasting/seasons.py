"""The phase of the quarter that a day is in: companies sell by quarters."""

from __future__ import annotations

from datetime import date

import numpy as np

from apps.predictions.forecasting.deals import Codes, Floats

# Halves of the three months of a quarter.
PHASES = 6
_SECOND_HALF_FROM = 16
_EPOCH = date(1970, 1, 1).toordinal()


def phases_of(days: Floats) -> Codes:
    """The phase of the quarter (0 to 5) of each ordinal day."""
    moments = (days - _EPOCH).astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    day_of_month = (moments - months).astype(np.int64) + 1
    half = (day_of_month >= _SECOND_HALF_FROM).astype(np.int64)
    return np.asarray(months.astype(np.int64) % 3 * 2 + half)
