"""The prediction cards of the first page: the quarter's forecast, and records that stand out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.models import Record, Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.dashboard.asked import Asked, Quarter
from apps.dashboard.enums import Scope
from apps.dashboard.predictions import Predictions, Standouts, read_predictions
from apps.dashboard.tests.figures import asked_by
from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.models import Forecast
from apps.predictions.tests.factories import ForecastFactory, ScoreFactory
from apps.predictions.tests.model_cards import make_model
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]


def score(
    record: Record, prediction: Prediction, *path: tuple[float, float], model: str = "tests"
) -> None:
    """What was said of a record, oldest first: days ago, and the score."""
    for place, (days_ago, score_0_1) in enumerate(path, start=1):
        ScoreFactory(
            prediction=prediction, record_kind=record.kind, record_id=record.pk, model_version=model,
            score_0_1=score_0_1, scored_at=timezone.now() - timedelta(days=days_ago),
            is_latest=place == len(path),
        )  # fmt: skip


def told(
    person: User, scope: Scope = Scope.EVERYONE, targets: dict[str, Decimal] | None = None
) -> Predictions:
    found = read_predictions(asked_by(person, scope), targets or {})
    assert found is not None
    return found


def standouts(person: User, prediction: Prediction, scope: Scope = Scope.EVERYONE) -> Standouts:
    (found,) = [
        row for row in told(person, scope).standouts if row.service.wording.prediction == prediction
    ]
    return found


def rows_of(found: Standouts) -> list[tuple[str, float, int | None]]:
    return [(str(row.record), row.score_0_1, row.change_points) for row in found.rows]


def test_the_hottest_leads_come_first_with_their_change_in_a_week(cast: Cast) -> None:
    make_model(Prediction.LEAD_CONVERSION)
    for name, path in {
        "Rising": [(20, 0.3), (9, 0.5), (1, 0.85)],
        "Steady": [(30, 0.7)],
        "New": [(2, 0.6)],
        "Fallen": [(8, 0.9), (3, 0.2)],
        "Fifth": [(8, 0.1)],
    }.items():
        score(LeadFactory(first_name=name, last_name=""), Prediction.LEAD_CONVERSION, *path)
    assert rows_of(standouts(cast.manager, Prediction.LEAD_CONVERSION)) == [
        ("Rising", 0.85, 35), ("Steady", 0.7, 0), ("New", 0.6, None), ("Fallen", 0.2, -70),
    ]  # fmt: skip


def test_what_another_model_said_is_no_change(cast: Cast) -> None:
    make_model(Prediction.LEAD_CONVERSION)
    lead = LeadFactory()
    ScoreFactory(
        record_id=lead.pk, score_0_1=0.1, is_latest=False, model_version="former",
        scored_at=timezone.now() - timedelta(days=10),
    )  # fmt: skip
    score(lead, Prediction.LEAD_CONVERSION, (1, 0.8))
    assert rows_of(standouts(cast.manager, Prediction.LEAD_CONVERSION)) == [(str(lead), 0.8, None)]


def test_only_open_records_of_the_people_asked_for_that_one_may_see(cast: Cast) -> None:
    make_model(Prediction.DEAL_CLOSE)
    won = Stage.objects.get(key="won")
    for owner in (cast.rep, cast.teammate, cast.outsider):
        deal = OpportunityFactory(owner=owner, name=f"Deal of {owner}")
        score(deal, Prediction.DEAL_CLOSE, (1, 0.5))
    score(OpportunityFactory(owner=cast.rep, stage=won), Prediction.DEAL_CLOSE, (1, 0.9))

    def names(person: User, scope: Scope) -> list[str]:
        found = standouts(person, Prediction.DEAL_CLOSE, scope)
        return sorted(str(row.record) for row in found.rows)

    assert names(cast.rep, Scope.ME) == ["Deal of Rita Rep"]
    assert names(cast.rep, Scope.TEAM) == ["Deal of Rita Rep", "Deal of Tom Mate"]
    assert names(cast.manager, Scope.EVERYONE) == [
        "Deal of Olga Out", "Deal of Rita Rep", "Deal of Tom Mate",
    ]  # fmt: skip
    # Even a scope that is not offered shows no more.
    assert names(cast.rep, Scope.EVERYONE) == ["Deal of Rita Rep", "Deal of Tom Mate"]


def test_contacts_cool_down_where_their_engagement_fell_far(cast: Cast) -> None:
    for name, path in {
        "Far": [(40, 0.2), (25, 0.9), (1, 0.3)],
        "Little": [(20, 0.5), (1, 0.4)],
        "Long ago": [(60, 0.9), (1, 0.3)],
        "Just": [(10, 0.7), (1, 0.5)],
    }.items():
        contact = ContactFactory(first_name=name, last_name="")
        score(contact, Prediction.CONTACT_ENGAGEMENT, *path)
    found = standouts(cast.manager, Prediction.CONTACT_ENGAGEMENT)
    assert rows_of(found) == [("Far", 0.3, -60), ("Just", 0.5, -20)]


def test_accounts_at_risk(cast: Cast) -> None:
    make_model(Prediction.RENEWAL_RISK)
    account = AccountFactory(name="Isdom")
    score(account, Prediction.RENEWAL_RISK, (1, 0.4))
    assert rows_of(standouts(cast.manager, Prediction.RENEWAL_RISK)) == [("Isdom", 0.4, None)]


def test_without_a_proven_model_a_sentence_says_so_and_no_score_is_shown(
    cast: Cast, client_for: ClientFor
) -> None:
    make_model(
        Prediction.DEAL_CLOSE,
        ModelState.UNPROVEN,
        rung=Rung.BASE_RATE,
        outcomes=6711,
        base_rate_0_1=0.632,
        served_from=None,
    )
    score(OpportunityFactory(), Prediction.DEAL_CLOSE, (1, 0.9))
    found = standouts(cast.manager, Prediction.DEAL_CLOSE)
    assert found.rows == ()
    page = client_for(cast.manager).get("/").content.decode()
    assert "Of 6,711 deals 63\u00a0% were won" in page
    assert "90\u00a0%" not in page


def quarter_forecast(**fields: object) -> Forecast:
    today = timezone.localdate()
    quarter = Quarter.of(today)
    row: Forecast = ForecastFactory(
        **{"starts_on": quarter.begins_on, "ends_on": quarter.ends_on, "made_on": today, **fields}
    )
    return row


def test_the_quarters_newest_forecast_of_each_currency(cast: Cast) -> None:
    today = timezone.localdate()
    quarter_forecast(made_on=today - timedelta(days=1), p50=Decimal(900))
    newest = quarter_forecast(p50=Decimal(1000))
    euros = quarter_forecast(p50=Decimal(1100), currency="EUR")
    quarter_forecast(owner=cast.rep)
    before = Quarter.of(today).before
    quarter_forecast(currency="GBP", starts_on=before.begins_on, ends_on=before.ends_on)
    found = told(cast.manager, targets={"USD": Decimal(1250)}).forecasts
    assert found is not None
    assert [(row.row, row.target, row.gap) for row in found] == [
        (euros, None, None), (newest, Decimal(1250), Decimal(250)),
    ]  # fmt: skip


def test_the_page_tells_range_and_gap(cast: Cast, client_for: ClientFor) -> None:
    quarter_forecast(owner=cast.rep, p50=Decimal("1043512.20"), p90=Decimal(1310000))
    page = client_for(cast.rep).get("/").content.decode()
    assert "1,040,000\u00a0$" in page
    assert "Eight times of ten between 800\u00a0$ and 1,310,000\u00a0$" in page
    assert f"scope=person-{cast.rep.pk}" in page


def test_with_the_module_off_it_says_so(acme: Tenant, cast: Cast, client_for: ClientFor) -> None:
    quarter_forecast()
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    assert told(cast.manager) == Predictions(is_on=False, forecasts=None, standouts=())
    page = client_for(cast.manager).get("/").content.decode()
    assert "Predictions are switched off for your company." in page


def test_a_role_without_predictions_has_none(cast: Cast) -> None:
    cast.rep.groups.clear()
    person = User.objects.get(pk=cast.rep.pk)
    assert read_predictions(asked_by(person, Scope.ME), {}) is None


@pytest.mark.parametrize("count", [1, 3])
def test_the_queries_do_not_grow(cast: Cast, count: int) -> None:
    for prediction in (Prediction.LEAD_CONVERSION, Prediction.DEAL_CLOSE, Prediction.RENEWAL_RISK):
        make_model(prediction)
    for _ in range(count):
        score(LeadFactory(), Prediction.LEAD_CONVERSION, (10, 0.4), (1, 0.5))
        score(OpportunityFactory(), Prediction.DEAL_CLOSE, (10, 0.4), (1, 0.5))
        score(ContactFactory(), Prediction.CONTACT_ENGAGEMENT, (10, 0.9), (1, 0.5))
        score(AccountFactory(), Prediction.RENEWAL_RISK, (10, 0.4), (1, 0.5))
    asked: Asked = asked_by(User.objects.get(pk=cast.manager.pk))
    # What the role includes is asked once a request.
    assert asked.person.sees_all
    with CaptureQueriesContext(connection) as queries:
        read_predictions(asked, {})
    assert len(queries) == 14
