"""``manage.py match --tenant T``: compare all records of a tenant now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django_tenants.utils import get_public_schema_name, schema_context

from apps.duplicates.enums import Subject
from apps.duplicates.models import MatchRun
from apps.duplicates.services.work import carry_out_run, request_run
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import Tenant
from apps.tenants.services import require_module
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkUnderWayError


class Command(BaseCommand):
    """Looks for duplicates in this process, people and companies one after the other."""

    help = "Look for duplicates among all records of a tenant now."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant."""
        parser.add_argument("--tenant", required=True, help="the schema's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the runs and print what came of them; one that failed makes the command fail."""
        begin_request()
        schema = options["tenant"]
        is_public = schema == get_public_schema_name()
        if is_public or not Tenant.objects.filter(schema_name=schema).exists():
            raise CommandError(f"There is no tenant {schema!r}.")
        with schema_context(schema):
            try:
                require_module(Module.DUPLICATES)
                runs = [self._run(subject) for subject in Subject]
            except (ModuleOffError, WorkUnderWayError) as error:
                raise CommandError(error.message) from error
        if any(run.status != WorkStatus.SUCCEEDED for run in runs):
            raise CommandError("Not everything was compared.")

    def _run(self, subject: Subject) -> MatchRun:
        run = request_run(subject)
        carry_out_run(run, now=timezone.now())
        run.refresh_from_db()
        self.stdout.write(f"{subject.label}: {run.message}")
        return run
