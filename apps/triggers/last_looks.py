"""When records were last looked at, in each of the ways in which they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, TriggerState
from apps.triggers.schedule import next_daily_scan

_ENDED = (ScanStatus.SUCCEEDED, ScanStatus.FAILED)
_ASKED = (ScanKind.FULL, ScanKind.MANUAL, ScanKind.REALTIME)


@dataclass(frozen=True, slots=True)
class LastLooks:
    """When each kind of scan last ended, None where none has yet.

    ``changes_at`` is when what had changed or come due was last looked at: a round that finds nothing to look
    at leaves no row in the ledger, but it has looked.
    """

    daily_at: datetime | None
    manual_at: datetime | None
    realtime_at: datetime | None
    changes_at: datetime | None
    next_daily_at: datetime

    @property
    def is_first_to_come(self) -> bool:
        """Whether nothing has been looked at so far."""
        return self.changes_at is None


def read_last_looks(now: datetime) -> LastLooks:
    """Read them in two statements."""
    of_kinds = [
        Scan.objects.filter(kind=kind, status__in=_ENDED)
        .order_by("-id")
        .values_list("kind", "finished_at")[:1]
        for kind in _ASKED
    ]
    ended: dict[str, Any] = dict(of_kinds[0].union(*of_kinds[1:], all=True))
    looked: datetime | None = TriggerState.objects.aggregate(at=Max("looked_at"))["at"]
    return LastLooks(
        daily_at=ended.get(ScanKind.FULL),
        manual_at=ended.get(ScanKind.MANUAL),
        realtime_at=ended.get(ScanKind.REALTIME),
        changes_at=looked,
        next_daily_at=next_daily_scan(now),
    )
