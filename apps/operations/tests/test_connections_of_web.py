"""A web process lends its connections to requests: more requests than connections wait, and none fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from apps.operations.tests.serving import (
    ask,
    environment_on_test_database,
    free_port,
    running,
    web_on,
)
from apps.tenants.models import Tenant

CONNECTIONS = 3
REQUESTS = 60
NAME = "aisha_web_under_test"


def connections_of_web() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [NAME])
        return int(cursor.fetchone()[0])


def test_many_requests_share_few_connections(
    committed_tenant: Tenant, django_db_blocker: DjangoDbBlocker
) -> None:
    port = free_port()
    environment = environment_on_test_database() | {
        "DATABASE_POOL_SIZE": str(CONNECTIONS),
        "PGAPPNAME": NAME,
    }
    with running([web_on(port)], environment, port=port), ThreadPoolExecutor(REQUESTS) as callers:
        host = f"race.localhost:{port}"
        answers = callers.map(lambda _: ask(port, "/sign-in/", host=host), range(REQUESTS))
        assert [status for status, _, _ in answers] == [200] * REQUESTS
        assert 1 <= connections_of_web() <= CONNECTIONS


def test_a_lent_connection_stands_in_the_tenant_of_its_request(
    committed_tenant: Tenant, django_db_blocker: DjangoDbBlocker
) -> None:
    """One connection for all: what the tenant's page leaves behind must not answer the operator's."""
    port = free_port()
    environment = environment_on_test_database() | {"DATABASE_POOL_SIZE": "1"}
    with running([web_on(port)], environment, port=port):
        for _ in range(3):
            tenant = ask(port, "/sign-in/", host=f"race.localhost:{port}")
            public = ask(port, "/", host=f"localhost:{port}")
            unknown = ask(port, "/sign-in/", host=f"nobody.localhost:{port}")
            assert (tenant[0], public[0], unknown[0]) == (200, 200, 404)
            assert committed_tenant.name in tenant[2]
            assert committed_tenant.name not in public[2]
