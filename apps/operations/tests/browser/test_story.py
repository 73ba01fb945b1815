"""The story of a suggestion and the head of the audit log in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.audit.sealing import seal_log
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now

pytestmark = pytest.mark.browser

NOW = timezone.now()


@pytest.fixture
def manager_page(page: Page, site: Site, complaints: list[str]) -> Page:
    """A page on which the manager has signed in."""
    sign_in(page, site, "manager")
    return page


@pytest.fixture
def suggestion(site: Site) -> Suggestion:
    """A suggestion to correct a contact's phone number."""
    contact = ContactFactory(owner=site.cast.rep, phone="+1 555 0100")
    ActivityFactory(
        contact=contact,
        owner=site.cast.rep,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan_now(kind=ScanKind.FULL, now=NOW)
    found: Suggestion = Suggestion.objects.get()
    return found


def test_an_approval_and_what_led_to_it_are_told(
    manager_page: Page, site: Site, suggestion: Suggestion
) -> None:
    page = manager_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Approved")
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("link", name="The whole story").click()
    expect(page.locator(".timeline strong")).to_have_text(
        [
            "Signal fired: Contact details out of date", "Brain called", "Suggestion created",
            "Suggestion shown", "Suggestion approved", "Change applied",
        ]
    )  # fmt: skip
    expect(page.locator(".changes")).to_contain_text("+1 555 0123")
    page.get_by_role("link", name="In the audit log").click()
    expect(page.locator("tbody tr").first).to_contain_text("Change applied")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_story_and_log_fit_and_can_be_read(
    manager_page: Page, site: Site, suggestion: Suggestion, scheme: str, width: int
) -> None:
    seal_log(now=NOW)
    page = manager_page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    for path in (f"/suggestions/{suggestion.pk}/story/", "/audit/"):
        page.goto(f"{site.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
