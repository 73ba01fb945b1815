"""The stages of an import, each a function: read, check and stage, write.

The first pass over the file decides for each column how its values are to be read; the second checks the
rows and copies them into a temporary table in batches. Until ``write_records``, which runs in the caller's
one transaction, nothing of the CRM has been touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from apps.crm.enums import FieldType, RecordKind
from apps.crm.importing import staging
from apps.crm.importing.columns import FileProfile, profile_columns
from apps.crm.importing.derivations import derive_columns
from apps.crm.importing.exceptions import FileRefusedError
from apps.crm.importing.formats import OpenFile, detect_format
from apps.crm.importing.likeness import count_in_words, list_look_alikes
from apps.crm.importing.mapping import ColumnMapping, MappingFile, fit_mapping, require_complete
from apps.crm.importing.merged import leave_merged_alone, refer_to_survivors
from apps.crm.importing.problems import RowProblem
from apps.crm.importing.references import ReferenceScope, assign_record_ids, resolve_references
from apps.crm.importing.rows import ParsedRow, RowParser, TenantDefaults
from apps.crm.importing.tables import Table
from apps.crm.importing.upsert import UpsertCounts, upsert_rows
from apps.crm.models import CustomField
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant

BATCH_ROWS = 2000

# Called with the rows done so far; may raise to stop the import.
TellRows = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the first pass found: the table, its mapping and what holds for whole columns."""

    table: Table
    mapping: ColumnMapping
    profile: FileProfile
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What the transaction did."""

    counts: UpsertCounts
    rows_warned: int
    notes: tuple[str, ...]


def read_file(
    kind: RecordKind,
    open_file: OpenFile,
    *,
    size_bytes: int | None,
    given: MappingFile | None,
    source: str,
    max_rows: int | None = None,
) -> Reading:
    """Find out how the file is written, map its columns and look at all rows once.

    Raises:
        FileRefusedError: the file as a whole cannot be read.
        MappingError: the mapping does not fit, or (without ``max_rows``) is not complete.
    """
    file_format = detect_format(
        open_file, max_bytes=settings.IMPORT_MAX_BYTES, size_bytes=size_bytes
    )
    table = Table(open_file, file_format, settings.IMPORT_MAX_BYTES)
    mapping = fit_mapping(kind, table.header, given, source)
    if max_rows is None:
        require_complete(mapping)
    profile = profile_columns(mapping, table.rows(), max_rows=max_rows)
    if profile.rows == 0:
        raise FileRefusedError("no_rows", "The file names its columns but has no rows.")
    return Reading(table, mapping, profile, tuple(_notes(table, mapping, profile)))


def stage_rows(
    reading: Reading, tell: TellRows, *, max_rows: int | None = None
) -> staging.StagingPlan:
    """Check the rows and copy them into the staging tables, or what is wrong with them."""
    plan = staging.plan_staging(reading.mapping)
    staging.create_tables(plan)
    parser = RowParser(reading.mapping, reading.profile, tenant_defaults())
    good: list[ParsedRow] = []
    problems: list[RowProblem] = []
    done = 0
    for row in reading.table.rows():
        if done == max_rows:
            break
        parsed = parser.parse(row)
        if isinstance(parsed, ParsedRow):
            good.append(parsed)
        else:
            problems.extend(parsed)
        done += 1
        if done % BATCH_ROWS == 0:
            staging.copy_rows(plan, good)
            staging.copy_problems(problems)
            good, problems = [], []
            tell(done)
    staging.copy_rows(plan, good)
    staging.copy_problems(problems)
    staging.finish_copying()
    if reading.mapping.identity == "row" and "external_id" not in reading.mapping.keys:
        staging.number_equal_rows()
    staging.refuse_repeated_ids(_id_column(reading.mapping))
    tell(done)
    return plan


def find_references(plan: staging.StagingPlan, mapping: ColumnMapping) -> list[str]:
    """Find the records that the staged rows are, and those that they refer to; adds unknown stages."""
    scope = _scope(mapping)
    assign_record_ids(plan, scope)
    leave_merged_alone(plan, scope, _id_column(mapping))
    notes = resolve_references(plan, mapping, scope)
    refer_to_survivors(plan, scope)
    return notes


def write_records(plan: staging.StagingPlan, reading: Reading) -> Written:
    """Write everything, in the caller's transaction: custom fields, stages, records."""
    scope = _scope(reading.mapping)
    notes = [*ensure_custom_fields(reading), *find_references(plan, reading.mapping)]
    notes += _tell_look_alikes(plan)
    derive_columns(plan, scope, str(tenant_defaults().zone))
    counts = upsert_rows(plan, scope, tenant_defaults().currency)
    notes += [
        f"“{value}” in “{column}” was left out of {rows:,} rows."
        for column, value, rows in staging.count_unmatched()
    ]
    return Written(counts, staging.count_warned_rows(), tuple(notes))


def ensure_custom_fields(reading: Reading) -> list[str]:
    """Make the custom fields that the mapping asks for; add new choices to those that exist."""
    notes = []
    kind = reading.mapping.kind_fields.kind
    for target in reading.mapping.targets:
        custom = target.custom
        if custom is None:
            continue
        choices = list(reading.profile.custom_choices.get(custom.key, ()))
        field, is_made = CustomField.objects.get_or_create(
            record_kind=kind,
            key=custom.key,
            defaults={
                "label": custom.label,
                "field_type": reading.profile.custom_types[custom.key],
                "choices": choices,
                "position": target.position,
            },
        )
        if is_made:
            notes.append(f"The custom field “{field.label}” is added.")
        elif field.field_type == FieldType.CHOICE and (more := set(choices) - set(field.choices)):
            field.choices = [*field.choices, *(choice for choice in choices if choice in more)]
            field.save(update_fields=["choices"])
            notes.append(f"The custom field “{field.label}” gets {len(more)} more choices.")
    return notes


def tenant_defaults() -> TenantDefaults:
    """The zone and the currency of the tenant that the connection stands in."""
    tenant = Tenant.objects.get(schema_name=tenant_connection().schema_name)
    return TenantDefaults(tenant.zone, tenant.currency)


def _tell_look_alikes(plan: staging.StagingPlan) -> list[str]:
    probed = list_look_alikes(plan)
    words = count_in_words(probed, is_all=probed.looked_at == staging.count_new_rows())
    return [f"{words} They are imported."] if words else []


def _scope(mapping: ColumnMapping) -> ReferenceScope:
    return ReferenceScope(tenant_connection().schema_name, mapping.source)


def _id_column(mapping: ColumnMapping) -> str:
    return next(
        (
            target.column
            for target in mapping.targets
            if target.field and target.field.key == "external_id"
        ),
        "",
    )


def _notes(table: Table, mapping: ColumnMapping, profile: FileProfile) -> list[str]:
    notes = [f"Read as {table.format.describe()}."]
    if mapping.label:
        notes.append(f"Recognised as: {mapping.label}.")
    notes.extend(profile.notes)
    if table.skipped_lines:
        noun = "line" if table.skipped_lines == 1 else "lines"
        notes.append(f"{table.skipped_lines} {noun} below the table were left out.")
    if mapping.ignored:
        names = ", ".join(f"“{name}”" for name in mapping.ignored)
        notes.append(f"Columns not imported: {names}.")
    if "external_id" not in mapping.keys:
        what = "their whole content" if mapping.identity == "row" else "what identifies them"
        notes.append(f"The rows have no id of their own; they go by {what}.")
    return notes
