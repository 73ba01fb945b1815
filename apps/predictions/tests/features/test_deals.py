"""The features of deals, each with and without something to tell, and what became of deals."""

from __future__ import annotations

from decimal import Decimal

from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity, Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    OpportunityFactory,
    ProductFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.features import deal_window_days, population
from apps.predictions.tests.features.stories import (
    Story,
    day,
    examples_by,
    features_on,
)
from apps.users.tests.factories import UserFactory

DEALS = Prediction.DEAL_CLOSE


def stage(key: str) -> Stage:
    return Stage.objects.get(key=key)


def closed_deal(
    story: Story, opened: float, closed: float, key: str, **fields: object
) -> Opportunity:
    """A deal whose whole story is in the log."""
    with story.on(opened) as now:
        deal: Opportunity = OpportunityFactory(created_at=now, opened_on=now.date(), **fields)
    story.change(closed, deal, stage=stage(key), closed_on=day(closed).date())
    return deal


def test_a_deal_of_which_nothing_is_known(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(0) as now:
        deal = OpportunityFactory(account=None, amount=None, currency="", created_at=now)
    assert features_on(DEALS, 10, deal.pk) == {
        "stage": "engaging", "days_in_stage": 10.0, "age": 10.0, "amount": None, "currency": None,
        "product": None, "sector": None, "employees": None, "owner": None, "owner_win_rate": None,
        "days_to_close": None, "pushes": 0.0, "steps_back": 0.0, "has_next_step": "no", "open_tasks": 0.0,
        "touches_in_14": 0.0, "touches_in_30": 0.0, "touches_in_90": 0.0,
        "touches_out_14": 0.0, "touches_out_30": 0.0, "touches_out_90": 0.0,
        "meetings": 0.0, "people": 0.0, "days_since_contact": None, "days_since_inbound": None,
        "account_won": None, "account_lost": None, "has_history": "yes",
    }  # fmt: skip


def test_a_deal_of_which_much_is_known_as_it_was_on_the_day(story: Story) -> None:
    story.begin_to_write_down()
    rep, other = UserFactory(username="rita"), UserFactory(username="otto")
    with story.on(0) as now:
        account = AccountFactory(sector="health", employees=120, created_at=now)
        product = ProductFactory(series="GTX", created_at=now)
        ann, bob = ContactFactory(created_at=now), ContactFactory(created_at=now)
    for opened, closed, key in ((0, 8, "won"), (1, 9, "won"), (2, 10, "lost")):
        closed_deal(story, opened, closed, key, account=account, owner=rep)
    closed_deal(story, 3, 9, "lost", owner=other)
    with story.on(10) as now:
        deal = OpportunityFactory(
            account=account, product=product, owner=rep, amount=Decimal(900), created_at=now,
            expected_close_on=day(40).date(), next_step="Call", stage=stage("prospecting"),
        )  # fmt: skip
    story.change(12, deal, stage=stage("proposal"))
    story.change(14, deal, stage=stage("engaging"), expected_close_on=day(50).date())
    story.change(15, deal, expected_close_on=day(45).date())
    story.change(16, deal, expected_close_on=day(60).date())
    story.touch(16, "email", "outbound", opportunity=deal, contact=ann)
    story.touch(17, "email", "inbound", opportunity=deal, contact=ann)
    story.touch(33, "meeting", "none", opportunity=deal, contact=bob)
    with story.on(18) as now:
        TaskFactory(opportunity=deal, created_at=now)
    # What comes after the day that is asked about.
    closed_deal(story, 20, 35, "won", account=account, owner=rep)
    story.change(36, deal, stage=stage("proposal"), amount=1, expected_close_on=day(90).date())
    story.change(37, deal, owner=other, next_step="", product=None)
    story.change(38, account, sector="energy", employees=None)
    story.change(39, product, series="MG")

    assert features_on(DEALS, 34, deal.pk) == {
        "stage": "engaging", "days_in_stage": 20.0, "age": 24.0, "amount": 900.0, "currency": "USD",
        "product": "GTX", "sector": "health", "employees": 120.0, "owner": "rita",
        # Two of three, and ten at the company's two of four.
        "owner_win_rate": 7 / 13,
        "days_to_close": 26.0, "pushes": 2.0, "steps_back": 1.0, "has_next_step": "yes", "open_tasks": 1.0,
        "touches_in_14": 0.0, "touches_in_30": 1.0, "touches_in_90": 1.0,
        "touches_out_14": 1.0, "touches_out_30": 2.0, "touches_out_90": 2.0,
        "meetings": 1.0, "people": 2.0, "days_since_contact": 1.0, "days_since_inbound": 17.0,
        "account_won": 2.0, "account_lost": 1.0, "has_history": "yes",
    }  # fmt: skip
    after = features_on(DEALS, 40, deal.pk)
    assert after is not None
    names = ("stage", "days_in_stage", "pushes", "owner", "product", "sector", "account_won")
    assert [after[name] for name in names] == ["proposal", 4.0, 3.0, "otto", None, "energy", 3.0]


def test_a_deal_counts_for_its_account_until_it_is_opened_again(story: Story) -> None:
    with story.on(0) as now:
        account = AccountFactory(created_at=now)
        asked = OpportunityFactory(account=account, created_at=now)
    won = closed_deal(story, 1, 5, "won", account=account)
    story.change(20, won, stage=stage("proposal"), closed_on=None)
    counts = [features_on(DEALS, number, asked.pk) for number in (5.5, 6, 19.9, 20)]
    assert [row and row["account_won"] for row in counts] == [0.0, 1.0, 1.0, 0.0]


def test_the_window_is_the_companys_own(story: Story) -> None:
    assert deal_window_days(day(500)) == 180
    for number in range(20):
        closed_deal(story, number, number + 10 * (number + 1), "won")
    assert deal_window_days(day(209)) == 180
    # Eighteen of twenty in 180 days at most.
    assert deal_window_days(day(300)) == 180
    Opportunity.objects.update(opened_on=day(-1000).date())
    assert deal_window_days(day(300)) == 365
    Opportunity.objects.update(closed_on=day(-999).date())
    assert deal_window_days(day(300)) == 30


def test_who_is_asked_about_and_what_became_of_them(story: Story) -> None:
    won = closed_deal(story, 0, 70, "won")
    lost = closed_deal(story, 0, 40, "lost")
    with story.on(50) as now:
        late = OpportunityFactory(created_at=now)
    story.change(245, late, stage=stage("won"), closed_on=day(245).date())
    assert population(DEALS, day(39)) == [won.pk, lost.pk]
    assert population(DEALS, day(60)) == [won.pk, late.pk]

    found = examples_by(DEALS, 270)
    assert {key: outcome for key, (outcome, _) in found.items()} == {
        (won.pk, 0): True, (won.pk, 30): True, (won.pk, 60): True,
        (lost.pk, 0): False, (lost.pk, 30): False,
        (late.pk, 60): False, (late.pk, 90): True,
    }  # fmt: skip
    # Its outcome is not known on day 260.
    assert (late.pk, 90) not in examples_by(DEALS, 260)


def test_what_came_in_closed_is_one_example_without_history(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(300) as now:
        kept = {"source": "old CRM", "created_at": now, "opened_on": day(5).date()}
        won = OpportunityFactory(
            stage=stage("won"), closed_on=day(25).date(), external_id="1", **kept
        )
        late = OpportunityFactory(
            stage=stage("won"), closed_on=day(250).date(), external_id="2", **kept
        )
        OpportunityFactory(stage=stage("lost"), external_id="3", **kept)
    assert set(Opportunity.objects.values_list("outcome", flat=True)) == {
        DealOutcome.WON, DealOutcome.LOST,
    }  # fmt: skip
    found = examples_by(DEALS, 310)
    assert {key: outcome for key, (outcome, _) in found.items()} == {
        (won.pk, 5): True, (late.pk, 5): False,
    }  # fmt: skip
    row = found[won.pk, 5][1]
    assert (row["has_history"], row["age"], row["amount"]) == ("no", 0.0, 4821.0)
    unknown = ("stage", "days_in_stage", "pushes", "steps_back", "touches_in_30", "open_tasks")
    assert [row[name] for name in unknown] == [None] * 6
