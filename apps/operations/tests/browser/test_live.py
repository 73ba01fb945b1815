"""Suggestions come and go in open pages, by a real socket, without a reload."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("announcer")]

NOW = timezone.now()


def suggest(site: Site, name: str) -> Suggestion:
    lead = LeadFactory(owner=site.cast.rep, first_name=name, last_name="Lopez")
    made: Suggestion = SuggestionFactory(
        lead=lead, assignee=site.cast.rep, title=f"Call {name} Lopez"
    )
    return made


def is_listening(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-live-state", "open")


def test_a_card_arrives_while_the_queue_is_open(rep_page: Page, site: Site) -> None:
    page = rep_page
    page.goto(f"{site.url}/suggestions/")
    is_listening(page)
    expect(page.locator("a.suggestion-link")).to_have_count(0)
    LeadFactory(owner=site.cast.rep, first_name="Ana", created_at=NOW - timedelta(days=30))
    scan_now(kind=ScanKind.FULL, now=NOW)
    expect(page.locator("a.suggestion-link")).to_have_count(1)
    expect(page.locator("#header-badge .count")).to_contain_text("1")


def top_of(element: Locator) -> float:
    return float(element.evaluate("element => element.getBoundingClientRect().top"))


def bottom_of(element: Locator) -> float:
    return float(element.evaluate("element => element.getBoundingClientRect().bottom"))


def test_nothing_moves_under_the_pointer_and_focus_stays(rep_page: Page, site: Site) -> None:
    page = rep_page
    suggest(site, "Ana")
    page.goto(f"{site.url}/suggestions/")
    is_listening(page)
    page.locator("a.suggestion-link").hover()
    page.locator("a.suggestion-link").focus()
    suggest(site, "Bea"), suggest(site, "Cleo")
    pill = page.locator("[data-news-pill]")
    expect(pill).to_have_text("2 new. Show")
    # It covers neither the views nor what stands in the cards, and stays in sight when the list is scrolled.
    expect(page.locator(".queue-head [data-news-pill]")).to_have_count(1)
    views, title = page.locator(".queue-views"), page.locator(".suggestion-title").first
    assert bottom_of(views) <= top_of(pill)
    assert bottom_of(pill) <= top_of(title) + 8
    expect(page.locator("a.suggestion-link")).to_have_count(1)
    expect(page.locator("a.suggestion-link")).to_be_focused()
    pill.click()
    expect(page.locator("a.suggestion-link")).to_have_count(3)
    expect(pill).to_have_count(0)
    # What was swapped in works like what was there.
    page.locator("a.suggestion-link", has_text="Bea").click()
    expect(page.locator("#suggestion-title")).to_contain_text("Bea")


def test_news_that_were_held_back_never_fill_another_list(rep_page: Page, site: Site) -> None:
    page = rep_page
    suggest(site, "Ana"), suggest(site, "Bea")
    page.goto(f"{site.url}/suggestions/")
    is_listening(page)
    page.locator("a.suggestion-link").first.hover()
    suggest(site, "Cleo")
    expect(page.locator("[data-news-pill]")).to_have_text("1 new. Show")
    page.keyboard.press("/")
    page.keyboard.type("Bea")
    page.keyboard.press("Enter")
    expect(page.locator("a.suggestion-link")).to_have_count(1)
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.locator("#suggestion-detail").hover()
    suggest(site, "Dora Bea")
    # What comes next is of this list.
    expect(page.locator("a.suggestion-link")).to_have_count(2)
    expect(page.get_by_label("Search suggestions")).to_have_value("Bea")


def test_the_first_decision_wins_and_the_other_page_is_told(
    rep_page: Page, site: Site, browser: Browser
) -> None:
    suggestion = suggest(site, "Ana")
    page = rep_page
    page.goto(f"{site.url}{suggestion.get_absolute_url()}")
    is_listening(page)
    with browser.new_context() as other:
        colleague = other.new_page()
        sign_in(colleague, site, "teammate")
        colleague.goto(f"{site.url}{suggestion.get_absolute_url()}")
        colleague.get_by_role("button", name="Approve").click()
        expect(colleague.locator("#messages")).to_contain_text("Approved:")
    note = page.locator("[data-news-note]")
    expect(note).to_contain_text("Applied by Tom Mate.")
    note.get_by_role("link", name="Look again").click()
    expect(page.locator(".detail-badges")).to_contain_text("Applied")


def test_a_lost_socket_catches_up(rep_page: Page, site: Site) -> None:
    page = rep_page
    sockets: list[WebSocketRoute] = []

    def note(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/live/suggestions/", note)
    page.goto(f"{site.url}/suggestions/")
    is_listening(page)
    sockets[0].close(code=1012)
    expect(page.locator("body")).to_have_attribute("data-live-state", "closed")
    # Said while the page waits for at least half a second before it connects again.
    suggest(site, "Ana")
    expect(page.locator("a.suggestion-link")).to_have_count(1)
    is_listening(page)
    assert len(sockets) == 2
