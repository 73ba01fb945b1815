"""Days as people name them."""

from __future__ import annotations

from datetime import date

import pytest

from apps.triggers.reading.days import day_named

# A Wednesday.
SAID_ON = date(2026, 4, 29)


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("I will call back on Tuesday.", date(2026, 5, 5)),
        ("Will call back Wednesday", date(2026, 5, 6)),
        ("I'll send it tomorrow", date(2026, 4, 30)),
        ("the day after tomorrow", date(2026, 5, 1)),
        ("You have it next week.", date(2026, 5, 8)),
        ("by the end of the week", date(2026, 5, 1)),
        ("in three days", date(2026, 5, 2)),
        ("in 2 weeks", date(2026, 5, 13)),
        ("on May 3rd", date(2026, 5, 3)),
        ("on 3 May 2026", date(2026, 5, 3)),
        ("by 2026-05-03", date(2026, 5, 3)),
        ("melde mich am 3. Mai", date(2026, 5, 3)),
        ("bis 03.05.2026", date(2026, 5, 3)),
        ("am 3.5.", date(2026, 5, 3)),
        ("am Montag", date(2026, 5, 4)),
        ("morgen", date(2026, 4, 30)),
        ("übermorgen", date(2026, 5, 1)),
        ("nächste Woche", date(2026, 5, 8)),
        ("in einer Woche", date(2026, 5, 6)),
        ("mardi", date(2026, 5, 5)),
        ("la semaine prochaine", date(2026, 5, 8)),
        ("le 3 mai", date(2026, 5, 3)),
        ("le 1er mai", date(2026, 5, 1)),
        ("dans deux semaines", date(2026, 5, 13)),
        ("demain", date(2026, 4, 30)),
        ("on 3/5", date(2026, 5, 3)),
        ("on 13/5/2026", date(2026, 5, 13)),
        ("by Fri", date(2026, 5, 1)),
        ("next Wed.", date(2026, 5, 6)),
        ("am Mo oder so", date(2026, 5, 4)),
        ("in a fortnight", date(2026, 5, 13)),
        ("call back in ten days", date(2026, 5, 9)),
        ("in a couple of weeks", date(2026, 5, 13)),
        ("in zwölf Tagen", date(2026, 5, 11)),
        ("dans sept jours", date(2026, 5, 6)),
        ("call back in a month", date(2026, 5, 29)),
        ("in 2 Monaten", date(2026, 6, 28)),
        ("dans un mois", date(2026, 5, 29)),
        ("next month", date(2026, 5, 31)),
        ("nächsten Monat", date(2026, 5, 31)),
        ("le mois prochain", date(2026, 5, 31)),
        ("on the 3rd", date(2026, 5, 3)),
        ("on the 30th", date(2026, 4, 30)),
        ("on the 3rd of June", date(2026, 6, 3)),
        ("am 3.", date(2026, 5, 3)),
        ("am 3. Juni", date(2026, 6, 3)),
        ("le 3.", date(2026, 5, 3)),
        ("le 3 juin", date(2026, 6, 3)),
        # Not on a day that has passed: the next one that is named, or none.
        ("I called on 2026-04-20 and will call on 2026-05-04", date(2026, 5, 4)),
        ("Guten Morgen, ich melde mich am Montag", date(2026, 5, 4)),
        ("Dienstag morgen", date(2026, 5, 5)),
        ("bis morgen", date(2026, 4, 30)),
        ("Guten Morgen", None),
        ("am Morgen, heute Morgen, gestern Morgen, jeden Morgen", None),
        ("Good morning, we met this morning", None),
        ("in ten months", None),
        ("in ten hours", None),
        ("on 1 March 2026", None),
        ("31.02.2026", None),
        ("2026-99-99", None),
        ("in 99 weeks", None),
        ("on 2031-05-03", None),
        ("3.5 % discount, version 3.5.1, room 12/4b", None),
        ("Mr Mayer may call", None),
        ("the sun, my son sat down, wed in fri", None),
        ("x" * 10_000, None),
        ("", None),
    ],
)
def test_the_day_that_a_sentence_names(sentence: str, day: date | None) -> None:
    assert day_named(sentence, SAID_ON, months_first=False) == day


def test_where_months_come_first_a_date_is_read_so_if_it_can_be() -> None:
    said_on = date(2026, 3, 1)
    assert day_named("on 4/5", said_on, months_first=True) == date(2026, 4, 5)
    assert day_named("on 4/5", said_on, months_first=False) == date(2026, 5, 4)
    assert day_named("on 25/3", said_on, months_first=True) == date(2026, 3, 25)


def test_the_end_of_the_next_month_may_lie_in_the_next_year() -> None:
    assert day_named("next month", date(2026, 11, 18), months_first=False) == date(2026, 12, 31)
    assert day_named("next month", date(2026, 12, 18), months_first=False) == date(2027, 1, 31)
    assert day_named("next month", date(2027, 1, 30), months_first=False) == date(2027, 2, 28)


def test_a_date_without_a_year_is_the_next_one() -> None:
    assert day_named("am 7. Januar", date(2025, 12, 30), months_first=False) == date(2026, 1, 7)


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("call back FR\u0130DAY", date(2026, 5, 1)),
        ("call back Fr\u0131day", date(2026, 5, 1)),
        ("in \u017fix days", date(2026, 5, 5)),
        ("melde mich D\u0130ENSTAG", date(2026, 5, 5)),
    ],
)
def test_letters_that_a_pattern_takes_for_others(sentence: str, day: date | None) -> None:
    """A Turkish keyboard writes such; no table of words has them."""
    assert day_named(sentence, SAID_ON, months_first=False) == day
