"""The listener: what is committed wakes a worker, once for what comes together. Rows are committed here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction
from kombu.exceptions import OperationalError as BrokerError

from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.tenants.models import Tenant
from apps.triggers.listening import SHORTEST_INTERVAL_S, ChangeListener

PATIENCE_S = 20


class Listening:
    """A listener in a thread, and what it woke."""

    def __init__(
        self,
        *,
        broken_calls: int = 0,
        heartbeat: Path | None = None,
        shortest_interval_s: float = SHORTEST_INTERVAL_S,
    ) -> None:
        self.woken: list[str] = []
        self.refused = 0
        self.asked_for_all = 0
        self._broken_calls = broken_calls
        self._stop = threading.Event()
        self._news = threading.Condition()
        listener = ChangeListener(
            wake=self._wake,
            all_notices=self._all_schemas,
            must_stop=self._stop.is_set,
            heartbeat=heartbeat,
            shortest_interval_s=shortest_interval_s,
        )
        self._thread = threading.Thread(target=self._run, args=[listener])

    @staticmethod
    def _run(listener: ChangeListener) -> None:
        try:
            listener.run()
        finally:
            connection.close()

    def _wake(self, schema: str) -> None:
        with self._news:
            if self.refused < self._broken_calls:
                self.refused += 1
                raise BrokerError("nobody there")
            self.woken.append(schema)
            self._news.notify_all()

    def _all_schemas(self) -> list[str]:
        with self._news:
            self.asked_for_all += 1
            self._news.notify_all()
        return []

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, timeout=PATIENCE_S)

    @contextmanager
    def running(self) -> Iterator[Listening]:
        self._thread.start()
        try:
            self.wait_for(lambda: self.asked_for_all == 1)
            yield self
        finally:
            self._stop.set()
            self._thread.join()


def test_a_commit_wakes_its_tenant_once_for_all_its_statements(committed_tenant: Tenant) -> None:
    with Listening().running() as listening:
        with transaction.atomic():
            lead = LeadFactory()
            LeadFactory.create_batch(3)
            Lead.objects.filter(pk=lead.pk).update(company="Lead Works II")
        listening.wait_for(lambda: bool(listening.woken))
    assert listening.woken == ["race"]


def test_what_is_rolled_back_or_changes_nothing_wakes_nobody(committed_tenant: Tenant) -> None:
    lead = LeadFactory(company="Lead Works")
    with Listening().running() as listening:
        with transaction.atomic():
            LeadFactory()
            transaction.set_rollback(True)
        Lead.objects.filter(pk=lead.pk).update(company="Lead Works")
        # A later change is heard alone: what came before it would have been heard first.
        Lead.objects.filter(pk=lead.pk).update(company="Lead Works II")
        listening.wait_for(lambda: bool(listening.woken))
    assert listening.woken == ["race"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM crm_changelog WHERE operation = 'changed'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("interval_s", [SHORTEST_INTERVAL_S, 0.25])
def test_of_a_tenant_that_changes_all_the_time_is_told_once_in_an_interval(
    committed_tenant: Tenant, interval_s: float
) -> None:
    with Listening(shortest_interval_s=interval_s).running() as listening:
        began = time.monotonic()
        while len(listening.woken) < 3:
            LeadFactory()
            assert time.monotonic() - began < PATIENCE_S
        took_s = time.monotonic() - began
    assert took_s > 2 * interval_s
    assert set(listening.woken) == {"race"}


def test_after_the_database_was_away_every_tenant_is_looked_at(committed_tenant: Tenant) -> None:
    with Listening().running() as listening:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'aisha changes' AND datname = current_database()"
            )
            assert cursor.fetchone() == (1,)
        listening.wait_for(lambda: listening.asked_for_all == 2)
        LeadFactory()
        listening.wait_for(lambda: bool(listening.woken))
    assert listening.woken == ["race"]


def test_a_broker_that_does_not_answer_loses_no_change(committed_tenant: Tenant) -> None:
    with Listening(broken_calls=2).running() as listening:
        LeadFactory()
        listening.wait_for(lambda: bool(listening.woken))
    assert (listening.refused, listening.woken) == (2, ["race"])


def test_it_shows_that_it_lives(committed_tenant: Tenant, tmp_path: Path) -> None:
    heartbeat = tmp_path / "alive"
    with Listening(heartbeat=heartbeat).running() as listening:
        LeadFactory()
        listening.wait_for(lambda: bool(listening.woken))
    assert heartbeat.exists()
