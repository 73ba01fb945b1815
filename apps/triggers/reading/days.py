"""The day that a sentence names, as seen from the day on which it was written. English, German, French."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from apps.triggers.reading.letters import small

DAY = timedelta(days=1)
# A promise for a day further off is no appointment that anybody keeps in mind, or not meant as a date.
FURTHEST = timedelta(days=120)


def _numbered(*groups: tuple[str, ...], start: int = 0) -> dict[str, int]:
    """The number of each word: those of one group have the same."""
    return {name: number for number, names in enumerate(groups, start) for name in names}


_WEEKDAYS = _numbered(
    ("monday", "montag", "lundi"),
    ("tuesday", "dienstag", "mardi"),
    ("wednesday", "mittwoch", "mercredi"),
    ("thursday", "donnerstag", "jeudi"),
    ("friday", "freitag", "vendredi"),
    ("saturday", "samstag", "samedi"),
    ("sunday", "sonntag", "dimanche"),
)
# Short as in "call back Tue": such words mean other things, too, unless one of these comes before.
_SHORT_WEEKDAYS = _numbered(
    ("mon", "mo"),
    ("tue", "tues", "di"),
    ("wed", "mi"),
    ("thu", "thur", "thurs", "do"),
    ("fri", "fr"),
    ("sat", "sa"),
    ("sun", "so"),
)
_BEFORE_SHORT = (
    r"(?:on|by|until|till|before|this|next|back|call-?back|again|am|bis|nächsten|kommenden|rückruf"
    r"|wiedervorlage|wv)"
)
_MONTHS = _numbered(
    ("january", "jan", "januar", "jänner", "janvier"),
    ("february", "feb", "februar", "février", "fevrier"),
    ("march", "mar", "märz", "maerz", "mars"),
    ("april", "apr", "avril"),
    ("may", "mai"),
    ("june", "jun", "juni", "juin"),
    ("july", "jul", "juli", "juillet"),
    ("august", "aug", "août", "aout"),
    ("september", "sep", "sept", "septembre"),
    ("october", "oct", "oktober", "okt", "octobre"),
    ("november", "nov", "novembre"),
    ("december", "dec", "dezember", "dez", "décembre", "decembre"),
    start=1,
)
_NUMBERS = {
    **dict.fromkeys(("a", "an", "one", "einem", "einer", "ein", "un", "une"), 1),
    **dict.fromkeys(("two", "a couple of", "zwei", "deux"), 2),
    **dict.fromkeys(("three", "drei", "trois"), 3),
    **dict.fromkeys(("four", "vier", "quatre"), 4),
    **dict.fromkeys(("five", "fünf", "cinq"), 5),
    **dict.fromkeys(("six", "sechs"), 6),
    **dict.fromkeys(("seven", "sieben", "sept"), 7),
    **dict.fromkeys(("eight", "acht", "huit"), 8),
    **dict.fromkeys(("nine", "neun", "neuf"), 9),
    **dict.fromkeys(("ten", "zehn", "dix"), 10),
    **dict.fromkeys(("twelve", "zwölf", "douze"), 12),
}
_UNIT_DAYS = {
    **dict.fromkeys(("day", "days", "tag", "tagen", "tage", "jour", "jours"), 1),
    **dict.fromkeys(("week", "weeks", "woche", "wochen", "semaine", "semaines"), 7),
    "fortnight": 14,
    # Nobody counts the days of a month who promises to call "in a month".
    **dict.fromkeys(("month", "months", "monat", "monaten", "monate", "mois"), 30),
}


def _one_of(words: dict[str, int]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_WORDS = {
    "in_days": rf"(?:in|dans)\s+(?P<count>\d{{1,2}}|{_one_of(_NUMBERS)})\s+(?P<unit>{_one_of(_UNIT_DAYS)})",
    "after_tomorrow": r"day after tomorrow|übermorgen|après-demain",
    # "Guten Morgen", "am Morgen", "heute Morgen": the morning.
    "tomorrow": r"tomorrow|demain"
    r"|(?<!\bguten\s)(?<!\bschönen\s)(?<!\bheute\s)(?<!\bgestern\s)(?<!\bjeden\s)(?<!\bdiesen\s)"
    r"(?<!\bden\s)(?<!\bam\s)(?<!\bzum\s)(?<!\bvom\s)morgen",
    "next_week": r"next week|(?:in der )?(?:nächste[rn]?|kommende[rn]?) woche|la semaine prochaine",
    "week_end": r"end of (?:the|this) week|ende (?:der|dieser) woche|(?:la )?fin de (?:la |cette )?semaine",
    "iso": r"(?P<iso_year>20\d\d)-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)",
    "dotted": r"(?P<dot_day>\d{1,2})\.\s?(?P<dot_month>\d{1,2})\.(?:\s?(?P<dot_year>20\d\d|\d\d))?",
    "slashed": r"(?P<one>\d{1,2})/(?P<two>\d{1,2})(?:/(?P<slash_year>20\d\d|\d\d))?",
    "day_month": rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)?\s+(?:of\s+)?(?P<month>{_one_of(_MONTHS)})"
    r"(?:\s+(?P<year>20\d\d))?",
    "month_day": rf"(?P<en_month>{_one_of(_MONTHS)})\s+(?P<en_day>\d{{1,2}})(?:st|nd|rd|th)?"
    r"(?:,?\s+(?P<en_year>20\d\d))?",
    "day_only": rf"(?:the\s+(?P<nth>\d{{1,2}})(?:st|nd|rd|th)(?!\s+(?:of\s+)?(?:{_one_of(_MONTHS)})\b)"
    rf"|(?:am|bis\s+zum|zum)\s+(?P<nth_de>\d{{1,2}})\.(?!\s?\d|\s*(?:{_one_of(_MONTHS)})\b)"
    r"|le\s+(?P<nth_fr>\d{1,2})(?=\s*(?:[.,;!]|$)))",
    "next_month": r"next month|(?:nächsten|kommenden) monat|le mois prochain",
    "weekday": _one_of(_WEEKDAYS),
    "short_weekday": rf"{_BEFORE_SHORT}\s+(?P<short>{_one_of(_SHORT_WEEKDAYS)})",
}
_DAY = re.compile(
    r"(?<![\w./-])(?:" + "|".join(f"(?P<{k}>{v})" for k, v in _WORDS.items()) + r")(?![\w/-])",
    re.IGNORECASE,
)


def day_named(sentence: str, said_on: date, *, months_first: bool) -> date | None:
    """The first day ahead that a sentence names, else None.

    "Next week" is meant until its Friday, "next month" until its last day; a day of the week is the next such
    day; a date without a year is the next such date. Days that have passed and days further off than
    ``FURTHEST`` are left out.

    Args:
        months_first: whether 5/3 is the third of May where both readings are possible.
    """
    for found in _DAY.finditer(sentence):
        for day in _readings(found, said_on, months_first=months_first):
            if said_on < day <= said_on + FURTHEST:
                return day
    return None


def names_a_day(text: str) -> bool:
    """Whether there is anything in a text that might be a day."""
    return _DAY.search(text) is not None


def _readings(found: re.Match[str], said_on: date, *, months_first: bool) -> Iterator[date]:
    """The days that the words may mean, the likelier first; none when there is no such date."""
    kind = next(name for name in _WORDS if found[name] is not None)
    relative = _RELATIVE.get(kind)
    if relative is not None:
        yield relative(found, said_on)
        return
    if kind == "day_only":
        number = int(found["nth"] or found["nth_de"] or found["nth_fr"])
        following = said_on.replace(day=1) + DAY * 31
        yield from _dates(said_on.year, said_on.month, number, said_on)
        yield from _dates(following.year, following.month, number, said_on)
        return
    for year, month, day in _date_parts(kind, found, months_first=months_first):
        yield from _dates(year, month, day, said_on)


def _in_days(found: re.Match[str], said_on: date) -> date:
    count = small(found["count"])
    number = int(count) if count.isdecimal() else _NUMBERS[count]
    return said_on + DAY * number * _UNIT_DAYS[small(found["unit"])]


def _next(weekday: int, said_on: date) -> date:
    return said_on + DAY * ((weekday - said_on.weekday()) % 7 or 7)


def _end_of_next_month(said_on: date) -> date:
    after_next = said_on.month + 1
    return date(said_on.year + after_next // 12, after_next % 12 + 1, 1) - DAY


_RELATIVE: dict[str, Callable[[re.Match[str], date], date]] = {
    "in_days": _in_days,
    "tomorrow": lambda found, said_on: said_on + DAY,
    "after_tomorrow": lambda found, said_on: said_on + DAY * 2,
    "next_week": lambda found, said_on: said_on + DAY * (11 - said_on.weekday()),
    "week_end": lambda found, said_on: said_on + DAY * ((4 - said_on.weekday()) % 7),
    "next_month": lambda found, said_on: _end_of_next_month(said_on),
    "weekday": lambda found, said_on: _next(_WEEKDAYS[small(found["weekday"])], said_on),
    "short_weekday": lambda found, said_on: _next(_SHORT_WEEKDAYS[small(found["short"])], said_on),
}


def _date_parts(
    kind: str, found: re.Match[str], *, months_first: bool
) -> Iterator[tuple[int | None, int, int]]:
    """Year, where one is named, month and day."""
    if kind == "iso":
        yield int(found["iso_year"]), int(found["iso_month"]), int(found["iso_day"])
    elif kind == "dotted":
        yield _year(found["dot_year"]), int(found["dot_month"]), int(found["dot_day"])
    elif kind == "day_month":
        yield _year(found["year"]), _MONTHS[small(found["month"])], int(found["day"])
    elif kind == "month_day":
        yield _year(found["en_year"]), _MONTHS[small(found["en_month"])], int(found["en_day"])
    else:
        year, one, two = _year(found["slash_year"]), int(found["one"]), int(found["two"])
        yield from ((year, one, two), (year, two, one))[:: 1 if months_first else -1]


def _year(text: str | None) -> int | None:
    return None if text is None else int(text) if len(text) == 4 else 2000 + int(text)


def _dates(year: int | None, month: int, day: int, said_on: date) -> Iterator[date]:
    for candidate in (year,) if year is not None else (said_on.year, said_on.year + 1):
        try:
            yield date(candidate, month, day)
        except ValueError:
            continue
