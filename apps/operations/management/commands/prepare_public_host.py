"""``manage.py prepare_public_host``: the operator's own host name, once after the first migration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.operations.provisioning import ensure_public_host


class Command(BaseCommand):
    """Makes the public tenant and its host name; safe to run again."""

    help = "Make the public tenant with the operator's host name, if they are not there."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the host."""
        parser.add_argument("--host", default=settings.PUBLIC_HOST)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing."""
        ensure_public_host(options["host"])
        self.stdout.write(f"The operator's admin is at {options['host']}/admin/.")
