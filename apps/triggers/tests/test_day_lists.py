"""Days off as people type and paste them."""

from __future__ import annotations

import pytest

from apps.triggers.day_lists import DaysRefusedError, read_days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", []),
        (" \n ; \n", []),
        ("2026-12-25", ["2026-12-25"]),
        ("2026-12-26\n2026-12-25\n2026-12-26", ["2026-12-25", "2026-12-26"]),
        ("2026-12-25, 2026-12-26,", ["2026-12-25", "2026-12-26"]),
        ("2026-12-25; 1 Jan 2027", ["2026-12-25", "2027-01-01"]),
        ("25.12.2026\r\n26.12.2026", ["2026-12-25", "2026-12-26"]),
        ("December 25, 2026", ["2026-12-25"]),
        ("25 December 2026, 26 December 2026", ["2026-12-25", "2026-12-26"]),
        ("2026-12-30 to 2027-01-01", ["2026-12-30", "2026-12-31", "2027-01-01"]),
        ("2026-12-30–2026-12-31", ["2026-12-30", "2026-12-31"]),
        ("2026-12-31 - 2026-12-31", ["2026-12-31"]),
        # One date shows which part comes first in the others.
        ("04/07/2026\n25/12/2026", ["2026-07-04", "2026-12-25"]),
        ("07/04/2026\n12/25/2026", ["2026-07-04", "2026-12-25"]),
        ("05/05/2026", ["2026-05-05"]),
    ],
)
def test_days_are_understood(text: str, days: list[str]) -> None:
    assert [day.isoformat() for day in read_days(text)] == days


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Christmas", ["“Christmas” is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026."]),
        ("2026-02-30", ["“2026-02-30” is not a day of the calendar."]),
        ("04/07/2026", ["“04/07/2026” can be read in two ways. Write 2026-07-04 or 2026-04-07."]),
        ("2026-12-31 to 2026-12-24", ["“2026-12-31 to 2026-12-24” is not a first and a last day."]),
        ("2026-01-01 to 2026-12-31", ["“2026-01-01 to 2026-12-31” is longer than 92 days."]),
        ("0001-01-01", ["“0001-01-01” lies outside the years 1900 to 2200."]),
        (
            "2026-12-25\nsoon\n2026-12-26\n2026-13-01",
            [
                "“soon” is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026.",
                "“2026-13-01” is not a day of the calendar.",
            ],
        ),
    ],
)
def test_what_is_no_day_is_named(text: str, says: list[str]) -> None:
    with pytest.raises(DaysRefusedError) as caught:
        read_days(text)
    assert caught.value.messages == says
