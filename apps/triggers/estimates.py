"""What a scan would bring, how long it takes, and what a language model would charge: told beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil
from statistics import median

from django.db.models import Avg, Sum
from django.utils import timezone

from apps.brain.budget import standing
from apps.brain.config import read_config
from apps.brain.enums import Provider
from apps.brain.models import BrainCall
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan
from apps.triggers.querysets import ScanQuerySet
from apps.triggers.scopes import SCANNED, ScanScope

# The middle one of so many; one after an import is no rule.
SCANS_ASKED = 5
CALLS_ASKED = 100


@dataclass(frozen=True, slots=True)
class ScanEstimate:
    """About how many new suggestions, about what they cost, and what is left of the month, in US dollars.

    ``suggestions`` and ``usd`` are None while there are too few scans and calls to tell it from.
    """

    suggestions: int | None
    usd: Decimal | None
    usd_left: Decimal


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """How many records a scan would look at, about how long it takes, and what it costs.

    ``seconds`` is None before the first scan; ``cost`` while the built-in rules write, which cost nothing.
    """

    records: int
    seconds: float | None
    cost: ScanEstimate | None


def plan_scan(tenant: Tenant, now: datetime, scope: ScanScope | None = None) -> ScanPlan:
    """Say what a scan of everything, or of the records of a scope, would be."""
    total = sum(model._default_manager.count() for model in SCANNED.values())
    records = total if scope is None else len(scope.record_ids)
    share = records / total if total else 1.0
    return ScanPlan(records, _seconds(scope, share), estimate_scan(tenant, now, share=share))


def estimate_scan(tenant: Tenant, now: datetime, *, share: float = 1.0) -> ScanEstimate | None:
    """Say what a scan of a share of the records would cost; None while the built-in rules write for nothing.

    No more comes of a scan than what waits and what fires anew; as a rule it is what the last ones made.
    """
    config = read_config()
    if config.provider == Provider.RULES:
        return None
    spent = standing(config.limits, timezone.localdate(now, timezone=tenant.zone))
    left = config.limits.hard_usd - spent.usd_spent - spent.usd_reserved
    suggestions, cost = _expected(), _mean_cost()
    if suggestions is not None:
        # Of a few records perhaps one.
        suggestions = ceil(suggestions * share)
    return ScanEstimate(
        suggestions=suggestions,
        usd=None if suggestions is None or cost is None else suggestions * cost,
        usd_left=max(Decimal(0), left),
    )


def _expected() -> int | None:
    scans = list(
        _ended()
        .filter(scope_kind="")
        .values_list("suggestions_created", "signals_waiting")
        .annotate(fired_in_all=Sum("results__fired"))[: SCANS_ASKED + 1]
    )
    # The very first scan makes more than any that follow.
    scans = scans[: min(SCANS_ASKED, len(scans) - 1)]
    if not scans:
        return None
    waiting = scans[0][1] or 0
    made = median(created for created, _, _ in scans)
    fired = median(fired or 0 for _, _, fired in scans)
    expected: float = min(made, waiting + fired)
    return round(expected)


def _seconds(scope: ScanScope | None, share: float) -> float | None:
    """The middle one of the last scans like it; before there are any, its share of those of everything."""
    alike = _durations(_ended().filter(scope_kind="") if scope is None else _scoped())
    if alike or scope is None:
        return median(alike) if alike else None
    whole = _durations(_ended().filter(scope_kind=""))
    return max(1.0, median(whole) * share) if whole else None


def _durations(scans: ScanQuerySet) -> list[float]:
    took = (scan.duration_s for scan in scans[:SCANS_ASKED])
    return [seconds for seconds in took if seconds is not None]


def _scoped() -> ScanQuerySet:
    return _ended().exclude(scope_kind="")


def _ended() -> ScanQuerySet:
    """Daily and manual scans that ended well, the newest first."""
    kinds = [ScanKind.FULL, ScanKind.MANUAL]
    return Scan.objects.filter(kind__in=kinds, status=ScanStatus.SUCCEEDED).order_by("-id")


def _mean_cost() -> Decimal | None:
    """What one question cost of late, those that came to nothing included."""
    last = BrainCall.objects.filter(provider=Provider.OPENAI).order_by("-id")[:CALLS_ASKED]
    mean: Decimal | None = last.aggregate(mean=Avg("cost_usd"))["mean"]
    return mean
