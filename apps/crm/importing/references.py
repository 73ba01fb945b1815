"""Finding the records that staged rows refer to: one statement per kind of reference, for all rows at once.

A reference that is not found, or found more than once, leaves the field empty and warns; where the record
cannot be without it (a contract's account, a deal's stage) the row is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from apps.crm.enums import DealOutcome, RecordKind
from apps.crm.importing.exceptions import MappingError
from apps.crm.importing.fields import ImportField
from apps.crm.importing.mapping import ColumnMapping
from apps.crm.importing.staging import PROBLEMS, ROWS, StagingPlan, reference_columns
from apps.crm.importing.values import fold
from apps.crm.models import Stage

MAX_NEW_STAGES = 30

_SQUEEZED = "lower(btrim({}))"
# How a record is known by what people write: its name, a person's e-mail or full name.
_NAMES: dict[str, tuple[str, ...]] = {
    "account": (_SQUEEZED.format("r.name"),),
    "product": ("regexp_replace(lower(r.name), '[^[:alnum:]]', '', 'g')",),
    "opportunity": (_SQUEEZED.format("r.name"),),
    "contact": ("lower(r.email)", _SQUEEZED.format("r.first_name || ' ' || r.last_name")),
    "lead": ("lower(r.email)", _SQUEEZED.format("r.first_name || ' ' || r.last_name")),
}
_LABELS = {
    "account": "account", "product": "product", "opportunity": "deal", "contact": "contact", "lead": "lead",
    "owner": "person", "stage": "stage", "who": "contact or lead", "what": "account or deal",
}  # fmt: skip
_REQUIRED_IDS = {(RecordKind.CONTRACT, "account_id"), (RecordKind.OPPORTUNITY, "stage_id")}


@dataclass(frozen=True, slots=True)
class ReferenceScope:
    """Where to look: the tenant's schema, and the source whose ids the file uses."""

    schema: str
    source: str

    def table(self, kind: str) -> sql.Identifier:
        """The table of a kind of record."""
        return sql.Identifier(self.schema, "users_user" if kind == "owner" else f"crm_{kind}")


def assign_record_ids(plan: StagingPlan, scope: ReferenceScope) -> None:
    """Find the record of each row by (source, external id), or reserve the id of a new one.

    Reserved, so that a row can refer to another row of the same file (a subsidiary to its parent).
    """
    table = scope.table(plan.kind_fields.kind.value)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {rows} s SET record_id = r.id FROM {table} r "
                "WHERE r.source = %s AND r.external_id = s.external_id AND r.external_id <> ''"
            ).format(rows=ROWS, table=table),
            [scope.source],
        )
        cursor.execute(
            sql.SQL(
                "UPDATE {rows} SET is_new = true, record_id = nextval(pg_get_serial_sequence({table}, 'id')) "
                "WHERE record_id IS NULL"
            ).format(rows=ROWS, table=sql.Literal(table.as_string(None)))
        )


def resolve_references(
    plan: StagingPlan, mapping: ColumnMapping, scope: ReferenceScope
) -> list[str]:
    """Fill in the id columns and note what was not found. Returns notes for the person.

    Ids win over names: ``account_external_id`` is looked up before ``account``.
    """
    notes: list[str] = []
    columns = {target.field.key: target.column for target in mapping.targets if target.field}
    by_id_first = sorted(plan.references, key=lambda field: not field.key.endswith("_id"))
    for field in by_id_first:
        if field.refers_to == "stage":
            notes.extend(_resolve_stages())
        elif field.refers_to == "owner":
            _resolve_owners(scope)
        elif field.refers_to in {"who", "what"}:
            for column in reference_columns(field):
                _resolve_ids(plan, scope, field, column.removesuffix("_id"), column)
        elif field.key.endswith("_external_id"):
            _resolve_ids(plan, scope, field, field.refers_to, reference_columns(field)[0])
        else:
            _resolve_names(plan, scope, field)
    for field in by_id_first:
        _note_missing(plan, scope, field, columns.get(field.key, field.label))
    return notes


