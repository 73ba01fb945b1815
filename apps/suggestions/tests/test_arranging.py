"""Narrowing and ordering the queue: facets with their numbers, one card for a record, views that are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import Risk
from apps.suggestions.enums import HeldBack, Segment, State
from apps.suggestions.facets import FACETS, count_facets
from apps.suggestions.models import SavedView, Suggestion
from apps.suggestions.queue import Queue, in_view, left_for
from apps.suggestions.saved_views import MOST_VIEWS
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import Severity
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
NOW = timezone.now()


def own(user: User, **fields: Any) -> Suggestion:
    made: Suggestion = SuggestionFactory(assignee=user, lead=LeadFactory(owner=user), **fields)
    return made


def shown(user: User, query: str = "") -> list[str]:
    """The titles on the queue's first page, in order."""
    queue = Queue.read(User.objects.get(pk=user.pk), QueryDict(query))
    return [card.title for card in queue.page.object_list]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("trigger=lead_new", ["New"]),
        ("tool=update_lead", ["Update"]),
        ("risk=high", ["Risky"]),
        ("urgency=3", ["Pressing"]),
        ("value=huge", ["Huge"]),
        ("confidence=high", ["Sure"]),
        ("confidence=middle", ["Even"]),
        ("confidence=low", ["Doubtful"]),
        ("age=day", ["Fresh"]),
        ("age=week", ["Fresh", "Recent"]),
    ],
)
def test_each_facet_narrows_to_its_own(cast: Cast, query: str, titles: list[str]) -> None:
    old = {"created_at": NOW - timedelta(days=12), "segment": Segment.SMALL}
    own(cast.rep, title="New", trigger="lead_new", **old)
    own(cast.rep, title="Update", tool="update_lead", **old)
    own(cast.rep, title="Risky", risk=Risk.HIGH, **old)
    own(cast.rep, title="Pressing", urgency=Severity.HIGH, **old)
    own(cast.rep, title="Huge", **{**old, "segment": Segment.HUGE})
    own(cast.rep, title="Sure", confidence=0.7, **old)
    own(cast.rep, title="Even", confidence=0.6999, **old)
    own(cast.rep, title="Doubtful", confidence=0.1, **old)
    own(cast.rep, title="Recent", segment=Segment.SMALL, created_at=NOW - timedelta(days=6))
    own(cast.rep, title="Fresh", segment=Segment.SMALL, created_at=NOW - timedelta(hours=1))
    assert sorted(shown(cast.rep, query)) == sorted(titles)


def test_the_owner_facet_knows_nobody(cast: Cast) -> None:
    own(cast.teammate, title="Theirs")
    SuggestionFactory(assignee=None, lead=LeadFactory(owner=None), title="Free")
    assert shown(cast.rep, f"view=team&owner={cast.teammate.pk}") == ["Theirs"]
    assert shown(cast.rep, "view=team&owner=0") == ["Free"]
    assert shown(cast.rep, f"view=team&owner={cast.outsider.pk}") == []


def test_the_same_filters_show_each_person_their_own(cast: Cast) -> None:
    for person in (cast.rep, cast.outsider):
        own(person, title=person.username, trigger="lead_new")
    for person in (cast.rep, cast.outsider):
        for view in ("mine", "team"):
            assert shown(person, f"view={view}&trigger=lead_new") == [person.username]
    # No id is as large as this.
    assert shown(cast.rep, f"view=team&owner={10**30}") == []


@pytest.mark.parametrize(
    ("order", "titles"),
    [
        ("", ["Best", "Rich", "Soon"]),
        ("newest", ["Soon", "Best", "Rich"]),
        ("oldest", ["Rich", "Best", "Soon"]),
        ("value", ["Rich", "Best", "Soon"]),
        ("expiry", ["Soon", "Best", "Rich"]),
    ],
)
def test_the_orders(cast: Cast, order: str, titles: list[str]) -> None:
    days = timedelta(days=1)
    own(
        cast.rep, title="Rich", rank=2, value_at_stake=900, created_at=NOW - 3 * days,
        expires_at=NOW + 9 * days,
    )  # fmt: skip
    own(
        cast.rep, title="Best", rank=3, value_at_stake=500, created_at=NOW - 2 * days,
        expires_at=NOW + 8 * days,
    )  # fmt: skip
    own(
        cast.rep, title="Soon", rank=1, value_at_stake=None, created_at=NOW - days,
        expires_at=NOW + 7 * days,
    )  # fmt: skip
    assert shown(cast.rep, f"sort={order}") == titles


