"""The content policy: strict on our own pages, relaxed on the admin's and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.conftest import Cast, TenantClient
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

STRICT = {"script-src 'self'", "style-src 'self'", "default-src 'self'", "object-src 'none'"}
RELAXED = {
    "script-src 'self' 'unsafe-eval' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "default-src 'self'",
    "object-src 'none'",
}


def policy(response: object) -> set[str]:
    return set(response.headers["Content-Security-Policy"].split("; "))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", ["/", "/suggestions/", "/leads/", "/administration/", "/api/docs/"]
)
def test_our_own_pages_keep_the_strict_policy(path: str, cast: Cast, client_for: ClientFor) -> None:
    assert policy(client_for(cast.manager).get(path)) >= STRICT


@pytest.mark.parametrize("path", ["/admin/", "/admin/crm/lead/", "/admin/nowhere/"])
def test_the_admins_pages_may_run_its_theme(path: str, cast: Cast, client_for: ClientFor) -> None:
    assert policy(client_for(cast.manager).get(path)) >= RELAXED


def test_the_public_host_has_the_same_split(acme: Tenant) -> None:
    client = TenantClient("localhost")
    assert policy(client.get("/")) >= STRICT
    assert policy(client.get("/admin/login/")) >= RELAXED
