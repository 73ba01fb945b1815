"""Finding the records that staged rows refer to: one statement per kind of reference, for all rows at once.

A reference that is not found, or found more than once, leaves the field empty and warns; where the record
cannot be without it (a contract's account, a deal's stage) the row is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from apps.crm.changelog import mergeable_kinds
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
    _run(
        """
        UPDATE {rows} s SET is_new = r.id IS NULL,
               record_id = COALESCE(r.id, nextval(pg_get_serial_sequence({name}, 'id')))
        FROM {rows} b
        LEFT JOIN {table} r
            ON r.source = {source} AND r.external_id = b.external_id AND r.external_id <> ''
        WHERE b.row_number = s.row_number
        """,
        table=table,
        name=sql.Literal(table.as_string(None)),
        source=sql.Literal(scope.source),
    )


def resolve_references(
    plan: StagingPlan, mapping: ColumnMapping, scope: ReferenceScope
) -> list[str]:
    """Fill in the id columns and note what was not found. Returns notes for the person.

    Ids win over names: ``account_external_id`` is looked up before ``account``.
    """
    if not plan.references:
        return []
    notes: list[str] = []
    by_id_first = sorted(plan.references, key=lambda field: not field.key.endswith("_id"))
    lookups = _Lookups(plan, scope)
    for field in by_id_first:
        if field.refers_to == "stage":
            stages, notes = ensure_stages(_written_stages())
            lookups.add_stages(stages)
        elif field.refers_to == "owner":
            lookups.add_people()
        elif field.key.endswith("_id"):
            lookups.add_ids(field)
        else:
            lookups.add_names(field)
    lookups.apply()
    columns = {target.field.key: target.column for target in mapping.targets if target.field}
    for field in by_id_first:
        _note_missing(plan, scope, field, columns.get(field.key, field.label))
    return notes


class _Lookups:
    """The look-ups of an import, gathered as joins of one statement: each pass rewrites every staged row.

    The rows are ``b``; each join has an alias of its own and finds at most one record per row.
    """

    def __init__(self, plan: StagingPlan, scope: ReferenceScope) -> None:
        self._plan = plan
        self._scope = scope
        self._joins: list[sql.Composed] = []
        self._found: dict[str, list[sql.Composed]] = {}

    def add_ids(self, field: ImportField) -> None:
        """By the id in the same source."""
        for column in reference_columns(field):
            kind = (
                column.removesuffix("_id")
                if field.refers_to in {"who", "what"}
                else field.refers_to
            )
            self._add(
                column,
                "{records} {f} ON {f}.source = {source} AND {f}.external_id = {text} "
                "AND {f}.external_id <> ''",
                records=_records(self._plan, self._scope, kind),
                source=sql.Literal(self._scope.source),
                text=sql.Identifier("b", f"text_{field.key}"),
            )

    def add_names(self, field: ImportField) -> None:
        """One record of that name, or the only one of that name that came from the same source.

        A merged record counts only where no other has the name.
        """
        present = sql.SQL("r.merged_at IS NULL" if field.refers_to in mergeable_kinds() else "true")
        for name in _NAMES[field.refers_to]:
            self._add(
                reference_columns(field)[0],
                """
                (SELECT {name} AS name,
                        CASE WHEN count(*) = 1 THEN min(r.id)
                             WHEN count(*) FILTER (WHERE {present}) = 1
                             THEN min(r.id) FILTER (WHERE {present})
                             WHEN count(*) FILTER (WHERE {present} AND r.source = {source}) = 1
                             THEN min(r.id) FILTER (WHERE {present} AND r.source = {source}) END AS id
                 FROM {records} r GROUP BY 1) {f} ON {f}.name = {text} AND {f}.name <> ''
                """,
                name=sql.SQL(name),
                present=present,
                source=sql.Literal(self._scope.source),
                records=_records(self._plan, self._scope, field.refers_to),
                text=_written_name(field, "b"),
            )

    def add_people(self) -> None:
        """By e-mail, then user name, then full name either way round; of namesakes the active one."""
        self._add(
            "owner_id",
            """
            (SELECT name, id FROM (
                SELECT id, name, count(*) OVER (PARTITION BY name, rank, is_active) AS namesakes,
                       row_number() OVER (PARTITION BY name ORDER BY rank, is_active DESC, id) AS place
                FROM {people} p, LATERAL (VALUES
                    (lower(p.email), 1),
                    (lower(p.username), 2),
                    (lower(btrim(p.first_name || ' ' || p.last_name)), 3),
                    (lower(p.last_name || ', ' || p.first_name), 4)
                ) AS called (name, rank)
             ) best WHERE place = 1 AND namesakes = 1 AND name <> ''
            ) {f} ON {f}.name = lower(b.text_owner)
            """,
            people=self._scope.table("owner"),
        )

    def add_stages(self, stages: dict[str, Stage]) -> None:
        """By the labels as they are written in the file."""
        self._add(
            "stage_id",
            "unnest({labels}::text[], {ids}::bigint[]) AS {f} (label, id) ON {f}.label = b.text_stage",
            labels=sql.Literal(list(stages)),
            ids=sql.Literal([stage.pk for stage in stages.values()]),
        )

    def apply(self) -> None:
        """Find everything."""
        _run(
            "UPDATE {rows} s SET {found} FROM {rows} b {joins} WHERE b.row_number = s.row_number",
            found=sql.SQL(", ").join(
                sql.SQL("{} = COALESCE({})").format(sql.Identifier(column), sql.SQL(", ").join(ids))
                for column, ids in self._found.items()
            ),
            joins=sql.SQL(" ").join(self._joins),
        )

    def _add(self, column: str, join: str, **parts: sql.Composable) -> None:
        alias = sql.Identifier(f"f{len(self._joins)}")
        self._joins.append(sql.SQL("LEFT JOIN " + join).format(f=alias, **parts))
        self._found.setdefault(column, []).append(sql.SQL("{}.id").format(alias))


def _records(plan: StagingPlan, scope: ReferenceScope, kind: str) -> sql.Composable:
    """The records that may be referred to; for parents also those that this file brings."""
    if kind != plan.kind_fields.kind.value:
        return scope.table(kind)
    return sql.SQL(
        "(SELECT id, name, source, external_id, merged_at FROM {table} UNION ALL "
        "SELECT record_id, name, {source}, external_id, NULL FROM {rows} WHERE is_new)"
    ).format(table=scope.table(kind), source=sql.Literal(scope.source), rows=ROWS)


def _written_name(field: ImportField, alias: str) -> sql.Composable:
    text = sql.Identifier(alias, f"text_{field.key}")
    if field.refers_to == "product":
        return sql.SQL("regexp_replace(lower({}), '[^[:alnum:]]', '', 'g')").format(text)
    return sql.SQL("lower({})").format(text)


def _written_stages() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT DISTINCT text_stage FROM {rows} WHERE text_stage IS NOT NULL ORDER BY 1"
            ).format(rows=ROWS)
        )
        return [label for (label,) in cursor.fetchall()]


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
            text=_written_name(field, "s"),
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
    _run(statement)
    if is_required:
        _run("DELETE FROM {rows} s WHERE num_nonnulls({ids}) = 0", ids=sql.SQL(", ").join(ids))


def _run(statement: str | sql.Composed, **parts: sql.Composable) -> None:
    with connection.cursor() as cursor:
        if isinstance(statement, str):
            statement = sql.SQL(statement).format(rows=ROWS, **parts)
        cursor.execute(statement)
