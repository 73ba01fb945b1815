"""Understanding values as people type them.

Every parser takes trimmed, non-empty text and returns the value or raises ``ValueRefused`` with a message
for the person. What a single value cannot tell (is 03/04 in March or in April? is 1.234 more than a
thousand?) is decided for the whole column by ``apps.crm.importing.columns`` and handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum


class ValueRefused(Exception):  # noqa: N818 - a verdict about one cell, not a fault of the program
    """The text is not what its field takes; the message is for the person."""


class DateOrder(StrEnum):
    """Which part of a date written in digits comes first."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"

    @property
    def label(self) -> str:
        """The order in words."""
        return "day before month" if self is DateOrder.DAY_FIRST else "month before day"


class DecimalMark(StrEnum):
    """What stands before the cents."""

    POINT = "."
    COMMA = ","

    @property
    def label(self) -> str:
        """The mark in words."""
        return "point" if self is DecimalMark.POINT else "comma"


EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
CENT = Decimal("0.01")

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",),
            ("june", "jun"), ("july", "jul"), ("august", "aug"), ("september", "sep", "sept"),
            ("october", "oct"), ("november", "nov"), ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
_ISO_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DIGIT_DATE = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})")
_DAY_MONTH_NAME = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[-\s.]+([A-Za-z]{3,9})\.?,?[-\s]+(\d{4}|\d{2})"
)
_MONTH_NAME_DAY = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_YEAR_MONTH_NAME = re.compile(r"(\d{4})[-\s]([A-Za-z]{3,9})[-\s](\d{1,2})")
_TIME = re.compile(
    r"(?:T|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([AaPp]\.?[Mm]\.?)?\s*"
    r"(Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_CURRENCY_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "$": "$", "US$": "USD"}
_AMOUNT = re.compile(
    r"(?P<open>\()?(?P<minus>[-−])?(?P<before>US\$|[€£¥₹$]|[A-Z]{3})?(?P<minus_after>[-−])?"
    r"(?P<digits>\d[\d.,'’]*|[.,]\d+)"
    r"(?P<after>US\$|[€£¥₹$]|[A-Z]{3})?(?P<close>\))?"
)
_GROUPING = re.compile(r"[.,'’]")
_IN_THREES = re.compile(r"\d{1,3}([.,])\d{3}(?:\1\d{3})*")
_WRONG_MARK = "is not an amount when the decimal {} is used, as in this column"
MAX_WHOLE_DIGITS = 15
_TRUE = {"yes", "y", "true", "t", "1", "x", "on"}
_FALSE = {"no", "n", "false", "f", "0", "off"}
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]+@[^@\s\"(),:;<>\[\\\]]+\.[^@\s\"(),:;<>\[\\\].]{2,}")


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money. ``currency`` is what the text itself says: a code, "$" for some dollar, or empty."""

    value: Decimal
    currency: str


def parse_date(text: str, order: DateOrder) -> date:
    """Understand a day; a time of day after it is dropped (see ``parse_moment``)."""
    day, rest = _split_date(text, order)
    if rest and not _TIME.fullmatch(rest):
        raise ValueRefused(_NOT_A_DATE)
    return day


def parse_day_in_zone(text: str, order: DateOrder, zone: tzinfo) -> date:
    """Understand a day; one written with a time and an offset is the day in ``zone``."""
    day, rest = _split_date(text, order)
    if not rest:
        return day
    moment = _combine(day, rest, zone)
    return moment.astimezone(zone).date()


def parse_moment(text: str, order: DateOrder, zone: tzinfo) -> datetime:
    """Understand a moment; without an offset it is local to ``zone``, without a time it is midnight."""
    day, rest = _split_date(text, order)
    return _combine(day, rest, zone)


_NOT_A_DATE = "is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026"


def _split_date(text: str, order: DateOrder) -> tuple[date, str]:
    if match := _ISO_DATE.match(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DIGIT_DATE.match(text):
        first, sign, second, last = match.groups()
        # Dates with points are day first everywhere.
        is_day_first = sign == "." or order is DateOrder.DAY_FIRST
        day, month = (int(first), int(second)) if is_day_first else (int(second), int(first))
        year = _full_year(last)
        if not 1 <= month <= 12 and 1 <= day <= 12:
            raise ValueRefused(
                f"is not a date when the {order.label} is written, as in the rest of this column"
            )
    elif match := _DAY_MONTH_NAME.match(text):
        day, month, year = int(match[1]), _month(match[2]), _full_year(match[3])
    elif match := _MONTH_NAME_DAY.match(text):
        month, day, year = _month(match[1]), int(match[2]), int(match[3])
    elif match := _YEAR_MONTH_NAME.match(text):
        year, month, day = int(match[1]), _month(match[2]), int(match[3])
    else:
        raise ValueRefused(_NOT_A_DATE)
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise ValueRefused(f"lies outside the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    try:
        return date(year, month, day), text[match.end() :]
    except ValueError as error:
        raise ValueRefused("is not a day of the calendar") from error


def _combine(day: date, rest: str, zone: tzinfo) -> datetime:
    if not rest:
        return datetime.combine(day, time.min, zone)
    match = _TIME.fullmatch(rest)
    if not match:
        raise ValueRefused(
            "is not a date with a time. Write 2026-12-31 14:30 or 12/31/2026 2:30 PM"
        )
    hour, minute, second, half, offset = match.groups()
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueRefused("is not a time of day")
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    try:
        clock = time(hours, int(minute), int(second or 0))
    except ValueError as error:
        raise ValueRefused("is not a time of day") from error
    return datetime.combine(day, clock, _offset(offset) if offset else zone)


def _offset(text: str) -> timezone:
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise ValueRefused("has an offset from UTC that does not exist")
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _month(name: str) -> int:
    try:
        return _MONTHS[name.lower()]
    except KeyError as error:
        raise ValueRefused(_NOT_A_DATE) from error


def _full_year(digits: str) -> int:
    """Two digits mean the hundred years from 1970, as spreadsheets read them."""
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= 70 else 2000)


def date_order_evidence(text: str) -> DateOrder | None:
    """What this value proves about its column, or None when it proves nothing."""
    match = _DIGIT_DATE.match(text)
    if not match or match[2] == ".":
        return None
    first, second = int(match[1]), int(match[3])
    if first > 12 >= second:
        return DateOrder.DAY_FIRST
    if second > 12 >= first:
        return DateOrder.MONTH_FIRST
    return None


def needs_date_order(text: str) -> bool:
    """Whether the value means another day in the other order."""
    match = _DIGIT_DATE.match(text)
    return match is not None and match[2] != "." and match[1] != match[3]


def parse_amount(text: str, mark: DecimalMark) -> Amount:
    """Understand a sum such as "$4,514.00", "1.234,56 €", "1 234" or "(250.00)", rounded to cents.

    Grouping must be in threes: "1,23" in a column with decimal points is refused, not read as 123.
    """
    match = _AMOUNT.fullmatch(_SPACES.sub("", text))
    if (
        not match
        or bool(match["open"]) != bool(match["close"])
        or (match["minus"] and match["minus_after"])
    ):
        raise ValueRefused("is not an amount. Write 1234.56, 1,234.56 or 1.234,56")
    if match["before"] and match["after"]:
        raise ValueRefused("names two currencies")
    value = _parse_digits(match["digits"], mark)
    if match["open"] or match["minus"] or match["minus_after"]:
        value = -value
    written = match["before"] or match["after"] or ""
    return Amount(value, _CURRENCY_SIGNS.get(written, written))


def _parse_digits(digits: str, mark: DecimalMark) -> Decimal:
    whole, found, cents = digits.rpartition(mark.value)
    if not found:
        whole, cents = digits, ""
    if not whole.isdecimal() and whole:
        groups = _GROUPING.split(whole)
        is_in_threes = 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
        if mark.value in whole or not is_in_threes:
            raise ValueRefused(_WRONG_MARK.format(mark.label))
        whole = "".join(groups)
    if cents and not cents.isdecimal():
        raise ValueRefused(_WRONG_MARK.format(mark.label))
    if len(whole) > MAX_WHOLE_DIGITS:
        raise ValueRefused("is too large")
    value = Decimal(f"{whole or 0}.{cents or 0}")
    return value.quantize(CENT, ROUND_HALF_EVEN) if len(cents) > 2 else value


def decimal_mark_evidence(text: str) -> DecimalMark | None:
    """What this value proves about its column, or None when it proves nothing (1234, 1.234 or 1.2.3)."""
    digits = re.sub(r"[^\d.,]", "", text)
    point, comma = digits.rfind("."), digits.rfind(",")
    if point < 0 and comma < 0:
        return None
    if point >= 0 and comma >= 0:
        mark = DecimalMark.POINT if point > comma else DecimalMark.COMMA
    else:
        sign = "." if point >= 0 else ","
        whole, _, tail = digits.partition(sign)
        if digits.count(sign) > 1:
            if not _IN_THREES.fullmatch(digits):
                return None
            mark = DecimalMark.COMMA if sign == "." else DecimalMark.POINT
        elif len(tail) == 3 and 1 <= len(whole) <= 3 and whole != "0":
            return None
        else:
            mark = DecimalMark(sign)
    return mark


def needs_decimal_mark(text: str) -> bool:
    """Whether the value is another sum with the other mark."""
    return "." in text or "," in text


def parse_integer(text: str, mark: DecimalMark) -> int:
    """Understand a count; "1,234" and "12.0" are fine, "12.5" is not."""
    amount = parse_amount(text, mark)
    if amount.currency or amount.value != amount.value.to_integral_value():
        raise ValueRefused("is not a whole number")
    return int(amount.value)


def parse_number(text: str, mark: DecimalMark) -> int | float:
    """Understand a plain number, for custom fields."""
    digits = _SPACES.sub("", text)
    negative = digits[:1] in {"-", "−"}
    match = re.fullmatch(r"\d[\d.,'’]*|[.,]\d+", digits[1:] if negative else digits)
    if not match:
        raise ValueRefused("is not a number")
    whole, found, fraction = match[0].rpartition(mark.value)
    if not found:
        whole, fraction = match[0], ""
    if mark.value in whole or (fraction and not fraction.isdecimal()):
        raise ValueRefused(
            f"is not a number when the decimal {mark.label} is used, as in this column"
        )
    plain = int(_parse_digits(whole or "0", mark))
    value = float(f"{plain}.{fraction}") if fraction.strip("0") else plain
    return -value if negative else value


def parse_boolean(text: str) -> bool:
    """Understand yes or no."""
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueRefused("is neither yes nor no")


def is_boolean_word(text: str) -> bool:
    """Whether the text is a word for yes or no; digits alone do not make a column of yes and no."""
    word = text.lower()
    return word in _TRUE | _FALSE and not word.isdecimal()


def parse_email(text: str) -> str:
    """Check the shape of an address."""
    address = text.removeprefix("mailto:")
    if not _EMAIL.fullmatch(address):
        raise ValueRefused("is not an e-mail address")
    return address


def fold(text: str) -> str:
    """Reduce a header, a choice or a name to its letters and digits, for comparing."""
    return "".join(character for character in text.casefold() if character.isalnum())


def parse_choice(text: str, choices: dict[str, str], labels: Iterable[str]) -> str:
    """Find a choice by ``fold``; ``choices`` maps folded words to values."""
    try:
        return choices[fold(text)]
    except KeyError as error:
        raise ValueRefused(f"is none of: {', '.join(labels)}") from error


def split_full_name(text: str) -> tuple[str, str]:
    """Split "Ada King Lovelace" or "Lovelace, Ada King" into given names and the last name."""
    last, comma, given = text.partition(",")
    if comma:
        return given.strip(), last.strip()
    given, _, last = text.rpartition(" ")
    return given.strip(), last.strip()


def first_of_list(text: str) -> str:
    """The first of several values in one cell, as HubSpot writes associations ("101;102")."""
    return text.partition(";")[0].strip()
