"""Merges at the same moment, and one whose worker dies: real threads, connections, commits and kills."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.models import Contact, Lead, Task
from apps.crm.services import RecordValues, create_record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    DraftFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.exceptions import RecordMergedError, StaleError
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, undo
from apps.suggestions.tests.merges import merge_suggestion
from apps.suggestions.tests.test_kills import running
from apps.suggestions.tests.test_races import outcomes
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import PATIENCE_S, at_once, background, wait_until_blocked

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


# What may be hung on a record, by its kind: how it is made, and the column that names the record.
CHILDREN = [
    (LeadFactory, TaskFactory, "lead"),
    (LeadFactory, ActivityFactory, "lead"),
    (LeadFactory, DraftFactory, "lead"),
    (ContactFactory, OpportunityFactory, "contact"),
    (ContactFactory, ActivityFactory, "contact"),
    (AccountFactory, ContactFactory, "account"),
    (AccountFactory, ContractFactory, "account"),
    (AccountFactory, AccountFactory, "parent"),
]


@pytest.mark.parametrize(("record", "child", "column"), CHILDREN)
def test_what_is_hung_on_a_record_before_it_is_merged_moves(
    committed_tenant: Tenant, record: Any, child: Any, column: str
) -> None:
    cast = make_cast()
    kept, gone = record.create_batch(2, owner=cast.rep)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    with background(committed_tenant) as start, transaction.atomic():
        # Not committed yet: the merge cannot see it, and waits.
        new = child(**{column: gone})
        waiting = start(approving(suggestion, cast))
        wait_until_blocked(1)
    assert waiting.result().state == State.APPLIED
    new.refresh_from_db()
    assert getattr(new, column) == kept
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    new.refresh_from_db()
    assert getattr(new, column) == gone


@pytest.mark.parametrize(("record", "child", "column"), CHILDREN)
def test_what_is_hung_on_a_record_while_it_is_merged_goes_to_its_survivor(
    committed_tenant: Tenant, record: Any, child: Any, column: str
) -> None:
    cast = make_cast()
    kept, gone = record.create_batch(2, owner=cast.rep)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    with background(committed_tenant) as start, transaction.atomic():
        approving(suggestion, cast)()
        # It names the record as it stands for everybody else: not merged.
        waiting = start(partial(child, **{column: gone}))
        wait_until_blocked(1)
    new = waiting.result()
    new.refresh_from_db()
    assert getattr(new, column) == kept
    # Nobody moved it: it came to the survivor, and stays there.
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    new.refresh_from_db()
    assert getattr(new, column) == kept


def test_what_a_form_adds_while_the_record_is_merged_is_the_survivors(
    committed_tenant: Tenant,
) -> None:
    cast = make_cast()
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    values = RecordValues({"title": "Call", "lead": gone})
    with background(committed_tenant) as start, transaction.atomic():
        approving(suggestion, cast)()
        waiting = start(partial(create_record, user=cast.rep, model=Task, values=values))
        wait_until_blocked(1)
    assert waiting.result().title == "Call"
    assert list(Task.objects.values_list("title", "lead_id")) == [("Call", kept.pk)]


def test_those_who_add_to_one_record_do_not_wait_for_each_other(committed_tenant: Tenant) -> None:
    lead = LeadFactory()
    with background(committed_tenant) as start, transaction.atomic():
        ActivityFactory(lead=lead)
        # What hangs on it takes no part in when it was last talked to.
        assert start(partial(TaskFactory, lead=lead)).result(PATIENCE_S).lead_id == lead.pk
    assert Task.objects.count() == 1
