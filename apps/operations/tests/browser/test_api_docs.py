"""The API's documentation page in a real browser, under the strict content policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def open_list_of_leads(page: Page, site: Site) -> None:
    """Narrow the page to leads, as one does: of many operations it draws those near the window alone."""
    with page.expect_response(f"{site.url}/api/schema/"):
        page.goto(f"{site.url}/api/docs/")
    page.locator(".operation-filter-input").fill("leads")
    page.locator("#operations-leads-leads_list .opblock-summary").click()


def test_the_page_shows_the_api_without_a_complaint_or_a_request_elsewhere(
    page: Page, site: Site, complaints: list[str]
) -> None:
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((site.url, "data:")):
            elsewhere.append(request.url)

    page.on("request", note)
    open_list_of_leads(page, site)
    expect(page.locator(".info .title")).to_contain_text("AiSHA API")
    expect(page.locator(".opblock.is-open .parameters").first).to_contain_text("updated_from")
    assert elsewhere == []


def test_a_signed_in_person_can_try_a_call_out(rep_page: Page, site: Site) -> None:
    LeadFactory(owner=site.cast.rep, last_name="Lovelace")
    open_list_of_leads(rep_page, site)
    block = rep_page.locator("#operations-leads-leads_list")
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table")).to_contain_text("Lovelace")
