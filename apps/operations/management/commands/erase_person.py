"""``manage.py erase_person``: take a person's data out of a tenant; without ``--yes``, say what would go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.crm.enums import RecordKind
from apps.operations.privacy.erasing import Erasure, erase_person
from apps.operations.privacy.exceptions import PersonNotFoundError
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant


class Command(BaseCommand):
    """Erases a person."""

    help = (
        "Erase a contact or lead: the values of the record, of its activities, tasks and drafts, in the"
        " history, in suggestions and executions, and wherever else the person is named. Ids stay."
        " Without --yes nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant and the record."""
        parser.add_argument("--tenant", required=True, help="the schema's name, such as acme")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--contact", type=int, metavar="ID")
        whom.add_argument("--lead", type=int, metavar="ID")
        parser.add_argument("--yes", action="store_true", help="erase; there is no way back")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, or say what would be erased."""
        tenant = Tenant.objects.exclude(schema_name="public").filter(schema_name=options["tenant"])
        if not tenant.exists():
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        tenant_connection().set_tenant(tenant.get())
        is_contact = options["contact"] is not None
        try:
            erasure = erase_person(
                RecordKind.CONTACT if is_contact else RecordKind.LEAD,
                options["contact"] if is_contact else options["lead"],
                actor=Actor.for_system("erase_person", Origin.API),
                is_dry_run=not options["yes"],
            )
        except PersonNotFoundError as error:
            raise CommandError(error.message) from error
        self._describe(erasure, is_done=options["yes"])

    def _describe(self, erasure: Erasure, *, is_done: bool) -> None:
        """Counts and ids alone: what is printed may be kept."""
        if erasure.is_empty:
            self.stdout.write("Nothing is left to erase.")
            return
        self.stdout.write("Erased:" if is_done else "Would be erased:")
        for kind, ids in erasure.person.refs().items():
            for pk in sorted(ids):
                self.stdout.write(f"  {kind.label.lower()} {pk}")
        for table, count in erasure.rows.items():
            self.stdout.write(f"  {table}: {count:,} {'row' if count == 1 else 'rows'}")
        if erasure.shared:
            self.stdout.write(
                f"Others have the same {' and '.join(erasure.shared)}: left where it stands with them."
            )
        if not is_done:
            self.stdout.write("Nothing was written. Run it again with --yes to erase.")
