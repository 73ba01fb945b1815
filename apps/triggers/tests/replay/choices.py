"""With which parameters, and at what moment, a trigger is asked then and again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.triggers.exceptions import InvalidParametersError
from apps.triggers.moments import Figures, ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.tests.asking import BERLIN


def choices_of(trigger: Trigger[Any]) -> dict[str, Parameters]:
    """The defaults, and the smallest values, with which a short history has something to say."""
    lowest = {
        name: next(part.ge for part in declared.metadata if hasattr(part, "ge"))
        for name, declared in trigger.parameters_type.model_fields.items()
    }
    choices: dict[str, Parameters] = {"defaults": trigger.parse({})}
    for name, values in (("lowest", lowest), ("a little", _halved(trigger, lowest))):
        try:
            choices[name] = trigger.parse(values)
        except InvalidParametersError:
            continue
    return choices


def _halved(trigger: Trigger[Any], lowest: dict[str, int]) -> dict[str, int]:
    defaults = trigger.parse({}).model_dump()
    return {name: max(lowest[name], defaults[name] // 4) for name in lowest}


def moment_for(trigger: Trigger[Any], now: datetime) -> ScanMoment:
    """A moment with what the trigger measures then."""
    plain = ScanMoment(now, BERLIN)
    values = trigger.measure(plain)
    figures = {} if values is None else {trigger.key: Figures(f"{plain.today}", values)}
    return ScanMoment(now, BERLIN, figures=figures)
