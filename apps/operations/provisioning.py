"""Making tenants, and preparing a schema after its migrations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django_tenants.utils import get_public_schema_name, schema_context, schema_exists

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.crm import changelog
from apps.crm.models import Stage
from apps.crm.rules import DEFAULT_STAGES
from apps.duplicates import stamping
from apps.suggestions import safeguard
from apps.suggestions.live import announcing
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.exceptions import TenantExistsError
from apps.tenants.grants import apply_grants
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.tenants.roles import ensure_roles
from apps.users.enums import PersonRole
from apps.users.services import check_first_password, ensure_person_roles, make_administrator

# A name that needs no quotes anywhere; PostgreSQL keeps 63 characters and pg_ for itself.
_SCHEMA_NAME = re.compile(r"(?!pg_)[a-z][a-z0-9_]{0,62}\Z")
# Labels of letters, digits and hyphens, joined by dots (RFC 1123); an underscore is no host name.
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)


# Of migrations that are unknown a few say which version it was.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    """Who may sign in first at a new tenant, to make everybody else. The password is never shown."""

    username: str
    password: str = field(repr=False)


def refuse_unknown_migrations() -> None:
    """See that the schema that the connection stands in knows no migration of ours that this version has not.

    Raises:
        CommandError: it does; whatever this version made of it would be neither the one nor the other.
    """
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}
    applied = MigrationRecorder(connection).applied_migrations()
    unknown = sorted(
        {key for key in applied if key[0] in ours} - {*MigrationLoader(None).graph.nodes}
    )
    if unknown:
        names = ", ".join(".".join(key) for key in unknown[:_MOST_NAMED])
        more = ", …" if len(unknown) > _MOST_NAMED else ""
        raise CommandError(
            f"The schema {tenant_connection().schema_name!r} was made by another version: it knows"
            f" migrations that this one has not ({names}{more}). Use that version, or begin with an empty"
            " database; `make clean` deletes that of the demo."
        )


def prepare_schema() -> None:
    """Install triggers, permissions of roles and grants in the schema that the connection stands in."""
    schema = tenant_connection().schema_name
    with transaction.atomic():
        ensure_roles()
        if schema != get_public_schema_name():
            changelog.install(schema)
            safeguard.install(schema)
            announcing.install(schema)
            stamping.install(schema)
            ensure_person_roles()
        apply_grants(schema)


def create_tenant(
    *,
    schema: str,
    name: str,
    host: str,
    actor: Actor,
    time_zone: str = "UTC",
    currency: str = "USD",
    administrator: FirstAdministrator | None = None,
) -> Tenant:
    """Make a tenant, its schema and everything in it, in one transaction: all or nothing.

    Raises:
        TenantExistsError: the schema or the host name is taken.
        ValidationError: a name is not acceptable, or the administrator's password.
    """
    tenant_connection().set_schema_to_public()
    if schema_exists(schema) or Tenant.objects.filter(schema_name__iexact=schema).exists():
        raise TenantExistsError(f"A tenant with the schema {schema!r} exists already.")
    if Domain.objects.filter(domain=host).exists():
        raise TenantExistsError(f"The host name {host!r} belongs to another tenant.")
    if not _SCHEMA_NAME.match(schema):
        raise ValidationError(
            f"{schema!r} is not a schema name: use small letters, digits and underscores."
        )
    if not _HOST_NAME.match(host):
        raise ValidationError(
            f"{host!r} is not a host name: use letters, digits, hyphens and dots."
        )
    tenant = Tenant(schema_name=schema, name=name, time_zone=time_zone, currency=currency)
    tenant.full_clean()
    if administrator is not None:
        check_first_password(administrator.username, administrator.password)
    try:
        with transaction.atomic():
            tenant.save()
            Domain.objects.create(domain=host, tenant=tenant, is_primary=True)
            ModuleGate.objects.bulk_create(
                ModuleGate(tenant=tenant, module=module.value, is_on=True) for module in Module
            )
            record_event(
                actor,
                Entry(Event.TENANT_CREATED, details={"tenant_id": tenant.pk, "schema": schema}),
            )
            tenant.create_schema(check_if_exists=True, verbosity=0)
            tenant_connection().set_tenant(tenant)
            Stage.objects.bulk_create(
                Stage(key=key, label=label, position=position, outcome=outcome)
                for position, (key, label, outcome) in enumerate(DEFAULT_STAGES, start=1)
            )
            if administrator is not None:
                _add_administrator(administrator, actor)
    finally:
        tenant_connection().set_schema_to_public()
    return tenant


def _add_administrator(administrator: FirstAdministrator, actor: Actor) -> None:
    person = make_administrator(administrator.username, administrator.password)
    # As an admin page writes down a new person; here the tenant's own log begins.
    details: dict[str, Detail] = {
        "change": "added",
        "model": person._meta.label_lower,
        "id": person.pk,
        "role": PersonRole.ADMIN.value,
    }
    record_event(actor, Entry(Event.SETTINGS_CHANGED, details=details))


def ensure_public_host(host: str) -> None:
    """Make the public tenant, where the operator's admin is, and its host name; safe to run again."""
    with schema_context(get_public_schema_name()), transaction.atomic():
        public, _ = Tenant.objects.get_or_create(
            schema_name=get_public_schema_name(), defaults={"name": "Operator"}
        )
        Domain.objects.get_or_create(domain=host, defaults={"tenant": public, "is_primary": True})
