"""The first page of the day: one's own work and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory, OpportunityFactory, TaskFactory
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
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


def test_a_manager_is_told_what_waits_for_everyone(cast: Cast, client_for: ClientFor) -> None:
    SuggestionFactory(assignee=cast.rep, title="The rep decides")
    SuggestionFactory(assignee=cast.outsider, title="The outsider decides")
    SuggestionFactory(assignee=None, title="Nobody decides")
    context = client_for(cast.manager).get("/").context
    assert context["stats"][0] == ("Suggestions", "3", "waiting for a decision")
    assert sorted(card.title for card in context["cards"]) == [
        "Nobody decides", "The outsider decides", "The rep decides",
    ]  # fmt: skip


def test_a_count_at_its_limit_says_that_there_are_more(cast: Cast, client_for: ClientFor) -> None:
    SuggestionFactory.create_batch(101, assignee=cast.rep)
    for person, whose in ((cast.rep, "your"), (cast.manager, "a")):
        stats = client_for(person).get("/").context["stats"]
        assert stats[0] == ("Suggestions", "99+", f"waiting for {whose} decision")


def test_the_figures_count_ones_own_open_deals(cast: Cast, client_for: ClientFor) -> None:
    OpportunityFactory(owner=cast.rep, amount=Decimal("1500"))
    OpportunityFactory(owner=cast.rep, amount=Decimal("2500.50"))
    OpportunityFactory(owner=cast.teammate, amount=Decimal("9000"))
    page = client_for(cast.rep).get("/").content.decode()
    assert "worth 4,000.50\u00a0$" in page


def test_who_has_no_role_is_shown_nothing_of_the_company(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), title="Mine to decide")
    TaskFactory(owner=cast.rep, title="Due already", due_on=timezone.localdate())
    OpportunityFactory(owner=cast.rep, amount=Decimal("1500"))
    Scan.objects.create(kind=ScanKind.FULL, status=ScanStatus.SUCCEEDED, finished_at=timezone.now())
    answer = client_for(cast.rep).get("/")
    shown = {key: answer.context[key] for key in ("cards", "stats", "last_scan")}
    assert shown == {"cards": [], "stats": [], "last_scan": None}
    assert list(answer.context["tasks_due"]) == []
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


def test_query_count_does_not_grow(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    counts = []
    for total in (1, 3):
        while Suggestion.objects.count() < total:
            SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
            TaskFactory(owner=cast.rep, due_on=timezone.localdate())
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/").status_code == 200
        counts.append(len(queries))
    assert counts == [15, 15]
