"""Whether the triggers fit together: part of ``manage.py check``.

What is wrong with a trigger by itself stops the program when it is registered; what only shows when all are
there is reported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from apps.brain.rules import SERVED_BY, WRITERS
from apps.triggers.registry import TriggerRegistry
from apps.triggers.rules import registry


def find_trigger_faults(triggers: TriggerRegistry) -> list[CheckMessage]:
    """What is wrong with a registry's triggers, as errors."""
    faults: list[CheckMessage] = [
        Error(problem, id="triggers.E001") for problem in triggers.problems()
    ]
    for trigger in triggers.all():
        if (trigger.goal, trigger.record_kind) not in WRITERS:
            text = f"{trigger.key!r}: nothing is written for {trigger.goal} of a {trigger.record_kind}."
            hint = "Add a writer to apps.brain.rules.WRITERS."
            faults.append(Error(text, hint=hint, id="triggers.E002"))
        elif SERVED_BY[trigger.goal] not in trigger.tools:
            needed = SERVED_BY[trigger.goal]
            text = f"{trigger.key!r}: {trigger.goal} is served by {needed}, which is none of its tools."
            faults.append(Error(text, id="triggers.E003"))
    return faults


@register()
def check_triggers(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Report the product's triggers."""
    return find_trigger_faults(registry)
