"""Search in a real browser: the shortcut, results while typing, a phone, and without JavaScript."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.operations.tests.browser.conftest import Site, sign_in

pytestmark = pytest.mark.browser

BOX = "[data-search-box]:visible"


def make_records(site: Site) -> None:
    """A record of each kind that "isdom" finds, and many leads."""
    rep = site.cast.rep
    account = AccountFactory(name="Isdom", owner=rep, website="isdom.example")
    ContactFactory(last_name="Ek", email="ek@isdom.example", owner=rep, account=account)
    OpportunityFactory(name="Isdom GTX", account=account, owner=rep, amount=550)
    TaskFactory(title="Call Isdom", owner=rep)
    for number in range(6):
        LeadFactory(last_name=f"Number{number}", company="Isdom Works", owner=rep)


def test_the_keyboard_finds_a_record_from_any_page(rep_page: Page, site: Site) -> None:
    make_records(site)
    page = rep_page
    page.goto(f"{site.url}/tasks/")
    page.keyboard.press("Control+k")
    expect(page.locator(BOX)).to_be_focused()
    page.keyboard.type("call isdom")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=call+isdom")
    expect(page.locator(".hit")).to_have_count(1)
    # Again: the box has the keyboard, and what stands there is replaced.
    page.keyboard.press("Control+k")
    page.keyboard.type("isdom")
    expect(page.get_by_role("link", name="All 5+ in Leads")).to_be_visible()
    expect(page.locator("#search-status")).to_have_text(
        "5 or more leads, 1 contact, 1 account, 1 deal, 1 task"
    )
    assert page.url == f"{site.url}/search/?q=isdom"
    page.get_by_role("link", name="Isdom GTX").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Isdom GTX")
    # Back on the whole page, not on the fragment that was fetched from its address.
    page.go_back()
    expect(page.locator(BOX)).to_have_value("isdom")
    expect(page.locator(".hit")).to_have_count(9)


def test_a_slash_searches_unless_somebody_is_typing(rep_page: Page, site: Site) -> None:
    page = rep_page
    page.goto(f"{site.url}/leads/")
    filters = page.locator(".filter-bar").get_by_label("Search", exact=True)
    filters.press_sequentially("a/b")
    expect(filters).to_have_value("a/b")
    filters.blur()
    page.keyboard.press("/")
    expect(page.locator(BOX)).to_be_focused()
    expect(page.locator(BOX)).to_have_value("")


def test_on_a_phone_search_is_a_page_of_its_own(rep_page: Page, site: Site) -> None:
    make_records(site)
    page = rep_page
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"{site.url}/leads/")
    expect(page.locator(BOX)).to_have_count(0)
    page.get_by_role("banner").get_by_role("link", name="Search").click()
    page.wait_for_url("**/search/")
    expect(page.locator(BOX)).to_be_focused()
    page.keyboard.type("isdom")
    expect(page.locator(".hit")).to_have_count(9)
    assert page.evaluate("document.documentElement.scrollWidth") == 380
    # Where there is no box, the shortcut leads to the page that has one.
    page.goto(f"{site.url}/leads/")
    page.keyboard.press("Control+k")
    page.wait_for_url("**/search/")


def test_search_works_without_javascript(browser: Browser, site: Site) -> None:
    make_records(site)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site, "rep")
    page.locator(BOX).fill("isdom works")
    page.locator(BOX).press("Enter")
    page.wait_for_url("**/search/?q=isdom+works")
    page.get_by_role("link", name="All 5+ in Leads").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_axe_finds_nothing_on_the_page_of_search(
    rep_page: Page, site: Site, scheme: str, width: int
) -> None:
    make_records(site)
    page = rep_page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/search/?q=isdom", "/search/", "/search/?q=xyzzy", "/leads/"):
        page.goto(f"{site.url}{path}")
        found = Axe().run(page).response["violations"]
        assert [(path, issue["id"], issue["nodes"][0]["html"]) for issue in found] == []
