"""What was discovered: which records a person sees, what is at stake, and how each finding stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.conftest import Cast
from apps.crm.models import Record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.suggestions.discoveries.asked import Asked, Order
from apps.suggestions.discoveries.looking import mark_seen, seen_until
from apps.suggestions.discoveries.reading import (
    DiscoveredRecord,
    DiscoveredRecords,
    Found,
    Worth,
    summarise,
)
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import NothingProposed
from apps.suggestions.tests.discovered import fire
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import Discovery
from apps.triggers.models import Silence
from apps.users.models import User
from apps.users.tests.factories import TeamFactory

NOW = timezone.now()
YESTERDAY, LAST_WEEK = NOW - timedelta(days=1), NOW - timedelta(days=8)
LONG_AGO = NOW - timedelta(days=40)


def asked(person: User, **wanted: Any) -> Asked:
    return Asked(**{"person": person, "now": NOW, "seen_until": None, **wanted})


def read(person: User, **wanted: Any) -> list[DiscoveredRecord]:
    return DiscoveredRecords(asked(person, **wanted))[0:25]


def records(person: User, **wanted: Any) -> list[Record]:
    return [row.record for row in read(person, **wanted)]


def found(person: User, discovery: Discovery, **wanted: Any) -> Found:
    summary = summarise(asked(person, **wanted))
    return next(row for row in summary.kinds if row.discovery == discovery)


def usd(amount: int) -> Worth:
    return Worth("USD", Decimal(amount))


def deal(**values: Any) -> Any:
    return OpportunityFactory(**{"currency": "USD", **values})


def test_one_card_for_a_record_with_its_findings_the_strongest_first(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, estimated_value=Decimal(500))
    fire("lead_duplicate", lead, YESTERDAY)
    fire("lead_hot", lead, LAST_WEEK, score_0_1=0.8)
    (row,) = read(cast.rep)
    assert (row.record, row.worth, row.found_at) == (lead, usd(500), LAST_WEEK)
    assert [(f.discovery, f.label, f.words) for f in row.findings] == [
        (Discovery.HOT_LEAD, "Lead shows interest", "score 80%"),
        (Discovery.DUPLICATE, "Lead on file twice", ""),
    ]


def test_what_is_about_a_call_or_mail_stands_at_its_deal_else_lead_contact_or_account(
    cast: Cast,
) -> None:
    account = AccountFactory(owner=cast.rep)
    contact = ContactFactory(owner=cast.rep, account=account)
    opportunity = deal(owner=cast.rep, account=account, amount=Decimal(900))
    talks = [
        ActivityFactory(contact=contact, opportunity=opportunity, account=account),
        ActivityFactory(contact=contact, account=account),
        ActivityFactory(account=account),
    ]
    for talk in talks:
        fire("followup_missing", talk, YESTERDAY)
    assert {row.record for row in read(cast.rep)} == {opportunity, contact, account}


def test_cleared_signals_and_those_of_no_kind_are_not_shown(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    fire("lead_inactive", lead, YESTERDAY)
    gone = fire("lead_new", LeadFactory(owner=cast.rep), YESTERDAY)
    gone.cleared_at = NOW
    gone.save()
    fire("contact_detail_conflict", ContactFactory(owner=cast.rep), YESTERDAY)
    assert records(cast.rep) == [lead]


def test_a_rep_sees_their_own_their_teams_and_nobodys_records(cast: Cast) -> None:
    seen = [LeadFactory(owner=owner) for owner in (cast.rep, cast.teammate, None)]
    hidden = LeadFactory(owner=cast.outsider, estimated_value=Decimal(70))
    for lead in (*seen, hidden):
        fire("lead_inactive", lead, YESTERDAY)
    assert set(records(cast.rep)) == set(seen)
    assert set(records(cast.manager)) == {*seen, hidden}
    mine = found(cast.rep, Discovery.MISSING_FOLLOWUP)
    assert (mine.records, mine.worth) == (3, ())
    assert found(cast.manager, Discovery.MISSING_FOLLOWUP).worth == (usd(70),)


def test_the_filters(cast: Cast) -> None:
    cold = LeadFactory(owner=cast.rep, last_name="Winter")
    hot = LeadFactory(owner=cast.teammate, last_name="Summer")
    fire("lead_inactive", cold, LAST_WEEK)
    fire("lead_hot", hot, YESTERDAY)
    manager, other_team = cast.manager, TeamFactory()
    assert records(manager, discovery=Discovery.HOT_LEAD) == [hot]
    assert records(manager, owner=str(cast.rep.pk)) == [cold]
    assert records(manager, owner="me") == []
    assert records(manager, owner="nobody") == []
    assert set(records(manager, team=str(cast.rep.team_id))) == {cold, hot}
    assert records(manager, team=str(other_team.pk)) == []
    assert records(manager, text="winter") == [cold]
    assert records(manager, only_new=True, seen_until=NOW - timedelta(days=3)) == [hot]
    assert summarise(asked(manager, discovery=Discovery.HOT_LEAD)).fitting == 1
    assert summarise(asked(manager, owner=str(cast.rep.pk))).all.records == 1


def test_only_new_ones_of_a_kind_are_new_in_that_kind(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    fire("lead_duplicate", lead, LAST_WEEK)
    fire("lead_hot", lead, YESTERDAY)
    wanted = {"only_new": True, "seen_until": NOW - timedelta(days=3)}
    assert records(cast.rep, discovery=Discovery.HOT_LEAD, **wanted) == [lead]
    assert records(cast.rep, discovery=Discovery.DUPLICATE, **wanted) == []


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (Order.STRONGEST, ["Hot", "Big", "Small"]),
        (Order.VALUE, ["Big", "Hot", "Small"]),
        (Order.NEWEST, ["Small", "Big", "Hot"]),
        (Order.OLDEST, ["Hot", "Big", "Small"]),
    ],
)
def test_the_orders(cast: Cast, order: Order, names: list[str]) -> None:
    found_at = {"Hot": LONG_AGO, "Big": LAST_WEEK, "Small": YESTERDAY}
    keys = {"Hot": "lead_hot", "Big": "lead_inactive", "Small": "lead_inactive"}
    for name, value in {"Hot": 50, "Big": 90, "Small": None}.items():
        lead = LeadFactory(owner=cast.rep, last_name=name, estimated_value=value)
        fire(keys[name], lead, found_at[name])
    assert [lead.last_name for lead in records(cast.rep, order=order)] == names  # type: ignore[attr-defined]


def test_what_is_at_stake_counts_each_deal_once_and_each_currency_for_itself(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    first = deal(owner=cast.rep, account=account, amount=Decimal(100))
    deal(owner=cast.rep, account=account, amount=Decimal(7), currency="EUR")
    deal(owner=cast.outsider, account=account, amount=Decimal(9000))
    contact = ContactFactory(owner=cast.rep, account=account)
    for record in (account, contact):
        fire("engagement_shift", record, YESTERDAY)
    fire("deal_stalled", first, YESTERDAY)
    changed = found(cast.rep, Discovery.BEHAVIOUR_CHANGE)
    assert (changed.records, changed.worth) == (2, (usd(100), Worth("EUR", Decimal(7))))
    assert found(cast.rep, Discovery.STALLED_DEAL).worth == (usd(100),)
    assert summarise(asked(cast.rep)).all.worth == (usd(100), Worth("EUR", Decimal(7)))
    assert [row.worth for row in read(cast.rep)] == [usd(100)] * 3


def test_of_an_account_whose_contract_is_named_that_is_at_stake(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    deal(owner=cast.rep, account=account, amount=Decimal(100))
    contract = ContractFactory(account=account, owner=cast.rep, value=Decimal(40), currency="USD")
    fire("account_at_risk", account, YESTERDAY, contract_id=contract.pk)
    assert found(cast.rep, Discovery.CHURN_SIGNAL).worth == (usd(40),)
    contract.owner = cast.outsider
    contract.save()
    assert found(cast.rep, Discovery.CHURN_SIGNAL).worth == (usd(100),)


def test_the_trend_counts_what_has_cleared_since(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    assert summarise(asked(cast.rep)).has_trend is False
    gone = fire("lead_hot", lead, LAST_WEEK)
    gone.cleared_at = YESTERDAY
    gone.save()
    fire("lead_hot", lead, YESTERDAY)
    fire("lead_hot", LeadFactory(owner=cast.rep), LONG_AGO)
    hot = found(cast.rep, Discovery.HOT_LEAD)
    assert (hot.records, hot.late, hot.early) == (2, 1, 1)
    assert summarise(asked(cast.rep)).has_trend is True


def test_what_is_new_is_each_persons_own_and_goes_when_they_say_so(cast: Cast) -> None:
    fire("lead_hot", LeadFactory(owner=cast.rep), LAST_WEEK)
    assert found(cast.rep, Discovery.HOT_LEAD).new == 1
    mark_seen(cast.rep, YESTERDAY, NOW)
    fire("lead_hot", LeadFactory(owner=cast.rep), NOW - timedelta(hours=1))
    assert found(cast.rep, Discovery.HOT_LEAD, seen_until=seen_until(cast.rep, NOW)).new == 1
    assert (
        found(cast.manager, Discovery.HOT_LEAD, seen_until=seen_until(cast.manager, NOW)).new == 2
    )


def test_what_was_seen_stays_seen_and_what_is_to_come_does_not_count(cast: Cast) -> None:
    mark_seen(cast.rep, NOW + timedelta(days=1), NOW)
    assert seen_until(cast.rep, NOW) == NOW
    mark_seen(cast.rep, YESTERDAY, NOW)
    assert seen_until(cast.rep, NOW) == NOW


def standing_of(person: User) -> tuple[object, str]:
    (row,) = read(person)
    standing = row.findings[-1].standing
    return standing.suggestion, standing.note


def test_a_finding_leads_to_its_suggestion_or_says_why_there_is_none(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    signal = fire("lead_inactive", lead, YESTERDAY)
    assert standing_of(cast.rep) == (None, "Waits for its turn to be suggested")
    NothingProposed.objects.create(
        record_kind="lead", record_id=lead.pk, goal=signal.goal, question="", asked_at=NOW
    )
    assert standing_of(cast.rep) == (None, "Nothing sensible to suggest so far")
    until = datetime(2099, 3, 1, 12, tzinfo=NOW.tzinfo)
    Silence.objects.create(trigger="lead_inactive", until=until)
    assert standing_of(cast.rep) == (None, "Silenced until 1 Mar")
    suggestion = SuggestionFactory(lead=lead, assignee=cast.rep, goal=signal.goal)
    assert standing_of(cast.rep) == (suggestion, "")
    suggestion.held_back = HeldBack.DAILY_CAP
    suggestion.save()
    held = "Held back: above the day's number for this person"
    assert standing_of(cast.rep) == (suggestion, held)
    suggestion.state, suggestion.snoozed_until = State.SNOOZED, until
    suggestion.save()
    assert standing_of(cast.rep) == (suggestion, "Snoozed until 1 Mar")
    suggestion.assignee = cast.outsider
    suggestion.save()
    assert standing_of(cast.rep) == (None, "A colleague of another team decides on it")


def test_a_finding_below_a_stronger_one_is_settled_together_with_it(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    fire("lead_inactive", lead, YESTERDAY)
    fire("lead_hot", lead, YESTERDAY)
    assert standing_of(cast.rep) == (None, "Settled together with “Lead shows interest”")


def test_a_silence_of_another_record_or_tool_does_not_count(cast: Cast) -> None:
    fire("lead_inactive", LeadFactory(owner=cast.rep), YESTERDAY)
    until = NOW + timedelta(days=3)
    Silence.objects.create(record_kind="lead", record_id=1, until=until)
    Silence.objects.create(tool="create_followup", until=until)
    Silence.objects.create(goal="move_deal", until=until)
    assert standing_of(cast.rep) == (None, "Waits for its turn to be suggested")


def test_a_company_without_anything_has_zeros(cast: Cast) -> None:
    summary = summarise(asked(cast.manager))
    assert summary.kinds == tuple(Found(discovery) for discovery in Discovery)
    assert (summary.all, summary.fitting, read(cast.manager)) == (Found(None), 0, [])
