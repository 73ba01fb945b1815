"""Dates of birth made comparable."""

from __future__ import annotations

import re
from datetime import date

_YEAR_FIRST = re.compile(r"(\d{4})[-/. ]?(\d{1,2})[-/. ]?(\d{1,2})(?:[T ].*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{4})")
# Where the month is written first.
_MONTH_FIRST_REGIONS = frozenset({"US", "PH", "PR"})


def birth_date_of(text: str, region: str) -> str:
    """A date of birth as eight digits, year first; empty where it is no date.

    Of 03/04/1980 ``region`` tells whether it is in March or in April.
    """
    stripped = text.strip()
    found = _YEAR_FIRST.fullmatch(stripped)
    if found is not None:
        year, month, day = (int(part) for part in found.groups())
    else:
        found = _YEAR_LAST.fullmatch(stripped)
        if found is None:
            return ""
        day, month, year = (int(part) for part in found.groups())
        if month > 12 or (region in _MONTH_FIRST_REGIONS and day <= 12):
            day, month = month, day
    try:
        return f"{date(year, month, day):%Y%m%d}"
    except ValueError:
        # The 31st of June is a slip of the pen; its other digits still tell something.
        return f"{year:04}{month:02}{day:02}" if month < 100 and day < 100 else ""


def has_day_for_month(left: str, right: str) -> bool:
    """Whether the dates are the same with day and month exchanged."""
    return left[:4] == right[:4] and left[4:6] == right[6:] and left[6:] == right[4:6]


def year_of(birth_date: str) -> str:
    """The year."""
    return birth_date[:4]


def day_of_year(birth_date: str) -> str:
    """Month and day."""
    return birth_date[4:]
