"""What a scan of everything would bring, and what a language model would charge for it: told beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
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


def estimate_scan(tenant: Tenant, now: datetime) -> ScanEstimate | None:
    """Say what a scan of everything would cost; None while the built-in rules write, which cost nothing.

    No more comes of a scan than what waits and what fires anew; as a rule it is what the last ones made.
    """
    config = read_config()
    if config.provider == Provider.RULES:
        return None
    spent = standing(config.limits, timezone.localdate(now, timezone=tenant.zone))
    left = config.limits.hard_usd - spent.usd_spent - spent.usd_reserved
    suggestions, cost = _expected(), _mean_cost()
    return ScanEstimate(
        suggestions=suggestions,
        usd=None if suggestions is None or cost is None else suggestions * cost,
        usd_left=max(Decimal(0), left),
    )


def _expected() -> int | None:
    scans = list(
        Scan.objects.filter(kind__in=[ScanKind.FULL, ScanKind.MANUAL], status=ScanStatus.SUCCEEDED)
        .order_by("-id")
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


def _mean_cost() -> Decimal | None:
    """What one question cost of late, those that came to nothing included."""
    last = BrainCall.objects.filter(provider=Provider.OPENAI).order_by("-id")[:CALLS_ASKED]
    mean: Decimal | None = last.aggregate(mean=Avg("cost_usd"))["mean"]
    return mean
