"""What the page of a record says about its score, and why it is what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
)
from apps.predictions.cards import RecordCard, read_card
from apps.predictions.closing import ClosingDay, expected_close
from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.models import Score, TrainedModel
from apps.predictions.tests.factories import ScoreFactory
from apps.predictions.tests.model_cards import make_model, make_scoring_model
from apps.predictions.wording import WORDINGS, words_for
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
NOW = timezone.now()
HTMX = {"HX-Request": "true"}


def score(record: Record, score_0_1: float, days_ago: float = 1, **values: Any) -> Score:
    prediction = next(w.prediction for w in WORDINGS.values() if w.record_kind == record.kind)
    return ScoreFactory(
        **{
            "prediction": prediction,
            "record_kind": record.kind,
            "record_id": record.pk,
            "score_0_1": score_0_1,
            "scored_at": NOW - timedelta(days=days_ago),
        }
        | values
    )


def read(client: TenantClient, path: str, **headers: str) -> str:
    text: str = client.get(path, headers=headers).content.decode().replace("\u00a0", " ")
    return text


def card_of(record: Record, tenant: Tenant) -> RecordCard:
    card = read_card(record, tenant, NOW)
    assert card is not None
    return card


def test_the_page_of_a_lead_shows_its_score_and_how_sure_it_is(
    cast: Cast, client_for: ClientFor
) -> None:
    make_scoring_model()
    lead = LeadFactory(owner=cast.rep)
    score(lead, 0.34)
    page = read(client_for(cast.rep), lead.get_absolute_url())
    for words in (
        "Chance of conversion", '<p class="score-value">34 %</p>', "on average 24 %",
        "Of 82 earlier leads scored about like this, <strong>36 %</strong> were converted.",
        "Logistic regression, calibrated on 2,060 outcomes.", f'href="/leads/{lead.pk}/score/"',
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize(
    ("score_0_1", "words"),
    [
        (0.0, "under 1 %"),
        (0.0049, "under 1 %"),
        (0.006, "1 %"),
        (0.994, "99 %"),
        (0.996, "over 99 %"),
        (1.0, "over 99 %"),
    ],
)
def test_fault_25_no_chance_reads_as_certain(score_0_1: float, words: str) -> None:
    written = words_for(score_0_1, WORDINGS[Prediction.DEAL_CLOSE])
    assert written.replace("\u00a0", " ") == words


def test_a_measure_is_so_many_of_a_hundred() -> None:
    assert words_for(0.615, WORDINGS[Prediction.CONTACT_ENGAGEMENT]) == "62 of 100"


def test_history_and_trend(acme: Tenant) -> None:
    contact = ContactFactory()
    score(contact, 0.20, days_ago=60, is_latest=False)
    score(contact, 0.35, days_ago=30, is_latest=False)
    score(contact, 0.62, days_ago=2)
    card = card_of(contact, acme)
    assert [row.score_0_1 for row in card.scores] == [0.62, 0.35, 0.20]
    assert card.trend is not None
    assert card.trend.words == "up 27 points in 28 days"
    assert card.line is not None
    assert card.line.points == "0.0,32.0 51.72,26.0 100.0,15.2"


def test_another_models_scores_are_no_trend(acme: Tenant) -> None:
    make_model()
    lead = LeadFactory()
    score(lead, 0.9, days_ago=40, is_latest=False, model_version="lead_conversion-1")
    score(lead, 0.2)
    assert card_of(lead, acme).trend is None


def test_without_a_score_the_card_says_why(acme: Tenant) -> None:
    lead = LeadFactory()
    assert card_of(lead, acme).reason.startswith("No score is shown yet:")
    model = make_model(state=ModelState.UNPROVEN, rung=Rung.BASE_RATE)
    score(lead, 0.5)
    unproven = card_of(lead, acme)
    assert unproven.reason.startswith("Nothing beats the base rate: no score is shown.")
    assert unproven.score is None
    TrainedModel.objects.filter(pk=model.pk).update(state=ModelState.SERVING)
    assert card_of(lead, acme).reason == ""
    Score.objects.update(is_latest=False)
    unscored = card_of(lead, acme)
    assert unscored.reason.startswith("This lead has not been scored yet.")
    assert unscored.score is None
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    assert card_of(lead, acme).reason == "Predictions are switched off for your company."


def test_an_account_without_a_renewal_ahead_has_no_risk(acme: Tenant) -> None:
    make_model(Prediction.RENEWAL_RISK)
    account = AccountFactory()
    words = "No contract of this account ends within 180 days."
    assert card_of(account, acme).reason == words
    ContractFactory(account=account, renews_on=NOW.date() + timedelta(days=181))
    assert card_of(account, acme).reason == words
    ContractFactory(account=account, renews_on=NOW.date() + timedelta(days=90))
    assert card_of(account, acme).reason.startswith("This account has not been scored yet.")


def test_what_is_over_has_no_card(acme: Tenant) -> None:
    won = OpportunityFactory(stage=StageFactory(key="won_here", position=9, outcome="won"))
    won.refresh_from_db()
    for record in (LeadFactory(status="converted"), won):
        assert read_card(record, acme, NOW) is None


DAYS = tuple(float(days) for days in range(10, 110))


@pytest.mark.parametrize(
    ("age_days", "expected"),
    [
        (0, (59, 34, 84)),
        (59, (84, 72, 96)),
        (109, None),
    ],
)
def test_the_day_of_closing_is_that_of_won_deals_that_were_as_old(
    age_days: int, expected: tuple[int, int, int] | None
) -> None:
    opened = date(2026, 1, 1)
    found = expected_close(DAYS, opened, opened + timedelta(days=age_days))
    days = [opened + timedelta(days=n) for n in expected] if expected else None
    assert found == (ClosingDay(*days) if days else None)


def test_a_deal_tells_when_it_would_be_won(cast: Cast, client_for: ClientFor) -> None:
    model = make_model(Prediction.DEAL_CLOSE)
    TrainedModel.objects.update(card=model.card | {"days_to_win": DAYS})
    today = timezone.localdate()
    deal = OpportunityFactory(owner=cast.rep, opened_on=today)
    score(deal, 0.4)
    page = read(client_for(cast.rep), deal.get_absolute_url())
    when = today + timedelta(days=59)
    assert f"<strong>{when.day} {when:%B %Y}</strong>" in page


def met(lead: Any, days_ago: int) -> None:
    """A meeting, in a company that has written down for long what happens."""
    ActivityFactory(activity_kind="note", occurred_at=NOW - timedelta(days=1000))
    ActivityFactory(lead=lead, activity_kind="meeting", occurred_at=NOW - timedelta(days=days_ago))


def test_why_is_told_factor_by_factor_with_something_to_do(
    cast: Cast, client_for: ClientFor
) -> None:
    make_scoring_model()
    lead = LeadFactory(owner=cast.rep, lead_source="fair")
    met(lead, days_ago=20)
    score(lead, 0.23)
    answer = client_for(cast.rep).get(f"/leads/{lead.pk}/score/", headers=HTMX)
    assert answer.templates[0].name == "predictions/_why.html"
    why = answer.context["why"]
    assert round(why.score_0_1, 4) == 0.2315
    told = [(reason.factor, round(reason.points)) for reason in why.reasons]
    assert told == [("Where it came from", -22), ("Meetings", 11)]
    (origin,), (meetings,) = why.lowered[0].values, why.raised[0].values
    assert (origin.label, origin.value, origin.usual) == ("Source", "fair", "web")
    assert (meetings.label, meetings.value, meetings.usual) == ("Meetings in 30 days", "1", "0")
    (remedy,) = why.remedies
    assert remedy.words == "One meeting this week"
    text = answer.content.decode().replace("\u00a0", " ")
    assert "One meeting this week: 23 % → 48 %" in text
    assert "− 22 points" in text


def test_engagement_is_told_by_its_parts(cast: Cast, client_for: ClientFor) -> None:
    contact = ContactFactory(owner=cast.rep)
    ActivityFactory(
        contact=contact,
        activity_kind="email",
        direction="outbound",
        occurred_at=NOW - timedelta(days=30),
    )
    score(contact, 0.2)
    why = client_for(cast.rep).get(f"/contacts/{contact.pk}/score/").context["why"]
    # Half as fresh; half a touch of four and a half; one side alone: half of one.
    assert round(why.score_0_1, 3) == round((0.5 * (0.5 / 4.5) * 0.5) ** (1 / 3), 3)
    parts = {
        reason.factor: (reason.values[0].value, round(reason.points)) for reason in why.reasons
    }
    assert parts == {
        "How often you are in touch": ("11 of 100", -20),
        "How lately you were in touch": ("50 of 100", 0),
        "How mutual it is": ("50 of 100", 0),
    }


def test_why_is_a_page_too(cast: Cast, client_for: ClientFor) -> None:
    make_scoring_model()
    lead = LeadFactory(owner=cast.rep, lead_source="fair")
    score(lead, 0.3)
    page = read(client_for(cast.rep), f"/leads/{lead.pk}/score/")
    assert "Where it came from" in page
    assert '<p class="score-value">30 %</p>' in page


def test_a_record_without_a_score_has_nothing_to_explain(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(owner=cast.rep)
    page = read(client_for(cast.rep), f"/leads/{lead.pk}/score/")
    assert page.count("No score is shown yet:") == 2


def test_a_stored_model_that_is_not_the_trained_one_explains_nothing(
    cast: Cast, client_for: ClientFor
) -> None:
    make_scoring_model(digest="0" * 64)
    lead = LeadFactory(owner=cast.rep)
    score(lead, 0.3)
    answer = client_for(cast.rep).get(f"/leads/{lead.pk}/score/")
    assert answer.status_code == 200
    assert "There is nothing to explain" in answer.content.decode()


@pytest.mark.parametrize("kind", [w.record_kind for w in WORDINGS.values()])
def test_only_who_may_see_the_record_sees_its_score(
    cast: Cast, client_for: ClientFor, kind: RecordKind
) -> None:
    make: Any = {
        RecordKind.LEAD: LeadFactory,
        RecordKind.CONTACT: ContactFactory,
        RecordKind.ACCOUNT: AccountFactory,
        RecordKind.OPPORTUNITY: OpportunityFactory,
    }[kind]
    folder = {RecordKind.OPPORTUNITY: "deals"}.get(kind, f"{kind.value}s")
    own, theirs = make(owner=cast.rep), make(owner=cast.outsider)
    client = client_for(cast.rep)
    assert client.get(f"/{folder}/{own.pk}/score/").status_code == 200
    assert client.get(f"/{folder}/{theirs.pk}/score/").status_code == 404
    assert client_for(cast.manager).get(f"/{folder}/{theirs.pk}/score/").status_code == 200


def test_what_is_over_has_no_page_of_its_score(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(owner=cast.rep, status="converted")
    assert client_for(cast.rep).get(f"/leads/{lead.pk}/score/").status_code == 404
    assert "Chance of conversion" not in read(client_for(cast.rep), lead.get_absolute_url())
