"""Merges at the same moment, and one whose worker dies: real threads, connections, commits and kills."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.models import Contact, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory, TaskFactory
from apps.execution.exceptions import RecordMergedError, StaleError
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, undo
from apps.suggestions.tests.merges import merge_suggestion
from apps.suggestions.tests.test_kills import running
from apps.suggestions.tests.test_races import outcomes
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once, background, wait_until_blocked

NOW = timezone.now()


def approving(suggestion: Suggestion, cast: Cast) -> partial[Suggestion]:
    return partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW)


@pytest.mark.parametrize("case", ["each into the other", "one into two", "in a circle"])
def test_of_merges_that_exclude_each_other_one_is_made_and_the_others_are_told(
    committed_tenant: Tenant, case: str
) -> None:
    cast = make_cast()
    a, b, c = (LeadFactory(owner=cast.rep, last_name=name) for name in "ABC")
    for lead in (a, b, c):
        TaskFactory(lead=lead)
    pairs = {
        "each into the other": [(a, b), (b, a)],
        "one into two": [(b, a), (c, a)],
        "in a circle": [(b, a), (c, b), (a, c)],
    }[case]
    suggestions = [merge_suggestion(kept, gone, cast.rep) for kept, gone in pairs]
    results = at_once(committed_tenant, [approving(one, cast) for one in suggestions])
    counts = outcomes(results)
    if case == "in a circle":
        # Of three in a circle two may follow on each other, A into B and B into C.
        assert counts["Suggestion"] in {1, 2}
        assert counts["Suggestion"] + counts["RecordMergedError"] == 3
    else:
        assert counts == {"Suggestion": 1, "RecordMergedError": 1}
    assert Execution.objects.count() == counts["Suggestion"]
    survivors = list(Lead.objects.all())
    assert len(survivors) == 3 - counts["Suggestion"]
    # Every task hangs on one that survives.
    assert set(Task.objects.values_list("lead_id", flat=True)) <= {lead.pk for lead in survivors}
    states = sorted(one.state for one in Suggestion.objects.all())
    assert states.count(State.APPLIED) == counts["Suggestion"]
    assert states.count(State.PENDING) == counts["RecordMergedError"]


def test_who_waits_for_a_merge_of_the_same_record_is_told_into_what(
    committed_tenant: Tenant,
) -> None:
    cast = make_cast()
    a, b, c = (LeadFactory(owner=cast.rep, last_name=name) for name in "ABC")
    first, second = merge_suggestion(b, a, cast.rep), merge_suggestion(c, a, cast.rep)
    with background(committed_tenant) as start, transaction.atomic():
        approving(first, cast)()
        waiting = start(approving(second, cast))
        wait_until_blocked(1)
    error = waiting.exception()
    assert isinstance(error, RecordMergedError)
    assert error.message == "“Lee A” has been merged into “Lee B” since."


def test_an_edit_of_either_record_at_this_moment_is_not_overlooked(
    committed_tenant: Tenant,
) -> None:
    cast = make_cast()
    a, b = LeadFactory.create_batch(2, owner=cast.rep)
    suggestion = merge_suggestion(b, a, cast.rep)
    with background(committed_tenant) as start, transaction.atomic():
        Lead.objects.filter(pk=a.pk).update(phone="5")
        waiting = start(approving(suggestion, cast))
        wait_until_blocked(1)
    assert isinstance(waiting.exception(), StaleError)
    assert Lead.objects.count() == 2


def test_two_undos_at_once_make_one(committed_tenant: Tenant) -> None:
    cast = make_cast()
    kept, gone = ContactFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    ActivityFactory(contact=gone)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    approving(suggestion, cast)()
    work = partial(undo, suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    counts = outcomes(at_once(committed_tenant, [work, work, work]))
    assert counts == {"Suggestion": 1, "AlreadyDecidedError": 2}
    assert Contact.objects.count() == 2


def test_a_merge_or_an_undo_that_is_killed_is_made_wholly_or_not_at_all(
    committed_tenant: Tenant,
) -> None:
    cast = make_cast()

    def case() -> tuple[Suggestion, Lead, Lead, Task]:
        kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
        task = TaskFactory(lead=gone)
        return merge_suggestion(kept, gone, cast.rep), kept, gone, task

    with running(committed_tenant) as program:
        for move in ("approve", "undo"):
            suggestion, *_ = case()
            if move == "undo":
                approving(suggestion, cast)()
            answer, _, steps = program(move, suggestion, cast.rep, step=0).partition(" ")
            assert answer == "done"
            for step in range(1, int(steps) + 1):
                suggestion, kept, gone, task = case()
                if move == "undo":
                    approving(suggestion, cast)()
                assert program(move, suggestion, cast.rep, step=step) == "killed"
                task.refresh_from_db()
                is_merged = not Lead.objects.filter(pk=gone.pk).exists()
                assert task.lead_id == (kept.pk if is_merged else gone.pk)
                suggestion.refresh_from_db()
                assert (suggestion.state == State.APPLIED) == is_merged
                if not is_merged and move == "approve":
                    approving(suggestion, cast)()
                if is_merged and move == "undo":
                    undo(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
                task.refresh_from_db()
                assert task.lead_id == (kept.pk if move == "approve" else gone.pk)
