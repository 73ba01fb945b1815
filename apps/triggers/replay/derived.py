"""What the database derives of records, as of a past moment: last contact, outcome, entry into the stage."""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from apps.crm.enums import ActivityKind, Operation, RecordKind
from apps.crm.models import Activity, ChangeLog, Contact, Opportunity, Stage
from apps.triggers.replay.tables import PastTable, Reading
from apps.triggers.replay.temporary import past, real, temporary
from apps.triggers.replay.undoing import CHANGES, Span

# The records whose last contact a step has to find anew: kind and id.
TOUCHED = temporary("replay_touched")

_ACTIVITIES = past(Activity._meta.db_table)
_CONTACTS = past(Contact._meta.db_table)
_DEALS = past(Opportunity._meta.db_table)

# Which accounts an activity counts for, as the database's own triggers have it (``apps.crm.changelog``).
_OF_ACCOUNT = sql.SQL("unnest(ARRAY[a.account_id, c.account_id, d.account_id])")
_JOINS_OF_ACCOUNT = sql.SQL(
    "LEFT JOIN {} c ON c.id = a.contact_id LEFT JOIN {} d ON d.id = a.opportunity_id"
).format(_CONTACTS, _DEALS)
_LATEST_OF_ACCOUNT = sql.SQL(
    """
    SELECT greatest(
        (SELECT max(a.occurred_at) FROM {activities} a WHERE a.account_id = r.id AND {counts}),
        (SELECT max(a.occurred_at) FROM {contacts} c JOIN {activities} a ON a.contact_id = c.id
         WHERE c.account_id = r.id AND {counts}),
        (SELECT max(a.occurred_at) FROM {deals} d JOIN {activities} a ON a.opportunity_id = d.id
         WHERE d.account_id = r.id AND {counts})
    )
    """
)
_LATEST = sql.SQL(
    "SELECT max(a.occurred_at) FROM {activities} a WHERE a.{column} = r.id AND {counts}"
)


