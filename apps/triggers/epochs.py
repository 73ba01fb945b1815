"""What a trigger's answer depends on, in one word."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from apps.triggers.moments import ScanMoment
from apps.triggers.reading.services import EDITION
from apps.triggers.registry import Parameters, Trigger


def epoch_of(trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> str:
    """A hash of all that a trigger's answer depends on besides records and the clock."""
    figures = moment.figures.get(trigger.key)
    depends_on = [
        parameters.model_dump(mode="json"),
        str(moment.zone),
        sorted(moment.calendar.weekdays),
        sorted(day.isoformat() for day in moment.calendar.holidays),
        figures.version if figures else "",
        # What is read otherwise, and then says nothing, leaves no change behind.
        EDITION,
        trigger.epoch(moment, parameters),
    ]
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()
