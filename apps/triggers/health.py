"""How the engine does: its last scans, and what each trigger fires, clears and costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Count, Max
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, ScanTrigger, Signal
from apps.triggers.settings import Setting, read_settings

DAYS_SHOWN = 30
NEVER_FIRED_DAYS = 90
GONE_WRONG_DAYS = 7
MOST_GONE_WRONG = 10

# Scans that let a trigger look at every record, whose seconds can be compared.
OF_EVERYTHING = [ScanKind.FULL, ScanKind.MANUAL]

CountsByDay = Mapping[tuple[str, date], int]


@dataclass(frozen=True, slots=True)
class TriggerHealth:
    """One trigger over the days shown; seconds are those of looks at every record, None without any.

    ``last_fired_at`` reaches back without bound; ``failed_scan_id`` is the last scan in which it failed.
    """

    setting: Setting
    firing: int
    fired: tuple[int, ...]
    cleared: tuple[int, ...]
    last_fired_at: datetime | None
    last_s: float | None
    average_s: float | None
    errors: int
    failed_scan_id: int | None

    @property
    def fired_total(self) -> int:
        """Signals that it fired in the days shown."""
        return sum(self.fired)

    @property
    def cleared_total(self) -> int:
        """Signals that it cleared in the days shown."""
        return sum(self.cleared)


@dataclass(frozen=True, slots=True)
class Health:
    """All triggers, the noisiest first, those that have not fired for long, and the last scans."""

    days: tuple[date, ...]
    triggers: tuple[TriggerHealth, ...]
    silent: tuple[TriggerHealth, ...]
    latest: tuple[Scan, ...]
    gone_wrong: tuple[Scan, ...]

    @property
    def fired(self) -> tuple[int, ...]:
        """Signals fired on each day."""
        return tuple(map(sum, zip(*(row.fired for row in self.triggers), strict=True)))

    @property
    def cleared(self) -> tuple[int, ...]:
        """Signals cleared on each day."""
        return tuple(map(sum, zip(*(row.cleared for row in self.triggers), strict=True)))


def read_health(now: datetime) -> Health:
    """Read it in a fixed number of queries. Days are those of the current time zone."""
    today = timezone.localdate(now)
    days = tuple(today - timedelta(days=ago) for ago in reversed(range(DAYS_SHOWN)))
    since = timezone.make_aware(datetime.combine(days[0], time.min))
    settings = read_settings()
    keys = [setting.trigger.key for setting in settings]
    firing = Signal.objects.firing().counts_by_trigger()
    fired, cleared = (_counts(keys, moment, since) for moment in ("fired_at", "cleared_at"))
    last_fired = _last_fired(keys)
    seconds, errors = _seconds(since), _errors(since)
    rows = [
        TriggerHealth(
            setting=setting,
            firing=firing.get(key, 0),
            fired=tuple(fired.get((key, day), 0) for day in days),
            cleared=tuple(cleared.get((key, day), 0) for day in days),
            last_fired_at=last_fired[key],
            last_s=seconds[key][0] if seconds[key] else None,
            average_s=sum(seconds[key]) / len(seconds[key]) if seconds[key] else None,
            errors=errors[key][0],
            failed_scan_id=errors[key][1],
        )
        for key, setting in zip(keys, settings, strict=True)
    ]
    rows.sort(key=lambda row: (-row.fired_total, -row.firing, row.setting.trigger.label))
    long_ago = now - timedelta(days=NEVER_FIRED_DAYS)
    return Health(
        days=days,
        triggers=tuple(rows),
        silent=tuple(row for row in rows if not row.last_fired_at or row.last_fired_at < long_ago),
        latest=tuple(_latest()),
        gone_wrong=tuple(_gone_wrong(now)),
    )


def _counts(keys: Sequence[str], moment: str, since: datetime) -> CountsByDay:
    """How many signals of each trigger fired, or were cleared, on each day since."""
    rows = (
        Signal.objects.filter(trigger__in=keys, **{f"{moment}__gte": since})
        .order_by()
        .annotate(day=TruncDate(moment))
        .values_list("trigger", "day")
        .annotate(count=Count("*"))
    )
    return {(trigger, day): count for trigger, day, count in rows}


def _last_fired(keys: Sequence[str]) -> dict[str, datetime | None]:
    """When each trigger fired last: one look into the index for each, however many signals there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT key, (SELECT max(fired_at) FROM triggers_signal WHERE trigger = key)
            FROM unnest(%s::text[]) AS key
            """,
            [list(keys)],
        )
        return dict(cursor.fetchall())


def _seconds(since: datetime) -> defaultdict[str, list[float]]:
    """What each trigger took to look at every record, the last time first."""
    rows = (
        ScanTrigger.objects.filter(
            scan__kind__in=OF_EVERYTHING, scan__queued_at__gte=since, error=""
        )
        .order_by()
        .values_list("trigger")
        .annotate(seconds=ArrayAgg("duration_s", order_by="-scan_id"))
    )
    return defaultdict(list, rows)


def _errors(since: datetime) -> defaultdict[str, tuple[int, int | None]]:
    """How often each trigger failed, and in which scan last."""
    rows = (
        ScanTrigger.objects.exclude(error="")
        .filter(scan__queued_at__gte=since)
        .order_by()
        .values_list("trigger")
        .annotate(count=Count("*"), last=Max("scan_id"))
    )
    found: dict[str, tuple[int, int | None]] = {key: (count, last) for key, count, last in rows}
    return defaultdict(lambda: (0, None), found)


def _latest() -> Any:
    """The last scan of each kind that there has been."""
    ids = [
        Scan.objects.filter(kind=kind).order_by("-id").values("pk")[:1] for kind in ScanKind.values
    ]
    newest = ids[0].union(*ids[1:], all=True)
    return Scan.objects.filter(pk__in=newest).order_by("-id").prefetch_related("results")


def _gone_wrong(now: datetime) -> Any:
    """The last scans that failed or were cut off."""
    return (
        Scan.objects.filter(
            status__in=[ScanStatus.FAILED, ScanStatus.LOST],
            queued_at__gte=now - timedelta(days=GONE_WRONG_DAYS),
        )
        .order_by("-id")
        .prefetch_related("results")[:MOST_GONE_WRONG]
    )
