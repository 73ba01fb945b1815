"""The first page of the day: one's own work and nobody else's."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.brain.enums import Goal
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory, OpportunityFactory, TaskFactory
from apps.dashboard.tests.figures import closed_deal, moved_deal
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.discovered import fire
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]


def test_it_shows_ones_own_suggestions_and_due_tasks(cast: Cast, client_for: ClientFor) -> None:
    today = timezone.localdate()
    SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), title="Mine to decide")
    SuggestionFactory(assignee=cast.teammate, title="A teammate decides")
    TaskFactory(owner=cast.rep, title="Due already", due_on=today - timedelta(days=1))
    TaskFactory(owner=cast.rep, title="Due in a week", due_on=today + timedelta(days=7))
    TaskFactory(owner=cast.teammate, title="A teammate's task", due_on=today - timedelta(days=1))
    page = client_for(cast.rep).get("/").content.decode()
    shown = {
        text: text in page
        for text in (
            "Mine to decide", "A teammate decides", "Due already", "Due in a week",
            "A teammate&#x27;s task",
        )
    }  # fmt: skip
    assert shown == {
        "Mine to decide": True,
        "A teammate decides": False,
        "Due already": True,
        "Due in a week": False,
        "A teammate&#x27;s task": False,
    }


def stats_of(client: TenantClient, query: str = "") -> dict[str, tuple[str, str]]:
    return {
        stat.label: (stat.value, stat.note) for stat in client.get(f"/{query}").context["stats"]
    }


def test_a_manager_is_told_what_waits_for_everyone(cast: Cast, client_for: ClientFor) -> None:
    SuggestionFactory(assignee=cast.rep, title="The rep decides")
    SuggestionFactory(assignee=cast.outsider, title="The outsider decides")
    SuggestionFactory(assignee=None, title="Nobody decides")
    client = client_for(cast.manager)
    assert stats_of(client)["Suggestions"] == ("3", "waiting for a decision")
    assert sorted(card.title for card in client.get("/").context["cards"]) == [
        "Nobody decides", "The outsider decides", "The rep decides",
    ]  # fmt: skip


def test_one_card_stands_for_a_record(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(owner=cast.rep)
    SuggestionFactory(assignee=cast.rep, lead=lead, rank=1, title="The lesser one")
    SuggestionFactory(
        assignee=cast.rep, lead=lead, rank=2, title="The better one", goal=Goal.ACT_ON_INTEREST
    )
    cards = client_for(cast.rep).get("/").context["cards"]
    assert [card.title for card in cards] == ["The better one"]


def test_the_address_says_whose_work_and_over_how_many_days(
    cast: Cast, client_for: ClientFor
) -> None:
    today = timezone.localdate()
    SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), title="The rep decides")
    SuggestionFactory(
        assignee=cast.teammate, lead=LeadFactory(owner=cast.teammate), title="A mate decides"
    )
    TaskFactory(owner=cast.teammate, due_on=today)
    OpportunityFactory(owner=cast.teammate, amount=Decimal("9000"))
    closed_deal("won", today - timedelta(days=100), 50, owner=cast.teammate)
    client = client_for(cast.rep)
    own = stats_of(client)
    assert own["Suggestions"] == ("1", "waiting for your decision")
    assert (own["Tasks due"][0], own["Open deals"][0], own["Won in 90 days"][0]) == ("0", "0", "0")
    mates = stats_of(client, "?scope=team&days=180")
    assert mates["Suggestions"] == ("2", "waiting for a decision")
    assert mates["Tasks due"] == ("1", "today or overdue")
    assert mates["Open deals"] == ("1", "worth 9,000\u00a0$")
    assert mates["Won in 180 days"] == ("1", "worth 50\u00a0$")


@pytest.mark.parametrize("query", ["?scope=everyone", "?scope=nobody&days=7", "?days=abc"])
def test_what_is_not_offered_falls_back(cast: Cast, client_for: ClientFor, query: str) -> None:
    OpportunityFactory(owner=cast.outsider)
    asked = client_for(cast.rep).get(f"/{query}").context["asked"]
    assert (asked.scope, asked.days) == ("me", 90)


def test_each_currency_stands_for_itself(cast: Cast, client_for: ClientFor) -> None:
    OpportunityFactory(owner=cast.rep, amount=Decimal("1500"))
    OpportunityFactory(owner=cast.rep, amount=Decimal("2500.50"))
    OpportunityFactory(owner=cast.rep, amount=Decimal("70"), currency="EUR")
    OpportunityFactory(owner=cast.teammate, amount=Decimal("9000"))
    stats = stats_of(client_for(cast.rep))
    assert stats["Open deals"] == ("3", "worth 4,000.50\u00a0$, 70\u00a0€")


def test_what_is_too_little_to_tell_is_not_told(cast: Cast, client_for: ClientFor) -> None:
    closed_deal("won", timezone.localdate(), owner=cast.rep)
    stats = stats_of(client_for(cast.rep))
    assert stats["Share won"] == ("—", "not enough data yet (1 of 10 closed deals)")
    assert stats["From opening to won"] == ("—", "not enough data yet (0 of 10 won deals)")
    assert "Sales velocity" not in stats


def test_the_team_is_for_managers(cast: Cast, client_for: ClientFor) -> None:
    OpportunityFactory(owner=cast.rep)
    manager = client_for(cast.manager)
    assert [row.person for row in manager.get("/").context["dashboard"].team] == [cast.rep]
    assert manager.get("/?scope=me").context["dashboard"].team is None
    assert client_for(cast.rep).get("/?scope=team").context["dashboard"].team is None


def test_the_team_as_a_file_has_a_line_for_each_currency(cast: Cast, client_for: ClientFor) -> None:
    OpportunityFactory.create_batch(2, owner=cast.rep, amount=Decimal("100.50"))
    OpportunityFactory(owner=cast.rep, amount=Decimal("70"), currency="EUR")
    closed_deal("won", timezone.localdate(), 50, owner=cast.rep)
    TaskFactory(owner=None, due_on=timezone.localdate() - timedelta(days=3))
    answer = client_for(cast.manager).get("/today/team.csv?days=30")
    lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert lines[1:] == [
        ["Rita Rep", "USD", "2", "201.00", "1", "50.00", "0", "0", "0", "0"],
        ["Rita Rep", "EUR", "1", "70.00", "0", "0", "", "", "", ""],
        ["Nobody", "", "0", "0", "0", "0", "0", "1", "0", "0"],
    ]
    assert client_for(cast.rep).get("/today/team.csv?scope=team").status_code == 403


def test_another_companys_figures_stay_there(
    cast: Cast, globex: Tenant, client_for: ClientFor
) -> None:
    with globex:
        OpportunityFactory(amount=Decimal("777"))
        closed_deal("won", timezone.localdate(), 888)
    stats = stats_of(client_for(cast.manager))
    assert (stats["Open deals"], stats["Won in 90 days"]) == (
        ("0", "none at present"),
        ("0", "none"),
    )


def test_who_has_no_role_is_shown_nothing_of_the_company(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), title="Mine to decide")
    TaskFactory(owner=cast.rep, title="Due already", due_on=timezone.localdate())
    OpportunityFactory(owner=cast.rep, amount=Decimal("1500"))
    Scan.objects.create(kind=ScanKind.FULL, status=ScanStatus.SUCCEEDED, finished_at=timezone.now())
    answer = client_for(cast.rep).get("/")
    shown = {key: answer.context[key] for key in ("cards", "stats", "tasks_due")}
    assert shown == {"cards": [], "stats": [], "tasks_due": []}
    dashboard = answer.context["dashboard"]
    parts = (
        dashboard.waiting,
        dashboard.tasks_due,
        dashboard.deals,
        dashboard.news,
        dashboard.team,
    )
    assert parts == (None,) * 5
    page = answer.content.decode()
    assert "Your role does not let you see suggestions" in page
    assert 'id="nav-badge"' not in page
    assert [path for path in ("/tasks/", "/suggestions/", "/scans/") if path in page] == []


def test_an_empty_day_says_so(cast: Cast, client_for: ClientFor) -> None:
    page = client_for(cast.rep).get("/").content.decode()
    assert "Nothing to decide" in page
    assert "finds a record of yours that needs attention" in page
    assert "No task is due" in page
    page = client_for(cast.manager).get("/").content.decode()
    assert "finds a record that needs attention" in page


@pytest.mark.parametrize(("who", "expected"), [("rep", 46), ("manager", 53)])
def test_query_count_does_not_grow(
    cast: Cast, client_for: ClientFor, who: str, expected: int
) -> None:
    client = client_for(getattr(cast, who))
    counts = []
    for total in (1, 3):
        while Suggestion.objects.count() < total:
            SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
            TaskFactory(owner=cast.rep, due_on=timezone.localdate())
            moved_deal("engaging", "proposal", owner=cast.rep)
            old = timezone.now() - timedelta(days=60)
            OpportunityFactory(owner=cast.rep, stage_entered_at=old)
            closed_deal("won", timezone.localdate(), owner=cast.rep)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/").status_code == 200
        counts.append(len(queries))
    assert counts == [expected, expected]


def test_what_was_discovered_stands_there_as_on_its_page(cast: Cast, client_for: ClientFor) -> None:
    for owner, name in ((cast.rep, "Winter"), (cast.teammate, "Summer")):
        fire("lead_hot", LeadFactory(owner=owner, last_name=name), timezone.now())
    client = client_for(cast.rep)
    own, team = (client.get(address).content.decode() for address in ("/", "/?scope=team"))
    assert ("Winter" in own, "Summer" in own) == (True, False)
    assert 'href="/discovered/?owner=me">All 1 record</a>' in own
    assert ("Winter" in team, "Summer" in team) == (True, True)
    assert f'href="/discovered/?owner=&amp;team={cast.team.pk}">All 2 records</a>' in team
