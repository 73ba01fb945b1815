"""``manage.py export_audit_head``: print the heads of the audit logs, to be kept elsewhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.heads import export_heads, logs


class Command(BaseCommand):
    """Exports heads."""

    help = "Print the last seal of each audit log as JSON, for verify_audit --head."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant, if not all."""
        parser.add_argument("--tenant", help="the schema's name; all and the operators' without it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one JSON object."""
        schemas = logs()
        if options["tenant"] is not None:
            if options["tenant"] not in schemas:
                raise CommandError(f"There is no tenant {options['tenant']!r}.")
            schemas = [options["tenant"]]
        self.stdout.write(export_heads(schemas).model_dump_json(indent=2))
