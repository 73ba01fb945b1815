"""Which column of the file becomes which field: as a person writes it, and as the import uses it.

A mapping file is JSON, either the columns alone or with more::

    {"columns": {"Deal Name": "name", "Size": "custom:size:number", "Product": ["product", "custom:product"],
                 "Internal note": null},
     "constants": {"activity_kind": "call"},
     "date_order": "dmy", "decimal_mark": ",", "scale": {"Revenue": 1000000},
     "identity": "row", "unknown_columns": "custom_fields"}

Columns that it does not name are recognised as without it. A target is a field's key, or ``custom:KEY`` with
an optional type; without one the type is inferred from the whole column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from apps.crm.enums import FieldType, RecordKind
from apps.crm.importing.exceptions import MappingError
from apps.crm.importing.fields import ImportField, KindFields, fields_of
from apps.crm.importing.recognition import Recognised, recognise
from apps.crm.importing.values import DateOrder, DecimalMark, fold
from apps.crm.models import CustomField

MAX_CUSTOM_FIELDS = 200
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


def _as_tuple(value: Any) -> Any:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


class MappingFile(BaseModel):
    """A mapping as a person or the page gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]] = Field(
        default_factory=dict
    )
    constants: dict[str, str] = Field(default_factory=dict)
    date_order: DateOrder | None = None
    decimal_mark: DecimalMark | None = None
    scale: dict[str, int] = Field(default_factory=dict)
    identity: Literal["", "row"] | None = None
    unknown_columns: Literal["ignore", "custom_fields"] = "ignore"

    @classmethod
    def parse(cls, payload: Any) -> MappingFile:
        """Read a mapping from JSON values.

        Raises:
            MappingError: it is not of the form above.
        """
        if (
            isinstance(payload, dict)
            and "columns" not in payload
            and not set(payload) & set(cls.model_fields)
        ):
            payload = {"columns": payload}
        try:
            return cls.model_validate(payload)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the mapping"
            raise MappingError(f"The mapping is not valid at “{where}”: {first['msg']}.") from error


@dataclass(frozen=True, slots=True)
class CustomTarget:
    """A custom field that a column becomes; ``type`` None is inferred from the column's values."""

    key: str
    label: str
    type: FieldType | None
    is_new: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnTarget:
    """One column of the file with one thing that it becomes."""

    position: int
    column: str
    field: ImportField | None
    custom: CustomTarget | None
    scale: int = 1


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping that fits the file: every name in it exists."""

    kind_fields: KindFields
    source: str
    label: str
    header: tuple[str, ...]
    targets: tuple[ColumnTarget, ...]
    constants: Mapping[str, str]
    ignored: tuple[str, ...]
    identity: str
    date_order: DateOrder | None
    decimal_mark: DecimalMark | None
    defined: Mapping[str, CustomTarget] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The keys of the fields that get a value, from a column or a constant."""
        return {target.field.key for target in self.targets if target.field} | set(self.constants)

    def as_json(self) -> dict[str, Any]:
        """The mapping in the form of a mapping file, complete, to be kept with the run."""
        columns: dict[str, list[str]] = {name: [] for name in self.header}
        for target in self.targets:
            columns[target.column].append(target_text(target))
        return {
            "columns": columns,
            "constants": dict(self.constants),
            "date_order": self.date_order,
            "decimal_mark": self.decimal_mark,
            "scale": {target.column: target.scale for target in self.targets if target.scale != 1},
            "identity": self.identity,
        }


def target_text(target: ColumnTarget) -> str:
    """Write a target as mappings do."""
    if target.field is not None:
        return target.field.key
    custom = target.custom
    assert custom is not None  # noqa: S101 - one of the two is always there
    return f"custom:{custom.key}:{custom.type.value}" if custom.type else f"custom:{custom.key}"


def fit_mapping(
    kind: RecordKind, header: Sequence[str], given: MappingFile | None, source: str = ""
) -> ColumnMapping:
    """Join what is recognised with what was given, and check it against file and fields.

    Raises:
        MappingError: a column or field does not exist, two columns fill one field, or something that
            every record of this kind needs is missing.
    """
    given = given or MappingFile()
    kind_fields = fields_of(kind)
    recognised = recognise(kind, header)
    wanted = _merge(header, recognised, given)
    defined = existing_custom_fields(kind)
    targets: list[ColumnTarget] = []
    ignored: list[str] = []
    scale = {**recognised.scale, **given.scale}
    for position, column in enumerate(header):
        texts = wanted.get(column, ())
        if not texts and given.unknown_columns == "custom_fields" and column not in given.columns:
            texts = (f"custom:{make_key(column)}",)
        if not texts:
            ignored.append(column)
        targets.extend(
            _read_target(kind_fields, defined, position, column, text, scale.get(column, 1))
            for text in texts
        )
    constants = {key: text.strip() for key, text in given.constants.items() if text.strip()}
    _check(kind_fields, targets, constants)
    return ColumnMapping(
        kind_fields=kind_fields,
        source=source or recognised.source,
        label=recognised.label,
        header=tuple(header),
        targets=tuple(targets),
        constants=constants,
        ignored=tuple(ignored),
        identity=recognised.identity if given.identity is None else given.identity,
        date_order=given.date_order,
        decimal_mark=given.decimal_mark,
        defined=defined,
    )


