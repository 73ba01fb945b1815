"""The database connection with what django-tenants adds to it, typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from django.db import connection, transaction


class TenantConnection(Protocol):
    """The part of django-tenants' connection that we use."""

    schema_name: str

    def set_tenant(self, tenant: Any) -> None:
        """Enter a tenant's schema."""

    def set_schema_to_public(self) -> None:
        """Go back to the public schema."""


def tenant_connection() -> TenantConnection:
    """Return the running thread's connection."""
    return cast(TenantConnection, connection)


@contextmanager
def failing_alone() -> Iterator[None]:
    """For one statement whose failure is caught: within a transaction it gets a savepoint.

    Outside of one a statement is a transaction by itself; BEGIN and COMMIT would be two more ways to the
    database.
    """
    if not connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        yield
