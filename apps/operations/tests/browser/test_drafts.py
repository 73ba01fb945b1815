"""An e-mail draft in a real browser: read in full, copied, noted as sent; on a phone too."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.crm.models import Activity
from apps.crm.tests.factories import ContactFactory, DraftFactory
from apps.operations.tests.browser.conftest import Site

pytestmark = pytest.mark.browser

BODY = "Good morning Ana,\n\nshall we talk about the roof on Monday?\n\nRita"


def test_a_draft_is_read_copied_and_noted_as_sent(rep_page: Page, site: Site) -> None:
    contact = ContactFactory(first_name="Ana", last_name="Lopez", owner=site.cast.rep)
    draft = DraftFactory(
        owner=site.cast.rep, contact=contact, to_address=contact.email or "ana@isdom.com",
        subject="The roof", body=BODY,
    )  # fmt: skip
    rep_page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    rep_page.goto(f"{site.url}{contact.get_absolute_url()}")
    rep_page.get_by_role("region", name="E-mail drafts").get_by_role(
        "link", name="The roof"
    ).click()
    rep_page.wait_for_url(f"{site.url}{draft.get_absolute_url()}")
    expect(rep_page.locator("#draft-text")).to_have_text(BODY)
    link = rep_page.get_by_role("link", name="Open in your mail program")
    assert (link.get_attribute("href") or "").startswith("mailto:")
    rep_page.get_by_role("button", name="Copy the text").click()
    expect(rep_page.locator("[data-messages]")).to_contain_text("Copied.")
    assert rep_page.evaluate("navigator.clipboard.readText()") == BODY
    for width in (1280, 390):
        rep_page.set_viewport_size({"width": width, "height": 900})
        assert Axe().run(rep_page).response["violations"] == []
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert rep_page.evaluate(wider) is False
    rep_page.get_by_role("button", name="Mark as sent").click()
    expect(rep_page.locator("#messages")).to_contain_text("Logged as sent: The roof")
    expect(rep_page.get_by_role("button", name="Mark as sent")).to_have_count(0)
    draft.refresh_from_db()
    assert (draft.status, Activity.objects.get().contact) == ("sent", contact)
