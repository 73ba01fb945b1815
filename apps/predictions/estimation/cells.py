"""What the cells of a column are: numbers, days or categories. Decided for the whole column at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from apps.crm.importing.columns import EMPTY_WORDS
from apps.crm.importing.values import (
    DateOrder,
    DecimalMark,
    ValueRefused,
    date_order_evidence,
    decimal_mark_evidence,
    parse_amount,
    parse_moment,
    parse_number,
)
from apps.predictions.estimation.tables import Categories, Codes, Floats

# Exports hold a few cells that went wrong; a column is what so many of its filled cells are.
MOST_OF_THE_CELLS = 0.95
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_DAY = 86_400.0
_CURRENCY_SIGNS = frozenset("€£¥₹$")

Mark = TypeVar("Mark")


def filled(text: str) -> str:
    """The text of a cell; empty where the cell says that nothing is known."""
    trimmed = text.strip()
    return "" if trimmed.lower() in EMPTY_WORDS else trimmed


class TextReader:
    """Gathers a column of cells a chunk at a time, each different text once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._parts: list[Codes] = []

    def add(self, cells: Sequence[str]) -> None:
        """Take in the cells of the next rows."""
        known = self._known
        codes = [known.setdefault(cell, len(known)) for cell in cells]
        self._parts.append(np.array(codes, dtype=np.int32))

    def column(self) -> TextColumn:
        """The column that was gathered."""
        return TextColumn(list(self._known), np.concatenate(self._parts))


class TextColumn:
    """A column of cells: each different text once, and which of them stands in which row."""

    def __init__(self, texts: Sequence[str], places: Codes) -> None:
        self._places = places
        self._texts = [filled(text) for text in texts]
        rows = np.bincount(places, minlength=len(texts))
        self._rows = Counter[str]()
        for text, count in zip(self._texts, rows.tolist(), strict=True):
            if text:
                self._rows[text] += count

    def as_numbers(self) -> Floats | None:
        """The cells as numbers, what is none or infinite not known; None when it is no column of numbers."""
        mark = _most(map(decimal_mark_evidence, self._rows), DecimalMark.POINT)
        return self._read(lambda text: _number(text, mark))

    def as_days(self) -> Floats | None:
        """The cells as days since 1970; None when it is no column of dates."""
        order = _most(map(date_order_evidence, self._rows), DateOrder.DAY_FIRST)
        return self._read(lambda text: _day(text, order))

    def as_categories(self) -> Categories:
        """The cells as they are written."""
        vocabulary = tuple(self._rows)
        codes = {text: code for code, text in enumerate(vocabulary)}
        return Categories(self._spread([codes.get(text, -1) for text in self._texts]), vocabulary)

    def texts(self) -> Mapping[str, int]:
        """Each filled text and its rows, in the order of their coming."""
        return self._rows

    def is_text(self, wanted: str) -> np.ndarray:
        """In which rows the cell has this text."""
        return np.array([text == wanted for text in self._texts], dtype=bool)[self._places]

    def is_filled(self) -> np.ndarray:
        """In which rows the cell is filled."""
        return np.array([bool(text) for text in self._texts], dtype=bool)[self._places]

    def _read(self, parse: Callable[[str], float | None]) -> Floats | None:
        values = {text: parse(text) for text in self._rows}
        read = sum(rows for text, rows in self._rows.items() if values[text] is not None)
        if read < MOST_OF_THE_CELLS * self._rows.total() or not read:
            return None
        found = [values.get(text) for text in self._texts]
        numbers = np.array([np.nan if number is None else number for number in found])
        numbers[~np.isfinite(numbers)] = np.nan
        spread: Floats = numbers[self._places]
        return spread

    def _spread(self, codes: Sequence[int]) -> Codes:
        return np.array(codes, dtype=np.int32)[self._places]


def _most(evidence: Iterable[Mark | None], otherwise: Mark) -> Mark:
    counts = Counter(found for found in evidence if found is not None)
    return counts.most_common(1)[0][0] if counts else otherwise


def _number(text: str, mark: DecimalMark) -> float | None:
    """The number that a cell holds. One that begins with zeros is a code: 007, a postal code."""
    digits = text.lstrip("+-−")
    if "_" in text or (digits[:1] == "0" and digits[1:2].isdecimal()):
        return None
    if mark is DecimalMark.POINT:
        # Most cells are written as Python reads them, powers of ten and infinities included.
        with suppress(ValueError):
            return float(text)
    try:
        if _CURRENCY_SIGNS.intersection(text):
            return float(parse_amount(text, mark).value)
        return float(parse_number(text.removesuffix("%").rstrip(), mark))
    except (ValueRefused, OverflowError):
        return None


def _day(text: str, order: DateOrder) -> float | None:
    try:
        moment = parse_moment(text, order, UTC)
    except ValueRefused:
        return None
    return (moment - _EPOCH).total_seconds() / _SECONDS_PER_DAY
