"""What an empty queue says: why nothing is there, and the one thing to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.enums import HeldBack
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]


def queue(client: TenantClient, query: str = "") -> str:
    return client.get(f"/suggestions/{query}").content.decode()


def look_at_everything() -> None:
    scan_now(kind=ScanKind.FULL, now=timezone.now() - timedelta(minutes=1))
    Suggestion.objects.all().delete()


def test_without_records_a_manager_is_led_to_the_import(cast: Cast, client_for: ClientFor) -> None:
    page = queue(client_for(cast.manager))
    assert ("No data yet" in page, "Import records" in page) == (True, True)
    page = queue(client_for(cast.rep))
    assert ("No data yet" in page, "Import records" in page) == (True, False)


def test_before_the_first_scan(cast: Cast, client_for: ClientFor) -> None:
    LeadFactory(owner=cast.rep)
    assert "Nothing has been looked at yet" in queue(client_for(cast.rep))


def test_all_clear_says_when_everything_is_looked_at_again(
    cast: Cast, client_for: ClientFor
) -> None:
    LeadFactory(owner=cast.rep)
    look_at_everything()
    page = queue(client_for(cast.rep))
    # Four in the morning of UTC, in Berlin's winter or summer.
    assert "All clear" in page
    assert "everything at 05:00." in page or "everything at 06:00." in page


def test_what_is_held_back_is_said(cast: Cast, client_for: ClientFor) -> None:
    LeadFactory(owner=cast.rep)
    look_at_everything()
    SuggestionFactory(assignee=cast.rep, held_back=HeldBack.DAILY_CAP)
    page = queue(client_for(cast.rep))
    assert "All clear for now" in page
    assert "1 more wait behind your number a day" in page
    kept = queue(client_for(cast.rep), "?view=held_back")
    card = kept[kept.index('class="suggestion-link"') : kept.index('id="suggestion-title"')]
    assert card.count("Above the day&#x27;s number for this person") == 1


def test_a_part_that_is_switched_off_says_so(
    cast: Cast, acme: Tenant, client_for: ClientFor
) -> None:
    ModuleGate.objects.filter(tenant=acme, module=Module.SUGGESTIONS).update(is_on=False)
    assert "Suggestions are switched off" in queue(client_for(cast.rep))


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("snoozed", "Nothing is snoozed"),
        ("held_back", "Nothing is held back"),
        ("done", "No decisions yet"),
        ("withdrawn", "Nothing was withdrawn"),
    ],
)
def test_each_view_has_words_of_its_own(
    cast: Cast, client_for: ClientFor, view: str, words: str
) -> None:
    assert words in queue(client_for(cast.rep), f"?view={view}")


def test_filters_that_find_nothing_are_not_an_empty_queue(
    cast: Cast, client_for: ClientFor
) -> None:
    page = queue(client_for(cast.rep), "?q=nobody")
    assert ("Nothing matches these filters" in page, "No data yet" in page) == (True, False)