def _records(plan: StagingPlan, scope: ReferenceScope, kind: str) -> sql.Composable:
    """The records that may be referred to; for parents also those that this file brings."""
    if kind != plan.kind_fields.kind.value:
        return scope.table(kind)
    return sql.SQL(
        "(SELECT id, name, source, external_id FROM {table} UNION ALL "
        "SELECT record_id, name, {source}, external_id FROM {rows} WHERE is_new)"
    ).format(table=scope.table(kind), source=sql.Literal(scope.source), rows=ROWS)


def _resolve_ids(
    plan: StagingPlan, scope: ReferenceScope, field: ImportField, kind: str, column: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {rows} s SET {column} = r.id FROM {records} r WHERE s.{column} IS NULL "
                "AND r.source = %s AND r.external_id = s.{text} AND r.external_id <> ''"
            ).format(
                rows=ROWS,
                records=_records(plan, scope, kind),
                column=sql.Identifier(column),
                text=sql.Identifier(f"text_{field.key}"),
            ),
            [scope.source],
        )


def _resolve_names(plan: StagingPlan, scope: ReferenceScope, field: ImportField) -> None:
    """One record of that name, or the only one of that name that came from the same source."""
    for name in _NAMES[field.refers_to]:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    """
                    UPDATE {rows} s SET {column} = found.id FROM (
                        SELECT {name} AS name,
                               CASE WHEN count(*) = 1 THEN min(r.id)
                                    WHEN count(*) FILTER (WHERE r.source = %s) = 1
                                    THEN min(r.id) FILTER (WHERE r.source = %s) END AS id
                        FROM {records} r GROUP BY 1
                    ) found
                    WHERE s.{column} IS NULL AND found.name = {text} AND found.name <> ''
                    """
                ).format(
                    rows=ROWS,
                    records=_records(plan, scope, field.refers_to),
                    column=sql.Identifier(reference_columns(field)[0]),
                    name=sql.SQL(name),
                    text=_written_name(field),
                ),
                [scope.source, scope.source],
            )


def _written_name(field: ImportField) -> sql.Composable:
    text = sql.Identifier("s", f"text_{field.key}")
    if field.refers_to == "product":
        return sql.SQL("regexp_replace(lower({}), '[^[:alnum:]]', '', 'g')").format(text)
    return sql.SQL("lower({})").format(text)


def _resolve_owners(scope: ReferenceScope) -> None:
    """By e-mail, then user name, then full name either way round; of namesakes the active one."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                WITH people AS (
                    SELECT id, is_active, lower(email) AS name, 1 AS rank FROM {people} WHERE email <> ''
                    UNION ALL SELECT id, is_active, lower(username), 2 FROM {people}
                    UNION ALL
                    SELECT id, is_active, lower(btrim(first_name || ' ' || last_name)), 3 FROM {people}
                    UNION ALL SELECT id, is_active, lower(last_name || ', ' || first_name), 4 FROM {people}
                ), best AS (
                    SELECT id, name, count(*) OVER (PARTITION BY name, rank, is_active) AS namesakes,
                           row_number() OVER (PARTITION BY name ORDER BY rank, is_active DESC, id) AS place
                    FROM people
                )
                UPDATE {rows} s SET owner_id = best.id FROM best
                WHERE best.place = 1 AND best.namesakes = 1 AND best.name = lower(s.text_owner)
                """
            ).format(rows=ROWS, people=scope.table("owner"))
        )


