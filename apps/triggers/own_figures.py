"""The tenant's own figures that a trigger goes by, as people look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from apps.triggers.distribution import DistributionRow
from apps.triggers.models import Baseline
from apps.triggers.settings import Setting


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """The figures in force: the day on which they were taken, and how they are spread."""

    measured_on: date
    rows: tuple[DistributionRow, ...]


def read_own_figures(setting: Setting) -> OwnFigures | None:
    """Return the figures of a trigger; None for one that has measured nothing."""
    trigger = setting.trigger
    baseline = Baseline.objects.in_force().filter(trigger=trigger.key).first()
    if baseline is None:
        return None
    parameters = trigger.parse(setting.choice.parameters)
    day = date.fromisoformat(baseline.version.split()[0])
    return OwnFigures(day, trigger.distribution(baseline.values, parameters))
