"""Days as people say them, in English and German: “on Friday”, “übermorgen”, “in two weeks”, “12.3.”."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from apps.triggers.reading.letters import small

_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday|montag", "tuesday|dienstag", "wednesday|mittwoch", "thursday|donnerstag",
            "friday|freitag", "saturday|samstag|sonnabend", "sunday|sonntag",
        )
    )
    for name in names.split("|")
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january|januar|jan", "february|februar|feb", "march|märz|mar|mär", "april|apr", "may|mai",
            "june|juni|jun", "july|juli|jul", "august|aug", "september|sep|sept", "october|oktober|oct|okt",
            "november|nov", "december|dezember|dec|dez",
        ),
        start=1,
    )
    for name in names.split("|")
}  # fmt: skip
_COUNTS = {
    word: number
    for number, words in enumerate(
        (
            "a|an|one|ein|einer|einem|einen", "two|zwei", "three|drei", "four|vier", "five|fünf", "six|sechs",
            "seven|sieben", "eight|acht", "nine|neun", "ten|zehn",
        ),
        start=1,
    )
    for word in words.split("|")
}  # fmt: skip
_WEEKDAY = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_COUNT = rf"\d{{1,3}}|{'|'.join(_COUNTS)}"
_BEFORE = r"(?:\b(?:on|by|until|due|from|am|bis|zum|ab)\s+)?(?:\b(?:the|den|dem)\s+)?"
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of days, both ends included."""

    first: date
    last: date


def find_day(text: str, today: date) -> tuple[date | None, str]:
    """The first day that is named, today or later, and the text without it."""
    return _take(text, _AHEAD, today)


def find_past_day(text: str, today: date) -> tuple[date | None, str]:
    """The first day that is named, today or earlier, and the text without it."""
    return _take(text, _BEHIND, today)


def find_span(text: str, today: date) -> Days | None:
    """The stretch of past days that is named: “last week”, “yesterday”, “in the last ten days”."""
    for pattern, span in _SPANS:
        if found := pattern.search(text):
            return span(found, today)
    return None


def week_before(today: date) -> Days:
    """Last week, from Monday to Sunday."""
    monday = _monday(today)
    return Days(monday - WEEK, monday - timedelta(days=1))


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


_Reader = Callable[[re.Match[str], date], date | None]


def _take(
    text: str, known: tuple[tuple[re.Pattern[str], _Reader], ...], today: date
) -> tuple[date | None, str]:
    for pattern, read in known:
        found = pattern.search(text)
        if found is None:
            continue
        day = read(found, today)
        if day is not None:
            rest = f"{text[: found.start()]} {text[found.end() :]}"
            return day, " ".join(rest.split()).strip(" ,;")
    return None, text


def _count(word: str) -> int:
    return _COUNTS.get(small(word)) or int(word)


def _weekday_ahead(found: re.Match[str], today: date) -> date:
    wanted = _WEEKDAYS[small(found["weekday"])]
    if found["which"] and small(found["which"]).startswith(("next", "nächst", "kommend")):
        # That of the week that follows.
        return _monday(today) + WEEK + timedelta(days=wanted)
    return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)


def _weekday_behind(found: re.Match[str], today: date) -> date:
    wanted = _WEEKDAYS[small(found["weekday"])]
    return today - timedelta(days=(today.weekday() - wanted - 1) % 7 + 1)


def _in_units(found: re.Match[str], today: date) -> date | None:
    count, unit = _count(found["count"]), small(found["unit"])
    if unit.startswith(("week", "woche")):
        return today + count * WEEK
    if unit.startswith(("month", "monat")):
        return _months_on(today, count)
    return today + timedelta(days=count)


def _months_on(today: date, months: int) -> date:
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def _iso(found: re.Match[str], today: date) -> date | None:
    try:
        return date.fromisoformat(found["iso"])
    except ValueError:
        return None


def _of_month(found: re.Match[str], today: date) -> date | None:
    name = small(found["month"])
    return _dated(int(found["day"]), _MONTHS[name], found["year"], today)


def _by_numbers(found: re.Match[str], today: date) -> date | None:
    return _dated(int(found["day"]), int(found["month"]), found["year"], today)


def _dated(day: int, month: int, year: str | None, today: date) -> date | None:
    """The day in its year; without one, the next time that it comes round."""
    years = [int(year)] if year else [today.year, today.year + 1]
    for candidate in years:
        try:
            dated = date(candidate, month, day)
        except ValueError:
            continue
        if year or dated >= today:
            return dated
    return None


