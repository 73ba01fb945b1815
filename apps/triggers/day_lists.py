"""Understanding a list of days as people type or paste it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from apps.crm.importing.values import (
    DateOrder,
    ValueRefused,
    date_order_evidence,
    needs_date_order,
    parse_date,
)

# A company that closes for longer than this does not need a list of days off.
LONGEST_SPAN_DAYS = 92

_LINES = re.compile(r"[\n;]+")
_FROM_TO = re.compile(r"\s+(?:to|until|bis|-)\s+|\s*[–—]\s*")


class DaysRefusedError(Exception):
    """Some of the text is no day; ``messages`` say which, for the person."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        super().__init__("; ".join(messages))


def read_days(text: str) -> list[date]:
    """Read days, one a line or with commas between them; "24 Dec 2026 to 31 Dec 2026" means all of them.

    Raises:
        DaysRefusedError: something in it is no day, or could be two.
    """
    lines = [line for line in (line.strip(" \t,") for line in _LINES.split(text)) if line]
    order = _order_in(part for line in lines for part in _parts_of(line))
    days: set[date] = set()
    refused = []
    for line in lines:
        try:
            days.update(_read_line(line, order))
        except ValueRefused as error:
            refused.append(f"“{line}” {error}.")
    if refused:
        raise DaysRefusedError(refused)
    return sorted(days)


def _order_in(parts: Iterable[str]) -> DateOrder | None:
    """Whether days or months come first, when the dates agree about it."""
    proven = {order for part in parts if (order := date_order_evidence(part)) is not None}
    return proven.pop() if len(proven) == 1 else None


def _parts_of(line: str) -> list[str]:
    return [part.strip() for piece in line.split(",") for part in _FROM_TO.split(piece)]


def _read_line(line: str, order: DateOrder | None) -> list[date]:
    """The days of a line: one, a span, or several with commas, which may also stand inside a date."""
    try:
        return _read_span(line, order)
    except ValueRefused:
        pieces = [piece.strip() for piece in line.split(",") if piece.strip()]
        if len(pieces) == 1:
            raise
    return [day for piece in pieces for day in _read_span(piece, order)]


def _read_span(text: str, order: DateOrder | None) -> list[date]:
    ends = [_read_day(part.strip(), order) for part in _FROM_TO.split(text)]
    first, last = ends[0], ends[-1]
    if len(ends) > 2 or last < first:
        raise ValueRefused("is not a first and a last day")
    if (last - first).days >= LONGEST_SPAN_DAYS:
        raise ValueRefused(f"is longer than {LONGEST_SPAN_DAYS} days")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _read_day(text: str, order: DateOrder | None) -> date:
    if order is None and needs_date_order(text):
        day_first, month_first = (_maybe(text, each) for each in DateOrder)
        if day_first and month_first:
            raise ValueRefused(
                f"can be read in two ways. Write {day_first.isoformat()} or {month_first.isoformat()}"
            )
    return parse_date(text, order or DateOrder.DAY_FIRST)


def _maybe(text: str, order: DateOrder) -> date | None:
    try:
        return parse_date(text, order)
    except ValueRefused:
        return None
