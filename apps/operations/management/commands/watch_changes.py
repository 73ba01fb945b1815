"""``manage.py watch_changes``: wake workers and open pages whenever something changes."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django_tenants.utils import schema_context

from apps.duplicates.tasks import match_changes_of_current_tenant
from apps.suggestions.live import announcing
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas
from apps.triggers.enums import ScanKind
from apps.triggers.listening import ChangeListener
from apps.triggers.tasks import look_around_current_tenant


class Command(BaseCommand):
    """Runs for ever; one process is enough for all tenants."""

    help = (
        "Wake a worker whenever a tenant's records change, and open pages whenever suggestions do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to show that it lives."""
        parser.add_argument(
            "--heartbeat", type=Path, help="a file to touch twice a second, for a health check"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen until SIGTERM or Ctrl-C."""
        begin_request()
        asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: asked.set())
        pages = threading.Thread(target=announce_suggestions, args=(asked,), name="pages")
        pages.start()
        try:
            ChangeListener(
                wake=ask_for_looks,
                all_notices=enabled_schemas,
                must_stop=asked.is_set,
                heartbeat=options["heartbeat"],
            ).run()
        finally:
            asked.set()
            pages.join()


def announce_suggestions(asked: threading.Event) -> None:
    """Tell open pages of suggestions that change, until asked to stop."""
    try:
        ChangeListener(
            wake=announcing.announce,
            all_notices=announcing.all_notices,
            must_stop=asked.is_set,
            channel=announcing.SUGGESTIONS_CHANNEL,
            settle_s=announcing.SETTLE_S,
            shortest_interval_s=announcing.SHORTEST_INTERVAL_S,
        ).run()
    finally:
        connection.close()


def ask_for_looks(schema: str) -> None:
    """Queue a round of one tenant, and a look for duplicates among what changed.

    Neither waits for the other: pairs that are found are heard like changes, and wake another round. What the
    tenant has switched off is asked where it runs.
    """
    with schema_context(schema):
        match_changes_of_current_tenant.apply_async(expires=60, retry=False)
        look_around_current_tenant.apply_async(
            kwargs={"kind": ScanKind.REALTIME.value}, expires=60, retry=False
        )
