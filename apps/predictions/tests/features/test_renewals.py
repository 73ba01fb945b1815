"""The features of accounts before a renewal, each with and without something to tell, and how it ended."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from apps.crm.models import Account, Contract, Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    ContractFactory,
    CustomFieldFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.features import population
from apps.predictions.tests.features.stories import (
    Story,
    day,
    examples_by,
    features_on,
)
from apps.users.tests.factories import UserFactory

RENEWALS = Prediction.RENEWAL_RISK


def contract(
    story: Story, starts: float, renews: float, account: Account, **fields: object
) -> Contract:
    with story.on(starts - 10) as now:
        row: Contract = ContractFactory(
            account=account, created_at=now, starts_on=day(starts).date(), renews_on=day(renews).date(),
            **fields,
        )  # fmt: skip
    return row


def end(story: Story, number: float, row: Contract, outcome: str) -> None:
    story.change(number, row, outcome=outcome, outcome_on=day(number).date())


def test_an_account_of_which_nothing_is_known(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(0) as now:
        account = AccountFactory(created_at=now)
    contract(story, 10, 375, account, value=None, currency="")
    assert features_on(RENEWALS, 375 - 181, account.pk) is None
    assert features_on(RENEWALS, 376, account.pk) is None
    assert features_on(RENEWALS, 210, account.pk) == {
        "value": None, "currency": None, "days_to_renewal": 165.0, "term_so_far": 200.0,
        "earlier_renewals": 0.0, "earlier_ends": 0.0, "running_contracts": 1.0,
        "owner": None, "sector": None, "employees": None,
        "touches_in_30": 0.0, "touches_in_90": 0.0, "touches_in_180": 0.0, "touches_in_change": 0.0,
        "touches_out_30": 0.0, "touches_out_90": 0.0, "touches_out_180": 0.0, "touches_out_change": 0.0,
        "meetings": 0.0, "waiting_mails": 0.0, "unanswered_mails": 0.0,
        "days_since_contact": None, "days_since_inbound": None,
        "open_tasks": 0.0, "open_deals": 0.0, "won_deals": 0.0, "has_history": "yes",
    }  # fmt: skip


def test_an_account_of_which_much_is_known_as_it_was_on_the_day(story: Story) -> None:
    story.begin_to_write_down()
    CustomFieldFactory(record_kind="account", key="tier", field_type="choice")
    rep, won = UserFactory(username="rita"), Stage.objects.get(key="won")
    with story.on(0) as now:
        account = AccountFactory(
            sector="health", employees=50, created_at=now, attributes={"tier": "gold"}
        )
        other = AccountFactory(created_at=now)
        ann = ContactFactory(account=account, created_at=now)
    first = contract(story, 20, 385, account)
    end(story, 380, first, "renewed")
    second = contract(story, 385, 750, account, value=Decimal(1200), owner=rep)
    contract(story, 400, 1000, account)
    ended = contract(story, 30, 395, account)
    end(story, 390, ended, "churned")
    with story.on(500) as now:
        deal = OpportunityFactory(account=account, created_at=now)
        closed = OpportunityFactory(account=account, created_at=now)
        TaskFactory(account=account, created_at=now)
    story.change(520, closed, stage=won, closed_on=day(520).date())
    story.touch(400, "email", "inbound", account=account)
    story.touch(410, "call", "outbound", contact=ann)
    story.touch(600, "email", "inbound", contact=ann, opportunity=deal, account=account)
    story.touch(601, "email", "inbound", opportunity=deal)
    story.touch(640, "meeting", "none", account=account)
    story.touch(680, "email", "outbound", contact=ann)
    story.touch(690, "email", "outbound", contact=ann)
    # What comes after the day that is asked about.
    end(story, 701, second, "renewed")
    story.change(702, second, value=5, owner=None)
    story.change(703, ann, account=other)
    story.change(704, deal, account=other)
    story.change(705, account, sector="energy", employees=None, attributes={})
    story.touch(706, "email", "inbound", account=account)

    assert features_on(RENEWALS, 700, account.pk) == {
        "value": 1200.0, "currency": "USD", "days_to_renewal": 50.0, "term_so_far": 315.0,
        "earlier_renewals": 1.0, "earlier_ends": 1.0, "running_contracts": 2.0,
        "owner": "rita", "sector": "health", "employees": 50.0,
        "touches_in_30": 0.0, "touches_in_90": 0.0, "touches_in_180": 2.0, "touches_in_change": 1.0,
        "touches_out_30": 2.0, "touches_out_90": 3.0, "touches_out_180": 3.0, "touches_out_change": 2.0,
        "meetings": 1.0, "waiting_mails": 0.0, "unanswered_mails": 2.0,
        "days_since_contact": 10.0, "days_since_inbound": 99.0,
        "open_tasks": 1.0, "open_deals": 1.0, "won_deals": 1.0, "has_history": "yes",
        "custom_tier": "gold",
    }  # fmt: skip
    after = features_on(RENEWALS, 910, account.pk)
    assert after is not None
    names = (
        "days_to_renewal",
        "earlier_renewals",
        "running_contracts",
        "sector",
        "open_deals",
        "won_deals",
    )
    assert [after[name] for name in names] == [90.0, 2.0, 1.0, "energy", 0.0, 0.0]
    assert population(RENEWALS, day(700)) == [account.pk]


def test_mails_from_them_wait_until_we_are_in_touch(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(0) as now:
        account = AccountFactory(created_at=now)
    contract(story, 10, 375, account)
    story.touch(300, "email", "inbound", account=account)
    story.touch(301, "email", "inbound", account=account)
    story.touch(310, "call", "outbound", account=account)
    rows = [features_on(RENEWALS, number, account.pk) for number in (305, 311)]
    assert [row and row["waiting_mails"] for row in rows] == [2.0, 0.0]


def test_contracts_are_asked_about_before_their_renewal(story: Story) -> None:
    with story.on(0) as now:
        AccountFactory(created_at=now)
        accounts = [AccountFactory(created_at=now) for _ in range(3)]
    kept, lost, running = (contract(story, 10, 375, account) for account in accounts)
    end(story, 370, kept, "renewed")
    end(story, 300, lost, "churned")
    story.change(376, running, name="Still open")
    found = examples_by(RENEWALS, 400)
    assert {key: outcome for key, (outcome, _) in found.items()} == {
        (kept.pk, 225): False, (kept.pk, 285): False, (kept.pk, 345): False,
        (lost.pk, 225): True, (lost.pk, 285): True,
    }  # fmt: skip
    assert found[lost.pk, 285][1]["days_to_renewal"] == 90.0
    assert set(examples_by(RENEWALS, 365)) == {(lost.pk, 225), (lost.pk, 285)}


def test_a_contract_that_came_in_at_its_end_is_one_example_without_history(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(800) as now:
        AccountFactory(created_at=now)
        account = AccountFactory(created_at=now)
        ended = ContractFactory(
            account=account, outcome="churned", outcome_on=day(400).date(), starts_on=day(40).date(),
            renews_on=day(405).date(), source="old CRM", external_id="1", created_at=now - timedelta(1),
        )  # fmt: skip
    found = examples_by(RENEWALS, 810)
    assert {key: outcome for key, (outcome, _) in found.items()} == {(ended.pk, 255): True}
    row = found[ended.pk, 255][1]
    assert (row["has_history"], row["days_to_renewal"], row["earlier_ends"]) == ("no", 150.0, 0.0)
    assert (row["touches_in_180"], row["unanswered_mails"], row["open_tasks"]) == (None, None, None)
