"""Deals and their changes of stage from delimited files, as other systems export them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from apps.crm.importing.columns import EMPTY_WORDS
from apps.crm.importing.formats import detect_format, open_path
from apps.crm.importing.tables import Table
from apps.crm.importing.values import (
    DateOrder,
    DecimalMark,
    ValueRefused,
    date_order_evidence,
    decimal_mark_evidence,
    needs_date_order,
    parse_amount,
    parse_boolean,
    parse_date,
)
from apps.predictions.exceptions import ExportRefusedError
from apps.predictions.forecasting.deals import Deal, DealHistory, StageMove, read_history

REQUIRED = ("opened", "closed", "won", "amount")
OPTIONAL = ("deal", "owner", "team")
OF_MOVES = ("deal", "stage", "entered")
# Columns that stand for others when nobody says so.
_OTHER_NAMES = {"deal": ("id", "deal_id", "opportunity_id")}
_MOST_BYTES = 1_000_000_000
# Beside the words for yes and no; the numbers are those of spreadsheets and data frames.
_WON, _NOT_WON = {"won", "closed won", "1.0"}, {"lost", "closed lost", "open", "0.0", ""}
_NO_TIME = "nat"

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Which column of the file is meant, and for `won` the value that says so."""

    column: str
    value: str | None = None


def read_choices(text: str) -> dict[str, ColumnChoice]:
    """Understand ``opened=engage_date,won=deal_stage:Won``.

    Raises:
        ExportRefusedError: it is written otherwise, or names what is not asked for.
    """
    choices = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, sign, column = (part.strip() for part in pair.partition("="))
        if not sign or not column or name not in (*REQUIRED, *OPTIONAL):
            raise ExportRefusedError(
                f"{pair!r} names no column. Write NAME=COLUMN with one of"
                f" {', '.join((*REQUIRED, *OPTIONAL))}, as in opened=engage_date,won=deal_stage:Won."
            )
        column, _, value = (part.strip() for part in column.partition(":"))
        choices[name] = ColumnChoice(column, value or None)
    return choices


def read_deals(
    path: Path, choices: Mapping[str, ColumnChoice], history_path: Path | None = None
) -> DealHistory:
    """Read a file of deals and, if there is one, of their changes of stage.

    Raises:
        ExportRefusedError: a column is missing, or a cell is not what its column holds.
        FileRefusedError: a file is no table.
    """
    wanted = {name: choices.get(name, ColumnChoice(name)) for name in (*REQUIRED, *OPTIONAL)}
    export = _Export.of(path, {name: choice.column for name, choice in wanted.items()}, OPTIONAL)
    opened, closed = export.days("opened"), export.days("closed")
    won = export.parsed("won", _reader_of_won(wanted["won"].value))
    amounts = export.amounts("amount")
    if history_path is not None and not any(export.texts("deal")):
        raise ExportRefusedError(
            f"{path.name} has no column that names the deal, such as id, so that no stage can be told."
        )
    names = [
        name or f"row {number}"
        for name, number in zip(export.texts("deal"), export.numbers, strict=True)
    ]
    deals = [
        Deal(*row)
        for row in zip(
            names, opened, closed, won, amounts, export.texts("owner"), export.texts("team"),
            strict=True,
        )
    ]  # fmt: skip
    return read_history(deals, _read_moves(history_path) if history_path else ())


def _read_moves(path: Path) -> Iterable[StageMove]:
    export = _Export.of(path, {name: name for name in OF_MOVES}, ())
    rows = zip(export.texts("deal"), export.days("entered"), export.texts("stage"), strict=True)
    return [StageMove(deal, entered, stage) for deal, entered, stage in rows if entered]


@dataclass(frozen=True, slots=True)
class _Export:
    """The columns of a file that are asked for, as texts; empty where there is nothing."""

    file: str
    columns: dict[str, list[str]]
    numbers: list[int]

    @classmethod
    def of(cls, path: Path, wanted: Mapping[str, str], optional: Iterable[str]) -> _Export:
        opener = open_path(path)
        table = Table(opener, detect_format(opener, max_bytes=_MOST_BYTES), _MOST_BYTES)
        header = {name.strip().casefold(): place for place, name in enumerate(table.header)}
        places: dict[str, int | None] = {}
        for name, column in wanted.items():
            others = _OTHER_NAMES.get(name, ()) if column == name else ()
            found = [header[key] for key in (column.casefold(), *others) if key in header]
            if not found and (column != name or name not in optional):
                raise ExportRefusedError(
                    f"{path.name} has no column {column!r}; it has {', '.join(table.header)}."
                )
            places[name] = found[0] if found else None
        rows = list(table.rows())
        columns = {
            name: [_text_of(row.cells[place]) if place is not None else "" for row in rows]
            for name, place in places.items()
        }
        return cls(path.name, columns, [row.number for row in rows])

    def texts(self, name: str) -> list[str]:
        return self.columns[name]

    def parsed(self, name: str, parse: Callable[[str], Parsed]) -> list[Parsed]:
        found = []
        for number, text in zip(self.numbers, self.columns[name], strict=True):
            try:
                found.append(parse(text))
            except (ValueRefused, ValueError) as error:
                raise ExportRefusedError(
                    f"{self.file}, row {number}, {name}: {text!r} {error}."
                ) from error
        return found

    def days(self, name: str) -> list[date | None]:
        texts = self.columns[name]
        proven = {order for text in texts if (order := date_order_evidence(text))}
        if len(proven) != 1 and any(needs_date_order(text) for text in texts):
            raise ExportRefusedError(
                f"{self.file}, {name}: nothing tells whether days or months come first. Write 2026-12-31."
            )
        order = proven.pop() if len(proven) == 1 else DateOrder.DAY_FIRST
        return self.parsed(name, lambda text: parse_date(text, order) if text else None)

    def amounts(self, name: str) -> list[float | None]:
        marks = {mark for text in self.columns[name] if (mark := decimal_mark_evidence(text))}
        mark = marks.pop() if len(marks) == 1 else DecimalMark.POINT

        def parse(text: str) -> float | None:
            if not text:
                return None
            if mark is DecimalMark.POINT:
                try:
                    return float(text)
                except ValueError:
                    pass
            elif text.casefold().lstrip("+-") in {"inf", "infinity"}:
                return math.inf
            return float(parse_amount(text, mark).value)

        return self.parsed(name, parse)


def _text_of(cell: str) -> str:
    text = cell.strip()
    return "" if text.casefold() in EMPTY_WORDS | {_NO_TIME} else text


def _reader_of_won(value: str | None) -> Callable[[str], bool]:
    """What tells whether a deal is won: the value that was named, or a word."""

    def is_won(text: str) -> bool:
        word = text.casefold()
        if value is not None:
            return word == value.casefold()
        return word in _WON or (word not in _NOT_WON and parse_boolean(text))

    return is_won
