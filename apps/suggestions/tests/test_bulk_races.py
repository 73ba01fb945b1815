"""A bulk approval beside another worker, a single decision, or a second wish. Real threads and commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import BulkApproval, Decision, Suggestion
from apps.suggestions.services import approve, request_bulk, retry_bulk, run_bulk
from apps.suggestions.services.bulk import lock_name
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.locks import holding
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once, background, wait_until_blocked
from apps.users.models import User

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)


def waiting(cast: Cast, count: int) -> list[Suggestion]:
    return [
        SuggestionFactory(lead=LeadFactory(owner=cast.rep), assignee=cast.rep) for _ in range(count)
    ]


def asked_by(user: User, suggestions: list[Suggestion]) -> BulkApproval:
    items = [(suggestion.pk, suggestion.refreshed_at) for suggestion in suggestions]
    return request_bulk(user=user, items=items, now=NOW)


def outcomes(bulk: BulkApproval) -> list[tuple[str, str]]:
    return list(bulk.items.order_by("id").values_list("outcome", "code"))


def written() -> tuple[int, int, int]:
    return Task.objects.count(), Execution.objects.count(), Decision.objects.count()


def test_many_workers_on_one_apply_each_once(committed_tenant: Tenant) -> None:
    cast = make_cast()
    bulk = asked_by(cast.rep, waiting(cast, 10))
    works = [partial(run_bulk, bulk_id=bulk.pk, now=LATER) for _ in range(6)]
    assert at_once(committed_tenant, works) == [None] * 6
    bulk.refresh_from_db()
    assert bulk.finished_at == LATER
    assert outcomes(bulk) == [("applied", "")] * 10
    assert written() == (10, 10, 10)


def test_a_second_worker_leaves_what_another_has(committed_tenant: Tenant) -> None:
    cast = make_cast()
    bulk = asked_by(cast.rep, waiting(cast, 1))
    with background(committed_tenant) as start, holding(lock_name(bulk.pk)):
        start(partial(run_bulk, bulk_id=bulk.pk, now=LATER)).result()
        assert outcomes(bulk) == [("waiting", "")]


def test_beside_single_approvals_each_is_applied_once(committed_tenant: Tenant) -> None:
    cast = make_cast()
    suggestions = waiting(cast, 8)
    bulk = asked_by(cast.rep, suggestions)
    single = [
        partial(approve, suggestion_id=suggestion.pk, user=cast.teammate, now=LATER)
        for suggestion in suggestions[::-1]
    ]
    works: list[Callable[[], object]] = [
        partial(run_bulk, bulk_id=bulk.pk, now=LATER),
        *single,
    ]
    results = at_once(committed_tenant, works)
    assert results[0] is None
    assert written() == (8, 8, 8)
    by_rep = Suggestion.objects.filter(state=State.APPLIED, reviewed_by=cast.rep).count()
    by_teammate = Suggestion.objects.filter(state=State.APPLIED, reviewed_by=cast.teammate).count()
    assert by_rep + by_teammate == 8
    assert sorted(outcomes(bulk)) == sorted(
        [("applied", "")] * by_rep + [("failed", "already_decided")] * by_teammate
    )


def test_two_bulks_of_two_people_share_what_both_chose(committed_tenant: Tenant) -> None:
    cast = make_cast()
    suggestions = waiting(cast, 8)
    mine, theirs = asked_by(cast.rep, suggestions), asked_by(cast.teammate, suggestions[::-1])
    works = [partial(run_bulk, bulk_id=bulk.pk, now=LATER) for bulk in (mine, theirs)]
    assert at_once(committed_tenant, works) == [None, None]
    assert written() == (8, 8, 8)
    told = [*outcomes(mine), *outcomes(theirs)]
    assert sorted(told) == [("applied", "")] * 8 + [("failed", "already_decided")] * 8


def test_an_edit_of_the_record_is_waited_for_and_seen(committed_tenant: Tenant) -> None:
    cast = make_cast()
    suggestions = waiting(cast, 2)
    bulk = asked_by(cast.rep, suggestions)
    with background(committed_tenant) as start, transaction.atomic():
        Lead.objects.filter(pk=suggestions[0].record_id).update(do_not_contact=True)
        run = start(partial(run_bulk, bulk_id=bulk.pk, now=LATER))
        wait_until_blocked(1)
        # The edit is committed now; the worker goes on and sees it.
    assert run.exception() is None
    assert outcomes(bulk) == [("failed", "stale"), ("applied", "")]


def test_tried_again_twice_at_once_is_tried_again_once(committed_tenant: Tenant) -> None:
    cast = make_cast()
    suggestions = waiting(cast, 3)
    bulk = asked_by(cast.rep, suggestions)
    Suggestion.objects.update(refreshed_at=LATER)
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("failed", "changed_since_seen")] * 3
    items = [(suggestion.pk, LATER) for suggestion in suggestions]
    works = [
        partial(retry_bulk, user=cast.rep, bulk_id=bulk.pk, items=items, now=LATER)
        for _ in range(4)
    ]
    results = at_once(committed_tenant, works)
    assert sorted(type(result).__name__ for result in results) == [
        "BulkApproval", *["BulkRetryError"] * 3,
    ]  # fmt: skip
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("applied", "")] * 3


def test_what_is_tried_again_while_a_worker_ends_is_taken_up(committed_tenant: Tenant) -> None:
    cast = make_cast()
    suggestions = waiting(cast, 1)
    bulk = asked_by(cast.rep, suggestions)
    Suggestion.objects.update(refreshed_at=LATER)
    run_bulk(bulk_id=bulk.pk, now=NOW)
    again = partial(
        retry_bulk, user=cast.rep, bulk_id=bulk.pk, items=[(suggestions[0].pk, LATER)], now=LATER
    )
    # As a worker that is about to end sees it: nothing waits, and the row is not closed yet.
    BulkApproval.objects.update(finished_at=None)
    with background(committed_tenant) as start:
        with transaction.atomic():
            again()
            run = start(partial(run_bulk, bulk_id=bulk.pk, now=LATER))
            wait_until_blocked(1)
        run.result()
    bulk.refresh_from_db()
    assert (bulk.finished_at, outcomes(bulk)) == (LATER, [("applied", "")])
