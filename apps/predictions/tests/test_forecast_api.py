"""Forecasts and targets in the API: what each person is told, and writes over what was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from apps.conftest import ApiClient, Cast
from apps.crm.tests.factories import OpportunityFactory
from apps.predictions.enums import ForecastWindow
from apps.predictions.models import SalesTarget
from apps.predictions.schemas import FanPoint
from apps.predictions.tests.factories import (
    ForecastFactory,
    SalesTargetFactory,
    figures,
    share_of,
)
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]
FORECASTS, TARGETS = "/api/v1/forecasts/", "/api/v1/targets/"


def ids(client: ApiClient, query: str = "") -> list[int]:
    return [row["id"] for row in client.get(FORECASTS + query).json()["results"]]


def test_everybody_is_told_theirs_the_newest_first(cast: Cast, api_for: ApiFor) -> None:
    company = ForecastFactory()
    team = ForecastFactory(team=cast.team, made_on=date(2026, 3, 2))
    mate = ForecastFactory(owner=cast.teammate, made_on=date(2026, 3, 3))
    other = ForecastFactory(owner=cast.outsider, made_on=date(2026, 3, 4))
    assert ids(api_for(cast.rep)) == [mate.pk, team.pk]
    assert ids(api_for(cast.manager)) == [other.pk, mate.pk, team.pk, company.pk]
    assert api_for(cast.rep).get(f"{FORECASTS}{company.pk}/").status_code == 404


def test_the_list_is_filtered(cast: Cast, api_for: ApiFor) -> None:
    company = ForecastFactory()
    euros = ForecastFactory(currency="EUR")
    month = ForecastFactory(window=ForecastWindow.NEXT_MONTH, made_on=date(2026, 2, 1))
    team = ForecastFactory(team=cast.team, made_on=date(2026, 1, 1))
    person = ForecastFactory(owner=cast.rep, made_on=date(2025, 12, 1))
    client = api_for(cast.manager)
    found = {
        query: ids(client, query)
        for query in (
            "?scope=company&currency=USD", "?currency=EUR", "?window=next_month", "?scope=team",
            "?scope=person", f"?owner={cast.rep.pk}", f"?team={cast.team.pk}", "?made_on=2026-02-01",
            "?made_from=2026-02-01&made_until=2026-02-28&ordering=made_on",
        )
    }  # fmt: skip
    assert list(found.values()) == [
        [company.pk, month.pk], [euros.pk], [month.pk], [team.pk], [person.pk], [person.pk], [team.pk],
        [month.pk], [month.pk],
    ]  # fmt: skip
    assert client.get(f"{FORECASTS}?scope=nobody").status_code == 400


def test_a_forecast_tells_no_more_of_deals_than_the_reader_may_see(
    cast: Cast, api_for: ApiFor
) -> None:
    own, hidden = OpportunityFactory(owner=cast.rep), OpportunityFactory(owner=cast.outsider)
    point = FanPoint(day=date(2026, 3, 31), p10=800, p50=1000, p90=1300)
    shown = figures(
        share_of(hidden.pk, 800, 0.5, cast.outsider.pk), share_of(own.pk, 1000, 0.25, cast.rep.pk),
        fan=(point,), remarks=("2 deals were left out.",),
    )  # fmt: skip
    row = ForecastFactory(owner=cast.rep, figures=shown.model_dump(mode="json"))
    ForecastFactory(owner=cast.rep, made_on=date(2026, 2, 20), p50=Decimal("900.10"))
    SalesTargetFactory(owner=cast.rep)
    told = api_for(cast.rep).get(f"{FORECASTS}{row.pk}/").json()
    assert told["forecast"]["p50"] == "1000.00"
    assert (told["target"], told["remarks"]) == ("1200.00", ["2 deals were left out."])
    assert told["deals"] == [
        {
            "deal": own.pk, "owner": cast.rep.pk, "probability_0_1": 0.25, "amount": 1000.0,
            "expected": 250.0,
        }
    ]  # fmt: skip
    assert (told["hidden_deals"], told["hidden_expected"]) == (1, 400.0)
    assert told["fan"] == [{"day": "2026-03-31", "p10": 800.0, "p50": 1000.0, "p90": 1300.0}]
    moved = told["moved"]
    assert (moved["since"], moved["before"], moved["change"]) == ("2026-02-20", "900.10", "99.90")
    assert sum(Decimal(step["amount"]) for step in moved["steps"]) == Decimal("99.90")


def test_with_the_module_off_no_forecast_is_told(acme: Tenant, cast: Cast, api_for: ApiFor) -> None:
    ForecastFactory()
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    answer = api_for(cast.manager).get(FORECASTS)
    assert (answer.status_code, answer.json()["code"]) == (403, "module_off")


def target(**values: Any) -> dict[str, Any]:
    told = {"starts_on": "2026-10-01", "months": 3, "amount": "500.00", "currency": "USD"}
    return {**told, **values}


def test_a_target_is_set_read_changed_and_removed(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    made = client.send("POST", TARGETS, target(team=cast.team.pk))
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    row = SalesTarget.objects.get()
    assert made.json() == {
        "id": row.pk, "team": cast.team.pk, "owner": None, "starts_on": "2026-10-01", "months": 3,
        "ends_on": "2026-12-31", "amount": "500.00", "currency": "USD", "revision": 1,
    }  # fmt: skip
    one = f"{TARGETS}{row.pk}/"
    changed = client.send("PATCH", one, {"amount": "750.00"}, If_Match='"1"')
    assert (changed.status_code, changed["ETag"], changed.json()["team"]) == (
        200,
        '"2"',
        cast.team.pk,
    )
    stale = client.send("PATCH", one, {"amount": "1.00"}, If_Match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "target_changed")
    assert client.get(one).json()["amount"] == "750.00"
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


@pytest.mark.parametrize(
    ("values", "member"),
    [
        ({"starts_on": "2026-11-01"}, "starts_on"), ({"months": 2}, "months"), ({"amount": "0"}, "amount"),
        ({"currency": "XXX"}, "currency"), ({"owner": 10**9}, "owner"), ({"nonsense": 1}, "nonsense"),
    ],
)  # fmt: skip
def test_what_makes_no_target_is_refused_by_member(
    cast: Cast, api_for: ApiFor, values: dict[str, Any], member: str
) -> None:
    answer = api_for(cast.manager).send("POST", TARGETS, target(**values))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])
    assert not SalesTarget.objects.exists()


def test_a_rep_reads_their_own_and_sets_none(cast: Cast, api_for: ApiFor) -> None:
    own = SalesTargetFactory(owner=cast.rep)
    company = SalesTargetFactory()
    client = api_for(cast.rep)
    assert [row["id"] for row in client.get(TARGETS).json()["results"]] == [own.pk]
    answers = {
        method: client.send(method, path, payload).status_code
        for method, path, payload in (
            ("POST", TARGETS, target(owner=cast.rep.pk)),
            ("PATCH", f"{TARGETS}{own.pk}/", {"amount": "9.00"}),
            ("DELETE", f"{TARGETS}{own.pk}/", None),
            ("GET", f"{TARGETS}{company.pk}/", None),
        )
    }
    assert answers == {"POST": 403, "PATCH": 403, "DELETE": 403, "GET": 404}
