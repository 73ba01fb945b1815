"""Rows of a file that meet merged records.

The row of a merged record is left out; what refers to one refers to its survivor.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from apps.crm.changelog import mergeable_kinds
from apps.crm.enums import RecordKind
from apps.crm.importing.references import ReferenceScope
from apps.crm.importing.staging import PROBLEMS, ROWS, StagingPlan

# The columns of staged rows that hold ids of such records.
_COLUMNS = {
    "lead_id": RecordKind.LEAD,
    "contact_id": RecordKind.CONTACT,
    "account_id": RecordKind.ACCOUNT,
    "parent_id": RecordKind.ACCOUNT,
}
# Of each merged record its survivor, however many merges lie between: ``merged_id``, ``kind``, ``id``.
_SURVIVORS = """
(WITH RECURSIVE way (merged_id, id) AS (
    SELECT id, merged_into_id FROM {table} WHERE merged_into_id IS NOT NULL
    UNION
    SELECT way.merged_id, r.merged_into_id FROM way JOIN {table} r ON r.id = way.id
    WHERE r.merged_into_id IS NOT NULL
 )
 SELECT way.merged_id, {kind} AS kind, way.id FROM way JOIN {table} r ON r.id = way.id
 WHERE r.merged_at IS NULL)
"""
# A lead, or the last of several, may have turned out to be a contact, who may have been merged since.
_CONTACTS_OF_LEADS = """
(WITH RECURSIVE way (merged_id, id) AS (
    SELECT id, id FROM {leads} WHERE merged_into_contact_id IS NOT NULL
    UNION
    SELECT r.id, way.id FROM way JOIN {leads} r ON r.merged_into_id = way.merged_id
 )
 SELECT way.merged_id, 'contact' AS kind, COALESCE(c.id, r.merged_into_contact_id) AS id
 FROM way JOIN {leads} r ON r.id = way.id
 LEFT JOIN {contacts} c ON c.merged_id = r.merged_into_contact_id)
"""


def leave_merged_alone(plan: StagingPlan, scope: ReferenceScope, column: str) -> None:
    """Refuse the staged rows whose record was merged; ``column`` is named in the message."""
    kind = plan.kind_fields.kind
    if kind not in mergeable_kinds():
        return
    statement = sql.SQL(
        """
        WITH merged AS (
            DELETE FROM {rows} s USING {survivors} w WHERE w.merged_id = s.record_id AND NOT s.is_new
            RETURNING s.row_number, s.external_id, w.kind, w.id
        )
        INSERT INTO {problems}
        SELECT row_number, {column}, external_id,
               'This ' || {noun} || ' was merged into the ' || kind || ' ' || id || '; the row is left out.',
               true
        FROM merged
        """
    )
    _run(
        statement,
        survivors=_survivors(scope, kind),
        problems=PROBLEMS,
        column=sql.Literal(column),
        noun=sql.Literal(kind.value),
    )


def refer_to_survivors(plan: StagingPlan, scope: ReferenceScope) -> None:
    """Have the staged rows that refer to a merged record refer to its survivor."""
    for column, kind in _COLUMNS.items():
        if plan.has(column):
            _run(
                sql.SQL(
                    "UPDATE {rows} s SET {column} = w.id FROM {survivors} w "
                    "WHERE w.merged_id = s.{column}"
                ),
                column=sql.Identifier(column),
                survivors=_survivors_of_kind(scope, kind),
            )
    if plan.has("lead_id") and plan.has("contact_id"):
        _run(
            sql.SQL(
                "UPDATE {rows} s SET lead_id = NULL, contact_id = COALESCE(s.contact_id, w.id) "
                "FROM {survivors} w WHERE w.merged_id = s.lead_id"
            ),
            survivors=_contacts_of_leads(scope),
        )


def _survivors(scope: ReferenceScope, kind: RecordKind) -> sql.Composed:
    """Of a lead also the contact that it turned out to be."""
    same = _survivors_of_kind(scope, kind)
    if kind != RecordKind.LEAD:
        return same
    return sql.SQL("(SELECT * FROM {} a UNION ALL SELECT * FROM {} b)").format(
        same, _contacts_of_leads(scope)
    )


def _survivors_of_kind(scope: ReferenceScope, kind: RecordKind) -> sql.Composed:
    return sql.SQL(_SURVIVORS).format(table=scope.table(kind.value), kind=sql.Literal(kind.value))


def _contacts_of_leads(scope: ReferenceScope) -> sql.Composed:
    return sql.SQL(_CONTACTS_OF_LEADS).format(
        leads=scope.table(RecordKind.LEAD.value),
        contacts=_survivors_of_kind(scope, RecordKind.CONTACT),
    )


def _run(statement: sql.SQL, **parts: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(rows=ROWS, **parts))
