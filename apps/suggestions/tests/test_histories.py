"""Random histories of scans, decisions, edits and activities: the invariants hold after every step."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import Direction
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.execution.enums import ExecutionStatus
from apps.execution.exceptions import StaleError
from apps.execution.models import Execution
from apps.suggestions import services
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.exceptions import SuggestionError
from apps.suggestions.models import Decision, Suggestion
from apps.triggers.enums import ScanKind
from apps.triggers.models import Signal
from apps.triggers.services import scan_now

BEGIN = timezone.now() - timedelta(days=200)


class History:
    """A small company in which time goes on by hours and everything happens at random."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast = cast
        self.random = random.Random(seed)
        self.now: datetime = BEGIN
        self.decided = 0
        LeadFactory.create_batch(4, owner=cast.rep, created_at=BEGIN - timedelta(days=30))
        TaskFactory.create_batch(3, owner=cast.rep, due_on=(BEGIN - timedelta(days=9)).date())

    def step(self) -> None:
        """Let some hours pass and something happen."""
        self.now += timedelta(hours=self.random.randint(1, 60))
        moves: list[Callable[[], None]] = [
            self.scan, self.scan, self.approve, self.reject, self.snooze, self.reopen, self.edit, self.log,
            self.add_task,
        ]  # fmt: skip
        self.random.choice(moves)()

    def scan(self) -> None:
        scan_now(kind=ScanKind.FULL, now=self.now)

    def approve(self) -> None:
        self._decide(lambda pk, user: services.approve(suggestion_id=pk, user=user, now=self.now))

    def reject(self) -> None:
        reason = self.random.choice(RejectReason.values)
        self._decide(
            lambda pk, user: services.reject(
                suggestion_id=pk, user=user, reason=reason, now=self.now
            )
        )

    def snooze(self) -> None:
        until = self.now + timedelta(days=self.random.randint(1, 20))
        self._decide(
            lambda pk, user: services.snooze(suggestion_id=pk, user=user, until=until, now=self.now)
        )

    def reopen(self) -> None:
        self._decide(lambda pk, user: services.reopen(suggestion_id=pk, user=user, now=self.now))

    def edit(self) -> None:
        lead = self.random.choice(list(Lead.objects.all()))
        status = self.random.choice(["new", "working", "unqualified"])
        Lead.objects.filter(pk=lead.pk).update(status=status)

    def log(self) -> None:
        lead = self.random.choice(list(Lead.objects.all()))
        ActivityFactory(lead=lead, occurred_at=self.now, direction=Direction.OUTBOUND)

    def add_task(self) -> None:
        task = self.random.choice(list(Task.objects.all()))
        Task.objects.filter(pk=task.pk).update(status=self.random.choice(["open", "done"]))

    def _decide(self, decision: Callable[..., Suggestion]) -> None:
        suggestions = list(Suggestion.objects.order_by("pk"))
        if not suggestions:
            return
        chosen = self.random.choice(suggestions)
        person = self.random.choice([self.cast.rep, self.cast.teammate, self.cast.manager])
        try:
            decision(chosen.pk, person)
        except (SuggestionError, StaleError):
            return
        self.decided += 1


def check_invariants(history: History) -> None:
    """One open suggestion per record and goal; one success per applied one; everything on record."""
    undecided = Suggestion.objects.filter(state__in=State.open_values())
    open_ones = list(undecided.values_list("record_kind", "record_id", "goal"))
    assert len(open_ones) == len(set(open_ones))
    applied = list(
        Suggestion.objects.filter(state=State.APPLIED).values_list("execution_id", flat=True)
    )
    succeeded = Execution.objects.filter(status=ExecutionStatus.SUCCEEDED)
    assert sorted(applied) == sorted(succeeded.values_list("pk", flat=True))
    keys = list(succeeded.values_list("idempotency_key", flat=True))
    assert len(keys) == len(set(keys))
    firing = list(Signal.objects.firing().values_list("trigger", "record_id"))
    assert len(firing) == len(set(firing))
    assert Decision.objects.count() == history.decided
    assert AuditEntry.objects.filter(event="execution.succeeded").count() == len(applied)


@pytest.mark.parametrize("seed", [1, 2])
def test_invariants_hold_in_a_short_history(cast: Cast, seed: int) -> None:
    history = History(cast, seed)
    for _ in range(40):
        history.step()
        check_invariants(history)
    assert history.decided >= 5


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_invariants_hold_in_long_histories(cast: Cast, seed: int) -> None:
    history = History(cast, seed)
    for _ in range(400):
        history.step()
        check_invariants(history)