def test_due_is_what_is_pressing_or_about_to_run_out(cast: Cast) -> None:
    own(cast.rep, title="Pressing", urgency=Severity.HIGH)
    own(cast.rep, title="Ends", expires_at=NOW + timedelta(hours=35))
    own(cast.rep, title="Waits", expires_at=NOW + timedelta(hours=37))
    own(cast.teammate, title="Theirs", urgency=Severity.HIGH)
    assert sorted(shown(cast.rep, "view=due")) == ["Ends", "Pressing"]
    assert sorted(shown(cast.manager, "view=due")) == ["Ends", "Pressing", "Theirs"]


def test_one_card_stands_for_a_record(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    best = SuggestionFactory(assignee=cast.rep, lead=lead, title="Best", rank=3, goal="meet_lead")
    SuggestionFactory(assignee=cast.rep, lead=lead, title="Next", rank=2, goal="revive_lead")
    SuggestionFactory(
        assignee=cast.rep, lead=lead, title="Kept", rank=9, goal="move_deal",
        held_back=HeldBack.DAILY_CAP,
    )  # fmt: skip
    SuggestionFactory(assignee=cast.teammate, lead=lead, title="Theirs", goal="clear_task")
    queue = Queue.read(User.objects.get(pk=cast.rep.pk), QueryDict(""))
    assert [(card.title, card.folded_count) for card in queue.page.object_list] == [("Best", 1)]
    assert (queue.counts["mine"], left_for(cast.rep)) == (1, 1)
    put_in(best, State.REJECTED, cast.rep)
    assert shown(cast.rep) == ["Next"]


def test_a_filter_finds_what_is_folded_away(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    SuggestionFactory(assignee=cast.rep, lead=lead, title="Best", rank=3, goal="meet_lead")
    SuggestionFactory(assignee=cast.rep, lead=lead, title="Next", rank=2, goal="revive_lead")
    assert shown(cast.rep, "goal=revive_lead") == ["Next"]
    # An order alone hides nothing and unfolds nothing.
    assert shown(cast.rep, "sort=newest") == ["Best"]


def test_suggestions_of_nobody_are_folded_too(cast: Cast) -> None:
    lead = LeadFactory(owner=None)
    SuggestionFactory(assignee=None, lead=lead, title="Best", rank=3, goal="meet_lead")
    SuggestionFactory(assignee=None, lead=lead, title="Next", rank=2, goal="revive_lead")
    assert shown(cast.rep, "view=unassigned") == ["Best"]


def test_the_numbers_are_those_that_a_choice_would_leave(cast: Cast) -> None:
    own(cast.rep, trigger="lead_new", risk=Risk.HIGH)
    own(cast.rep, trigger="lead_new", created_at=NOW - timedelta(days=3))
    own(cast.rep, trigger="lead_inactive", created_at=NOW - timedelta(days=9))
    rows = in_view(cast.rep, "mine")
    counted = count_facets(rows, {}, NOW)
    assert counted["trigger"] == [
        ("lead_inactive", "Lead gone quiet (1)"),
        ("lead_new", "New lead (2)"),
    ]
    assert counted["age"] == [
        ("day", "in the last 24 hours (1)"), ("week", "in the last 7 days (2)"), ("older", "longer ago (1)"),
    ]  # fmt: skip
    assert counted["owner"] == [(str(cast.rep.pk), "Rita Rep (3)")]
    chosen = count_facets(rows, {"trigger": "lead_new", "age": "week"}, NOW)
    # A facet keeps its own choices, so that one can change one's mind.
    assert chosen["trigger"] == [("lead_new", "New lead (2)")]
    assert chosen["risk"] == [("low", "Low risk (1)"), ("high", "High risk (1)")]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_numbers_take_as_many_queries_for_one_as_for_three(
    cast: Cast, client_for: ClientFor, django_assert_num_queries: Any, rows: int
) -> None:
    for _ in range(rows):
        own(cast.rep)
    client = client_for(cast.rep)
    client.get("/suggestions/facets/")
    with django_assert_num_queries(8):
        client.get("/suggestions/facets/")


def test_the_fields_with_numbers_are_a_fragment(cast: Cast, client_for: ClientFor) -> None:
    own(cast.rep, trigger="lead_new")
    own(cast.teammate, trigger="lead_new")
    fields = client_for(cast.rep).get("/suggestions/facets/?view=mine").content.decode()
    assert '<option value="lead_new">New lead (1)</option>' in fields
    assert "<html" not in fields
    assert fields.count("<select") == len(FACETS) + 1


def test_a_view_is_kept_shown_and_dropped(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    query = "view=team&tool=update_lead&q=&page=3&next=//evil.test"
    answer = client.post("/suggestions/views/", {"name": "Details", "query": query})
    view = SavedView.objects.get()
    assert (view.user, view.name, view.query) == (
        cast.rep, "Details", "view=team&tool=update_lead",
    )  # fmt: skip
    assert answer.headers["Location"] == "/suggestions/?view=team&tool=update_lead"
    assert "Details" in client.get("/suggestions/views/").content.decode()
    assert (
        client.post(f"/suggestions/views/{view.pk}/forget/").headers["Location"] == "/suggestions/"
    )
    assert not SavedView.objects.exists()


def test_the_same_name_is_given_anew(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    for query in ("view=team", "view=due"):
        client.post("/suggestions/views/", {"name": "Mine", "query": query})
    assert SavedView.objects.get().query == "view=due"


def test_nobody_sees_or_drops_anothers_views(cast: Cast, client_for: ClientFor) -> None:
    view = SavedView.objects.create(user=cast.rep, name="Private", query="view=team")
    client = client_for(cast.teammate)
    assert "Private" not in client.get("/suggestions/views/").content.decode()
    assert client.post(f"/suggestions/views/{view.pk}/forget/").status_code == 404
    assert SavedView.objects.get() == view


def test_more_views_than_fit_a_menu_are_not_kept(cast: Cast, client_for: ClientFor) -> None:
    SavedView.objects.bulk_create(
        SavedView(user=cast.rep, name=f"View {n}") for n in range(MOST_VIEWS)
    )
    answer = client_for(cast.rep).post("/suggestions/views/", {"name": "One more"}, follow=True)
    assert "You keep 20 views already. Drop one first." in answer.content.decode()
    assert SavedView.objects.count() == MOST_VIEWS


def test_a_view_of_a_list_of_records_is_kept_and_shown_there(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.rep)
    body = {"record_kind": "lead", "name": "Busy", "query": "status=working&owner=&page=3&x=1"}
    answer = client.post("/suggestions/views/", body)
    assert answer["Location"] == "/leads/?status=working&owner="
    client.post("/suggestions/views/", {"name": "Busy", "query": "view=team"})
    kept = SavedView.objects.filter(name="Busy").values_list("record_kind", flat=True)
    assert sorted(kept) == ["", "lead"]
    leads = client.get("/suggestions/views/?record_kind=lead").content.decode()
    queue = client.get("/suggestions/views/").content.decode()
    assert ("/leads/?status=" in leads, "/leads/?status=" in queue) == (True, False)
    assert "Kept" in client.get("/leads/").content.decode()
    scan = "/scans/new/?record_kind=lead&amp;query=status%3Dworking%26owner%3D&amp;name=Busy"
    assert f'href="{scan}"' in client.get("/discovered/").content.decode()
    view = SavedView.objects.get(record_kind="lead")
    assert client.post(f"/suggestions/views/{view.pk}/forget/")["Location"] == "/leads/"


def test_a_view_of_an_unknown_kind_is_not_kept(cast: Cast, client_for: ClientFor) -> None:
    body = {"record_kind": "x", "name": "Busy", "query": ""}
    assert client_for(cast.rep).post("/suggestions/views/", body)["Location"] == "/suggestions/"
    assert not SavedView.objects.exists()
