"""A database that refuses some rows: an honest way to make a write fail. For committed tenants only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from apps.conftest import owner_connection
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant


@contextmanager
def refusing(tenant: Tenant, table: str, *, unless: str = "false") -> Iterator[None]:
    """The owner of the database lets in only new rows of ``table`` for which ``unless`` holds."""
    name = f'"{tenant.schema_name}"."{table}"'
    _as_owner(tenant, f"ALTER TABLE {name} ADD CONSTRAINT refusing CHECK ({unless}) NOT VALID")
    try:
        yield
    finally:
        _as_owner(tenant, f"ALTER TABLE {name} DROP CONSTRAINT refusing")


def _as_owner(tenant: Tenant, statement: str) -> None:
    with owner_connection(), connection.cursor() as cursor:
        cursor.execute(statement)
    tenant_connection().set_tenant(tenant)
