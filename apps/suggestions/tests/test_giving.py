"""Giving a suggestion to somebody else: who may, to whom, what changes in it, and how long it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Lead, Task
from apps.suggestions.enums import HeldBack, State, Verdict
from apps.suggestions.exceptions import (
    AlreadyDecidedError,
    AssigneeRefusedError,
    ChangedSinceSeenError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve, possible_assignees, reassign
from apps.suggestions.tests.cases import NOW, put_in, scan, suggested
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.users.models import User


def give(suggestion: Suggestion, by: User, to: User | None) -> Suggestion:
    return reassign(suggestion_id=suggestion.pk, user=by, to=to, now=NOW)


def test_a_rep_gives_to_a_colleague_who_then_is_to_do_it(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    Suggestion.objects.filter(pk=suggestion.pk).update(held_back=HeldBack.DAILY_CAP)
    given = give(suggestion, cast.rep, cast.teammate)
    assert (given.assignee, given.given_by, given.given_for) == (cast.teammate, cast.rep, cast.rep)
    assert (given.state, given.held_back) == (State.PENDING, HeldBack.NO)
    assert given.arguments == {**suggestion.arguments, "owner_id": cast.teammate.pk}
    assert given.refreshed_at > suggestion.refreshed_at
    assert Decision.objects.get().verdict == Verdict.REASSIGN
    entry = AuditEntry.objects.get(event="suggestion.reassigned")
    assert entry.details == {
        "to_id": cast.teammate.pk, "to_name": "Tom Mate", "from_id": cast.rep.pk,
    }  # fmt: skip
    approve(suggestion_id=given.pk, user=cast.teammate, now=NOW, seen_at=given.refreshed_at)
    assert Task.objects.get().owner == cast.teammate


def test_it_can_be_given_to_nobody_and_back(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    free = give(suggestion, cast.rep, None)
    assert (free.assignee, free.given_by, free.given_for) == (None, cast.rep, cast.rep)
    back = give(free, cast.teammate, cast.rep)
    assert (back.assignee, back.given_by, back.given_for) == (cast.rep, None, None)


def test_giving_to_whose_it_is_changes_nothing(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    assert give(suggestion, cast.rep, cast.rep).refreshed_at == suggestion.refreshed_at
    assert not Decision.objects.exists()


def test_whom_it_can_be_given_to(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    assert list(possible_assignees(suggestion, cast.rep)) == [cast.teammate]
    assert list(possible_assignees(suggestion, cast.manager)) == [
        cast.admin, cast.manager, cast.teammate,
    ]  # fmt: skip
    assert list(possible_assignees(suggested(None), cast.rep)) == [cast.rep, cast.teammate]


def test_the_choice_costs_the_same_for_any_number_of_people(
    cast: Cast, django_assert_num_queries: object
) -> None:
    suggestion = Suggestion.objects.select_related("assignee").get(pk=suggested(cast.rep).pk)
    cast.manager.has_perm("users.see_all_records")
    with django_assert_num_queries(1):  # type: ignore[operator]
        list(possible_assignees(suggestion, cast.manager))


@pytest.mark.parametrize(
    ("giver", "receiver", "words"),
    [
        ("rep", "outsider", "You cannot give suggestions to this person."),
        ("manager", "outsider", "Olga Out may not see a record that this is about."),
    ],
)
def test_who_cannot_have_it(cast: Cast, giver: str, receiver: str, words: str) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(AssigneeRefusedError) as refusal:
        give(suggestion, getattr(cast, giver), getattr(cast, receiver))
    assert refusal.value.message == words
    suggestion.refresh_from_db()
    assert suggestion.assignee == cast.rep


def test_who_may_not_decide_or_has_left_cannot_have_it(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    cast.teammate.groups.clear()
    teammate = User.objects.get(pk=cast.teammate.pk)
    with pytest.raises(AssigneeRefusedError, match="Tom Mate may not decide on suggestions"):
        give(suggestion, cast.manager, teammate)
    User.objects.filter(pk=teammate.pk).update(is_active=False)
    with pytest.raises(AssigneeRefusedError, match="You cannot give suggestions to this person"):
        give(suggestion, cast.manager, teammate)


def test_what_one_does_not_see_one_cannot_give_away(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(SuggestionNotFoundError):
        give(suggestion, cast.outsider, cast.outsider)
    entry = AuditEntry.objects.get(event="permission.refused")
    assert (entry.details["verb"], entry.details["code"]) == ("reassign", "not_found")


@pytest.mark.parametrize("state", [State.APPLIED, State.REJECTED, State.WITHDRAWN])
def test_what_is_decided_stays_where_it_is(cast: Cast, state: State) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    with pytest.raises(AlreadyDecidedError):
        give(suggestion, cast.rep, cast.teammate)


def test_two_who_give_at_once(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    stale = Suggestion.objects.select_related("assignee").get(pk=suggestion.pk)
    given = give(suggestion, cast.rep, cast.teammate)
    with pytest.raises(ChangedSinceSeenError):
        approve(suggestion_id=given.pk, user=cast.rep, now=NOW, seen_at=stale.refreshed_at)


def test_a_scan_leaves_it_with_whom_it_was_given_to(cast: Cast) -> None:
    suggestion = give(suggested(cast.rep), cast.rep, cast.teammate)
    Lead.objects.update(title="CFO")
    Suggestion.objects.update(refreshed_at=NOW - timedelta(days=40))
    scan(timedelta(days=1))
    again = Suggestion.objects.get()
    assert again.pk == suggestion.pk
    assert again.refreshed_at == NOW + timedelta(days=1)
    assert (again.assignee, again.given_by) == (cast.teammate, cast.rep)
    assert again.arguments["owner_id"] == cast.teammate.pk


def test_a_record_that_gets_another_owner_takes_it_along(cast: Cast) -> None:
    give(suggested(cast.rep), cast.rep, cast.teammate)
    Lead.objects.update(owner=cast.outsider)
    scan(timedelta(days=1))
    again = Suggestion.objects.get()
    assert (again.assignee, again.given_by, again.given_for) == (cast.outsider, None, None)
    # And back with the first owner it is theirs: what was said of another time is over.
    Lead.objects.update(owner=cast.rep)
    scan(timedelta(days=2))
    assert Suggestion.objects.get().assignee == cast.rep


def test_an_idle_scan_does_not_write_it_anew(cast: Cast) -> None:
    given = give(suggested(cast.rep), cast.rep, cast.teammate)
    keep_true(NOW + timedelta(minutes=5))
    assert Suggestion.objects.get().refreshed_at == given.refreshed_at


def test_the_ai_gives_nothing_to_anybody(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with (
        pytest.raises(ProgrammingError, match="the AI may not do this"),
        transaction.atomic(),
        taking_role(Role.AI),
    ):
        Suggestion.objects.filter(pk=suggestion.pk).update(given_by=cast.rep)
