"""From the cells of a row to the values that are staged, or to what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from apps.crm.enums import FieldType, RecordKind
from apps.crm.importing.columns import EMPTY_WORDS, REMEMBERED_VALUES, FileProfile
from apps.crm.importing.exceptions import MappingError
from apps.crm.importing.fields import ImportField, ValueType
from apps.crm.importing.mapping import ColumnMapping, ColumnTarget
from apps.crm.importing.problems import RowProblem
from apps.crm.importing.tables import FileRow
from apps.crm.importing.values import (
    Amount,
    DateOrder,
    DecimalMark,
    ValueRefused,
    first_of_list,
    fold,
    parse_amount,
    parse_boolean,
    parse_choice,
    parse_date,
    parse_day_in_zone,
    parse_email,
    parse_integer,
    parse_moment,
    parse_number,
    split_full_name,
)

Value = str | int | bool | Decimal | date | datetime | None
AttributeValue = str | int | float | bool

DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN"})
MAX_INTEGER = 2_147_483_647
# "Ada Lovelace (ada@example.com)", as HubSpot names associated contacts.
_NAME_WITH_EMAIL = re.compile(r"[^()]*\(([^()\s]+@[^()\s]+)\)")
_SALESFORCE_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row that may be staged: values by field key (only those that are filled in)."""

    number: int
    external_id: str
    values: Mapping[str, Value]
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class TenantDefaults:
    """What a file does not say: the zone of its times and the currency of its amounts."""

    zone: tzinfo
    currency: str


Parser = Callable[[str], Value | AttributeValue | Amount]
Parsed = Value | AttributeValue | Amount | ValueRefused

# Marks a text that a column has not seen, where None means that the text stands for nothing.
_UNSEEN = ValueRefused("unseen")


