"""Every list and page without an argument: as many queries for three rows of each kind as for one."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import Cast, TenantClient
from apps.operations.tests.routes import TENANT_MAP, Route, walk_routes
from apps.operations.tests.url_matrix import rows_of
from apps.users.models import User

# Where more rows rightly cost more queries, each with the reason.
GROWING: dict[str, str] = {}


def count_queries(client: TenantClient, route: Route) -> int:
    """The queries of a second look, when all that is kept between looks is there."""
    client.get(route.path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(route.path)
        if answer.streaming:
            b"".join(answer)
    return len(queries)


def test_three_rows_cost_what_one_costs(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client = client_for(cast.admin)
    routes = [route for route in walk_routes(TENANT_MAP) if not route.arguments]
    rows_of(cast.admin)
    with_one = {route.path: count_queries(client, route) for route in routes}
    for person in (cast.rep, cast.outsider):
        rows_of(person)
    with_three = {route.path: count_queries(client, route) for route in routes}
    growing = {
        path: (count, with_three[path])
        for path, count in with_one.items()
        if with_three[path] > count
    }
    assert set(growing) == set(GROWING), growing
