"""API tokens on one's own page, in a real browser: chosen scopes, the key shown once, revoking."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.operations.tests.browser.conftest import Site

pytestmark = pytest.mark.browser

READING, DECIDING = "Read everything that you see", "Decide on suggestions"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_token_is_made_with_its_scopes_shown_once_and_revoked(
    rep_page: Page, site: Site, width: int
) -> None:
    page = rep_page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site.url}/profile/")
    tokens = page.get_by_role("region", name="API tokens")
    expect(tokens.get_by_label(READING)).to_be_checked()
    expect(tokens.get_by_label(DECIDING)).not_to_be_checked()
    tokens.get_by_label("Name").fill("Nightly export")
    tokens.get_by_label(DECIDING).check()
    tokens.get_by_role("button", name="Make a token").click()
    key = page.get_by_role("status").locator("code").first.inner_text()
    assert key.startswith("aisha_")
    row = tokens.get_by_role("row", name="Nightly export")
    expect(row.get_by_role("listitem")).to_have_text([READING, DECIDING])
    expect(row).to_contain_text("never")
    assert Axe().run(page).response["violations"] == []

    page.goto(f"{site.url}/profile/")
    expect(page.get_by_text(key)).to_have_count(0)
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Token “Nightly export” revoked.")).to_be_visible()
    expect(row).to_have_count(0)