def _end_of_week(found: re.Match[str], today: date) -> date:
    return today + timedelta(days=(4 - today.weekday()) % 7)


def _end_of_month(found: re.Match[str], today: date) -> date:
    return today.replace(day=monthrange(today.year, today.month)[1])


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(_BEFORE + text, re.IGNORECASE)


_ISO = (_pattern(r"\b(?P<iso>\d{4}-\d{2}-\d{2})\b"), _iso)
_AHEAD: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    _ISO,
    (
        _pattern(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?:\s+of)?\s+(?P<month>{_MONTH})\b\.?(?:,?\s+(?P<year>\d{{4}}))?"),
        _of_month,
    ),
    (
        _pattern(rf"\b(?P<month>{_MONTH})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year>\d{{4}}))?"),
        _of_month,
    ),
    (_pattern(r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})?"), _by_numbers),
    (_pattern(r"\b(?:day after tomorrow|übermorgen)\b"), lambda _, today: today + timedelta(days=2)),
    (_pattern(r"\b(?:tomorrow|morgen)\b"), lambda _, today: today + timedelta(days=1)),
    (_pattern(r"\b(?:today|heute)\b"), lambda _, today: today),
    (
        _pattern(rf"\b(?P<which>(?:this|next|coming|diesen|nächsten|kommenden)\s+)?(?P<weekday>{_WEEKDAY})\b"),
        _weekday_ahead,
    ),
    (
        _pattern(r"\b(?:(?:at|by|am)\s+)?(?:the\s+)?(?:end of (?:the|this) week|ende der woche"
        r"|wochenende)\b"),
        _end_of_week,
    ),
    (
        _pattern(r"\b(?:(?:at|by|am)\s+)?(?:the\s+)?(?:end of (?:the|this) month|ende des monats"
        r"|monatsende)\b"),
        _end_of_month,
    ),
    (
        _pattern(r"\b(?:next week|nächste[nr]? woche)\b"),
        lambda _, today: _monday(today) + WEEK,
    ),
    (
        _pattern(r"\b(?:next month|nächsten monat)\b"),
        lambda _, today: _months_on(today, 1).replace(day=1),
    ),
    (
        _pattern(
            rf"\bin\s+(?P<count>{_COUNT})\s+(?P<unit>days?|weeks?|months?|tag(?:en|e)?|wochen?|monat(?:en|e)?)\b"
        ),
        _in_units,
    ),
)  # fmt: skip
_BEHIND: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    _ISO,
    (_pattern(r"\b(?:day before yesterday|vorgestern)\b"), lambda _, today: today - timedelta(days=2)),
    (_pattern(r"\b(?:yesterday|gestern)\b"), lambda _, today: today - timedelta(days=1)),
    (_pattern(r"\b(?:today|just now|heute|gerade eben)\b"), lambda _, today: today),
    (_pattern(rf"\b(?:(?:last|letzten)\s+)?(?P<weekday>{_WEEKDAY})\b"), _weekday_behind),
)  # fmt: skip

_SpanReader = Callable[[re.Match[str], date], Days]
_SPANS: tuple[tuple[re.Pattern[str], _SpanReader], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), span)
    for pattern, span in (
        (
            r"\b(?:last|past|letzten?|vergangenen?)\s+(?P<count>\d{1,2})\s+(?:days|tagen?)\b",
            lambda found, today: Days(today - timedelta(days=int(found["count"])), today),
        ),
        (
            r"\b(?:last week|(?:letzte|vergangene|vorige)[nr]? woche)\b",
            lambda _, today: week_before(today),
        ),
        (
            r"\b(?:this week|diese[nr]? woche)\b",
            lambda _, today: Days(_monday(today), today),
        ),
        (
            r"\b(?:last month|(?:letzten|vergangenen|vorigen) monat)\b",
            lambda _, today: Days(
                _months_on(today, -1).replace(day=1), today.replace(day=1) - timedelta(days=1)
            ),
        ),
        (
            r"\b(?:yesterday|gestern)\b",
            lambda _, today: Days(today - timedelta(days=1), today - timedelta(days=1)),
        ),
        (r"\b(?:today|heute)\b", lambda _, today: Days(today, today)),
    )
)  # fmt: skip
