"""Building the diff that the reviewer sees, from the same values that the engine compares."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import takewhile
from typing import Any

from django.db import models

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import CustomField, Record
from apps.crm.presentation import MONEY_FIELDS, describe_time
from apps.crm.services import all_records
from apps.execution.custom_fields import (
    definition_of,
    definitions_among,
    kind_of_custom,
    words_of_custom,
)
from apps.execution.custom_names import custom_key, flat
from apps.execution.enums import ValueKind
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.schemas import Diff, FieldDiff, JsonValue, RowOrigin, Seen
from apps.execution.signs import with_unseen_named
from apps.execution.tools.base import CURRENCY_FIELD, Tool, ToolArguments, to_json
from apps.tenants.templatetags.aisha_ui import money
from apps.users.rules import Reader

NOTHING = "—"
# Instead of the name of a record that the reader does not see.
HIDDEN = "a record you may not see"

# Two texts are compared word by word as long as they have no more pairs of equal words (one of each text)
# than this, else line by line, or as wholes: a few words many times over, as in "ha ha ha", would keep the
# comparison busy for minutes. Two ordinary texts of 5,000 signs have some ten thousand pairs.
MOST_PAIRS = 60_000


def build_diff(
    tool: Tool[Any],
    arguments: Mapping[str, JsonValue],
    seen: Seen,
    *,
    record_label: str,
    viewer: Reader,
    known_names: Mapping[tuple[str, int], str] | None = None,
    proposed: Mapping[str, JsonValue] | None = None,
    edited_by: str = "",
    noted: JsonValue = None,
) -> Diff:
    """Return what the change would do to what was seen; unchanged fields are left out.

    References to records that ``viewer`` does not see are not named. ``known_names`` are names of
    referenced rows by (column, id) that need not be looked up. ``proposed`` are the arguments before a
    person edited them, who is ``edited_by``: rows that differ are marked as edited, and what would have
    changed and now does not stands in ``left_out``. ``noted`` is the note of the execution.

    Raises:
        InvalidArgumentsError: the arguments do not fit the tool.
    """
    typed = tool.parse(arguments)
    kind = tool.written_kind(tool.subject(typed).kind)
    known = _known(tool, typed, seen)
    written = _written(tool, typed)
    first_written = _written_first(tool, proposed, typed)
    held = [
        (column, [known.get(column), written.get(column), first_written.get(column)])
        for column in {**written, **first_written}
    ]
    names = _names_of_references(model_of(kind), held, known_names or {}, viewer)

    edited = [
        column
        for column, new in written.items()
        if column not in first_written or first_written[column] != new
    ]
    rows = _rows(tool, kind, known, written, names, dict.fromkeys(edited, "edited"))
    there = {row.field for row in rows}
    beside = tool.compare(typed, seen, viewer, noted)
    skipped = {column: new for column, new in first_written.items() if column not in there}
    return Diff(
        tool=tool.key,
        tool_label=tool.label,
        record_kind=kind,
        record_label=beside.survivor_label if beside else with_unseen_named(record_label),
        is_creation=tool.is_creation,
        rows=rows,
        side_effects=tool.side_effects(typed),
        left_out=_rows(tool, kind, known, skipped, names, dict.fromkeys(skipped, "left out")),
        edited_by=edited_by if proposed is not None else "",
        comparison=beside,
    )


def names_for(
    tool: Tool[Any],
    changes: Iterable[tuple[Mapping[str, JsonValue], Seen]],
    viewer: Reader,
) -> dict[tuple[str, int], str]:
    """The names of the rows that many changes of one tool refer to, for ``known_names``: a query a column.

    Each change is given by its arguments and what was seen; those that do not fit the tool are passed over.
    """
    held: dict[RecordKind, dict[str, list[JsonValue]]] = {}
    for arguments, seen in changes:
        try:
            typed = tool.parse(arguments)
        except InvalidArgumentsError:
            continue
        columns = held.setdefault(tool.written_kind(tool.subject(typed).kind), {})
        for values in (_written(tool, typed), _known(tool, typed, seen)):
            for column, value in values.items():
                columns.setdefault(column, []).append(value)
    names: dict[tuple[str, int], str] = {}
    for kind, columns in held.items():
        names |= _names_of_references(model_of(kind), list(columns.items()), {}, viewer)
    return names


def _known(tool: Tool[Any], typed: ToolArguments, seen: Seen) -> dict[str, JsonValue]:
    """What was seen of the record that is written."""
    return {} if tool.is_creation else flat(seen.by_record().get(tool.subject(typed), {}))


def _rows(
    tool: Tool[Any],
    kind: RecordKind,
    known: Mapping[str, JsonValue],
    values: Mapping[str, JsonValue],
    names: Mapping[tuple[str, int], str],
    origins: Mapping[str, RowOrigin],
) -> tuple[FieldDiff, ...]:
    """A row for each value that makes a difference; in a new record, for each that is given."""
    told = {
        column: new
        for column, new in values.items()
        if (new not in (None, "") if tool.is_creation else known.get(column) != new)
    }
    custom = definitions_among(kind, told)
    return tuple(
        _field_diff(
            model_of(kind),
            column,
            custom.get(column),
            before=_Value(known.get(column), names, _currency_in(known)),
            after=_Value(new, names, _currency_in({**known, **values})),
            is_new=tool.is_creation,
            origin=origins.get(column, "proposed"),
        )
        for column, new in told.items()
    )


def _written(tool: Tool[Any], typed: ToolArguments) -> dict[str, JsonValue]:
    return {column: to_json(value) for column, value in tool.values(typed).items()}


def _written_first(
    tool: Tool[Any],
    proposed: Mapping[str, JsonValue] | None,
    typed: ToolArguments,
) -> dict[str, JsonValue]:
    """What the arguments would have written before they were edited; if they were, and can be read.

    Of another record that was to be written: nothing.
    """
    if proposed is None:
        return _written(tool, typed)
    try:
        first = tool.parse(proposed)
    except InvalidArgumentsError:
        return _written(tool, typed)
    return _written(tool, first) if tool.subject(first) == tool.subject(typed) else {}


def label_of(kind: RecordKind, column: str) -> str:
    """Return the name of a field as people read it."""
    if custom_key(column):
        return definition_of(kind, column).label
    name = str(field_of(model_of(kind), column).verbose_name).replace("email", "e-mail")
    return name[:1].upper() + name[1:]


def text_of(
    kind: RecordKind, column: str, value: JsonValue, *, viewer: Reader | None, currency: str = ""
) -> str:
    """Return one stored value as this person reads it; references are looked up, money gets its currency.

    Without a ``viewer`` it is for everybody, and no record is named.
    """
    if custom_key(column):
        return custom_text(definition_of(kind, column), value)
    model = model_of(kind)
    names = _names_of_references(model, [(column, [value])], {}, viewer)
    return _Value(value, names, currency).text(field_of(model, column))


def custom_text(field: CustomField, value: JsonValue) -> str:
    """Return one value of a company's own field as people read it."""
    if value is None or value == "":
        return NOTHING
    return with_unseen_named(words_of_custom(field, value))