class RowParser:
    """Parses the rows of one file by one mapping.

    ``parse`` returns either a ``ParsedRow`` or the problems for which the row is refused. Values that
    repeat are parsed once per column.
    """

    def __init__(
        self, mapping: ColumnMapping, profile: FileProfile, defaults: TenantDefaults
    ) -> None:
        self._mapping = mapping
        self._profile = profile
        self._defaults = defaults
        self._kind = mapping.kind_fields.kind
        self._is_salesforce = mapping.source == "salesforce"
        self._slots = [_Slot(target, self._parser_for(target)) for target in mapping.targets]
        self._constants = self._parse_constants()
        self._required = self._required_columns()

    def parse(self, row: FileRow) -> ParsedRow | list[RowProblem]:
        """Parse one row."""
        problems: list[RowProblem] = []
        values: dict[str, Value] = dict(self._constants)
        attributes: dict[str, AttributeValue] = {}
        currencies: dict[str, str] = {}
        misread: set[str] = set()
        cells = row.cells
        for slot in self._slots:
            text = cells[slot.position].strip()
            if not text:
                continue
            result = slot.parsed.get(text, _UNSEEN)
            if result is _UNSEEN:
                result = slot.parse(text)
            if result is None:
                continue
            if isinstance(result, ValueRefused):
                problems.append(
                    RowProblem(row.number, slot.column, text, f"“{text[:80]}” {result}.")
                )
                misread.add(slot.key)
            elif slot.attribute:
                attributes[slot.attribute] = result  # type: ignore[assignment]
            elif isinstance(result, Amount):
                values[slot.key] = result.value
                if result.currency:
                    currencies[slot.column] = result.currency
            elif slot.key == "full_name":
                _add_name(values, str(result))
            else:
                values[slot.key] = result  # type: ignore[assignment]
        if currencies:
            problems.extend(self._settle_currency(row.number, values, currencies))
        problems.extend(self._missing(row.number, values, misread))
        external_id = "" if problems else self._identify(row, values)
        if not external_id and not problems:
            problems.append(
                RowProblem(
                    row.number, "", "", "The row has neither an id nor anything else to tell it by."
                )
            )
        if problems:
            return problems
        return ParsedRow(row.number, external_id, values, attributes)

    def _parser_for(self, target: ColumnTarget) -> Parser:
        order = self._profile.date_orders.get(target.position, DateOrder.MONTH_FIRST)
        mark = self._profile.decimal_marks.get(target.position, DecimalMark.POINT)
        if target.custom is not None:
            field_type = self._profile.custom_types[target.custom.key]
            return _custom_parser(field_type, order, mark)
        assert target.field is not None  # noqa: S101 - a target has a field or a custom field
        return self._field_parser(target.field, order, mark, target.scale)

    def _field_parser(
        self, field: ImportField, order: DateOrder, mark: DecimalMark, scale: int = 1
    ) -> Parser:
        zone = self._defaults.zone
        choices = field.choice_values()
        if field.key == "currency":
            return _currency
        parsers: dict[ValueType, Parser] = {
            ValueType.TEXT: lambda text: _bounded(text, field.max_length),
            ValueType.FULL_NAME: lambda text: _bounded(" ".join(text.split()), field.max_length),
            ValueType.EMAIL: lambda text: _bounded(parse_email(text), field.max_length),
            ValueType.AMOUNT: lambda text: _scaled(
                parse_amount(text, mark), scale, field.max_length
            ),
            ValueType.INTEGER: lambda text: _bounded_integer(parse_integer(text, mark)),
            ValueType.DATE: lambda text: parse_day_in_zone(text, order, zone),
            ValueType.MOMENT: lambda text: parse_moment(text, order, zone),
            ValueType.BOOLEAN: parse_boolean,
            ValueType.CHOICE: lambda text: parse_choice(text, choices, field.labels),
            ValueType.REFERENCE: lambda text: self._reference(field, text),
            ValueType.EXTERNAL_ID: self._external_id,
        }
        return parsers[field.type]

    def _parse_constants(self) -> dict[str, Value]:
        constants: dict[str, Value] = {}
        for key, text in self._mapping.constants.items():
            field = self._mapping.kind_fields.fields[key]
            order = self._mapping.date_order or DateOrder.MONTH_FIRST
            mark = self._mapping.decimal_mark or DecimalMark.POINT
            try:
                value = self._field_parser(field, order, mark)(text)
            except ValueRefused as error:
                raise MappingError(
                    f"The value for every row, “{text}”, for “{field.label}” {error}."
                ) from error
            if key == "full_name":
                _add_name(constants, text)
            else:
                constants[key] = value.value if isinstance(value, Amount) else value  # type: ignore[assignment]
        return constants

    def _reference(self, field: ImportField, text: str) -> str:
        is_id = field.key.endswith("_id")
        if is_id or self._mapping.source == "hubspot":
            text = first_of_list(text)
        if field.refers_to in {"contact", "lead"} and (match := _NAME_WITH_EMAIL.fullmatch(text)):
            text = match[1]
        return _bounded(
            self._external_id(text) if is_id else " ".join(text.split()), field.max_length
        )

    def _external_id(self, text: str) -> str:
        if "E+" in text and text.replace("E+", "").replace(".", "").isdecimal():
            raise ValueRefused("was shortened by a spreadsheet; export the ids as text")
        return full_salesforce_id(text) if self._is_salesforce else _bounded(text, 120)

    def _settle_currency(
        self, number: int, values: dict[str, Value], currencies: dict[str, str]
    ) -> list[RowProblem]:
        """The currency column, or else what stands beside the amount; the two must agree."""
        if "currency" not in self._mapping.kind_fields.fields:
            return []
        stated = str(values.get("currency") or "")
        for column, written in currencies.items():
            expected = stated or self._defaults.currency
            code = written
            if written == "$":
                code = expected if expected in DOLLARS else "USD"
            if stated and code != stated:
                message = f"The amount is in {code}, but the row's currency is {stated}."
                return [RowProblem(number, column, written, message)]
            stated = code
        values["currency"] = stated
        return []

    def _required_columns(self) -> list[tuple[tuple[str, ...], str]]:
        """For each group of which a row needs one: the keys, and the columns to name in the message."""
        groups = []
        for alternatives in self._mapping.kind_fields.required:
            keys = tuple(key for key in alternatives if key in self._mapping.keys)
            if "full_name" in keys:
                keys += ("last_name", "first_name")
            columns = [
                target.column
                for target in self._mapping.targets
                if target.field and target.field.key in keys
            ]
            groups.append((keys, " / ".join(columns)))
        return groups

    def _missing(
        self, number: int, values: Mapping[str, Value], misread: set[str]
    ) -> list[RowProblem]:
        return [
            RowProblem(number, columns, "", "This is empty, and the record needs it.")
            for keys, columns in self._required
            if all(values.get(key) in (None, "") for key in keys) and misread.isdisjoint(keys)
        ]

    def _identify(self, row: FileRow, values: Mapping[str, Value]) -> str:
        """The row's own id, or one made of what identifies it: stable from import to import."""
        if own := values.get("external_id"):
            return str(own)
        if self._mapping.identity == "row":
            return _digest("row", (cell.strip() for cell in row.cells))
        for keys in self._mapping.kind_fields.identifying:
            if values.get(keys[0]):
                return _digest(keys[0], (_canonical(self._kind, values.get(key)) for key in keys))
        return ""


