"""Every address × everybody × their own, the team's, another's and another tenant's row: the exact status.

``url_matrix.csv`` is the table. The addresses come from the resolver: one without a line fails, and so does a
line without an address. After a change, ``AISHA_WRITE_URL_MATRIX=1`` writes what is answered now; read the
difference line by line before it is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.core.files.storage import default_storage

from apps.conftest import Cast, TenantClient
from apps.operations.tests.routes import TENANT_MAP, walk_routes
from apps.operations.tests.test_routes import METHODS, foreign_rows
from apps.operations.tests.url_matrix import (
    COLUMNS,
    Asker,
    Rows,
    read_table,
    rows_of_everybody,
    write_table,
)
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
    if os.environ.get("AISHA_WRITE_URL_MATRIX"):
        write_table(answered)
    expected = read_table()
    assert {path for path, _ in answered} == {route.path for route in routes}
    assert sorted(set(answered) - set(expected)) == [], "addresses without a line in the table"
    assert sorted(set(expected) - set(answered)) == [], "lines without an address"
    wrong = [
        f"{method} {path} as {who}, {whose} row: {got} and not {wanted}"
        for (path, method), statuses in answered.items()
        for (who, whose), got, wanted in zip(COLUMNS, statuses, expected[path, method], strict=True)
        if got != wanted
    ]
    assert wrong == []
