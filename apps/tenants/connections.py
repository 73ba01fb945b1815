"""The database connection with what django-tenants adds to it, typed."""

from __future__ import annotations

from typing import Any, Protocol, cast

from django.db import connection


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
