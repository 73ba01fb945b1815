"""A rep's Monday morning, in a real browser against a real server, worker and database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from apps.crm.enums import Direction
from apps.crm.models import Contact, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory, TaskFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now

pytestmark = pytest.mark.browser

NOW = timezone.now()


def make_findings(site: Site) -> None:
    """One finding for each of the four tools."""
    rep = site.cast.rep
    LeadFactory(owner=rep, first_name="Ana", last_name="Lopez", created_at=NOW - timedelta(days=30))
    TaskFactory(owner=rep, title="Send the quote", due_on=(NOW - timedelta(days=9)).date())
    contact = ContactFactory(owner=rep, first_name="Kim", last_name="Park", phone="+1 555 0100")
    ActivityFactory(
        owner=rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=2),
        stated_details={"phone": "+1 555 0199"},
    )
    # It is answered: nothing but the signature calls for attention.
    ActivityFactory(
        owner=rep,
        contact=contact,
        direction=Direction.OUTBOUND,
        occurred_at=NOW - timedelta(days=1),
    )
    ActivityFactory(
        owner=rep,
        counterpart_address="maria.silva@novacorp.test",
        counterpart_name="Maria Silva",
        occurred_at=NOW - timedelta(days=1),
    )


def open_card(page: Page, text: str) -> None:
    """Open a card, unless the last decision has opened it already."""
    title = page.locator("#suggestion-title")
    # The next card comes with the answer; the list that marks it catches up later.
    if text not in "".join(title.all_text_contents()):
        page.locator("a.suggestion-link", has_text=text).click()
    expect(title).to_contain_text(text)


def test_scan_then_one_decision_of_each_tool(rep_page: Page, site: Site) -> None:
    make_findings(site)
    page = rep_page
    page.goto(f"{site.url}/scans/")
    page.get_by_role("button", name="Scan now").click()
    expect(page.get_by_role("link", name="See the suggestions")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="See the suggestions").click()
    expect(page.locator("a.suggestion-link")).to_have_count(4)

    for left, title in ((3, "Kim Park"), (2, "Maria Silva"), (1, "Send the quote")):
        open_card(page, title)
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#messages")).to_contain_text(f"{left} left.")
    open_card(page, "Ana Lopez")
    page.locator("summary", has_text="Reject").click()
    page.get_by_role("button", name="Bad timing").click()
    expect(page.locator("#messages")).to_contain_text("Rejected:")
    expect(page.locator("a.suggestion-link")).to_have_count(0)

    assert Contact.objects.get(last_name="Park").phone == "+1 555 0199"
    assert Lead.objects.get(email="maria.silva@novacorp.test").owner == site.cast.rep
    moved = Task.objects.get(title="Send the quote").due_on
    assert moved is not None
    assert moved > timezone.localdate()
    states = Suggestion.objects.values_list("tool", "state").order_by("tool")
    assert list(states) == [
        ("create_followup", "rejected"),
        ("create_lead", "applied"),
        ("update_contact", "applied"),
        ("update_task", "applied"),
    ]


def test_a_stale_suggestion_shows_what_changed_instead_of_applying(
    rep_page: Page, site: Site
) -> None:
    make_findings(site)
    scan_now(kind=ScanKind.FULL, now=NOW)
    page = rep_page
    page.goto(f"{site.url}/suggestions/")
    open_card(page, "Kim Park")
    Contact.objects.filter(last_name="Park").update(do_not_contact=True)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Nothing was written")
    expect(page.locator("#suggestion-detail")).to_contain_text("Do not contact")
    assert Contact.objects.get(last_name="Park").phone == "+1 555 0100"

    page.get_by_role("button", name="Compare with the present values").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Approved:")
    assert Contact.objects.get(last_name="Park").phone == "+1 555 0199"


def test_the_newest_message_stands_alone_and_reopening_breaks_no_policy(
    rep_page: Page, site: Site
) -> None:
    make_findings(site)
    scan_now(kind=ScanKind.FULL, now=NOW)
    page = rep_page
    page.goto(f"{site.url}/suggestions/")
    said = page.locator("#messages [data-message]")
    page.locator("summary", has_text="Reject").click()
    page.get_by_role("button", name="Bad timing").click()
    expect(said).to_contain_text("Rejected:")
    page.locator("summary", has_text="Snooze").click()
    page.locator("details[open] button").first.click()
    expect(said).to_have_count(1)
    expect(said).to_contain_text("Snoozed:")
    page.goto(f"{site.url}/suggestions/?view=done")
    page.get_by_role("button", name="Reopen").click()
    expect(said).to_contain_text("Reopened:")


def test_the_queue_works_without_javascript(browser: Browser, site: Site) -> None:
    make_findings(site)
    scan_now(kind=ScanKind.FULL, now=NOW)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site, "rep")
    page.goto(f"{site.url}/suggestions/")
    page.locator("a.suggestion-link", has_text="Kim Park").click()
    # Without a message its place takes no room, and the decision stands at the foot of the window.
    expect(page.locator("#messages")).to_be_hidden()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("body")).to_contain_text("Approved:")
    assert Contact.objects.get(last_name="Park").phone == "+1 555 0199"
    context.close()


def test_going_back_to_an_opened_card_shows_the_whole_page(rep_page: Page, site: Site) -> None:
    make_findings(site)
    scan_now(kind=ScanKind.FULL, now=NOW)
    page = rep_page
    page.goto(f"{site.url}/suggestions/")
    page.locator("a.suggestion-link").last.click()
    page.wait_for_url("**/suggestions/*/")
    page.goto(f"{site.url}/leads/")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Suggestions")
    expect(page.locator("a.suggestion-link")).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_our_own_pages(rep_page: Page, site: Site, scheme: str) -> None:
    make_findings(site)
    scan_now(kind=ScanKind.FULL, now=NOW)
    page = rep_page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    lead = Lead.objects.get(last_name="Lopez")
    for path in (
        "/", "/suggestions/", "/scans/", "/leads/", f"/leads/{lead.pk}/", f"/leads/{lead.pk}/edit/",
        "/contacts/", "/accounts/", "/deals/", "/tasks/", "/activities/", "/profile/",
    ):  # fmt: skip
        page.goto(f"{site.url}{path}")
        found = Axe().run(page).response["violations"]
        assert [(path, issue["id"], issue["nodes"][0]["html"]) for issue in found] == []


def test_on_a_phone_the_list_and_the_card_are_two_screens(rep_page: Page, site: Site) -> None:
    make_findings(site)
    scan_now(kind=ScanKind.FULL, now=NOW)
    page = rep_page
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site.url}/suggestions/")
    expect(page.locator("#suggestion-title")).to_be_hidden()
    page.locator("a.suggestion-link", has_text="Kim Park").click()
    expect(page.locator("#suggestion-title")).to_be_visible()
    # A record's name may be one long word.
    Suggestion.objects.update(record_label="W" * 60)
    page.goto(page.url)
    expect(page.get_by_role("button", name="Approve")).to_be_in_viewport()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == 390


def test_on_a_phone_the_views_are_one_row_with_the_current_one_in_sight(
    rep_page: Page, site: Site
) -> None:
    page = rep_page
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"{site.url}/suggestions/?view=withdrawn")
    tabs = page.locator(".queue-views .tab")
    withdrawn = tabs.filter(has_text="Withdrawn")
    expect(withdrawn).to_have_attribute("aria-current", "page")
    expect(withdrawn).to_be_in_viewport(ratio=1)
    tops = tabs.evaluate_all(
        "tabs => new Set(tabs.map(tab => tab.getBoundingClientRect().top)).size"
    )
    assert tops == 1
    # The row is not held there: the first view can be reached again.
    tabs.first.click()
    expect(tabs.first).to_have_attribute("aria-current", "page")
    expect(tabs.first).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == 380


@pytest.mark.parametrize("path", ["/import/", "/audit/"])
def test_a_phone_does_not_scroll_sideways(
    page: Page, site: Site, complaints: list[str], path: str
) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    sign_in(page, site, "admin")
    page.goto(f"{site.url}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") == 380
