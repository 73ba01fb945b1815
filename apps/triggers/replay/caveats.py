"""What the numbers of a replay do not know, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.formats import date_format, number_format
from psycopg import sql

from apps.crm.enums import Operation, RecordKind
from apps.crm.layouts import LAYOUTS
from apps.crm.models import ChangeLog
from apps.triggers.moments import ScanMoment
from apps.triggers.replay.schemas import Caveat
from apps.triggers.replay.tables import PastTable, Reading
from apps.triggers.replay.temporary import real
from apps.triggers.replay.undoing import CHANGES

# A record whose creation here lies so long after its own date came in by an import.
_LATE = timedelta(days=1)


def find_caveats(
    reading: Reading, kind: RecordKind, first: ScanMoment, last: ScanMoment
) -> tuple[Caveat, ...]:
    """What a reader of the numbers should know, the weightiest first."""
    return (
        *_beginning(kind, first, last),
        *_imports(reading, first.zone),
        *_first_stages(reading),
        Caveat(
            code="asked_daily",
            text="It was asked once a day: what came and went within a day is not counted.",
        ),
    )


def _beginning(kind: RecordKind, first: ScanMoment, last: ScanMoment) -> Iterator[Caveat]:
    """History may begin after the first moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT min(changed_at) FROM {} WHERE record_kind = %s").format(
                real(ChangeLog._meta.db_table)
            ),
            [kind.value],
        )
        (begins_at,) = cursor.fetchone()
    if begins_at is None or begins_at > last.now:
        text = f"No history of {LAYOUTS[kind].nouns} is on file."
        yield Caveat(code="no_history", text=text)
    elif begins_at > first.now:
        text = f"History before {_day(begins_at, first.zone)} is not on file; days before it are empty."
        yield Caveat(code="history_begins", text=text)


def _imports(reading: Reading, zone: ZoneInfo) -> Iterator[Caveat]:
    """Records that are older than what is known of them."""
    for table in reading.records:
        count, earliest, latest = _imported(table)
        if count:
            days = _day(earliest, zone), _day(latest, zone)
            when = f"on {days[0]}" if days[0] == days[1] else f"between {days[0]} and {days[1]}"
            nouns = LAYOUTS[table.kind].nouns
            text = (
                f"{number_format(count, force_grouping=True)} {nouns} came in {when} without their"
                " history; they count from then on."
            )
            yield Caveat(code=f"imported_{table.kind.value}", text=text)


def _imported(table: PastTable) -> tuple[int, datetime, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                SELECT count(*), min(c.changed_at), max(c.changed_at)
                FROM {changes} c JOIN {table} r ON r.id = c.record_id
                WHERE c.record_kind = {kind} AND c.operation = {created}
                  AND r.created_at < c.changed_at - {late}
                """
            ).format(
                changes=CHANGES,
                table=real(table.table),
                kind=sql.Literal(table.kind.value),
                created=sql.Literal(Operation.CREATED.value),
                late=sql.Literal(_LATE),
            )
        )
        count, earliest, latest = cursor.fetchone()
        return count, earliest, latest


def _first_stages(reading: Reading) -> Iterator[Caveat]:
    """When a deal entered its first stage is kept nowhere once it has left it."""
    deals = reading.of(RecordKind.OPPORTUNITY)
    if deals is None or not deals.has("stage_entered_at"):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                SELECT count(DISTINCT c.record_id) FROM {changes} c JOIN {table} r ON r.id = c.record_id
                WHERE c.record_kind = {kind} AND c.name = 'stage_id' AND r.source <> ''
                  AND NOT EXISTS (
                      SELECT 1 FROM {log} m WHERE m.record_kind = c.record_kind
                        AND m.record_id = c.record_id AND m.operation = {changed}
                        AND m.changes ? 'stage_id' AND m.changed_at < c.changed_at)
                """
            ).format(
                changes=CHANGES,
                table=real(deals.table),
                kind=sql.Literal(RecordKind.OPPORTUNITY.value),
                log=real(ChangeLog._meta.db_table),
                changed=sql.Literal(Operation.CHANGED.value),
            )
        )
        (count,) = cursor.fetchone()
    if count:
        text = (
            f"Of {number_format(count, force_grouping=True)} imported deals it is not on file when they"
            " entered their first stage; the day they were created is taken."
        )
        yield Caveat(code="first_stage", text=text)


def _day(moment: datetime, zone: ZoneInfo) -> str:
    day: date = moment.astimezone(zone).date()
    return date_format(day, "j F Y")