def missing_fields(mapping: ColumnMapping) -> list[str]:
    """Say what a record of this kind needs and the mapping does not give, in words."""
    missing = []
    for alternatives in mapping.kind_fields.required:
        if not mapping.keys & set(alternatives):
            labels = [f"“{mapping.kind_fields.fields[key].label}”" for key in alternatives]
            missing.append(" or ".join(labels))
    return missing


def require_complete(mapping: ColumnMapping) -> None:
    """Refuse a mapping that cannot make records.

    Raises:
        MappingError: a required field is not mapped, or rows could not be told apart.
    """
    if missing := missing_fields(mapping):
        columns = ", ".join(f"“{name}”" for name in mapping.header[:30])
        raise MappingError(
            f"The file has no column for {'; and none for '.join(missing)}. Its columns are: {columns}. "
            "Map one of them, or choose another kind of record."
        )
    if not can_identify(mapping):
        leading = " or ".join(
            f"“{mapping.kind_fields.fields[keys[0]].label}”"
            for keys in mapping.kind_fields.identifying
        )
        raise MappingError(
            "The rows have nothing to be recognised by at the next import: map a column to “Id in the "
            f"source” or to {leading}, or set “identity” to “row” to go by the whole row."
        )


def can_identify(mapping: ColumnMapping) -> bool:
    """Whether each row gets an id: its own, one made of identifying fields, or one made of the row."""
    if "external_id" in mapping.keys or mapping.identity == "row":
        return True
    return any(keys[0] in mapping.keys for keys in mapping.kind_fields.identifying)


def existing_custom_fields(kind: RecordKind) -> dict[str, CustomTarget]:
    """The custom fields that the tenant has for a kind, by key."""
    rows = CustomField.objects.filter(record_kind=kind)
    return {
        row.key: CustomTarget(
            row.key, row.label, FieldType(row.field_type), False, tuple(row.choices)
        )
        for row in rows
    }


def make_key(label: str) -> str:
    """Make the key of a custom field from a header: "Comp. size (est.)" → "comp_size_est"."""
    plain = re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")
    if not plain or not plain[0].isalpha():
        plain = f"field_{plain}".rstrip("_")
    return plain[:60]


def _merge(
    header: Sequence[str], recognised: Recognised, given: MappingFile
) -> dict[str, tuple[str, ...]]:
    """Given columns win; a field that was given is taken from the column it was recognised in."""
    by_fold = {fold(name): name for name in reversed(header)}
    chosen: dict[str, tuple[str, ...]] = {}
    for name, texts in given.columns.items():
        column = name if name in header else by_fold.get(fold(name))
        if column is None:
            raise MappingError(
                f"The mapping names a column “{name}”, which the file does not have."
            )
        chosen[column] = texts
    taken = {text for texts in chosen.values() for text in texts}
    for column, texts in recognised.targets.items():
        if column not in chosen:
            chosen[column] = tuple(text for text in texts if text not in taken)
    return chosen


def _read_target(
    kind_fields: KindFields,
    defined: Mapping[str, CustomTarget],
    position: int,
    column: str,
    text: str,
    scale: int,
) -> ColumnTarget:
    if not text.startswith("custom:"):
        if text not in kind_fields.fields:
            known = ", ".join(kind_fields.fields)
            raise MappingError(f"There is no field “{text}” to map “{column}” to. Fields: {known}.")
        return ColumnTarget(position, column, kind_fields.fields[text], None, scale)
    _, key, *rest = text.split(":")
    if not _KEY.fullmatch(key) or len(rest) > 1:
        raise MappingError(
            f"“{text}” is no custom field: write custom:key or custom:key:type, the key in lower case."
        )
    if key in defined:
        return ColumnTarget(position, column, None, defined[key], scale)
    try:
        field_type = FieldType(rest[0]) if rest else None
    except ValueError as error:
        types = ", ".join(FieldType.values)
        raise MappingError(f"“{rest[0]}” is no type of custom field. Types: {types}.") from error
    return ColumnTarget(
        position, column, None, CustomTarget(key, column[:100], field_type, True), scale
    )


def _check(
    kind_fields: KindFields, targets: Sequence[ColumnTarget], constants: Mapping[str, str]
) -> None:
    seen: dict[str, str] = {}
    for target in targets:
        text = target_text(target)
        key = ":".join(text.split(":")[:2])
        if key in seen:
            raise MappingError(
                f"Both “{seen[key]}” and “{target.column}” are mapped to “{key}”. Choose one."
            )
        seen[key] = target.column
    for key in constants:
        if key not in kind_fields.fields:
            raise MappingError(f"There is no field “{key}” to give the same value to in every row.")
        if key in seen:
            raise MappingError(f"“{key}” has both a column and a value for every row. Choose one.")
    new = sum(target.custom is not None and target.custom.is_new for target in targets)
    if new > MAX_CUSTOM_FIELDS:
        raise MappingError(
            f"The mapping would make {new} custom fields; at most {MAX_CUSTOM_FIELDS} are possible."
        )