def field_of(model: type[Record], column: str) -> models.Field[Any, Any]:
    """Return a field of a record by its name or its column (``owner`` or ``owner_id``).

    Raises:
        ValueError: the kind has no such field.
    """
    for field in model._meta.concrete_fields:
        if column in (field.attname, field.name):
            return field
    raise ValueError(f"{model.kind} has no column {column!r}")


@dataclass(frozen=True, slots=True)
class _Value:
    """One side of a row, with what its text needs: names of referenced rows, the currency of money."""

    raw: JsonValue
    names: Mapping[tuple[str, int], str]
    currency: str

    def text(self, field: models.Field[Any, Any]) -> str:
        """The value as people read it, signs that nobody would see by name."""
        if self.raw is None or self.raw == "":
            return NOTHING
        return with_unseen_named(self._words(field))

    def _words(self, field: models.Field[Any, Any]) -> str:
        match kind_of(field):
            case ValueKind.REFERENCE:
                return self.names.get((field.attname, int(str(self.raw))), f"#{self.raw}")
            case ValueKind.CHOICE:
                return str(dict(field.flatchoices).get(self.raw, self.raw))
            case ValueKind.DATE:
                return describe_time(date.fromisoformat(str(self.raw)))
            case ValueKind.MOMENT:
                return describe_time(datetime.fromisoformat(str(self.raw)))
            case ValueKind.BOOLEAN:
                return "Yes" if self.raw else "No"
            case ValueKind.MONEY:
                return money(str(self.raw), self.currency)
            case ValueKind.NUMBER:
                return _number_text(self.raw)
            case _:
                return str(self.raw)


def _currency_in(values: Mapping[str, JsonValue]) -> str:
    """The currency among a record's values; a tool that writes money sees to it that it is there."""
    return str(values.get(CURRENCY_FIELD) or "")


