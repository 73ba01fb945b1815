"""The figures of the first page in the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.conftest import ApiClient, Cast
from apps.crm.tests.factories import LeadFactory, OpportunityFactory, TaskFactory
from apps.dashboard.tests.figures import closed_deal, moved_deal
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]
PATH = "/api/v1/dashboard/"


def test_it_tells_what_the_page_shows(cast: Cast, api_for: ApiFor) -> None:
    today = timezone.localdate()
    SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    TaskFactory(owner=cast.rep, due_on=today)
    deal = moved_deal("engaging", "proposal", owner=cast.rep, amount=Decimal("1500.50"))
    closed_deal("won", today, 70, owner=cast.rep)
    answer = api_for(cast.rep).get(PATH).json()
    assert {key: answer[key] for key in ("scope", "days", "waiting", "tasks_due", "team")} == {
        "scope": "me", "days": 90, "waiting": 1, "tasks_due": 1, "team": None,
    }  # fmt: skip
    deals = answer["deals"]
    dollars = deals["currencies"][0]
    assert (dollars["currency"], dollars["count"], dollars["amount"]) == ("USD", 1, "1500.50")
    assert dollars["stages"][2] == {
        "stage": "proposal", "count": 1, "amount": "1500.50", "unvalued": 0,
    }  # fmt: skip
    assert (dollars["won_amount"], dollars["velocity_per_day"]) == ("70.00", None)
    assert deals["closings"] == {"won": 1, "lost": 0, "win_rate_0_1": None, "cycle_days": None}
    move = deals["movement"]["latest"][0]
    assert (move["deal"], move["direction"], move["before"], move["after"]) == (
        deal.pk, "forward", "engaging", "proposal",
    )  # fmt: skip
    assert deals["conversion"][1] == {
        "stage": "engaging", "entered": 1, "moved_on": 1, "won": 0, "lost": 0, "rest": 0,
    }  # fmt: skip
    assert deals["aging"]["stages"][2]["limit_days"] == 45
    assert answer["news"]["found"] == 0


def test_a_manager_is_told_of_the_team(cast: Cast, api_for: ApiFor) -> None:
    OpportunityFactory(owner=cast.rep)
    OpportunityFactory(owner=None)
    team = api_for(cast.manager).get(PATH).json()["team"]
    assert [(row["person"], row["name"]) for row in team] == [
        (cast.rep.pk, "Rita Rep"), (None, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("scope=everyone", "scope"),
        ("scope=x", "scope"),
        ("days=7", "days"),
        ("tenant=globex", "tenant"),
    ],
)
def test_what_is_not_offered_is_refused(
    cast: Cast, api_for: ApiFor, query: str, field: str
) -> None:
    answer = api_for(cast.rep).get(f"{PATH}?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_the_period_is_that_which_was_asked_for(cast: Cast, api_for: ApiFor) -> None:
    closed_deal("won", timezone.localdate() - timedelta(days=40), owner=cast.rep)
    api = api_for(cast.rep)
    won = [api.get(f"{PATH}?days={days}").json()["deals"]["closings"]["won"] for days in (30, 90)]
    assert won == [0, 1]


def test_who_may_not_see_deals_is_refused(cast: Cast, api_for: ApiFor) -> None:
    cast.rep.groups.clear()
    assert api_for(cast.rep).get(PATH).status_code == 403
