"""``manage.py measure_discovery``: what triggers find in simulated companies against what is really so."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django_tenants.utils import schema_exists

from apps.audit.schemas import Actor
from apps.operations.bench.discovery.comparing import Comparison, Doubt, Finding
from apps.operations.bench.discovery.finding import find_all, loaded
from apps.operations.bench.discovery.shifts import doubts, seen_by_an_oracle
from apps.operations.bench.discovery.truths import truths_of
from apps.operations.bench.discovery.worlds import MeasuredWorld, Split, worlds_of
from apps.operations.provisioning import create_tenant
from apps.tenants.context import begin_request
from apps.tenants.models import Tenant

_SCHEMA = "discovery"


class Command(BaseCommand):
    """Measures discovery."""

    help = (
        "Precision and recall per kind of finding in simulated companies. They are loaded one after the "
        "other into a tenant of their own, and taken back. What was found where it can be said neither way "
        "counts as nothing in the precision, and as wrong in that at worst."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Say in which companies, and how to answer."""
        parser.add_argument("--split", type=Split, default=Split.DEVELOPMENT, choices=list(Split))
        parser.add_argument("--json", action="store_true", help="print one JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure each company, and print the sum."""
        begin_request()
        total = Comparison()
        for measured in worlds_of(options["split"]):
            self._measure(measured, total)
        if options["json"]:
            self.stdout.write(json.dumps(_rows(total)))
        else:
            self.stdout.write("\n".join(_lines(total)))

    def _measure(self, measured: MeasuredWorld, total: Comparison) -> None:
        tenant = _tenant()
        world = measured.simulate()
        truths = truths_of(world, measured.now, measured.holidays)
        with tenant, loaded(measured, world, tenant) as moment:
            found = find_all(moment)
        by_finding = {key: set().union(*by.values()) for key, by in found.items()}
        total.add(by_finding, truths)
        total.add_doubts(
            by_finding[Finding.BEHAVIOUR_CHANGE], doubts(world, measured.now, measured.holidays)
        )
        changed = truths[Finding.BEHAVIOUR_CHANGE]
        seen = seen_by_an_oracle(world, changed, measured.now, measured.holidays)
        total.add_oracle(seen, changed)
        self.stderr.write(f"{measured.name}:")
        for finding, by_trigger in found.items():
            truth = truths[finding]
            for trigger, subjects in by_trigger.items():
                right = len(subjects & truth.holds)
                wrong = len(subjects - truth.holds - truth.unsettled)
                unsettled = len(subjects & truth.unsettled)
                self.stderr.write(
                    f"  {finding}: {trigger}: {right} right, {wrong} wrong, {unsettled} neither way; "
                    f"{len(truth.holds)} really so"
                )


def _tenant() -> Tenant:
    if not schema_exists(_SCHEMA):
        host = f"{_SCHEMA}.localhost"
        return create_tenant(
            schema=_SCHEMA, name="Discovery", host=host, actor=Actor.for_system("measure_discovery")
        )
    tenant: Tenant = Tenant.objects.get(schema_name=_SCHEMA)
    return tenant


def _rows(total: Comparison) -> list[dict[str, object]]:
    why = {doubt.value: total.doubts[doubt] for doubt in Doubt}
    return [
        {
            "finding": name,
            "precision": tally.precision,
            "precision_at_worst": tally.precision_at_worst,
            "recall": tally.recall,
            "right": tally.right,
            "wrong": tally.wrong,
            "unsettled": tally.unsettled,
            "unsettled_why": why if name == Finding.BEHAVIOUR_CHANGE else {},
            "missed": tally.missed,
        }
        for name, tally in total.rows().items()
    ]


def _lines(total: Comparison) -> list[str]:
    lines = [
        f"{name:30} precision {tally.precision:.3f} (at worst {tally.precision_at_worst:.3f})  "
        f"recall {tally.recall:.3f}  ({tally.right} right, {tally.wrong} wrong, "
        f"{tally.unsettled} neither way, {tally.missed} missed)"
        for name, tally in total.rows().items()
    ]
    why = (f"{total.doubts[doubt]} {doubt}" for doubt in Doubt)
    return [*lines, f"{Finding.BEHAVIOUR_CHANGE}, neither way: {', '.join(why)}"]