def _names_of_references(
    model: type[Record],
    values: list[tuple[str, list[JsonValue]]],
    known: Mapping[tuple[str, int], str],
    viewer: Reader | None,
) -> dict[tuple[str, int], str]:
    """What to call all referenced rows; those not known are looked up, two queries per column at most.

    A record that the viewer does not see has no name for them; people and stages are no records.
    """
    names = dict(known)
    for column, held in values:
        if custom_key(column) or (field := field_of(model, column)).related_model is None:
            continue
        ids = {value for value in held if isinstance(value, int)}
        ids -= {known_id for known_column, known_id in known if known_column == column}
        if not ids:
            continue
        is_record = issubclass(field.related_model, Record)
        every: Any = (
            all_records(field.related_model) if is_record else field.related_model._default_manager
        )
        related = every.filter(pk__in=ids)
        for row in related:
            names[column, row.pk] = str(row)
        if is_record:
            unseen = related if viewer is None else related.hidden_from(viewer)
            for hidden in unseen.values_list("pk", flat=True):
                names[column, hidden] = HIDDEN
    return names


def _field_diff(
    model: type[Record],
    column: str,
    custom: CustomField | None,
    *,
    before: _Value,
    after: _Value,
    is_new: bool,
    origin: RowOrigin,
) -> FieldDiff:
    if custom is not None:
        return _custom_diff(custom, column, before.raw, after.raw, is_new=is_new, origin=origin)
    field = field_of(model, column)
    kind = kind_of(field)
    segments: tuple[tuple[str, str], ...] = ()
    if kind == ValueKind.LONG_TEXT and not is_new:
        segments = tuple(
            (op, with_unseen_named(text))
            for op, text in word_segments(str(before.raw or ""), str(after.raw or ""))
        )
    return FieldDiff(
        field=column,
        label=label_of(model.kind, column),
        kind=kind,
        before=before.raw,
        after=after.raw,
        before_text=before.text(field),
        after_text=after.text(field),
        is_new=is_new,
        segments=segments,
        origin_label=origin,
    )


def _custom_diff(
    field: CustomField,
    name: str,
    before: JsonValue,
    after: JsonValue,
    *,
    is_new: bool,
    origin: RowOrigin,
) -> FieldDiff:
    return FieldDiff(
        field=name,
        label=field.label,
        kind=kind_of_custom(field),
        before=before,
        after=after,
        before_text=custom_text(field, before),
        after_text=custom_text(field, after),
        is_new=is_new,
        origin_label=origin,
    )


def kind_of(field: models.Field[Any, Any]) -> ValueKind:
    """How values of a field are shown."""
    if field.related_model is not None:
        return ValueKind.REFERENCE
    if field.choices:
        return ValueKind.CHOICE
    if field.name in MONEY_FIELDS:
        return ValueKind.MONEY
    if isinstance(field, models.DateTimeField):
        return ValueKind.MOMENT
    if isinstance(field, models.DateField):
        return ValueKind.DATE
    if isinstance(field, models.BooleanField):
        return ValueKind.BOOLEAN
    if isinstance(field, models.IntegerField | models.DecimalField):
        return ValueKind.NUMBER
    return ValueKind.LONG_TEXT if isinstance(field, models.TextField) else ValueKind.TEXT


def _number_text(value: JsonValue) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return f"{number:,.2f}".removesuffix(".00")


def word_segments(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """Compare two texts word by word: ``equal``, ``delete`` and ``insert`` runs in reading order."""
    # A word with the space before it: spaces alone make no two places alike.
    old_words, new_words = re.findall(r"\s*\S+|\s+", old), re.findall(r"\s*\S+|\s+", new)
    if _pairs(old_words, new_words) > MOST_PAIRS:
        old_words, new_words = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if _pairs(old_words, new_words) > MOST_PAIRS:
        old_words, new_words = [old], [new]
    segments: list[tuple[str, str]] = []
    kept = ""
    matcher = difflib.SequenceMatcher(a=old_words, b=new_words, autojunk=False)
    for operation, i1, i2, j1, j2 in matcher.get_opcodes():
        gone, come = "".join(old_words[i1:i2]), "".join(new_words[j1:j2])
        if operation == "equal":
            kept = gone
            continue
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(gone, come, strict=False))
        space = "".join(takewhile(str.isspace, (sign for sign, _ in alike)))
        changes = (("delete", gone[len(space) :]), ("insert", come[len(space) :]))
        segments += [("equal", kept + space), *changes]
        kept = ""
    segments.append(("equal", kept))
    return tuple(segment for segment in segments if segment[1])


def _pairs(old_words: list[str], new_words: list[str]) -> int:
    """How many pairs of equal words the two texts have, whatever stands between."""
    new_counts = Counter(new_words)
    return sum(count * new_counts[word] for word, count in Counter(old_words).items())
