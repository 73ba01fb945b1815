"""Random moves on one suggestion at the same moment: real threads, connections and commits.

Which moves meet is drawn from a seed; in which order they come through is up to the database. Refusals by the
product's own errors are part of the game, anything else is a failure.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.models import ChangeLog, Contact, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.execution.enums import ExecutionStatus
from apps.execution.models import Execution
from apps.execution.schemas import JsonValue
from apps.suggestions.enums import State
from apps.suggestions.exceptions import ApplyFailedError, UndoFailedError
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import approve, edit, rebase, reject, reopen, snooze, undo
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.exceptions import AishaError
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now

NOW = timezone.now()
THREADS = 6
PHONES = ["+1 555 0101", "+1 555 0102", "+1 555 0103"]
VERBS = ("approve", "edit", "reject", "snooze", "reopen", "rebase", "undo")

Move = tuple[str, Callable[[], object]]


def a_suggestion(cast: Cast, *, is_of_trigger: bool) -> Suggestion:
    """A fresh suggestion to correct a contact: found by a scan, or as a person wished it."""
    contact = ContactFactory(owner=cast.rep, phone=PHONES[0], title="Buyer")
    if is_of_trigger:
        ActivityFactory(
            contact=contact,
            owner=cast.rep,
            direction="inbound",
            occurred_at=NOW - timedelta(days=1),
            stated_details={"phone": PHONES[1], "title": "Head of buying"},
        )
        scan_now(kind=ScanKind.FULL, now=NOW, triggers=["contact_detail_conflict"])
        return Suggestion.objects.get(record_kind="contact", record_id=contact.pk)
    key = f"contact:{contact.pk}"
    suggestion: Suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        tool="update_contact",
        record_kind="contact",
        record_id=contact.pk,
        arguments={"contact_id": contact.pk, "phone": PHONES[1], "title": "Head of buying"},
        before_values={key: {"phone": PHONES[0], "title": "Buyer"}},
        guard_values={key: {"do_not_contact": False}},
    )
    return suggestion


def some_moves(drawn: random.Random, cast: Cast, suggestion: Suggestion) -> list[Move]:
    """What as many people and programs do at the same moment."""
    people = [cast.rep, cast.teammate, cast.manager, cast.admin]
    pk, contact = suggestion.pk, suggestion.record_id

    def one() -> Move:
        decision: dict[str, Any] = {
            "suggestion_id": pk,
            "user": drawn.choice(people),
            "now": NOW + timedelta(minutes=1, seconds=drawn.randrange(60)),
        }
        typed: dict[str, JsonValue] = {
            "contact_id": contact,
            "phone": drawn.choice(PHONES),
            "title": "Chief",
        }
        moves: list[Move] = [
            ("approve", partial(approve, **decision)),
            ("approve", partial(approve, **decision, seen_at=suggestion.refreshed_at)),
            ("approve", partial(approve, **decision, fields=["phone"])),
            ("edit", partial(edit, **decision, arguments=typed)),
            ("reject", partial(reject, **decision, reason="not_needed")),
            ("snooze", partial(snooze, **decision, until=NOW + timedelta(days=2))),
            ("reopen", partial(reopen, **decision)),
            ("rebase", partial(rebase, **decision)),
            ("undo", partial(undo, **decision)),
            ("outside", partial(_edit_outside, contact, drawn.choice(PHONES))),
            ("outside", partial(_log_a_call, contact)),
        ]
        return drawn.choice(moves)

    return [one() for _ in range(THREADS)]


def _edit_outside(contact_id: int, phone: str) -> None:
    Contact.objects.filter(pk=contact_id).update(phone=phone)


def _log_a_call(contact_id: int) -> None:
    ActivityFactory(contact_id=contact_id, contact=None, occurred_at=NOW)


def check(suggestion: Suggestion, done: Counter[str]) -> None:
    """Once, by a person, as it was shown, on record: after whatever came through in whatever order."""
    now_there = Suggestion.objects.get(pk=suggestion.pk)
    executions = Execution.objects.filter(
        record_kind="contact", record_id=suggestion.record_id, status=ExecutionStatus.SUCCEEDED
    )
    applied = list(executions.filter(undoes=None))
    undone = list(executions.exclude(undoes=None))
    assert (len(applied), len(undone)) == (done["approve"], done["undo"])
    assert len(undone) <= len(applied) <= 1
    assert State(now_there.state) != State.APPROVED
    assert (now_there.state in {State.APPLIED, State.UNDONE}) == bool(applied)
    assert (now_there.state == State.UNDONE) == bool(undone)

    verdicts = Counter(now_there.decisions.values_list("verdict", flat=True))
    assert {verb: verdicts[verb] for verb in VERBS} == {verb: done[verb] for verb in VERBS}
    events = Counter(
        AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True)
    )
    for event, verb in (
        ("suggestion.approved", "approve"),
        ("execution.succeeded", "approve"),
        ("suggestion.rejected", "reject"),
        ("suggestion.snoozed", "snooze"),
        ("suggestion.reopened", "reopen"),
        ("suggestion.rebased", "rebase"),
        ("execution.undone", "undo"),
    ):
        assert events[event] == done[verb], event
    logged = list(ChangeLog.objects.of_record("contact", suggestion.record_id))
    for execution in executions:
        before = execution.before_values[f"contact:{suggestion.record_id}"]
        changed = {
            name: [before[name], after]
            for name, after in execution.after_values.items()
            if before[name] != after
        }
        by_them = [row.changes for row in logged if row.actor_id == execution.approved_by_id]
        assert not changed or changed in by_them
    _check_history(suggestion.record_id, logged)


def _check_history(contact_id: int, logged: list[ChangeLog]) -> None:
    """Nothing was overwritten unseen: each change begins where the one before it ended."""
    contact = Contact.objects.get(pk=contact_id)
    stands: dict[str, object] = {"phone": PHONES[0], "title": "Buyer"}
    for row in reversed(logged):
        for name, (before, after) in row.changes.items():
            if name in stands:
                assert stands[name] == before
                stands[name] = after
    assert stands == {"phone": contact.phone, "title": contact.title}


def run(tenant: Tenant, rounds: int) -> Counter[str]:
    """Let so many rounds of moves meet; return how often each came through."""
    cast = make_cast()
    # What stays open must not fill the queue: a new one is suggested in each round.
    Tenant.objects.filter(pk=tenant.pk).update(suggestions_per_day=200)
    came_through: Counter[str] = Counter()
    for seed in range(rounds):
        drawn = random.Random(seed)
        suggestion = a_suggestion(cast, is_of_trigger=drawn.random() < 0.5)
        done: Counter[str] = Counter()
        # Two waves: what was decided in the first can be undone, reopened or refused in the second.
        for _ in range(2):
            moves = some_moves(drawn, cast, suggestion)
            results = at_once(tenant, [work for _, work in moves])
            for (verb, _), result in zip(moves, results, strict=True):
                if isinstance(result, BaseException):
                    assert isinstance(result, AishaError), (seed, verb, result)
                    assert not isinstance(result, ApplyFailedError | UndoFailedError), (seed, verb)
                else:
                    done[verb] += 1
        check(suggestion, done)
        came_through += done
    assert Decision.objects.count() == sum(came_through[verb] for verb in VERBS)
    assert Task.objects.count() == 0
    return came_through


def test_thirty_rounds_of_moves_at_once_keep_the_invariants(committed_tenant: Tenant) -> None:
    came_through = run(committed_tenant, 30)
    # The rounds are of use only as long as the moves do come through.
    assert {verb for verb in VERBS if came_through[verb] == 0} == set()


@pytest.mark.soak
def test_a_thousand_rounds_of_moves_at_once_keep_the_invariants(committed_tenant: Tenant) -> None:
    run(committed_tenant, 1000)
