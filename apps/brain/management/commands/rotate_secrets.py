"""``manage.py rotate_secrets``: seal every tenant's key anew, with the newest sealing key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django_tenants.utils import get_public_schema_name, schema_context

from apps.audit.schemas import Actor
from apps.brain.settings import reseal_key
from apps.tenants.context import begin_request
from apps.tenants.exceptions import SecretUnreadableError
from apps.tenants.models import Tenant


class Command(BaseCommand):
    """Seals the keys of all tenants anew."""

    help = "Seal every tenant's key anew, with the first of AISHA_SEALING_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the tenants one by one, those that are switched off included, and say what was done."""
        begin_request()
        tenants = Tenant.objects.exclude(schema_name=get_public_schema_name())
        schemas = list(tenants.order_by("schema_name").values_list("schema_name", flat=True))
        resealed, unreadable = 0, []
        for place, schema in enumerate(schemas, start=1):
            with schema_context(schema):
                try:
                    has_key = reseal_key(Actor.for_system("rotate_secrets"))
                    said = "sealed anew" if has_key else "no key"
                    resealed += has_key
                except SecretUnreadableError:
                    said = "UNREADABLE: an administrator has to enter the key again"
                    unreadable.append(schema)
            self.stdout.write(f"{place}/{len(schemas)} {schema}: {said}")
        self.stdout.write(f"{resealed} sealed anew, {len(unreadable)} unreadable.")
        if unreadable:
            raise CommandError(f"No sealing key opens the key of {', '.join(unreadable)}.")
