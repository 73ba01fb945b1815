"""The whole page loses its connection, and comes back: nothing is decided unseen, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("announcer")]

OFFLINE = (
    "You are offline: nothing was sent, and what you have typed is still here."
    " Try again when you are back."
)


def suggest(site: Site, name: str, rank: float = 0) -> Suggestion:
    lead = LeadFactory(owner=site.cast.rep, first_name=name, last_name="Lopez")
    made: Suggestion = SuggestionFactory(
        lead=lead, assignee=site.cast.rep, title=f"Call {name} Lopez", rank=rank
    )
    return made


@pytest.fixture
def cut_connections(complaints: list[str]) -> Iterator[None]:
    """What the browser has to say of a request without a connection is no complaint."""
    yield
    expected = ("ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")
    complaints[:] = [said for said in complaints if not any(name in said for name in expected)]


@pytest.mark.usefixtures("cut_connections")
def test_a_decision_waits_until_one_is_back(rep_page: Page, site: Site) -> None:
    page = rep_page
    suggest(site, "Ana", rank=2), suggest(site, "Bea", rank=1)
    page.goto(f"{site.url}/suggestions/")
    expect(page.locator("body")).to_have_attribute("data-live-state", "open")
    page.context.set_offline(True)
    page.locator("#suggestion-detail summary", has_text="Reject").click()
    page.get_by_label("Note").fill("They moved away")
    page.get_by_role("button", name="Not needed").click()
    expect(page.locator("#messages")).to_contain_text(OFFLINE)
    # Card, list and note are as they were, and nothing was decided.
    expect(page.locator("#suggestion-title")).to_have_text("Call Ana Lopez")
    expect(page.locator("a.suggestion-link")).to_have_count(2)
    expect(page.get_by_label("Note")).to_have_value("They moved away")
    assert Decision.objects.count() == 0
    suggest(site, "Cleo", rank=0)
    page.context.set_offline(False)
    # The list catches up by itself.
    expect(page.locator("a.suggestion-link")).to_have_count(3)
    page.get_by_role("button", name="Not needed").click()
    expect(page.locator("#messages")).to_contain_text("Rejected: Call Ana Lopez. 2 left.")
    expect(page.locator("#suggestion-title")).to_have_text("Call Bea Lopez")
    expect(page.locator("a.suggestion-link")).to_have_count(2)
    assert Decision.objects.get().note == "They moved away"
