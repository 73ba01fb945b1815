"""The tenant's own figures that thresholds follow: measured once a day and frozen under a version."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from functools import cache

from django.db import transaction

from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.tenants.statements import Asked
from apps.triggers.models import Baseline
from apps.triggers.moments import Figures, ScanMoment
from apps.triggers.rules import registry
from apps.users.statements import RowsStatement

log = logging.getLogger(__name__)


def read_figures() -> dict[str, Figures]:
    """The figures in force, by trigger, in one query."""
    return figures_in(asking_figures().read())


def asking_figures() -> Asked[list[Baseline]]:
    """What ``read_figures`` asks, to be asked together with others."""
    return _statement_in_force().asked(None)


def figures_in(rows: Iterable[Baseline]) -> dict[str, Figures]:
    """The figures of these rows, by trigger."""
    return {row.trigger: Figures(row.version, row.values) for row in rows}


@cache
def _statement_in_force() -> RowsStatement:
    """Written once: every decision on what a trigger found asks."""
    return RowsStatement.of(Baseline.objects.in_force())


def measure_figures(moment: ScanMoment) -> list[str]:
    """Measure what has not been measured today; return the errors, one line each.

    A figure that cannot be measured stays what it was the day before. The version is the day and a hash of
    the values, so that equal versions mean equal thresholds.
    """
    day = moment.today.isoformat()
    measured = set(
        Baseline.objects.filter(version__startswith=day).values_list("trigger", flat=True)
    )
    errors: list[str] = []
    for trigger in registry.all():
        if trigger.key in measured:
            continue
        try:
            with transaction.atomic():
                with taking_role(Role.AI):
                    values = trigger.measure(moment)
                if values is not None:
                    Baseline.objects.create(
                        trigger=trigger.key,
                        version=f"{day} {_hash(values)}",
                        values=values,
                        measured_at=moment.now,
                    )
        except Exception as error:
            log.exception(
                "a trigger's figures could not be measured", extra={"trigger": trigger.key}
            )
            errors.append(f"{trigger.key}: figures: {type(error).__name__}")
    return errors


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
