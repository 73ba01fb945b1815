"""Reading what has been written since the last look, before triggers look at it.

A database cannot tell what a sentence promises. So each look begins by reading the activities that have
changed, and keeps what they say in a table (``Reading``). The change log is followed by transactions, as
scans follow it; a reading counts as a change of its activity, so that no trigger misses one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Left

from apps.crm.enums import RecordKind
from apps.crm.models import Activity, ChangeLog
from apps.tenants.locks import lock_for_transaction
from apps.tenants.transactions import CURRENT_TRANSACTION
from apps.triggers.changes import read_horizon
from apps.triggers.locks import READING
from apps.triggers.models import Reading, ReadingCursor
from apps.triggers.reading.words import LONGEST_TEXT, Heard, hear

log = logging.getLogger(__name__)

# Raised whenever the same text may be read differently: then everything is read again.
EDITION = 5
# No trigger looks back further for what was said.
LOOK_BACK = timedelta(days=180)
# Where nothing was written to read, the cursor is moved only after so many transactions: nearly every look
# finds nothing, and need not save it. What the next has to pass over again is found by the log's index.
IDLE_TRANSACTIONS = 100
_BATCH = 2_000
_FIELDS = tuple(field.name for field in fields(Heard))


def read_activities(now: datetime, zone: ZoneInfo) -> int:
    """Read what has changed since the last time, and return how many activities that were.

    Everything of the last half year is read when nothing has been read before, in another zone or by another
    edition, or when the cursor comes from another database's past.
    """
    with transaction.atomic():
        cursor = _locked_cursor()
        # Behind the lock, so that it is no older than what another look has read.
        horizon = read_horizon()
        rules = f"{EDITION} {zone}"
        activities = Activity.objects.filter(occurred_at__gt=now - LOOK_BACK)
        starts_anew = cursor.rules != rules or cursor.transaction_id > horizon.next_transaction
        if starts_anew:
            Reading.objects.all().delete()
        else:
            changed = ChangeLog.objects.filter(
                record_kind=RecordKind.ACTIVITY,
                transaction_id__gte=cursor.transaction_id,
                transaction_id__lt=horizon.next_transaction,
            )
            activities = activities.filter(pk__in=changed.values("record_id"))
        count = _read(activities, zone)
        if starts_anew or count or horizon.oldest_open - cursor.transaction_id > IDLE_TRANSACTIONS:
            cursor.rules, cursor.transaction_id = rules, horizon.oldest_open
            cursor.save()
    return count


def _locked_cursor() -> ReadingCursor:
    """The tenant's cursor, which one look at a time reads and moves; before the first look a new one."""
    cursors = ReadingCursor.objects.select_for_update()
    if (cursor := cursors.first()) is None:
        # There is no row to lock yet: of two first looks the second waits, and finds that of the first.
        lock_for_transaction(READING)
        cursor = cursors.first()
    return cursor or ReadingCursor(rules="")


def _read(activities: QuerySet[Activity], zone: ZoneInfo) -> int:
    count, rows = 0, _rows(activities, zone)
    while batch := dict(islice(rows, _BATCH)):
        count += len(batch)
        known = {
            row.activity_id: Heard(**{name: getattr(row, name) for name in _FIELDS})
            for row in Reading.objects.filter(activity_id__in=batch)
        }
        # What said something before keeps its row, which then says nothing: its triggers have to look again.
        Reading.objects.bulk_create(
            (
                Reading(activity_id=pk, transaction_id=CURRENT_TRANSACTION, **asdict(heard))
                for pk, heard in batch.items()
                if heard != known.get(pk, Heard())
            ),
            update_conflicts=True,
            unique_fields=["activity_id"],
            update_fields=[*_FIELDS, "transaction_id"],
        )
    return count


def _rows(activities: QuerySet[Activity], zone: ZoneInfo) -> Iterator[tuple[int, Heard]]:
    months_first = str(zone).startswith("America/")
    rows = activities.order_by("pk").values_list(
        "pk", "activity_kind", "direction", "subject", Left("body", LONGEST_TEXT), "occurred_at"
    )
    for pk, kind, direction, subject, body, occurred_at in rows.iterator(_BATCH):
        try:
            heard = hear(
                kind=kind,
                direction=direction,
                subject=subject,
                body=body,
                said_on=occurred_at.astimezone(zone).date(),
                months_first=months_first,
            )
        except Exception:
            # One odd text must not keep every scan of a company from all that was written beside it.
            log.exception("activity %s could not be read", pk)
            heard = Heard()
        yield pk, heard
