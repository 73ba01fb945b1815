"""``manage.py watch_changes``: wake a worker whenever a tenant's records change."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django_tenants.utils import schema_context

from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas
from apps.triggers.enums import ScanKind
from apps.triggers.listening import ChangeListener
from apps.triggers.tasks import look_around_current_tenant


class Command(BaseCommand):
    """Runs for ever; one process is enough for all tenants."""

    help = "Wake a worker whenever a tenant's records change."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to show that it lives."""
        parser.add_argument(
            "--heartbeat", type=Path, help="a file to touch twice a second, for a health check"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen until SIGTERM or Ctrl-C."""
        begin_request()
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: asked.append(received))
        ChangeListener(
            wake=ask_for_round,
            all_schemas=enabled_schemas,
            must_stop=lambda: bool(asked),
            heartbeat=options["heartbeat"],
        ).run()


def ask_for_round(schema: str) -> None:
    """Queue a round of one tenant; whether it may be scanned is asked where it runs."""
    with schema_context(schema):
        look_around_current_tenant.apply_async(
            kwargs={"kind": ScanKind.REALTIME.value}, expires=60, retry=False
        )
