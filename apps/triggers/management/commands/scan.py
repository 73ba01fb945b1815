"""``manage.py scan``: run the triggers of one tenant now."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.crm.enums import RecordKind
from apps.tenants.context import begin_request
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.exceptions import UnknownTriggerError
from apps.triggers.models import Scan
from apps.triggers.scopes import SCANNED, ScanScope
from apps.triggers.services import scan_now


class Command(BaseCommand):
    """Scans a tenant."""

    help = "Run the triggers of a tenant, then the pipeline."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant and, if not all, the triggers."""
        parser.add_argument("--tenant", required=True, help="the schema's name")
        parser.add_argument("--trigger", action="append", metavar="KEY", help="only this one")
        parser.add_argument(
            "--record",
            action="append",
            metavar="KIND:ID",
            help="only this one, with what hangs on it, such as lead:12; several are of one kind",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Scan and print what was found."""
        begin_request()
        schema = options["tenant"]
        if not Tenant.objects.filter(schema_name=schema).exists() or schema == "public":
            raise CommandError(f"There is no tenant {schema!r}.")
        with schema_context(schema):
            try:
                scan = scan_now(
                    kind=ScanKind.MANUAL,
                    now=timezone.now(),
                    triggers=options["trigger"],
                    scope=_scope_of(options["record"]),
                )
            except UnknownTriggerError as error:
                raise CommandError(error.message) from error
            self.stdout.write(
                json.dumps(summary_of(scan)) if options["json"] else _table(summary_of(scan))
            )
            if scan.status != ScanStatus.SUCCEEDED:
                raise CommandError(f"{scan.get_status_display()}. {scan.error}".strip())


def _scope_of(records: list[str] | None) -> ScanScope | None:
    """The records that are named; None for everything."""
    if not records:
        return None
    named = [name.partition(":") for name in records]
    kinds = {kind for kind, _, _ in named}
    if len(kinds) > 1 or not kinds <= set(SCANNED) or not all(pk.isdecimal() for *_, pk in named):
        raise CommandError(
            f"Name records of one kind, such as lead:12. Kinds: {', '.join(SCANNED)}."
        )
    return ScanScope(RecordKind(kinds.pop()), tuple(sorted({int(pk) for *_, pk in named})))


def summary_of(scan: Scan) -> dict[str, Any]:
    """A scan's ledger row and results as plain values."""
    return {
        "scan": scan.pk,
        "status": scan.status,
        "triggers": {
            result.trigger: {
                "matched": result.matched,
                "fired": result.fired,
                "refreshed": result.refreshed,
                "cleared": result.cleared,
                "duration_s": result.duration_s,
                "error": result.error,
            }
            for result in scan.results.all()
        },
        "suggestions": {
            "created": scan.suggestions_created,
            "refreshed": scan.suggestions_refreshed,
            "withdrawn": scan.suggestions_withdrawn,
            "held_back": scan.held_back,
            "signals_waiting": scan.signals_waiting or 0,
        },
    }


def _table(summary: dict[str, Any]) -> str:
    lines = [f"{'trigger':32}{'matched':>9}{'fired':>8}{'cleared':>9}{'seconds':>9}"]
    for key, row in summary["triggers"].items():
        lines.append(
            f"{key:32}{row['matched']:>9}{row['fired']:>8}{row['cleared']:>9}{row['duration_s']:>9.2f}"
            + (f"  {row['error']}" if row["error"] else "")
        )
    made = summary["suggestions"]
    lines.append(
        f"suggestions: {made['created']} new, {made['refreshed']} refreshed, "
        f"{made['withdrawn']} withdrawn, {made['held_back']} held back, "
        f"{made['signals_waiting']} signals waiting"
    )
    return "\n".join(lines)
