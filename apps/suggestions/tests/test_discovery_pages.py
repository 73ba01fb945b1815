"""The page "Discovered": what it shows, that reading changes nothing, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.suggestions.discoveries.looking import VISIT, mark_seen, note_look, seen_until
from apps.suggestions.models import DiscoveryLook
from apps.suggestions.tests.discovered import fire
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, TriggerState
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
NOW = timezone.now()
YESTERDAY = NOW - timedelta(days=1)
PAGE = "/discovered/"


def text_of(client: TenantClient, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_page_shows_record_owner_value_finding_and_the_way_to_its_review(
    cast: Cast, client_for: ClientFor
) -> None:
    lead = LeadFactory(owner=cast.rep, last_name="Winter", estimated_value=Decimal(1500))
    signal = fire("lead_inactive", lead, YESTERDAY)
    suggestion = SuggestionFactory(
        lead=lead, assignee=cast.rep, goal=signal.goal, title="Call Winter"
    )
    page = text_of(client_for(cast.rep))
    for part in (
        f'<a href="/leads/{lead.pk}/"><bdi>Lee Winter</bdi></a>',
        "1,500",
        "Lead gone quiet",
        f'<a href="/suggestions/{suggestion.pk}/"><bdi>Call Winter</bdi></a>',
        "1 new",
    ):
        assert part in page, part


def test_signs_that_nobody_sees_are_named(cast: Cast, client_for: ClientFor) -> None:
    fire("lead_inactive", LeadFactory(owner=cast.rep, last_name="Win\u202eter"), YESTERDAY)
    page = text_of(client_for(cast.rep))
    assert "Lee Win[U+202E]ter" in page
    assert "\u202e" not in page


def test_tiles_lead_to_their_records_and_into_the_queue_with_the_filters_in_force(
    cast: Cast, client_for: ClientFor
) -> None:
    fire("lead_hot", LeadFactory(owner=cast.rep), YESTERDAY)
    page = text_of(client_for(cast.manager), f"{PAGE}?owner={cast.rep.pk}&page=1")
    assert f'href="/discovered/?discovery=hot_lead&amp;owner={cast.rep.pk}"' in page
    assert f'href="/suggestions/?view=team&amp;discovery=hot_lead&amp;owner={cast.rep.pk}"' in page


def test_the_queue_narrowed_to_a_kind(cast: Cast, client_for: ClientFor) -> None:
    for trigger, title in (("lead_hot", "Ring back"), ("lead_inactive", "Write again")):
        lead = LeadFactory(owner=cast.rep)
        SuggestionFactory(lead=lead, assignee=cast.rep, trigger=trigger, title=title)
    page = text_of(client_for(cast.rep), "/suggestions/?discovery=hot_lead")
    assert ("Ring back" in page, "Write again" in page) == (True, False)


def test_reading_changes_nothing_and_marking_does_so_up_to_what_was_read(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.rep)
    fire("lead_hot", LeadFactory(owner=cast.rep), YESTERDAY)
    for _ in range(2):
        assert "1 new" in text_of(client)
    assert not DiscoveryLook.objects.exists()
    read_at = NOW - timedelta(hours=1)
    fire("lead_hot", LeadFactory(owner=cast.rep), NOW - timedelta(minutes=1))
    answer = client.post(f"{PAGE}seen/", {"until": read_at.isoformat()})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert "1 new" in text_of(client)
    assert "2 new" in text_of(client_for(cast.manager))
    assert client.get(f"{PAGE}seen/").status_code == 405


def test_what_is_new_stays_so_for_the_visit_and_half_an_hour_and_no_longer(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.rep)
    fire("lead_hot", LeadFactory(owner=cast.rep), YESTERDAY)
    page = text_of(client)
    assert 'data-look="/discovered/looked/"' in page
    read_at = page.partition('data-look-until="')[2].partition('"')[0]
    for _ in range(2):
        assert client.post(f"{PAGE}looked/", {"until": read_at}).status_code == 204
        assert "1 new" in text_of(client)
    DiscoveryLook.objects.update(looked_until=timezone.now() - VISIT)
    assert "1 new" not in text_of(client)
    fire("lead_hot", LeadFactory(owner=cast.rep), timezone.now() - timedelta(minutes=1))
    assert "1 new" in text_of(client)
    assert "2 new" in text_of(client_for(cast.manager))


def test_looks_move_what_was_seen_along_and_never_back(cast: Cast) -> None:
    rep, noon = cast.rep, NOW - timedelta(days=2)
    minutes = [noon + timedelta(minutes=at) for at in (0, 20, 49, 50, 200)]
    note_look(rep, minutes[0], minutes[0])
    note_look(rep, minutes[1], minutes[1])
    # Within half an hour of a look the visit goes on.
    assert seen_until(rep, minutes[2]) is None
    assert seen_until(rep, minutes[3]) == minutes[1]
    note_look(rep, minutes[4], minutes[4])
    for _ in range(2):
        note_look(rep, minutes[0], minutes[4])
        note_look(rep, minutes[4], minutes[4])
        assert seen_until(rep, minutes[4]) == minutes[1]
    assert seen_until(rep, minutes[4] + VISIT) == minutes[4]
    # The button does it at once, and a look does not take it back.
    mark_seen(rep, minutes[4], minutes[4])
    note_look(rep, minutes[4] + timedelta(minutes=1), minutes[4] + timedelta(minutes=1))
    assert seen_until(rep, minutes[4] + timedelta(minutes=1)) == minutes[4]
    note_look(rep, NOW + timedelta(days=9), NOW)
    assert DiscoveryLook.objects.get().looked_until == NOW


def test_a_look_at_less_than_the_page_begins_with_is_none(
    cast: Cast, client_for: ClientFor
) -> None:
    clients = {"rep": client_for(cast.rep), "manager": client_for(cast.manager)}
    narrowed = {
        (who, query): "data-look=" not in text_of(client, f"{PAGE}?{query}")
        for who, client in clients.items()
        for query in ("", "new=on", "owner=", "owner=me", "q=x", "discovery=hot_lead")
    }
    assert {key for key, is_narrowed in narrowed.items() if is_narrowed} == {
        ("manager", "owner=me"),
        *((who, query) for who in clients for query in ("q=x", "discovery=hot_lead")),
    }


@pytest.mark.parametrize("until", ["", "yesterday", "2026-99-99T00:00Z"])
def test_a_look_without_a_readable_moment_is_not_noted(
    cast: Cast, client_for: ClientFor, until: str
) -> None:
    client = client_for(cast.rep)
    assert client.post(f"{PAGE}looked/", {"until": until}).status_code == 422
    assert client.get(f"{PAGE}looked/").status_code == 405
    assert not DiscoveryLook.objects.exists()


@pytest.mark.parametrize("until", ["", "yesterday", "2026-99-99T00:00Z"])
def test_without_a_readable_moment_nothing_is_marked(
    cast: Cast, client_for: ClientFor, until: str
) -> None:
    assert client_for(cast.rep).post(f"{PAGE}seen/", {"until": until}).status_code == 302
    assert not DiscoveryLook.objects.exists()


def test_another_teams_records_and_another_tenants_do_not_show(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor
) -> None:
    fire("lead_hot", LeadFactory(owner=cast.outsider, last_name="Hidden"), YESTERDAY)
    with globex:
        fire("lead_hot", LeadFactory(owner=None, last_name="Foreign"), YESTERDAY)
    page = text_of(client_for(cast.rep))
    assert ("Hidden" in page, "Foreign" in page) == (False, False)
    assert "Foreign" not in text_of(client_for(cast.manager))


def test_what_is_asked_wrongly_narrows_nothing(cast: Cast, client_for: ClientFor) -> None:
    fire("lead_hot", LeadFactory(owner=cast.rep, last_name="Summer"), YESTERDAY)
    client = client_for(cast.rep)
    for query in (
        "discovery=x",
        "owner=999",
        "owner=x",
        "team=1",
        "order=x",
        "page=-1",
        "page=999",
    ):
        assert "Summer" in text_of(client, f"{PAGE}?{query}"), query


def test_a_rep_begins_with_their_own_records_and_a_manager_with_everybodys(
    cast: Cast, client_for: ClientFor
) -> None:
    for owner, name in ((cast.rep, "Summer"), (cast.teammate, "Winter")):
        fire("lead_hot", LeadFactory(owner=owner, last_name=name), YESTERDAY)
    rep, manager = client_for(cast.rep), client_for(cast.manager)
    shown = [
        ("Summer" in page, "Winter" in page)
        for page in (text_of(rep), text_of(rep, f"{PAGE}?owner="), text_of(manager))
    ]
    assert shown == [(True, False), (True, True), (True, True)]
    assert 'href="/discovered/?discovery=hot_lead&amp;owner=me"' in text_of(rep)
    tile = text_of(rep, f"{PAGE}?discovery=hot_lead&owner=me")
    assert 'href="/discovered/?owner=me"' in tile


def test_two_findings_with_one_suggestion_lead_to_it_once(
    cast: Cast, client_for: ClientFor
) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    for key in ("deal_stalled", "deal_decaying"):
        signal = fire(key, deal, YESTERDAY)
    suggestion = SuggestionFactory(
        assignee=cast.rep, goal=signal.goal, record_kind="opportunity", record_id=deal.pk
    )
    page = text_of(client_for(cast.rep))
    assert page.count(f'href="/suggestions/{suggestion.pk}/"') == 1


def test_the_empty_states(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    assert "Nothing has been looked at yet" in text_of(client)
    TriggerState.objects.create(
        trigger="lead_hot", cursor=1, looked_at=NOW, epoch="", looked_fully_at=NOW
    )
    assert "Nothing to catch up on" in text_of(client)
    assert "Nothing fits these filters" in text_of(client, f"{PAGE}?q=nobody")


def test_the_page_says_when_records_were_last_looked_at(cast: Cast, client_for: ClientFor) -> None:
    TriggerState.objects.create(
        trigger="lead_hot", cursor=1, looked_at=NOW, epoch="", looked_fully_at=NOW
    )
    client = client_for(cast.rep)
    assert "next daily scan" in text_of(client)
    for kind, words in (
        (ScanKind.FULL, "Looked at all records <time"),
        (ScanKind.MANUAL, "by hand <time"),
        (ScanKind.REALTIME, "as something happened <time"),
    ):
        assert words not in text_of(client)
        Scan.objects.create(kind=kind, status=ScanStatus.SUCCEEDED, finished_at=NOW)
        assert words in text_of(client)


def test_the_page_reads_as_often_for_one_record_as_for_three_of_each_kind(
    cast: Cast, client_for: ClientFor
) -> None:
    def add() -> None:
        account = AccountFactory(owner=cast.teammate)
        contact = ContactFactory(owner=cast.teammate, account=account)
        deal = OpportunityFactory(owner=cast.teammate, account=account)
        lead = LeadFactory(owner=cast.teammate)
        for key, record in (
            ("lead_inactive", lead),
            ("lead_hot", lead),
            ("engagement_shift", contact),
            ("account_silent", account),
            ("deal_stalled", deal),
            ("followup_missing", ActivityFactory(opportunity=deal)),
        ):
            signal = fire(key, record, YESTERDAY)
        SuggestionFactory(lead=lead, assignee=cast.teammate, goal=signal.goal)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            text_of(client, f"{PAGE}?owner=")
        return len(queries)

    client = client_for(cast.rep)
    add()
    text_of(client)
    first = count()
    add()
    add()
    assert (count(), first) == (first, first)
    assert first <= 32


def test_pages(cast: Cast, client_for: ClientFor) -> None:
    for n in range(27):
        fire("lead_hot", LeadFactory(owner=cast.rep, last_name=f"Summer{n:02}"), YESTERDAY)
    client = client_for(cast.rep)
    assert "1–25 of 27 records" in text_of(client)
    assert "26–27 of 27 records" in text_of(client, f"{PAGE}?page=2")
