"""Whether the database accounts may do what they are meant to do, and nothing else.

Part of ``manage.py check --database default``, and asked by web and worker before they take anything on: a
table made by hand, a schema that was cloned, a grant that somebody gave in a hurry or a trigger that was
switched off shows here, with the SQL that puts it right. The number of statements does not grow with the
number of tenants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection
from django_tenants.utils import get_public_schema_name

from apps.tenants.checks.accounts import find_account_faults, find_login_faults
from apps.tenants.checks.faults import PowerFault
from apps.tenants.checks.grants import find_grant_faults
from apps.tenants.checks.triggers import find_trigger_faults
from apps.tenants.connections import tenant_connection
from apps.tenants.grants import existing_accounts
from apps.tenants.models import Tenant

__all__ = ["PowerFault", "check_roles_in_force", "find_power_faults"]


def find_power_faults() -> list[PowerFault]:
    """What stands between the connected login and least power."""
    return [*find_login_faults(existing_accounts()), *_find_faults_for_anybody()]


@register(Tags.database)
def check_roles_in_force(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **_: Any
) -> list[CheckMessage]:
    """Warn of accounts that may do more or less than they are meant to.

    A warning, because ``migrate`` runs the checks too, and mends most of what they find. It connects as the
    owner, whose own rank is therefore not asked.
    """
    if not databases:
        return []
    return [
        Warning(fault.reason, hint=fault.sql, id=fault.code) for fault in _find_faults_for_anybody()
    ]


def _find_faults_for_anybody() -> list[PowerFault]:
    """Whatever is amiss, whichever account asks."""
    accounts, schemas = existing_accounts(), _schemas_to_check()
    return [
        *find_account_faults(accounts),
        *find_grant_faults(schemas, accounts),
        *find_trigger_faults(schemas),
    ]


def _schemas_to_check() -> list[str]:
    """The tenant's own inside a tenant, as when its schema is migrated; outside, all of them."""
    current = tenant_connection().schema_name
    if current != get_public_schema_name():
        return [current]
    if Tenant._meta.db_table not in connection.introspection.table_names():
        return []
    schemas = Tenant.objects.order_by("schema_name").values_list("schema_name", flat=True)
    return list(dict.fromkeys([current, *schemas]))
