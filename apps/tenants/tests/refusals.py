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


@contextmanager
def failing(
    tenant: Tenant, table: str, sqlstate: str, *, verb: str = "INSERT", at_commit: bool = False
) -> Iterator[None]:
    """Every new row of ``table``, or change of one, raises this error, as a database in trouble would."""
    schema = f'"{tenant.schema_name}"'
    _as_owner(
        tenant,
        f"CREATE FUNCTION {schema}.fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{sqlstate}'; END $$;"
        + (
            f'CREATE CONSTRAINT TRIGGER failing AFTER {verb} ON {schema}."{table}"'
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.fail()"
            if at_commit
            else f'CREATE TRIGGER failing BEFORE {verb} ON {schema}."{table}"'
            f" EXECUTE FUNCTION {schema}.fail()"
        ),
    )
    try:
        yield
    finally:
        _as_owner(tenant, f"DROP FUNCTION {schema}.fail() CASCADE")


def _as_owner(tenant: Tenant, statement: str) -> None:
    with owner_connection(), connection.cursor() as cursor:
        cursor.execute(statement)
    tenant_connection().set_tenant(tenant)
