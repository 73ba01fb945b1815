"""The forms of the import pages: the upload, and the mapping of its columns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from apps.crm.enums import FieldType, RecordKind
from apps.crm.importing.exceptions import FileTooLargeError
from apps.crm.importing.fields import PLURALS, ImportField, ValueType, fields_of
from apps.crm.importing.mapping import ColumnMapping, MappingFile, make_key, target_text
from apps.crm.importing.values import DateOrder, DecimalMark

Choices = list[tuple[str, str] | tuple[str, list[tuple[str, str]]]]

_KIND_LABELS = {kind: plural.capitalize() for plural, kind in PLURALS.items()}


class UploadForm(forms.Form):
    """A file and what its rows are."""

    kind = forms.ChoiceField(
        label="The rows are",
        choices=[(kind.value, label) for kind, label in _KIND_LABELS.items()],
        initial=RecordKind.OPPORTUNITY,
    )
    file = forms.FileField(
        label="CSV file",
        help_text="With column names in the first row. Comma, semicolon, tab or vertical bar; "
        "UTF-8, UTF-16 or Windows-1252.",
        error_messages={"empty": "The file is empty.", "required": "Choose a file."},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )
    source = forms.CharField(
        label="Source",
        required=False,
        max_length=60,
        help_text="The system that the ids in the file belong to, such as hubspot. Empty: as recognised.",
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what is too large before it is kept."""
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if (upload.size or 0) > settings.IMPORT_MAX_BYTES:
            raise forms.ValidationError(FileTooLargeError(settings.IMPORT_MAX_BYTES).message)
        return upload


class MappingForm(forms.Form):
    """One choice per column of the file, and how its dates and numbers are written.

    Fields that every record needs and no column gives may get one value for all rows.
    """

    source = forms.CharField(label="Source", max_length=60)
    date_order = forms.ChoiceField(
        label="Dates like 03/04/2026",
        required=False,
        choices=[("", "as the column shows"), *((order.value, order.label) for order in DateOrder)],
    )
    decimal_mark = forms.ChoiceField(
        label="Decimal mark",
        required=False,
        choices=[("", "as the column shows"), *((mark.value, mark.label) for mark in DecimalMark)],
    )
    by_row = forms.BooleanField(
        label="Tell rows apart by their whole content",
        required=False,
        help_text="For rows without any id or name.",
    )
    dry_run = forms.BooleanField(
        label="Only try it: check everything, import nothing", required=False
    )

    def __init__(self, mapping: ColumnMapping, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mapping = mapping
        current: dict[str, list[str]] = {name: [] for name in mapping.header}
        for target in mapping.targets:
            current[target.column].append(target_text(target))
        for position, column in enumerate(mapping.header):
            chosen = "+".join(current[column])
            self.fields[f"column-{position}"] = forms.ChoiceField(
                label=column,
                required=False,
                initial=chosen,
                choices=_column_choices(mapping, column, chosen),
            )
        for field in _single_value_fields(mapping):
            self.fields[f"constant-{field.key}"] = forms.CharField(
                label=f"{field.label}, the same in every row",
                required=False,
                initial=mapping.constants.get(field.key, ""),
                help_text=f"One of: {', '.join(field.labels)}" if field.labels else "",
            )
        for name, value in {
            "source": mapping.source,
            "date_order": mapping.date_order or "",
            "decimal_mark": mapping.decimal_mark or "",
            "by_row": mapping.identity == "row",
        }.items():
            self.fields[name].initial = value

    @property
    def column_fields(self) -> list[forms.BoundField]:
        """The choices of the columns, in the order of the file."""
        return [self[f"column-{position}"] for position in range(len(self._mapping.header))]

    @property
    def other_fields(self) -> list[forms.BoundField]:
        """Everything else."""
        return [self[name] for name in self.fields if not name.startswith("column-")]

    def to_mapping(self) -> MappingFile:
        """The mapping that was chosen, complete."""
        chosen = self.cleaned_data
        columns = {
            column: tuple(filter(None, chosen[f"column-{position}"].split("+")))
            for position, column in enumerate(self._mapping.header)
        }
        scale = {
            target.column: target.scale for target in self._mapping.targets if target.scale != 1
        }
        constants = {
            name.removeprefix("constant-"): value
            for name, value in chosen.items()
            if name.startswith("constant-") and value
        }
        return MappingFile(
            columns=columns,
            constants=constants,
            date_order=DateOrder(chosen["date_order"]) if chosen["date_order"] else None,
            decimal_mark=DecimalMark(chosen["decimal_mark"]) if chosen["decimal_mark"] else None,
            scale=scale,
            identity="row" if chosen["by_row"] else "",
        )


def _column_choices(mapping: ColumnMapping, column: str, chosen: str) -> Choices:
    fields = [(field.key, field.label) for field in mapping.kind_fields.fields.values()]
    defined = [
        (f"custom:{custom.key}:{custom.type}", custom.label) for custom in mapping.defined.values()
    ]
    key = make_key(column)
    new = [("custom:" + key, "New custom field, type as its values show")] + [
        (f"custom:{key}:{field_type.value}", f"New custom field: {field_type.label}")
        for field_type in FieldType
    ]
    choices: Choices = [("", "Do not import"), ("Fields", fields)]
    if defined:
        choices.append(("Custom fields", defined))
    if key not in mapping.defined:
        choices.append(("New custom field", new))
    if chosen and chosen not in {value for value, _ in [*fields, *defined, *new]}:
        choices.insert(1, (chosen, "As recognised: " + chosen.replace("+", " and ")))
    return choices


def _single_value_fields(mapping: ColumnMapping) -> list[ImportField]:
    """Required fields that no column gives and for which one value for all rows makes sense."""
    columns = {target.field.key for target in mapping.targets if target.field}
    wanted = []
    for alternatives in fields_of(mapping.kind_fields.kind).required:
        field = mapping.kind_fields.fields[alternatives[0]]
        is_missing = not columns & set(alternatives)
        if is_missing and (field.type is ValueType.CHOICE or field.refers_to == "stage"):
            wanted.append(field)
    return wanted