class _Slot:
    """A column of the file with its parser, remembering what it has parsed.

    ``parsed`` holds the result for each text: None where the text stands for nothing.
    """

    __slots__ = (
        "_has_empty_words",
        "_is_remembered",
        "_parse",
        "attribute",
        "column",
        "key",
        "parsed",
        "position",
    )

    def __init__(self, target: ColumnTarget, parse: Parser) -> None:
        self.position = target.position
        self.column = target.column
        self.key = target.field.key if target.field else ""
        self.attribute = target.custom.key if target.custom else ""
        # "None" and "-" are words in a text or a choice, and nothing anywhere else.
        self._has_empty_words = target.field is None or target.field.type not in {
            ValueType.TEXT,
            ValueType.CHOICE,
        }
        # Texts seldom repeat and cost next to nothing to check.
        self._is_remembered = target.field is None or target.field.type is not ValueType.TEXT
        self._parse = parse
        self.parsed: dict[str, Parsed] = {}

    def parse(self, text: str) -> Parsed:
        """Parse a text that is not remembered."""
        result: Parsed = None
        if not self._has_empty_words or text.lower() not in EMPTY_WORDS:
            try:
                result = self._parse(text)
            except ValueRefused as refused:
                result = refused
        if self._is_remembered and len(self.parsed) < REMEMBERED_VALUES:
            self.parsed[text] = result
        return result


def full_salesforce_id(text: str) -> str:
    """Complete a 15-character Salesforce id, as its reports show it, to the 18 of its exports.

    The last three characters tell which of the first fifteen are capitals, five at a time.
    """
    if len(text) != 15 or not text.isascii() or not text.isalnum():
        return _bounded(text, 120)
    blocks = (text[start : start + 5] for start in (0, 5, 10))
    check = (
        _SALESFORCE_CHECK[
            sum(character.isupper() << place for place, character in enumerate(block))
        ]
        for block in blocks
    )
    return text + "".join(check)


def _custom_parser(field_type: FieldType, order: DateOrder, mark: DecimalMark) -> Parser:
    parsers: dict[FieldType, Parser] = {
        FieldType.TEXT: lambda text: _bounded(text, 10_000),
        FieldType.CHOICE: lambda text: _bounded(text, 200),
        FieldType.NUMBER: lambda text: parse_number(text, mark),
        FieldType.DATE: lambda text: parse_date(text, order).isoformat(),
        FieldType.BOOLEAN: parse_boolean,
    }
    return parsers[field_type]


def _bounded(text: str, max_length: int | None) -> str:
    if max_length is not None and len(text) > max_length:
        raise ValueRefused(f"is longer than {max_length} characters")
    return text


def _scaled(amount: Amount, scale: int, max_digits: int | None) -> Amount:
    value = amount.value * scale
    if max_digits is not None and abs(value) >= Decimal(10) ** (max_digits - 2):
        raise ValueRefused("is too large")
    return Amount(value, amount.currency)


def _currency(text: str) -> str:
    code = text.upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise ValueRefused("is not a currency code such as USD")
    return code


def _bounded_integer(count: int) -> int:
    if not 0 <= count <= MAX_INTEGER:
        raise ValueRefused("is out of range")
    return count


def _add_name(values: dict[str, Value], full_name: str) -> None:
    """A full name fills in what the columns for its parts do not say."""
    first, last = split_full_name(full_name)
    if not values.get("first_name") and not values.get("last_name"):
        values["first_name"], values["last_name"] = first[:100], last[:100]


def _canonical(kind: RecordKind, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return fold(text) if kind == RecordKind.PRODUCT else " ".join(text.casefold().split())


def _digest(salt: str, parts: Iterable[str]) -> str:
    joined = json.dumps([salt, *parts], ensure_ascii=False)
    return "auto:" + hashlib.sha256(joined.encode()).hexdigest()[:32]
