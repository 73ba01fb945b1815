"""Every address × everybody × their own, the team's, another's and another tenant's row: the exact status.

``url_matrix.csv`` is the table, ``url_matrix_public.csv`` that of the public host. The addresses come from
the resolver: one without a line fails, and so does a line without an address. After a change,
``AISHA_WRITE_URL_MATRIX=1`` writes what is answered now; read the difference line by line before it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.cookies import SimpleCookie

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from apps.conftest import PASSWORD, Cast, TenantClient
from apps.operations.tests.admin_rows import OPERATOR_ROWS
from apps.operations.tests.routes import PUBLIC_MAP, TENANT_MAP, Route, walk_routes
from apps.operations.tests.test_routes import METHODS, foreign_rows, send
from apps.operations.tests.url_matrix import (
    PAGE_METHODS,
    PUBLIC_TABLE,
    TENANT_TABLE,
    Asker,
    Rows,
    rows_of_everybody,
)
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import User

__all__ = ["foreign_rows"]


@pytest.fixture
def rows(cast: Cast) -> Iterator[dict[str, Rows]]:
    """The rows of acme's people. They come before those of globex, which take ids that acme has not."""
    yield rows_of_everybody(cast)
    for name in default_storage.listdir("imports")[1]:
        default_storage.delete(f"imports/{name}")


def test_every_address_answers_everybody_as_the_table_says(
    cast: Cast,
    rows: dict[str, Rows],
    foreign_rows: Rows,
    client_for: Callable[[User], TenantClient],
    anonymous_client: TenantClient,
) -> None:
    people = {who: client_for(getattr(cast, who)) for who in ("rep", "manager", "admin")}
    asker = Asker(cast, {"anonymous": anonymous_client, **people}, rows, foreign_rows)
    routes = walk_routes(TENANT_MAP)
    # Reading comes first: what a write does to stored files is not taken back.
    answered = {
        (route.path, method): statuses
        for method in METHODS
        for route in routes
        if (statuses := asker.statuses(route, method)) is not None
    }
    TENANT_TABLE.check(answered, routes)


def test_every_address_of_the_public_host_answers_as_its_table_says(acme: Tenant) -> None:
    tenant_connection().set_schema_to_public()
    operator = User.objects.create_superuser("root", password=PASSWORD)
    rows = {model: make() for model, make in OPERATOR_ROWS.items()}
    client = TenantClient("localhost")
    client.force_login(operator)
    routes = walk_routes(PUBLIC_MAP)
    answered = {
        (route.path, method): (
            ask(TenantClient("localhost"), method, fill(route, rows)),
            ask(client, method, fill(route, rows)),
            ask(client, method, fill(route, None)) if names_row(route) else None,
        )
        for method in PAGE_METHODS
        for route in routes
        if ask(client, method, fill(route, rows)) != HTTPStatus.METHOD_NOT_ALLOWED
    }
    PUBLIC_TABLE.check(answered, routes)


def names_row(route: Route) -> bool:
    return bool({"object_id", "id"} & {*route.arguments})


def fill(route: Route, rows: Rows | None) -> str:
    """The path, about a row of the kind that its name tells, or about none that there is."""
    if not names_row(route):
        return route.fill(url="x", app_label="tenants")
    if rows is None:
        return route.fill(**dict.fromkeys(route.arguments, 10**9))
    kind = route.path.split("/")[3]
    (row,) = [row for model, row in rows.items() if model._meta.model_name == kind]
    return route.fill(**dict.fromkeys(route.arguments, row.pk))


def ask(client: TenantClient, method: str, path: str) -> int:
    """Send an empty form; what it writes, and a sign-out, is taken back."""
    session = {name: morsel.value for name, morsel in client.cookies.items()}
    with transaction.atomic():
        status: int = send(client, method, path).status_code
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(session)
    return status
