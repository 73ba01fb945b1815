"""The reading vocabulary of signals, silences and scans."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.lookups import Exact

from apps.crm.changelog import record_models
from apps.crm.services import all_records
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.querysets import WorkQuerySet
from apps.triggers.enums import ScanStatus

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.triggers.models import (
        Baseline,  # noqa: F401
        ReplayRun,  # noqa: F401
        Scan,  # noqa: F401
        Signal,  # noqa: F401
        Silence,  # noqa: F401
    )
    from apps.users.models import User

# A running scan writes its heartbeat after each trigger; one silent for so long has died.
LOST_AFTER = timedelta(minutes=30)
# The broker delivers the message of a killed worker again within seconds, if there is another worker.
TAKEN_OVER_WITHIN = timedelta(minutes=1)


# For each trigger whose signals may be inhibited, the triggers that do so (``registry.inhibitions()``).
Inhibitions = Mapping[str, Collection[str]]


class SignalQuerySet(models.QuerySet["Signal"]):
    """Signals."""

    def visible_to(self, user: User) -> SignalQuerySet:
        """Signals of records that this person may see."""
        if user.sees_all:
            return self
        visible = models.Q()
        for model in record_models():
            mine = all_records(model).visible_to(user).values("pk")
            visible |= models.Q(record_kind=model.kind, record_id__in=mine)
        return self.filter(visible)

    def firing(self) -> SignalQuerySet:
        """Signals whose condition still holds."""
        return self.filter(cleared_at=None)

    def counts_by_trigger(self) -> dict[str, int]:
        """How many there are of each trigger that has any."""
        rows = self.order_by().values_list("trigger").annotate(count=models.Count("*"))
        return dict(rows)

    def uninhibited(self, inhibitions: Inhibitions) -> SignalQuerySet:
        """Signals over which no stronger one of the same record stands."""
        return self.exclude(models.Exists(self._standing_above(inhibitions)))

    def with_inhibitor(self, inhibitions: Inhibitions) -> SignalQuerySet:
        """With ``inhibited_by``: the strongest trigger that stands above a firing signal, or None."""
        above = self._standing_above(inhibitions).order_by("-severity", "trigger")
        is_firing = models.When(cleared_at=None, then=models.Subquery(above.values("trigger")[:1]))
        return self.annotate(
            inhibited_by=models.Case(is_firing, output_field=models.CharField(null=True))
        )

    def _standing_above(self, inhibitions: Inhibitions) -> SignalQuerySet:
        """The firing signals of the outer signal's record whose triggers inhibit its own."""
        is_stronger = models.Q(pk=None)
        for weaker, stronger in sorted(inhibitions.items()):
            is_weaker = Exact(models.OuterRef("trigger"), models.Value(weaker))
            is_stronger |= models.Q(is_weaker, trigger__in=stronger)
        every: SignalQuerySet = self.model.objects.firing()
        return every.filter(
            is_stronger,
            record_kind=models.OuterRef("record_kind"),
            record_id=models.OuterRef("record_id"),
        )

    def of_record(self, kind: str, record_id: int) -> SignalQuerySet:
        """The signals of one record."""
        return self.filter(record_kind=kind, record_id=record_id)


class SilenceQuerySet(models.QuerySet["Silence"]):
    """Silences."""

    def in_force(self, now: datetime) -> SilenceQuerySet:
        """Silences that have not run out."""
        return self.filter(until__gt=now)


class BaselineQuerySet(models.QuerySet["Baseline"]):
    """Frozen figures."""

    def in_force(self) -> BaselineQuerySet:
        """The newest of each trigger: the last that was measured, whatever the clock said then."""
        return self.order_by("trigger", "-pk").distinct("trigger")


class ScanQuerySet(models.QuerySet["Scan"]):
    """The ledger of scans."""

    def awaiting_pipeline(self) -> Self:
        """Ended ones after which the pipeline has not done its work."""
        return self.filter(awaits_pipeline=True).exclude(
            status__in=[ScanStatus.QUEUED, ScanStatus.RUNNING, ScanStatus.SKIPPED]
        )

    def unfinished(self) -> ScanQuerySet:
        """Scans that wait or run."""
        return self.filter(status__in=[ScanStatus.QUEUED, ScanStatus.RUNNING])

    def lost(self, now: datetime, *, running_kinds: Collection[str]) -> ScanQuerySet:
        """Scans that were cut off: queued or silent for too long, or running when none of the kind is."""
        is_lost = models.Q(heartbeat_at__lt=now - LOST_AFTER) | models.Q(
            heartbeat_at=None, queued_at__lt=now - LOST_AFTER
        )
        is_orphan = models.Q(status=ScanStatus.RUNNING) & ~models.Q(kind__in=running_kinds)
        return self.unfinished().filter(is_lost | is_orphan)


class ReplayRunQuerySet(WorkQuerySet):
    """Questions about the past."""

    def visible_to(self, user: User) -> ReplayRunQuerySet:
        """Those whose numbers this person may see: all, or their own of the records that they can see."""
        return self if user.sees_all else self.filter(requested_by=user, counts_all=False)

    def orphaned(self, now: datetime, *, running: Collection[str]) -> ReplayRunQuerySet:
        """Those that no worker has: queued for too long, or running while nobody works on their trigger.

        ``running`` are the triggers on which somebody works. A worker that was killed is given some time in
        which another takes its message over.
        """
        is_forgotten = models.Q(status=WorkStatus.QUEUED, queued_at__lt=now - LOST_AFTER)
        is_orphan = models.Q(
            status=WorkStatus.RUNNING, heartbeat_at__lt=now - TAKEN_OVER_WITHIN
        ) & ~models.Q(trigger__in=running)
        return self.filter(is_forgotten | is_orphan)
