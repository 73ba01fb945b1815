"""From a signal of any goal to a proposal that holds: gathered by kind of record, written by goal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.brain import rules
from apps.brain.enums import Goal
from apps.brain.schemas import Claim, Proposal, ThinkTask
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Record, Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.tests.factories import ScoreFactory
from apps.suggestions.pipeline.context import GATHERERS, Context, gather
from apps.suggestions.pipeline.run import task_of
from apps.suggestions.pipeline.validation import Accepted, validate
from apps.suggestions.tests.cases import NOW, answered, awaiting
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.calendar import WorkingCalendar
from apps.tenants.services import current_tenant
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry as triggers

LAST_YEAR = datetime(2025, 11, 3, 23, 30, tzinfo=UTC)  # in Berlin it is the 4th already


def fire(record: Record, goal: Goal, trigger: str, *, severity: int = 2, **facts: Any) -> Signal:
    signal: Signal = Signal.objects.create(
        trigger=trigger,
        goal=goal,
        record_kind=record.kind,
        record_id=record.pk,
        severity=severity,
        facts=facts,
    )
    return signal


def contexts() -> list[Context]:
    tenant = current_tenant()
    moment = ScanMoment(now=NOW, zone=tenant.zone)
    return gather(awaiting(), moment, tenant.currency)


def proposed(
    tools: tuple[str, ...] = ("create_followup", "update_task"),
) -> tuple[ThinkTask, Proposal]:
    """The question for the one record that awaits, and the proposal, which holds."""
    (context,) = contexts()
    task = task_of(context, ScanMoment(now=NOW, zone=current_tenant().zone))
    task = replace(task, tools=tools)
    proposal = rules.propose(task)
    assert proposal is not None
    (accepted,), dropped = validate([answered(context, task, proposal)])
    assert (dropped, isinstance(accepted, Accepted)) == ([], True)
    assert accepted.claims == proposal.claims
    return task, proposal


def noticed(context: Context) -> list[str]:
    """The triggers whose findings are among the facts, in their order."""
    values = [one.value for one in context.facts if one.key == "finding"]
    return [value["trigger"] for value in values if isinstance(value, dict)]


def test_every_trigger_is_gathered_written_and_told() -> None:
    told = {trigger for trigger in triggers.all() if trigger.goal not in SELF_EXPLAINING}
    assert {(t.goal, t.record_kind) for t in triggers.all()} <= set(rules.WRITERS)
    assert {trigger.key for trigger in told} <= set(rules.PHRASES)
    assert {kind for _, kind in rules.WRITERS} == set(GATHERERS)


# What a message says about its sender, or about a contact, is the reason by itself.
SELF_EXPLAINING = {Goal.IDENTIFY_SENDER, Goal.CORRECT_CONTACT}


def test_moments_days_and_numbers_that_a_trigger_saw_are_one_fact(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    fire(
        lead,
        Goal.REVIVE_LEAD,
        "lead_score_drop",
        score_0_1=0.31,
        former_score_0_1=0.62,
        scored_at=LAST_YEAR.isoformat(),
        due_on="2026-01-02",
        secret_id=7,
        note="another team wrote this",
        is_odd=True,
        revision=3,
        nothing=None,
    )
    Signal.objects.update(parameters={"window_days": 14})
    (context,) = contexts()
    (fact,) = [one for one in context.facts if one.key == "finding"]
    assert fact.value == {
        "trigger": "lead_score_drop",
        "saw": {
            "score_0_1": 0.31,
            "former_score_0_1": 0.62,
            "scored_at": "2025-11-04T00:30:00+01:00",
            "due_on": "2026-01-02",
        },
        "went_by": {"window_days": 14},
    }
    label = triggers.label("lead_score_drop")
    assert fact.text == f"{label}: score before 62%, score 31%, scored at 4 Nov 2025"


def test_findings_come_strongest_first(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    fire(deal, Goal.MOVE_DEAL, "deal_decaying", severity=1)
    fire(deal, Goal.MOVE_DEAL, "deal_regressed", severity=3)
    (context,) = contexts()
    assert noticed(context) == ["deal_regressed", "deal_decaying"]


def test_a_lead_and_a_deal_may_both_show_interest(cast: Cast) -> None:
    fire(LeadFactory(owner=cast.rep), Goal.ACT_ON_INTEREST, "lead_hot")
    fire(OpportunityFactory(owner=cast.rep), Goal.ACT_ON_INTEREST, "deal_hot")
    assert sorted(one.awaiting.record.kind for one in contexts()) == ["lead", "opportunity"]


def test_one_lead_for_two_goals(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    fire(lead, Goal.MEET_LEAD, "lead_new")
    fire(lead, Goal.REVIVE_LEAD, "lead_inactive")
    assert {one.awaiting.goal: noticed(one) for one in contexts()} == {
        Goal.MEET_LEAD: ["lead_new"],
        Goal.REVIVE_LEAD: ["lead_inactive"],
    }


def test_a_deal_that_went_back_names_the_stage_before(cast: Cast) -> None:
    former = Stage.objects.get(key="proposal")
    deal = OpportunityFactory(owner=cast.rep)
    fire(deal, Goal.MOVE_DEAL, "deal_regressed", former_stage_id=former.pk)
    _, proposal = proposed()
    assert f"It went back from {former.label} to {deal.stage.label}" in proposal.reason


@pytest.mark.parametrize(
    ("who", "is_named"), [("rep", True), ("teammate", True), ("outsider", False)]
)
def test_a_colleague_at_the_account_is_named_when_everybody_may_see_them(
    cast: Cast, who: str, is_named: bool
) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    ContactFactory(
        owner=getattr(cast, who), account=deal.account, first_name="Maria", last_name="Silva"
    )
    fire(deal, Goal.WIDEN_DEAL, "deal_single_threaded")
    _, proposal = proposed()
    expected = "Maria Silva" if is_named else "a second contact"
    assert proposal.title == f"Bring {expected} into {deal.name}"


def test_an_account_gets_a_followup_of_its_own(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep, name="Isdom")
    OpportunityFactory(owner=cast.rep, account=account, amount=4000, currency="EUR")
    OpportunityFactory(owner=cast.rep, account=account, amount=3000, currency="EUR")
    OpportunityFactory(owner=cast.rep, account=account, amount=500, currency="USD")
    OpportunityFactory(owner=cast.outsider, account=account, amount=90000, currency="EUR")
    contact = ContactFactory(owner=cast.rep, account=account)
    ActivityFactory(owner=cast.rep, contact=contact, occurred_at=LAST_YEAR, subject="Re: service")
    fire(account, Goal.KEEP_ACCOUNT, "account_silent")
    task, proposal = proposed()
    assert task.text("value") == "7000.00"
    assert proposal.title == "Check in with Isdom"
    assert proposal.reason.startswith("No contact since 4 Nov 2025 and nothing is planned. ")
    assert {name: proposal.arguments[name] for name in ("subject_kind", "about_kind", "about_id")} == {
        "subject_kind": "account", "about_kind": "account", "about_id": account.pk,
    }  # fmt: skip
    assert proposal.arguments["description"] == "Last: Re: service"


def test_people_at_an_account_are_named_as_far_as_the_reader_sees_them_and_may_write_to_them(
    cast: Cast,
) -> None:
    account = AccountFactory(owner=cast.rep)
    people = {"owner": cast.rep, "account": account, "title": "CFO"}
    ContactFactory(**people, first_name="Maria", last_name="Silva")
    ContactFactory(**people | {"owner": cast.outsider}, first_name="Zoe", last_name="Kim")
    ContactFactory(**people, first_name="Ana", last_name="Lopez", do_not_contact=True)
    fire(account, Goal.KEEP_ACCOUNT, "account_silent")
    task, _ = proposed()
    assert [fact.text for fact in task.facts if fact.key == "contact"] == ["Maria Silva, CFO"]


def test_that_a_deals_contact_is_not_to_be_contacted_is_told(cast: Cast) -> None:
    contact = ContactFactory(
        owner=cast.rep, first_name="Ana", last_name="Lopez", do_not_contact=True
    )
    deal = OpportunityFactory(owner=cast.rep, contact=contact)
    fire(deal, Goal.MOVE_DEAL, "deal_stalled")
    task, proposal = proposed()
    (fact,) = [fact for fact in task.facts if fact.key == "not_to_be_contacted"]
    assert (fact.label, fact.text) == ("Does not want to be contacted", "Ana Lopez")
    assert Claim("Ana Lopez does not want to be contacted", (fact.number,)) in proposal.claims


def test_that_whoever_wrote_is_not_to_be_contacted_is_told(cast: Cast) -> None:
    contact = ContactFactory(
        owner=cast.rep, first_name="Ana", last_name="Lopez", do_not_contact=True
    )
    deal = OpportunityFactory(owner=cast.rep)
    message = ActivityFactory(
        owner=cast.rep, opportunity=deal, contact=contact, occurred_at=LAST_YEAR
    )
    fire(message, Goal.ANSWER_MESSAGE, "email_unanswered")
    _, proposal = proposed()
    assert "Ana Lopez does not want to be contacted" in [claim.text for claim in proposal.claims]


def test_tasks_of_an_accounts_contacts_and_deals_are_plans(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    deal = OpportunityFactory(owner=cast.rep, account=account)
    TaskFactory(owner=cast.rep, account=account, opportunity=deal)
    TaskFactory(owner=cast.rep, contact=ContactFactory(owner=cast.rep, account=account))
    TaskFactory(owner=cast.rep, account=account, status="done")
    fire(account, Goal.KEEP_ACCOUNT, "account_silent")
    task, proposal = proposed()
    assert task.value("open_tasks") == 2
    assert "nothing is planned" not in proposal.reason


@pytest.mark.parametrize(("who", "made"), [("teammate", 1), ("outsider", 0)])
def test_a_renewal_is_told_to_those_who_may_see_the_contract(
    cast: Cast, who: str, made: int
) -> None:
    account = AccountFactory(owner=cast.rep, name="Isdom")
    contract = ContractFactory(
        owner=getattr(cast, who),
        account=account,
        name="Support 2026",
        value=12000,
        currency="USD",
        renews_on=date(2027, 1, 31),
    )
    fire(
        account,
        Goal.PLAN_RENEWAL,
        "renewal_approaching",
        contract_id=contract.pk,
        renews_on="2027-01-31",
    )
    assert len(contexts()) == made
    if made:
        task, proposal = proposed()
        assert proposal.reason.startswith(
            "The contract renews on 31 Jan 2027 and nothing is planned."
        )
        assert task.text("value") == "12000.00"


def test_a_renewal_with_an_account_that_nobody_owns_goes_to_the_contracts_owner(cast: Cast) -> None:
    account = AccountFactory(owner=None)
    contract = ContractFactory(owner=cast.rep, account=account, value=12000, currency="USD")
    OpportunityFactory(owner=cast.outsider, account=account, amount="777123.00")
    fire(
        account,
        Goal.PLAN_RENEWAL,
        "renewal_approaching",
        contract_id=contract.pk,
        renews_on="2027-01-31",
    )
    (context,) = contexts()
    assert (context.assignee_id, context.value_at_stake) == (cast.rep.pk, Decimal(12000))
    task, proposal = proposed()
    assert proposal.reason.startswith("The contract comes up for renewal and nothing is planned. ")
    assert "777123" not in str(task.facts)


def test_what_goes_to_the_contracts_owner_is_not_written_anew_at_each_look(cast: Cast) -> None:
    account = AccountFactory(owner=None)
    contract = ContractFactory(owner=cast.rep, account=account)
    signal = fire(account, Goal.PLAN_RENEWAL, "renewal_approaching", contract_id=contract.pk)
    signal.refresh_from_db()
    suggestion = SuggestionFactory(
        record_kind=account.kind,
        record_id=account.pk,
        goal=Goal.PLAN_RENEWAL,
        assignee=cast.rep,
        refreshed_at=signal.refreshed_at,
    )
    suggestion.signals.add(signal)
    assert awaiting() == []
    Account.objects.filter(pk=account.pk).update(owner=cast.teammate)
    assert [item.suggestion_id for item in awaiting()] == [suggestion.pk]


def test_an_account_that_nobody_owns_and_without_a_contract_is_for_everybody(cast: Cast) -> None:
    fire(AccountFactory(owner=None), Goal.KEEP_ACCOUNT, "account_silent")
    (context,) = contexts()
    assert context.assignee_id is None


def test_an_account_at_risk_says_nothing_of_another_teams_contract(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    contract = ContractFactory(owner=cast.outsider, account=account, value=777123)
    fire(
        account,
        Goal.KEEP_ACCOUNT,
        "account_at_risk",
        contract_id=contract.pk,
        renews_on="2127-01-31",
        recent_count=0,
        former_count=4,
    )
    task, proposal = proposed()
    assert proposal.reason.startswith("Contact is thinning out (0 contacts of late, 4 before). ")
    told = str(task.facts)
    assert ("2127-01-31" in told, "Jan 2127" in told, "777123" in told) == (False, False, False)
    assert task.value("value") is None


def test_an_account_at_risk_is_told_with_its_renewal_score(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    ScoreFactory(
        prediction=Prediction.RENEWAL_RISK,
        record_kind="account",
        record_id=account.pk,
        score_0_1=0.637,
    )
    fire(account, Goal.KEEP_ACCOUNT, "account_at_risk", score_0_1=0.64, recent_count=None)
    task, proposal = proposed()
    assert proposal.reason.startswith("The chance that they do not renew is put at 64%. Ask how")
    told = [fact.text for fact in task.facts if fact.key in {"score", "finding"}]
    assert told == ["Account at risk: score 64%", "64 %"]


def test_a_message_is_answered_about_its_deal(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep, name="Isdom renewal")
    contact = ContactFactory(owner=cast.rep, first_name="Maria", last_name="Silva")
    message = ActivityFactory(
        owner=cast.teammate,
        opportunity=deal,
        contact=contact,
        occurred_at=LAST_YEAR,
        subject="Your offer",
    )
    fire(message, Goal.ANSWER_MESSAGE, "email_unanswered")
    task, proposal = proposed()
    assert proposal.title == "Answer Maria Silva: Your offer"
    assert proposal.reason.startswith("Maria Silva wrote on 4 Nov 2025 and has had no answer.")
    assert (proposal.arguments["about_kind"], proposal.arguments["about_id"]) == (
        "opportunity",
        deal.pk,
    )
    assert task.doer_id == cast.rep.pk


def test_another_teams_contact_is_not_named_as_the_sender(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep, name="Isdom renewal")
    contact = ContactFactory(owner=cast.outsider, first_name="zq7secret")
    message = ActivityFactory(
        owner=cast.rep,
        opportunity=deal,
        contact=contact,
        occurred_at=LAST_YEAR,
        subject="Your offer",
    )
    fire(message, Goal.ANSWER_MESSAGE, "email_unanswered")
    task, proposal = proposed()
    assert proposal.title == "Answer Isdom renewal: Your offer"
    assert "zq7secret" not in str(task)


@pytest.mark.parametrize(("who", "made"), [("teammate", 1), ("outsider", 0)])
def test_another_teams_message_calls_for_no_answer(cast: Cast, who: str, made: int) -> None:
    message = ActivityFactory(
        owner=getattr(cast, who), lead=LeadFactory(owner=cast.rep), occurred_at=LAST_YEAR
    )
    fire(message, Goal.ANSWER_MESSAGE, "email_unanswered")
    assert len(contexts()) == made


def test_a_message_of_an_account_is_answered_there(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep, name="Isdom")
    message = ActivityFactory(
        owner=cast.rep, account=account, occurred_at=LAST_YEAR, subject="Hello"
    )
    fire(message, Goal.ANSWER_MESSAGE, "new_activity")
    _, proposal = proposed()
    assert proposal.arguments["about_kind"] == "account"


def test_a_contact_who_does_not_answer_mail_is_called(cast: Cast) -> None:
    contact = ContactFactory(
        owner=cast.rep,
        account=AccountFactory(owner=cast.rep, name="Isdom"),
        first_name="Ana",
        last_name="Lopez",
        phone="+1 555 0100",
    )
    ActivityFactory(owner=cast.rep, contact=contact, occurred_at=NOW - timedelta(days=3))
    fire(contact, Goal.REACH_CONTACT, "contact_unresponsive", outbound_count=4)
    _, proposal = proposed()
    assert proposal.title == "Call Ana Lopez at Isdom"
    assert proposal.reason == "4 attempts to reach them and no answer. Try a call instead."


def test_a_correction_and_another_goal_do_not_mix(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    stating = ActivityFactory(owner=cast.rep, contact=contact, occurred_at=LAST_YEAR)
    fire(contact, Goal.CORRECT_CONTACT, "contact_detail_conflict", stating_id=stating.pk, phone="2")
    fire(contact, Goal.REACH_CONTACT, "contact_unresponsive")
    found = {one.awaiting.goal: {fact.key for fact in one.facts} for one in contexts()}
    assert "stated_phone" in found[Goal.CORRECT_CONTACT]
    assert "stated_phone" not in found[Goal.REACH_CONTACT]


def test_the_next_working_day_is_the_tenants(cast: Cast) -> None:
    fire(LeadFactory(owner=cast.rep), Goal.MEET_LEAD, "lead_new")
    (context,) = contexts()
    # A Thursday in Berlin, where it is past midnight already; Friday is a holiday.
    calendar = WorkingCalendar.of("123456", [date(2026, 3, 6)])
    moment = ScanMoment(
        datetime(2026, 3, 4, 23, 30, tzinfo=UTC), current_tenant().zone, calendar=calendar
    )
    task = task_of(context, moment)
    assert (task.today, task.next_working_day) == (date(2026, 3, 5), date(2026, 3, 7))


def test_the_pipeline_knows_each_kind_that_a_goal_is_about() -> None:
    assert set(GATHERERS) == {
        RecordKind.LEAD, RecordKind.OPPORTUNITY, RecordKind.ACCOUNT, RecordKind.CONTACT,
        RecordKind.ACTIVITY, RecordKind.TASK,
    }  # fmt: skip
