"""``manage.py rotate_secrets``: seal every tenant's secrets anew, with the newest sealing key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django_tenants.utils import get_public_schema_name, schema_context

from apps.audit.schemas import Actor
from apps.brain.settings import reseal_key
from apps.suggestions.webhooks.settings import reseal_secrets
from apps.tenants.context import begin_request
from apps.tenants.exceptions import SecretUnreadableError
from apps.tenants.models import Tenant

# The key of the language model, and what webhooks are signed with.
_RESEALERS = (reseal_key, reseal_secrets)


class Command(BaseCommand):
    """Seals the secrets of all tenants anew."""

    help = "Seal every tenant's secrets anew, with the first of AISHA_SEALING_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the tenants one by one, those that are switched off included, and say what was done."""
        begin_request()
        tenants = Tenant.objects.exclude(schema_name=get_public_schema_name())
        schemas = list(tenants.order_by("schema_name").values_list("schema_name", flat=True))
        resealed, unreadable = 0, []
        for place, schema in enumerate(schemas, start=1):
            count, is_readable = 0, True
            with schema_context(schema):
                for reseal in _RESEALERS:
                    try:
                        count += reseal(Actor.for_system("rotate_secrets"))
                    except SecretUnreadableError:
                        is_readable = False
            said = f"{count} sealed anew" if count else "nothing sealed anew"
            if not is_readable:
                said += (
                    ", UNREADABLE: an administrator has to enter the key, or make the secret, again"
                )
                unreadable.append(schema)
            resealed += count
            self.stdout.write(f"{place}/{len(schemas)} {schema}: {said}")
        self.stdout.write(f"{resealed} sealed anew, {len(unreadable)} with unreadable ones.")
        if unreadable:
            raise CommandError(f"No sealing key opens secrets of {', '.join(unreadable)}.")
