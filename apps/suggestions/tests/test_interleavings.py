"""Any order of approving, editing, rejecting, undoing, edits from outside and calls: the invariants hold.

A state machine on the real database. Each rule does what a person, another person or the world may do at that
moment; refusals by the product's own errors are part of the game, anything else is a failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import ChangeLog, Contact, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.execution.enums import ExecutionStatus
from apps.execution.models import Execution
from apps.suggestions import services
from apps.suggestions.enums import MOVES, State
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory, followup_arguments
from apps.tenants.exceptions import AishaError
from apps.users.models import User

BEGIN = timezone.now() - timedelta(days=100)
PHONES = ["1", "2", "3"]
TITLES = ["Buyer", "Head of buying"]


class _RollBackError(Exception):
    """Ends the transaction of one history."""


class Review(RuleBasedStateMachine):
    """Two suggestions, one about a contact's details and one for a new task, and what happens to them."""

    cast: Cast

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now: datetime = BEGIN
        self.contact = ContactFactory(owner=self.cast.rep, phone="1", title="Buyer")
        packet: dict[str, Any] = {
            "lead__owner": self.cast.rep, "assignee": self.cast.rep, "created_at": BEGIN,
        }  # fmt: skip
        key = f"contact:{self.contact.pk}"
        update = SuggestionFactory(
            **packet,
            tool="update_contact",
            record_kind="contact",
            record_id=self.contact.pk,
            arguments={"contact_id": self.contact.pk, "phone": "2", "title": "Head of buying"},
            before_values={key: {"phone": "1", "title": "Buyer"}},
            guard_values={key: {"do_not_contact": False}},
        )
        followup = SuggestionFactory(**packet)
        self.suggestions = [update.pk, followup.pk]
        self.states = {update.pk: State.PENDING, followup.pk: State.PENDING}
        self.entries: list[int] = []
        self.people = [self.cast.rep, self.cast.teammate, self.cast.manager, self.cast.outsider]

    def teardown(self) -> None:
        """Take everything back for the next history."""
        self.atomic.__exit__(_RollBackError, _RollBackError(), None)

    def decide(self, which: int, who: int, decision: Callable[[int, User], object]) -> None:
        """Let a person decide; a refusal leaves the record and the state as they were."""
        pk, person = self.suggestions[which], self.people[who]
        before = self.written()
        try:
            decision(pk, person)
        except AishaError:
            assert self.written() == before
        else:
            # Nobody decides on what belongs to another team.
            assert person != self.cast.outsider

    def written(self) -> tuple[object, ...]:
        """What a person would see of the records."""
        self.contact.refresh_from_db()
        tasks = list(Task.objects.order_by("pk").values_list("pk", "title", "status"))
        return (self.contact.phone, self.contact.title, self.contact.do_not_contact, tasks)

    @rule(hours=st.integers(1, 24 * 12))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(which=st.integers(0, 1), who=st.integers(0, 3), is_fresh=st.booleans())
    def approve(self, which: int, who: int, is_fresh: bool) -> None:
        read = Suggestion.objects.get(pk=self.suggestions[which]).refreshed_at
        seen_at = read if is_fresh else BEGIN - timedelta(days=1)
        self.decide(
            which,
            who,
            lambda pk, user: services.approve(
                suggestion_id=pk, user=user, now=self.now, seen_at=seen_at
            ),
        )

    @rule(who=st.integers(0, 2), fields=st.sets(st.sampled_from(["phone", "title"])))
    def approve_a_part(self, who: int, fields: set[str]) -> None:
        self.decide(
            0,
            who,
            lambda pk, user: services.approve(
                suggestion_id=pk, user=user, now=self.now, fields=fields
            ),
        )

    @rule(who=st.integers(0, 3), phone=st.sampled_from(PHONES), title=st.sampled_from(TITLES))
    def edit(self, who: int, phone: str, title: str) -> None:
        arguments = {"contact_id": self.contact.pk, "phone": phone, "title": title}
        self.decide(
            0,
            who,
            lambda pk, user: services.edit(
                suggestion_id=pk, user=user, arguments=arguments, now=self.now
            ),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def reject(self, which: int, who: int) -> None:
        self.decide(
            which,
            who,
            lambda pk, user: services.reject(
                suggestion_id=pk, user=user, reason="not_needed", now=self.now
            ),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def reopen(self, which: int, who: int) -> None:
        self.decide(
            which,
            who,
            lambda pk, user: services.reopen(suggestion_id=pk, user=user, now=self.now),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def rebase(self, which: int, who: int) -> None:
        self.decide(
            which,
            who,
            lambda pk, user: services.rebase(suggestion_id=pk, user=user, now=self.now),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def undo(self, which: int, who: int) -> None:
        self.decide(
            which, who, lambda pk, user: services.undo(suggestion_id=pk, user=user, now=self.now)
        )

    @rule(phone=st.sampled_from(PHONES))
    def somebody_edits_the_contact(self, phone: str) -> None:
        Contact.objects.filter(pk=self.contact.pk).update(phone=phone)

    @rule()
    def somebody_asks_not_to_be_contacted(self) -> None:
        Contact.objects.filter(pk=self.contact.pk).update(do_not_contact=True)

    @rule()
    def a_call_is_logged(self) -> None:
        ActivityFactory(contact=self.contact, occurred_at=self.now)

    @rule()
    def somebody_finishes_the_tasks(self) -> None:
        Task.objects.filter(status="open").update(status="done")

    @invariant()
    def states_move_by_the_table(self) -> None:
        for suggestion in Suggestion.objects.filter(pk__in=self.suggestions):
            before, after = self.states[suggestion.pk], State(suggestion.state)
            # Approved is never seen from outside, so a person's yes leads from open to applied.
            ways = MOVES[before] | ({State.APPLIED} if State.APPROVED in MOVES[before] else set())
            assert after == before or after in ways, (before, after)
            assert after != State.APPROVED
            self.states[suggestion.pk] = after

    @invariant()
    def each_change_was_decided_by_a_person_and_happened_once(self) -> None:
        done = Execution.objects.filter(status=ExecutionStatus.SUCCEEDED)
        keys = Counter(done.values_list("idempotency_key", flat=True))
        assert set(keys.values()) <= {1}
        states = dict(Suggestion.objects.filter(pk__in=self.suggestions).values_list("pk", "state"))
        ever_applied = [
            pk for pk, state in states.items() if state in {State.APPLIED, State.UNDONE}
        ]
        assert {f"suggestion:{pk}" for pk in ever_applied} == {
            key for key in keys if key.startswith("suggestion:")
        }
        approvals = Decision.objects.filter(verdict="approve").count()
        assert approvals == len(ever_applied) == done.filter(undoes=None).count()
        undone = [pk for pk, state in states.items() if state == State.UNDONE]
        assert done.exclude(undoes=None).count() == len(undone)
        made = Task.objects.filter(title=followup_arguments(self.contact)["title"])
        assert made.count() == (1 if self.suggestions[1] in ever_applied else 0)

    @invariant()
    def what_was_shown_is_what_was_written(self) -> None:
        for execution in Execution.objects.filter(status=ExecutionStatus.SUCCEEDED):
            if execution.tool != "update_contact":
                continue
            key = f"contact:{self.contact.pk}"
            before = execution.before_values[key]
            changed = {
                name: [before[name], after]
                for name, after in execution.after_values.items()
                if before[name] != after
            }
            logged = [
                row.changes
                for row in ChangeLog.objects.of_record("contact", self.contact.pk)
                if row.actor_id == execution.approved_by_id
            ]
            assert not changed or changed in logged

    @invariant()
    def everything_is_on_record_and_nothing_leaves_it(self) -> None:
        entries = list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))
        assert entries[: len(self.entries)] == self.entries
        self.entries = entries
        events = Counter(
            AuditEntry.objects.filter(suggestion_id__in=self.suggestions).values_list(
                "event", flat=True
            )
        )
        done = Execution.objects.filter(status=ExecutionStatus.SUCCEEDED)
        assert events["execution.succeeded"] == done.filter(undoes=None).count()
        assert events["execution.undone"] == done.exclude(undoes=None).count()
        assert events["suggestion.rejected"] == Decision.objects.filter(verdict="reject").count()


def run(cast: Cast, histories: int) -> None:
    """Run so many histories of up to 25 steps, each on a fresh pair of suggestions."""
    machine = type("CastReview", (Review,), {"cast": cast})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_two_hundred_interleavings_keep_the_invariants(cast: Cast) -> None:
    run(cast, 200)


@pytest.mark.soak
def test_ten_thousand_interleavings_keep_the_invariants(cast: Cast) -> None:
    run(cast, 10_000)
