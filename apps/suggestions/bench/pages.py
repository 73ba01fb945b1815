"""Timing pages of a signed-in person beside bare ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from statistics import median

from django.db import connection, reset_queries
from django.http.response import HttpResponseBase
from django.test import Client, override_settings

from apps.tenants.connections import tenant_connection
from apps.tenants.models import Domain
from apps.users.models import User


def beside(
    name: str, ours_ms: float, bare_ms: float, times: float | None, what: str
) -> dict[str, object]:
    """A row of the bench: a time beside that of something bare, and how many times it may be; None: any."""
    return {
        "name": name,
        "value": round(ours_ms, 1),
        "unit": "ms",
        "target": None if times is None else round(bare_ms * times, 1),
        "better": "lower",
        "baseline": round(bare_ms, 1),
        "remark": f"{ours_ms / bare_ms:.1f} times a bare {what}",
    }


def client_of(person: User) -> Client:
    """A client that is signed in as a person of the tenant at hand."""
    host = Domain.objects.get(tenant__schema_name=tenant_connection().schema_name).domain
    client = Client(HTTP_HOST=host)
    client.force_login(person)
    return client


def asking(client: Client, address: str) -> Callable[[], None]:
    """What asks for an address once."""
    return lambda: require_ok(address, client.get(address))


def require_ok(address: str, answer: HttpResponseBase) -> None:
    """Stop where an answer is no success: its time would tell nothing."""
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{address} answered {answer.status_code}")


def count_queries(ask: Callable[[], None]) -> int:
    """The statements of one request, those that set the search path included."""
    ask()
    with override_settings(DEBUG=True):
        reset_queries()
        connection.force_debug_cursor = True
        try:
            ask()
            return len(connection.queries)
        finally:
            connection.force_debug_cursor = False


def time_in_turns(
    ours: Callable[[], None],
    bare: Callable[[], None],
    rounds: int,
    before: Callable[[], None] = lambda: None,
) -> tuple[float, float]:
    """The medians in milliseconds, taken in turns so that both meet the same machine.

    What comes ``before`` each round is not timed.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        before()
        for spent, ask in zip(times, (ours, bare), strict=True):
            began = time.perf_counter()
            ask()
            spent.append((time.perf_counter() - began) * 1000)
    return median(times[0]), median(times[1])
