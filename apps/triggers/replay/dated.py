"""Tables that keep their own history: a replay reads them up to its moment, by a view over each."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from psycopg import sql

from apps.crm.models import ChangeLog
from apps.predictions.models import Score
from apps.triggers.replay.temporary import past, real

_MOMENT = "aisha.replay_moment"
_IN_SQL = sql.SQL("current_setting('aisha.replay_moment')::timestamptz")

_VIEWS = {
    ChangeLog._meta.db_table: sql.SQL("SELECT * FROM {real} WHERE changed_at <= {moment}"),
    # The latest score is the latest one then, unless it had been withdrawn.
    Score._meta.db_table: sql.SQL(
        """
        SELECT s.id, s.prediction, s.record_kind, s.record_id, s.score_0_1, s.model_version,
               s.scored_at, s.withdrawn_at, s.transaction_id,
               (s.withdrawn_at IS NULL OR s.withdrawn_at > {moment}) AND NOT EXISTS (
                   SELECT 1 FROM {real} later
                   WHERE later.prediction = s.prediction AND later.record_id = s.record_id
                     AND later.scored_at <= {moment}
                     AND (later.scored_at, later.id) > (s.scored_at, s.id)
               ) AS is_latest
        FROM {real} s WHERE s.scored_at <= {moment}
        """
    ),
}
DATED_TABLES = frozenset(_VIEWS)


def create_view(table: str) -> None:
    """Make the view of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY VIEW {} AS {}").format(
                past(table), _VIEWS[table].format(real=real(table), moment=_IN_SQL)
            )
        )


def tell_moment(moment: datetime) -> None:
    """Let the views end at a moment, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [_MOMENT, moment.isoformat()])