def _resolve_stages() -> list[str]:
    """By label or key; "Closed Won" is the tenant's won stage; what is unknown becomes a new stage."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT DISTINCT text_stage FROM {rows} WHERE text_stage IS NOT NULL ORDER BY 1"
            ).format(rows=ROWS)
        )
        labels = [label for (label,) in cursor.fetchall()]
    stages, notes = ensure_stages(labels)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {rows} s SET stage_id = known.id FROM "
                "unnest(%s::text[], %s::bigint[]) AS known (label, id) WHERE s.text_stage = known.label"
            ).format(rows=ROWS),
            [list(stages), [stage.pk for stage in stages.values()]],
        )
    return notes


def ensure_stages(labels: list[str]) -> tuple[dict[str, Stage], list[str]]:
    """Return the stage for each label, adding those that are unknown before the closing ones.

    Raises:
        MappingError: so many are unknown that the column cannot be the stage.
    """
    stages = list(Stage.objects.all())
    by_name = {fold(name): stage for stage in reversed(stages) for name in (stage.label, stage.key)}
    found: dict[str, Stage] = {}
    unknown: dict[str, list[str]] = {}
    for label in labels:
        stage = by_name.get(fold(label))
        outcome = outcome_of_label(label)
        if stage is None and outcome != DealOutcome.OPEN:
            stage = next((one for one in stages if one.outcome == outcome), None)
        if stage is not None:
            found[label] = stage
        else:
            unknown.setdefault(fold(label), []).append(label)
    if len(unknown) > MAX_NEW_STAGES:
        raise MappingError(
            f"The stage column has {len(unknown)} stages that do not exist yet, more than a pipeline has: "
            "map another column to “Stage”."
        )
    notes = []
    for same in unknown.values():
        stage = _add_stage(same[0])
        found.update(dict.fromkeys(same, stage))
        notes.append(
            f"The stage “{stage.label}” did not exist and is added ({stage.get_outcome_display().lower()})."
        )
    return found, notes


def outcome_of_label(label: str) -> DealOutcome:
    """What a stage's name says about the deal: "Closed Won", "closedlost", "Won (Sales Pipeline)"."""
    words = set(re.findall(r"[a-z]+", label.lower()))
    if words & {"won", "closedwon"}:
        return DealOutcome.WON
    if words & {"lost", "closedlost"}:
        return DealOutcome.LOST
    return DealOutcome.OPEN


def _add_stage(label: str) -> Stage:
    outcome = outcome_of_label(label)
    stages = list(Stage.objects.order_by("position"))
    last_open = max(
        (stage.position for stage in stages if stage.outcome == DealOutcome.OPEN), default=0
    )
    position = max((stage.position for stage in stages), default=0) + 1
    if outcome == DealOutcome.OPEN:
        position = last_open + 1
        for stage in stages:
            if stage.position > last_open:
                stage.position += 1
        Stage.objects.bulk_update(stages, ["position"])
    key = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:50] or "stage"
    taken = {stage.key for stage in stages}
    free = next(
        name for name in (key, *(f"{key}-{n}" for n in range(2, 1000))) if name not in taken
    )
    return Stage.objects.create(key=free, label=label[:100], position=position, outcome=outcome)


def _note_missing(
    plan: StagingPlan, scope: ReferenceScope, field: ImportField, column: str
) -> None:
    """Warn of, or refuse, the rows whose text led to no record."""
    ids = [sql.Identifier("s", name) for name in reference_columns(field)]
    is_required = any(
        (plan.kind_fields.kind, name) in _REQUIRED_IDS for name in reference_columns(field)
    )
    label = _LABELS[field.refers_to]
    none = f"There is no {label} like this{'.' if is_required else '; left empty.'}"
    several = f"More than one {label} is called this{'.' if is_required else '; left empty.'}"
    message: sql.Composable = sql.Literal(none)
    if field.key in _NAMES or field.key == "parent":
        names = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {name} FROM {records} r").format(
                name=sql.SQL(name),
                records=_records(plan, scope, field.refers_to),
            )
            for name in _NAMES[field.refers_to]
        )
        message = sql.SQL("CASE WHEN {text} IN ({names}) THEN {several} ELSE {none} END").format(
            text=_written_name(field),
            names=names,
            several=sql.Literal(several),
            none=sql.Literal(none),
        )
    statement = sql.SQL(
        "INSERT INTO {problems} SELECT s.row_number, {column}, s.{text}, {message}, {is_refused} "
        "FROM {rows} s WHERE s.{text} IS NOT NULL AND num_nonnulls({ids}) = 0"
    ).format(
        problems=PROBLEMS,
        rows=ROWS,
        column=sql.Literal(column),
        text=sql.Identifier(f"text_{field.key}"),
        message=message,
        is_refused=sql.Literal(is_required),
        ids=sql.SQL(", ").join(ids),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        if is_required:
            cursor.execute(
                sql.SQL("DELETE FROM {rows} s WHERE num_nonnulls({ids}) = 0").format(
                    rows=ROWS, ids=sql.SQL(", ").join(ids)
                )
            )
