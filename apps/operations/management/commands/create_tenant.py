"""``manage.py create_tenant``: a company, its schema and host name, all or nothing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.schemas import Actor
from apps.operations.provisioning import create_tenant
from apps.tenants.exceptions import TenantExistsError


class Command(BaseCommand):
    """Creates a tenant."""

    help = "Create a tenant with its schema and host name. All or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant."""
        parser.add_argument("schema", help="the schema's name, such as acme")
        parser.add_argument("--name", required=True, help="the company's name")
        parser.add_argument("--host", required=True, help="the host name, such as acme.example.com")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument("--currency", default="USD")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create it, or say why not."""
        try:
            tenant = create_tenant(
                schema=options["schema"],
                name=options["name"],
                host=options["host"],
                time_zone=options["time_zone"],
                currency=options["currency"],
                actor=Actor.for_system("create_tenant"),
            )
        except TenantExistsError as error:
            raise CommandError(error.message) from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(
            f"Created {tenant.name} at {options['host']} (schema {tenant.schema_name})."
        )
