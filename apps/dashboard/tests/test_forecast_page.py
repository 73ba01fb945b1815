"""The forecast page: what each person sees, each of its states, exact figures, and its files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import OpportunityFactory
from apps.predictions.enums import ForecastWindow, RunKind
from apps.predictions.models import Forecast, PredictionRun
from apps.predictions.schemas import DealShare, MethodRecord
from apps.predictions.tests.factories import (
    ForecastFactory,
    SalesTargetFactory,
    figures,
    share_of,
)
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.services import current_tenant
from apps.tenants.work.enums import WorkStatus
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
PATH = "/predictions/forecast/"
SPACE = "\u00a0"


def publish(*shares: DealShare, days_ago: int = 0, told: Any = None, **fields: Any) -> Forecast:
    shown = figures(*shares, **(told or {})).model_dump(mode="json")
    row: Forecast = ForecastFactory(
        made_on=today() - timedelta(days=days_ago), figures=shown, **fields
    )
    return row


def today() -> date:
    """The day of the tenant; elsewhere it may be another."""
    return timezone.localdate(timezone=current_tenant().zone)


def method(name: str, *, is_ours: bool, is_chosen: bool) -> MethodRecord:
    return MethodRecord(
        method=name, label=name.title(), is_ours=is_ours, is_chosen=is_chosen,
        mape=0.12, pinball=0.05, coverage_0_1=0.8,
    )  # fmt: skip


def in_one_line(answer: Any) -> str:
    """The page with single spaces; those that do not break stay."""
    return re.sub("[ \n]+", " ", answer.content.decode())


def page_of(client: TenantClient, query: str = "") -> str:
    answer = client.get(PATH + query)
    assert answer.status_code == 200
    return in_one_line(answer)


def test_three_numbers_are_told_in_words(cast: Cast, client_for: ClientFor) -> None:
    publish(p10=Decimal("812345.67"), p50=Decimal("1043512.20"), p90=Decimal(1310000))
    page = page_of(client_for(cast.manager))
    assert f'id="forecast-number">1,040,000{SPACE}$</h2>' in page
    assert (
        f"between <strong>812,000{SPACE}$</strong> and <strong>1,310,000{SPACE}$</strong>" in page
    )
    assert "No target is set for these days." in page


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (500, "is reached."),
        (800, "is reached nine times of ten or more."),
        (1000, "is more likely reached than missed."),
        (1001, "is more likely missed than reached."),
        (1301, "is reached less than once in ten."),
    ],
)
def test_the_target_stands_beside_it(
    cast: Cast, client_for: ClientFor, target: int, words: str
) -> None:
    publish()
    SalesTargetFactory(amount=Decimal(target))
    outlook = client_for(cast.manager).get(PATH).context["outlook"]
    assert (outlook.gap, outlook.target_words.partition(f"{SPACE}$ ")[2]) == (target - 1000, words)


def test_everybody_may_choose_what_they_may_see(cast: Cast, client_for: ClientFor) -> None:
    for scope in (
        {}, {"team": cast.team}, {"team": cast.other_team}, {"owner": cast.rep},
        {"owner": cast.teammate}, {"owner": cast.outsider},
    ):  # fmt: skip
        publish(**scope)

    def offered(person: User) -> list[str]:
        choices = client_for(person).get(PATH).context["offered"]
        return [row.label for row in choices.scopes]

    assert offered(cast.manager) == [
        "The company", "North", "South", "Olga Out", "Rita Rep", "Tom Mate",
    ]  # fmt: skip
    assert offered(cast.rep) == ["North", "Rita Rep", "Tom Mate"]


@pytest.mark.parametrize("scope", ["company", "nonsense", "person-999", "person-", "team-x"])
def test_what_is_not_offered_falls_back_to_ones_own(
    cast: Cast, client_for: ClientFor, scope: str
) -> None:
    publish()
    publish(owner=cast.rep)
    publish(owner=cast.outsider)
    client = client_for(cast.rep)
    for key in (scope, f"person-{cast.outsider.pk}"):
        asked = client.get(f"{PATH}?scope={key}&window=never&currency=XXX").context["asked"]
        assert (asked.whose.scope.owner_id, asked.window, asked.currency) == (
            cast.rep.pk, ForecastWindow.QUARTER, "USD",
        )  # fmt: skip


def test_each_currency_and_window_stands_for_itself(cast: Cast, client_for: ClientFor) -> None:
    publish(p50=Decimal(1001))
    publish(p50=Decimal(1002), currency="EUR")
    publish(p50=Decimal(1003), window=ForecastWindow.THIS_MONTH, starts_on=date(2026, 3, 1))
    client = client_for(cast.manager)
    found = {
        query: client.get(PATH + query).context["outlook"].forecast.row.p50
        for query in ("", "?currency=EUR", "?window=this_month")
    }
    assert found == {"": 1001, "?currency=EUR": 1002, "?window=this_month": 1003}
    assert "No forecast of these days" in page_of(client, "?window=this_month&currency=EUR")


def test_only_deals_that_the_reader_may_see_are_named(cast: Cast, client_for: ClientFor) -> None:
    own = OpportunityFactory(owner=cast.rep, name="A deal of one's own")
    mate = OpportunityFactory(owner=cast.teammate, name="A mate's deal")
    moved = OpportunityFactory(owner=cast.outsider, name="A deal that went to another team")
    publish(
        share_of(own.pk, 1000, 0.25), share_of(moved.pk, 9000, 0.5), share_of(mate.pk, 400, 0.75),
        team=cast.team,
    )  # fmt: skip
    answer = client_for(cast.rep).get(PATH)
    assert [(row.deal.name, row.share.expected) for row in answer.context["deals"]] == [
        ("A mate's deal", 300.0), ("A deal of one's own", 250.0),
    ]  # fmt: skip
    page = in_one_line(answer)
    assert "went to another team" not in page
    assert f"1 more deal that you may not see, 4,500{SPACE}$ expected together." in page


def test_deals_come_in_pages(cast: Cast, client_for: ClientFor) -> None:
    deals = OpportunityFactory.create_batch(17, owner=cast.rep)
    publish(*(share_of(deal.pk, 100 + n, 0.5) for n, deal in enumerate(deals)))
    client = client_for(cast.manager)
    assert len(client.get(PATH).context["deals"]) == 15
    rest = client.get(f"{PATH}?page=2").context["deals"]
    assert [row.deal for row in rest] == [deals[1], deals[0]]


def test_without_an_open_deal_it_says_so(cast: Cast, client_for: ClientFor) -> None:
    publish()
    assert "No deal was open when this was foretold." in page_of(client_for(cast.manager))


def test_a_simple_method_that_won_is_shown_and_said(cast: Cast, client_for: ClientFor) -> None:
    ours, naive = "simulation", "mean of windows"
    publish(
        told={
            "methods": (
                method(ours, is_ours=True, is_chosen=False),
                method(naive, is_ours=False, is_chosen=True),
            ),
            "method_label": "Mean of windows",
        }
    )
    page = page_of(client_for(cast.manager))
    assert "a simple method came nearer than ours" in page
    assert page.count("</svg> Shown</span>") == 1


def test_our_own_method_is_named_where_it_won(cast: Cast, client_for: ClientFor) -> None:
    publish(told={"methods": (method("simulation", is_ours=True, is_chosen=True),)})
    page = page_of(client_for(cast.manager))
    assert "Shown: <strong>Each open deal and new business, simulated</strong>" in page
    assert "a simple method came nearer" not in page


def test_what_moved_it_adds_up_in_whole_units(cast: Cast, client_for: ClientFor) -> None:
    publish(days_ago=7, p50=Decimal("1000.49"), told={"new_business": 100.4})
    publish(p50=Decimal("1100.51"), won_so_far=Decimal("550.40"), told={"new_business": 120.8})
    chart = client_for(cast.manager).get(PATH).context["waterfall"]
    assert (chart.begins_at, chart.ends_at, chart.change) == (1000, 1101, 101)
    assert [(bar.step.cause.value, bar.shown) for bar in chart.bars if bar.shown] == [
        ("won", 51), ("new_business", 20), ("rest", 30),
    ]  # fmt: skip
    assert sum(bar.shown for bar in chart.bars) == chart.change


def test_days_that_were_not_foretold_a_week_ago_have_no_waterfall(
    cast: Cast, client_for: ClientFor
) -> None:
    publish(days_ago=3)
    publish()
    page = page_of(client_for(cast.manager))
    assert "These days were not foretold a week ago." in page
    assert "From tomorrow on" not in page


def test_before_the_first_forecast_it_says_what_is_needed(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    assert "needs enough that were won and lost" in page_of(client)
    PredictionRun.objects.create(
        kind=RunKind.FORECAST,
        status=WorkStatus.SUCCEEDED,
        message="It needs 20 won deals; there are 3.",
    )
    assert "It needs 20 won deals; there are 3." in page_of(client)


def test_an_old_one_says_so_and_when_the_next_comes(cast: Cast, client_for: ClientFor) -> None:
    publish(days_ago=2)
    client = client_for(cast.manager)
    assert "the next is due tonight" not in page_of(client)
    Forecast.objects.update(made_on=today() - timedelta(days=3))
    assert "the next is due tonight" in page_of(client)
    PredictionRun.objects.create(kind=RunKind.FORECAST, status=WorkStatus.RUNNING)
    assert "A new one is being made now." in page_of(client)


def test_with_the_module_off_nothing_is_shown(
    acme: Tenant, cast: Cast, client_for: ClientFor
) -> None:
    publish()
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    client = client_for(cast.manager)
    page = page_of(client)
    assert "Predictions are switched off" in page
    assert "forecast-number" not in page
    assert client.get(f"{PATH}days.csv").status_code == 404


def lines_of(client: TenantClient, path: str) -> list[list[str]]:
    answer: Any = client.get(PATH + path)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))


def test_deals_as_a_file_name_no_more_than_the_page(cast: Cast, client_for: ClientFor) -> None:
    own = OpportunityFactory(owner=cast.rep, name="Own")
    hidden = OpportunityFactory(owner=cast.outsider, name="Hidden")
    publish(share_of(hidden.pk, 800, 0.5), share_of(own.pk, 1000, 0.25), owner=cast.rep)
    header, *lines = lines_of(client_for(cast.rep), "deals.csv?window=quarter")
    assert header[0] == "Id"
    assert lines == [
        [str(own.pk), "Own", str(own.account), "Rita Rep", "Engaging", "1000.0", "USD", "0.25", "250.0"],
        ["", "Deals that you may not see", "", "", "", "", "USD", "", "400.0"],
    ]  # fmt: skip
    entry = AuditEntry.objects.filter(event=Event.EXPORTED).latest("pk")
    assert entry.details == {"what": "forecast-deals", "filters": ["window"], "format": "csv"}


def test_forecasts_by_day_as_a_file(cast: Cast, client_for: ClientFor) -> None:
    yesterday = publish(days_ago=1, p50=Decimal(990)).made_on
    today = publish().made_on
    _, *lines = lines_of(client_for(cast.manager), "days.csv")
    assert lines == [
        [str(day), "2026-01-01", "2026-03-31", "USD", "500.00", "800.00", f"{p50}.00", "1300.00"]
        for day, p50 in ((yesterday, 990), (today, 1000))
    ]


def test_the_queries_do_not_grow(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    counts = []
    for days in (range(7, 0, -7), range(9, 0, -1)):
        Forecast.objects.all().delete()
        deals = [OpportunityFactory(owner=cast.rep) for _ in days]
        shares = [share_of(deal.pk, 100, 0.5) for deal in deals]
        for ago in days:
            publish(*shares, days_ago=ago)
        publish(*shares)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PATH).status_code == 200
        counts.append(len(queries))
    assert counts == [29, 29]


def test_who_may_not_see_forecasts_is_told(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    assert client_for(cast.rep).get(PATH).status_code == 403


def test_a_stretch_that_is_over_has_one_number(cast: Cast, client_for: ClientFor) -> None:
    publish(p10=Decimal(700), p50=Decimal(700), p90=Decimal(700), ends_on=date(2026, 3, 31))
    assert f"700{SPACE}$ won</h2>" in page_of(client_for(cast.manager))
