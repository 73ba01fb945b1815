"""Doing things at the same moment on connections of their own, without a sleep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

from django.db import connection

from apps.tenants.connections import tenant_connection
from apps.tenants.context import begin_request
from apps.tenants.models import Tenant

ResultT = TypeVar("ResultT")
PATIENCE_S = 20.0


def run_in(tenant: Tenant, work: Callable[[], ResultT]) -> ResultT:
    """Run ``work`` in the calling thread's own connection, which is closed afterwards."""
    begin_request()
    tenant_connection().set_tenant(tenant)
    try:
        return work()
    finally:
        connection.close()


def at_once(
    tenant: Tenant, works: Sequence[Callable[[], ResultT]]
) -> list[ResultT | BaseException]:
    """Start all at the same moment; return what each gave or raised, in order."""
    barrier = Barrier(len(works))

    def wait_and_run(work: Callable[[], ResultT]) -> ResultT:
        barrier.wait(PATIENCE_S)
        return run_in(tenant, work)

    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(wait_and_run, work) for work in works]
    return [future.exception() or future.result() for future in futures]


@contextmanager
def background(tenant: Tenant) -> Iterator[Callable[[Callable[[], ResultT]], Future[ResultT]]]:
    """Give a function that starts work beside the block; leaving the block waits for its end."""
    with ThreadPoolExecutor(4) as pool:
        yield lambda work: pool.submit(run_in, tenant, work)


def wait_until_blocked(count: int) -> None:
    """Return once so many sessions wait for a lock.

    Raises:
        TimeoutError: they do not.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # Not pg_stat_activity: inside a transaction it goes on showing what it showed first.
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= count:
                return
    raise TimeoutError(f"fewer than {count} sessions wait for a lock")
