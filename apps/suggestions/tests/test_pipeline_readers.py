"""A suggestion names only what everybody may see who will read it: its assignee, their team, managers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from apps.conftest import Cast
from apps.crm.models import Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.readers import Readers
from apps.suggestions.services import approve
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead, scan
from apps.triggers.models import Signal
from apps.users.models import User

SECRET = "zq7secret"


def everything_said() -> str:
    """All that suggestions show."""
    rows = Suggestion.objects.values(
        "title", "reason", "record_label", "facts", "evidence", "arguments", "value_at_stake"
    )
    return json.dumps(list(rows), default=str)


@pytest.mark.parametrize(
    ("who", "is_named"), [("rep", True), ("teammate", True), ("outsider", False), (None, True)]
)
def test_another_teams_messages_are_no_facts(cast: Cast, who: str | None, is_named: bool) -> None:
    lead = quiet_lead(cast.rep)
    ActivityFactory(
        lead=lead,
        owner=getattr(cast, who) if who else None,
        occurred_at=LONG_AGO,
        subject=SECRET,
    )
    scan()
    assert (SECRET in everything_said()) is is_named
    (fact,) = [row for row in Suggestion.objects.get().facts if row["label"] == "Last contact"]
    assert fact["text"]  # the moment itself stands on the lead's page


def test_what_nobody_owns_is_read_by_everybody(cast: Cast) -> None:
    lead = quiet_lead(None)
    ActivityFactory(lead=lead, owner=cast.rep, occurred_at=LONG_AGO, subject=SECRET)
    ActivityFactory(lead=lead, owner=None, occurred_at=LONG_AGO - timedelta(1), subject="open word")
    scan()
    assert SECRET not in everything_said()
    assert "open word" in everything_said()


def test_the_team_of_a_manager_reads_along(cast: Cast) -> None:
    lead = quiet_lead(cast.manager)
    ActivityFactory(lead=lead, owner=cast.rep, occurred_at=LONG_AGO, subject=SECRET)
    scan()
    # The manager sees it on the lead's page; their team, which reads the suggestion, does not.
    assert cast.manager.sees_all
    assert cast.outsider.team == cast.manager.team
    assert SECRET not in everything_said()


@pytest.mark.parametrize(("who", "is_named"), [("teammate", True), ("outsider", False)])
def test_a_tasks_deal_of_another_team_is_not_named(cast: Cast, who: str, is_named: bool) -> None:
    deal = OpportunityFactory(owner=getattr(cast, who), name=SECRET, amount="777123.00")
    TaskFactory(owner=cast.rep, opportunity=deal, due_on=LONG_AGO.date())
    scan()
    suggestion = Suggestion.objects.get(goal="clear_task")
    said = everything_said()
    assert (SECRET in said, "777,123" in said) == (is_named, is_named)
    assert (suggestion.value_at_stake is not None) is is_named


@pytest.mark.parametrize(("who", "is_named"), [("teammate", True), ("outsider", False)])
def test_an_open_task_is_told_as_far_as_the_reader_may_see_it(
    cast: Cast, who: str, is_named: bool
) -> None:
    deal = OpportunityFactory(owner=cast.rep, expected_close_on=LONG_AGO.date())
    due_on = (NOW + timedelta(days=400)).date()
    task = TaskFactory(owner=getattr(cast, who), opportunity=deal, title=SECRET, due_on=due_on)
    scan()
    told = [row for row in Suggestion.objects.get().facts if row["label"].startswith("Open task,")]
    assert [(row["text"], row["record"]) for row in told] == (
        [(SECRET, f"task:{task.pk}")] if is_named else []
    )


@pytest.mark.parametrize(("who", "is_named"), [("teammate", True), ("outsider", False)])
def test_a_deals_account_and_contact_of_another_team_are_not_named(
    cast: Cast, who: str, is_named: bool
) -> None:
    owner = getattr(cast, who)
    OpportunityFactory(
        owner=cast.rep,
        account=AccountFactory(owner=owner, name=SECRET),
        contact=ContactFactory(owner=owner, last_name="Zq8secret"),
        expected_close_on=LONG_AGO.date(),
    )
    scan()
    assert Suggestion.objects.get().goal == "settle_close_date"
    said = everything_said()
    assert (SECRET in said, "Zq8secret" in said) == (is_named, is_named)


@pytest.mark.parametrize(("who", "is_named"), [("teammate", True), ("outsider", False)])
def test_a_contacts_account_of_another_team_is_not_named(
    cast: Cast, who: str, is_named: bool
) -> None:
    account = AccountFactory(owner=getattr(cast, who), name=SECRET)
    contact = ContactFactory(owner=cast.rep, phone="1", account=account)
    ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan()
    assert Suggestion.objects.get().record_kind == "contact"
    assert (SECRET in everything_said()) is is_named


def test_a_talk_held_by_another_team_makes_no_suggestion(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    ActivityFactory(
        owner=cast.outsider,
        activity_kind="meeting",
        opportunity=deal,
        occurred_at=NOW - timedelta(days=6),
        subject=SECRET,
    )
    scan()
    assert Signal.objects.firing().get().trigger == "followup_missing"
    assert Suggestion.objects.count() == 0


def test_a_talk_of_a_teammate_does_and_the_deals_owner_can_approve_it(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    ActivityFactory(
        owner=cast.teammate,
        activity_kind="meeting",
        opportunity=deal,
        occurred_at=NOW - timedelta(days=6),
    )
    scan()
    suggestion = Suggestion.objects.get()
    assert suggestion.assignee == cast.rep
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)


@pytest.mark.parametrize(("who", "made"), [("teammate", 1), ("outsider", 0)])
def test_a_signature_in_another_teams_mail_is_not_passed_on(
    cast: Cast, who: str, made: int
) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    ActivityFactory(
        owner=getattr(cast, who),
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan()
    assert Signal.objects.firing().count() == 1
    assert Suggestion.objects.count() == made


def test_a_contact_that_nobody_owns_goes_to_who_got_the_mail(cast: Cast) -> None:
    contact = ContactFactory(owner=None, phone="1")
    ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan()
    assert Suggestion.objects.get().assignee == cast.rep


def test_each_person_finds_what_is_theirs(cast: Cast) -> None:
    quiet_lead(cast.rep), quiet_lead(cast.outsider), quiet_lead(None)
    scan()

    def seen_by(person: User) -> int:
        return Suggestion.objects.visible_to(person).count()

    assert [seen_by(who) for who in (cast.rep, cast.teammate, cast.outsider, cast.manager)] == [
        2, 2, 2, 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("assignee", "owner", "may"),
    [
        (1, None, True), (1, 1, True), (1, 2, True), (1, 3, False), (3, 3, True),
        (4, 1, False), (4, 4, True), (4, 5, False), (None, None, True), (None, 1, False),
        (1, 99, False), (99, 1, False),
    ],
)  # fmt: skip
def test_the_rule(assignee: int | None, owner: int | None, may: bool) -> None:
    readers = Readers({1: 10, 2: 10, 3: 20, 4: None, 5: None})
    assert readers.may_see(assignee, owner) is may


def test_everybody_is_read_in_one_query(cast: Cast, django_assert_num_queries: object) -> None:
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(1):
        readers = Readers.read()
    assert readers.may_see(cast.rep.pk, cast.teammate.pk)
    assert not readers.may_see(cast.rep.pk, cast.outsider.pk)


def test_who_has_left_is_given_nothing_to_do(cast: Cast) -> None:
    lead = quiet_lead(cast.rep)
    User.objects.filter(pk=cast.rep.pk).update(is_active=False)
    scan()
    suggestion = Suggestion.objects.get(record_id=lead.pk)
    assert (suggestion.assignee, suggestion.arguments["owner_id"]) == (cast.rep, None)
    approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW)
    assert Task.objects.get().owner is None