def prepare() -> None:
    """Make the list of touched records."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} (record_kind text, record_id bigint)").format(
                TOUCHED
            )
        )


def note_touched(reading: Reading, span: Span) -> None:
    """Note on which records the activities hang that changed or took place within the span.

    Called before and after the activities are taken back: one may have hung elsewhere.
    """
    with connection.cursor() as cursor:
        for table in _following_activities(reading):
            is_account = table.kind == RecordKind.ACCOUNT
            cursor.execute(
                sql.SQL(
                    """
                    WITH affected AS (
                        SELECT c.record_id AS id FROM {changes} c
                        WHERE c.record_kind = {activity} AND {changed}
                        UNION SELECT a.id FROM {activities} a WHERE {took_place}
                    )
                    INSERT INTO {touched} (record_kind, record_id)
                    SELECT DISTINCT {kind}, hung.id FROM (
                        SELECT {target} AS id FROM affected JOIN {activities} a USING (id) {joins}
                    ) hung WHERE hung.id IS NOT NULL
                    """
                ).format(
                    changes=CHANGES,
                    activity=sql.Literal(RecordKind.ACTIVITY.value),
                    changed=span.covers("c", "changed_at"),
                    took_place=span.covers("a", "occurred_at"),
                    touched=TOUCHED,
                    kind=sql.Literal(table.kind.value),
                    target=_OF_ACCOUNT if is_account else sql.Identifier("a", _column_of(table)),
                    activities=_ACTIVITIES,
                    joins=_JOINS_OF_ACCOUNT if is_account else sql.SQL(""),
                )
            )
            if is_account:
                cursor.execute(_note_moves(RecordKind.CONTACT, _CONTACTS, span))
                cursor.execute(_note_moves(RecordKind.OPPORTUNITY, _DEALS, span))


def derive(reading: Reading, span: Span) -> None:
    """Bring the derived columns to the beginning of the span."""
    counts = sql.SQL("a.activity_kind <> {} AND a.occurred_at <= {}").format(
        sql.Literal(ActivityKind.NOTE.value), sql.Literal(span.after)
    )
    with connection.cursor() as cursor:
        for table in _following_activities(reading):
            if table.kind == RecordKind.ACCOUNT:
                latest = _LATEST_OF_ACCOUNT.format(
                    activities=_ACTIVITIES, contacts=_CONTACTS, deals=_DEALS, counts=counts
                )
            else:
                latest = _LATEST.format(
                    activities=_ACTIVITIES, column=sql.Identifier(_column_of(table)), counts=counts
                )
            cursor.execute(
                sql.SQL(
                    "UPDATE {past} r SET last_activity_at = ({latest}) WHERE r.id IN"
                    " (SELECT t.record_id FROM {touched} t WHERE t.record_kind = {kind})"
                ).format(
                    past=past(table.table),
                    latest=latest,
                    touched=TOUCHED,
                    kind=sql.Literal(table.kind.value),
                )
            )
        if _following_activities(reading):
            cursor.execute(sql.SQL("TRUNCATE {}").format(TOUCHED))
        deals = reading.of(RecordKind.OPPORTUNITY)
        if deals is not None and deals.has("stage_id"):
            cursor.execute(_follow_stage(deals, span))


def _note_moves(kind: RecordKind, movers: sql.Composable, span: Span) -> sql.Composed:
    """Note where contacts or deals stand that changed accounts within the span."""
    return sql.SQL(
        """
        INSERT INTO {touched} (record_kind, record_id)
        SELECT DISTINCT {account}, m.account_id FROM {movers} m
        WHERE m.account_id IS NOT NULL AND m.id IN (
            SELECT c.record_id FROM {changes} c
            WHERE c.record_kind = {kind} AND c.name = 'account_id' AND {changed})
        """
    ).format(
        touched=TOUCHED,
        account=sql.Literal(RecordKind.ACCOUNT.value),
        movers=movers,
        changes=CHANGES,
        kind=sql.Literal(kind.value),
        changed=span.covers("c", "changed_at"),
    )


def _follow_stage(deals: PastTable, span: Span) -> sql.Composed:
    """Deals that were in another stage have its outcome, and entered it when the log says so.

    The first stage of a deal is taken to be entered when the deal was created.
    """
    settings: list[sql.Composable] = []
    if deals.has("outcome"):
        settings.append(sql.SQL("outcome = s.outcome"))
    if deals.has("stage_entered_at"):
        entered = sql.SQL(
            """
            stage_entered_at = COALESCE((
                SELECT max(m.changed_at) FROM {log} m
                WHERE m.record_kind = {deal} AND m.record_id = r.id AND m.operation = {changed}
                  AND m.changes ? 'stage_id' AND m.changed_at <= {moment}
            ), r.created_at)
            """
        ).format(
            log=real(ChangeLog._meta.db_table),
            deal=sql.Literal(RecordKind.OPPORTUNITY.value),
            changed=sql.Literal(Operation.CHANGED.value),
            moment=sql.Literal(span.after),
        )
        settings.append(entered)
    if not settings:
        return sql.SQL("SELECT").format()
    return sql.SQL(
        """
        UPDATE {past} r SET {settings} FROM {stages} s
        WHERE s.id = r.stage_id AND r.id IN (
            SELECT c.record_id FROM {changes} c WHERE c.record_kind = {deal} AND {changed}
              AND (c.name = 'stage_id' OR c.operation = {deleted}))
        """
    ).format(
        past=past(deals.table),
        settings=sql.SQL(", ").join(settings),
        stages=real(Stage._meta.db_table),
        changes=CHANGES,
        deal=sql.Literal(RecordKind.OPPORTUNITY.value),
        changed=span.covers("c", "changed_at"),
        deleted=sql.Literal(Operation.DELETED.value),
    )


def _following_activities(reading: Reading) -> list[PastTable]:
    """The tables whose records know their last contact, as far as it is asked for."""
    return [table for table in reading.records if table.has("last_activity_at")]


def _column_of(table: PastTable) -> str:
    return f"{table.kind.value}_id"
