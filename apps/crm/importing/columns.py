"""What a whole column tells that a single value cannot.

The first pass over the file counts its rows and decides, per column and once for all rows, whether 03/04 is
in March or in April, whether 1.234 is more than a thousand, and which type a new custom field has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from apps.crm.enums import FieldType
from apps.crm.importing.fields import ValueType
from apps.crm.importing.mapping import ColumnMapping, ColumnTarget
from apps.crm.importing.tables import FileRow
from apps.crm.importing.values import (
    DateOrder,
    DecimalMark,
    ValueRefused,
    date_order_evidence,
    decimal_mark_evidence,
    is_boolean_word,
    needs_date_order,
    needs_decimal_mark,
    parse_date,
)

# Above this a column of words is text, not a choice.
MAX_INFERRED_CHOICES = 20
MAX_CHOICES = 100
MAX_CHOICE_LENGTH = 60
# A value is looked at once; of columns with more different values than this, again and again.
REMEMBERED_VALUES = 20_000
EMPTY_WORDS = frozenset(
    {"", "-", "–", "—", "n/a", "#n/a", "na", "null", "none", "nan", "(no value)", "(blank)"}
)

_NUMERIC = re.compile(r"[-−]?(?:0|[1-9][\d.,'’\u00a0\u202f ]*|0?[.,]\d+)")
_SINGLE_GROUP = re.compile(r"\D*\d{1,3}([.,])\d{3}\D*")

_ORDERED = {ValueType.DATE, ValueType.MOMENT}
_MARKED = {ValueType.AMOUNT, ValueType.INTEGER}


@dataclass(slots=True)
class _Column:
    """The evidence gathered about one column."""

    target: ColumnTarget
    is_ordered: bool
    is_marked: bool
    is_inferred: bool
    seen: set[str] = field(default_factory=set)
    orders: Counter[DateOrder] = field(default_factory=Counter)
    marks: Counter[DecimalMark] = field(default_factory=Counter)
    weak_marks: Counter[DecimalMark] = field(default_factory=Counter)
    has_ambiguous_date: bool = False
    has_separator: bool = False
    filled: int = 0
    only_booleans: bool = True
    only_numbers: bool = True
    only_dates: bool = True
    choices: dict[str, None] = field(default_factory=dict)
    has_many_values: bool = False

    def look_at(self, text: str) -> None:
        self.filled += 1
        if text in self.seen:
            return
        if len(self.seen) < REMEMBERED_VALUES and len(text) <= MAX_CHOICE_LENGTH:
            self.seen.add(text)
        if self.is_ordered:
            if order := date_order_evidence(text):
                self.orders[order] += 1
            self.has_ambiguous_date = self.has_ambiguous_date or needs_date_order(text)
        if self.is_marked and needs_decimal_mark(text):
            self.has_separator = True
            if mark := decimal_mark_evidence(text):
                self.marks[mark] += 1
            elif single := _SINGLE_GROUP.fullmatch(text):
                # Sums do not have three decimals: this sign parts thousands, so the other one is the mark.
                self.weak_marks[DecimalMark.COMMA if single[1] == "." else DecimalMark.POINT] += 1
        if self.target.custom is not None:
            self._look_at_kind(text)

    def _look_at_kind(self, text: str) -> None:
        if len(text) > MAX_CHOICE_LENGTH or len(self.choices) > MAX_CHOICES:
            self.has_many_values = True
        else:
            self.choices.setdefault(text)
        if not self.is_inferred:
            return
        self.only_booleans = self.only_booleans and is_boolean_word(text)
        self.only_numbers = self.only_numbers and bool(_NUMERIC.fullmatch(text)) and len(text) <= 20
        self.only_dates = self.only_dates and _is_date(text)

    def infer_type(self) -> FieldType:
        if self.filled == 0:
            return FieldType.TEXT
        if self.only_booleans:
            return FieldType.BOOLEAN
        if self.only_numbers:
            return FieldType.NUMBER
        if self.only_dates:
            return FieldType.DATE
        is_choice = (
            not self.has_many_values
            and len(self.choices) <= MAX_INFERRED_CHOICES
            and self.filled >= 3 * len(self.choices)
        )
        return FieldType.CHOICE if is_choice else FieldType.TEXT


@dataclass(frozen=True, slots=True)
class FileProfile:
    """What was decided for the file: by column position, and in words for the person."""

    rows: int
    is_whole_file: bool
    date_orders: dict[int, DateOrder]
    decimal_marks: dict[int, DecimalMark]
    custom_types: dict[str, FieldType]
    custom_choices: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


def profile_columns(
    mapping: ColumnMapping, rows: Iterable[FileRow], *, max_rows: int | None = None
) -> FileProfile:
    """Read the rows (all of them, unless ``max_rows`` is given, for a preview) and decide.

    Raises:
        FileRefusedError: from ``rows``, when the file is broken somewhere.
    """
    columns = [_watch(target) for target in mapping.targets]
    watched = [column for column in columns if column is not None]
    positions = [(column.target.position, column) for column in watched]
    count = 0
    is_whole = True
    for row in _limited(rows, max_rows):
        if row is None:
            is_whole = False
            break
        count += 1
        cells = row.cells
        for position, column in positions:
            text = cells[position].strip()
            if text and text.lower() not in EMPTY_WORDS:
                column.look_at(text)
    notes: list[str] = []
    types = {
        column.target.custom.key: _decide_type(column, notes)
        for column in watched
        if column.target.custom is not None
    }
    orders = _decide_orders(mapping, watched, types, notes)
    marks = _decide_marks(mapping, watched, types, notes)
    choices = {
        column.target.custom.key: tuple(column.choices)
        for column in watched
        if column.target.custom is not None and types[column.target.custom.key] == FieldType.CHOICE
    }
    return FileProfile(count, is_whole, orders, marks, types, choices, tuple(notes))


def _limited(rows: Iterable[FileRow], max_rows: int | None) -> Iterator[FileRow | None]:
    """The rows; None after the last one allowed, when there are more."""
    for count, row in enumerate(rows):
        if count == max_rows:
            yield None
            return
        yield row


def _watch(target: ColumnTarget) -> _Column | None:
    if target.custom is not None:
        known = target.custom.type
        return _Column(
            target,
            is_ordered=known in {None, FieldType.DATE},
            is_marked=known in {None, FieldType.NUMBER},
            is_inferred=known is None,
        )
    assert target.field is not None  # noqa: S101 - a target has a field or a custom field
    value_type = target.field.type
    if value_type in _ORDERED or value_type in _MARKED:
        return _Column(
            target,
            is_ordered=value_type in _ORDERED,
            is_marked=value_type in _MARKED,
            is_inferred=False,
        )
    return None


def _is_date(text: str) -> bool:
    for order in DateOrder:
        try:
            parse_date(text, order)
        except ValueRefused:
            continue
        return True
    return False


def _decide_type(column: _Column, notes: list[str]) -> FieldType:
    custom = column.target.custom
    assert custom is not None  # noqa: S101 - only called for custom fields
    if custom.type == FieldType.CHOICE and custom.is_new and column.has_many_values:
        notes.append(
            f"“{column.target.column}” has more than {MAX_CHOICES} different or very long values and "
            "becomes a text field, not a choice."
        )
        return FieldType.TEXT
    if custom.type is not None:
        return custom.type
    found = column.infer_type()
    notes.append(f"“{column.target.column}” becomes a custom field of the type “{found.label}”.")
    return found


def _decide_orders(
    mapping: ColumnMapping,
    columns: list[_Column],
    types: dict[str, FieldType],
    notes: list[str],
) -> dict[int, DateOrder]:
    """The column's own evidence, else that of the file's other columns, else month first."""
    dated = [
        column for column in columns if column.is_ordered and _is_of(column, types, FieldType.DATE)
    ]
    file_orders: Counter[DateOrder] = Counter()
    for column in dated:
        file_orders.update(set(column.orders))
    shared = file_orders.most_common(1)[0][0] if len(file_orders) == 1 else None
    decided: dict[int, DateOrder] = {}
    for column in dated:
        name = column.target.column
        order = mapping.date_order
        reason = "as chosen"
        if order is None and column.orders:
            order = column.orders.most_common(1)[0][0]
            reason = "as some of its values prove"
            if len(column.orders) > 1:
                reason = "as most of its values say; the others are refused"
        elif order is None and shared is not None:
            order, reason = shared, "as in the file's other columns"
        elif order is None:
            order = DateOrder.MONTH_FIRST
            reason = (
                "by assumption, as no value tells the two apart; choose the order if that is wrong"
            )
        decided[column.target.position] = order
        if column.has_ambiguous_date:
            notes.append(f"Dates in “{name}” are read {order.label}, {reason}.")
    return decided


def _decide_marks(
    mapping: ColumnMapping,
    columns: list[_Column],
    types: dict[str, FieldType],
    notes: list[str],
) -> dict[int, DecimalMark]:
    """The column's own evidence, else the sign that parts thousands, else a decimal point."""
    decided: dict[int, DecimalMark] = {}
    for column in columns:
        if not column.is_marked or not _is_of(column, types, FieldType.NUMBER):
            continue
        mark = mapping.decimal_mark
        weak: Counter[DecimalMark] = (
            column.weak_marks if column.target.custom is None else Counter()
        )
        reason = "as chosen"
        if mark is None and column.marks:
            mark = column.marks.most_common(1)[0][0]
            reason = "as its values show"
            if len(column.marks) > 1:
                reason = "as most of its values show; the others are refused"
        elif mark is None and len(weak) == 1:
            mark = next(iter(weak))
            reason = "since three digits follow every separator"
        elif mark is None:
            mark, reason = DecimalMark.POINT, "by assumption; choose the mark if that is wrong"
        decided[column.target.position] = mark
        if column.has_separator and (mark is DecimalMark.COMMA or not column.marks):
            notes.append(
                f"Numbers in “{column.target.column}” have a decimal {mark.label}, {reason}."
            )
    return decided


def _is_of(column: _Column, types: dict[str, FieldType], wanted: FieldType) -> bool:
    custom = column.target.custom
    return custom is None or types[custom.key] == wanted
