"""The digest in a real browser: the mail in its frame, sending it, and its pages in every shape."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.digest.composing import compose, write_mail
from apps.suggestions.digest.links import unsubscribe_path
from apps.suggestions.digest.models import DigestPreference, DigestSent
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def suggestion(site: Site) -> Suggestion:
    """One suggestion that waits for the rep."""
    made: Suggestion = SuggestionFactory(
        assignee=site.cast.rep, lead=LeadFactory(owner=site.cast.rep), title="Write to Anna"
    )
    return made


def test_a_person_reads_and_sends_their_digest(
    rep_page: Page, site: Site, suggestion: Suggestion
) -> None:
    page = rep_page
    page.get_by_role("link", name="Digest").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Write to Anna")).to_be_visible()
    page.get_by_text("As plain text").click()
    expect(page.locator("pre")).to_contain_text("* Write to Anna")
    # By the keyboard alone.
    page.get_by_role("button", name="Send it to me now").press("Enter")
    expect(page.locator("#messages")).to_contain_text("Sent to rep@acme.test.")
    expect(page.get_by_role("button", name="Send it to me now")).to_have_count(0)
    assert DigestSent.objects.get().status == "sent"


def test_whoever_has_the_link_unsubscribes_without_a_sign_in(
    page: Page, site: Site, complaints: list[str]
) -> None:
    page.goto(site.url + unsubscribe_path(site.tenant, site.cast.rep))
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading")).to_have_text("You are unsubscribed")
    wish = DigestPreference.objects.get()
    assert (wish.person, wish.is_on) == (site.cast.rep, False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_the_pages_fit_and_can_be_read(
    page: Page, site: Site, suggestion: Suggestion, complaints: list[str], scheme: str, width: int
) -> None:
    sign_in(page, site, "manager")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/digest/", "/digest/schedule/", "/digest/sent/", "/profile/"):
        page.goto(f"{site.url}{path}")
        look_at(page, path, width)
    # In its frame the mail runs no script, the judge's neither: it is looked at by itself.
    page.goto("about:blank")
    page.set_content(write_mail(compose(site.cast.manager, site.tenant, timezone.now())).html)
    # The mail's ground is the program's own, which axe takes for white in the dark, too.
    look_at(page, "mail", width, judges_contrast=scheme == "light")


def look_at(page: Page, name: str, width: int, *, judges_contrast: bool = True) -> None:
    """Nothing stands beyond the window's edge, and axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    options = {"iframes": False, "rules": {"color-contrast": {"enabled": judges_contrast}}}
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, (name, found.generate_report())
