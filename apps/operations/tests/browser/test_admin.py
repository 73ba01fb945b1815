"""The admin in a real browser: its scripts run under the policy, and nothing is fetched elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from apps.crm.models import Contact, Task
from apps.crm.tests.factories import AccountFactory, LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def manager_page(page: Page, site: Site, complaints: list[str]) -> Page:
    """A page on which the manager has signed in."""
    sign_in(page, site, "manager")
    return page


def test_bulk_approval_by_way_of_the_confirmation(manager_page: Page, site: Site) -> None:
    for _ in range(3):
        SuggestionFactory(lead=LeadFactory(owner=site.cast.rep), assignee=site.cast.rep)
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((site.url, "data:")):
            elsewhere.append(request.url)

    page = manager_page
    page.on("request", note)
    page.goto(f"{site.url}/admin/")
    page.locator("#nav-sidebar-apps").get_by_role("link", name="Suggestions").click()
    boxes = page.locator("input.action-select")
    expect(boxes).to_have_count(3)
    boxes.nth(0).check()
    boxes.nth(1).check()
    # Alpine shows the bar and its button only when it may evaluate expressions.
    page.locator("select[name=action]").select_option("approve_selected")
    page.get_by_role("button", name="Run").click()
    # What they come to together, and then each by itself.
    diffs = page.locator(".diff")
    expect(diffs).to_have_count(3)
    expect(diffs.first).to_contain_text("Write to the lead 2×")
    assert Task.objects.count() == 0
    page.get_by_role("button", name="Approve 2").click()
    expect(page.locator("main")).to_contain_text("2 applied", timeout=20_000)
    states = sorted(Suggestion.objects.values_list("state", flat=True))
    assert (states, Task.objects.count()) == (["applied", "applied", "pending"], 2)
    assert elsewhere == []


def test_filters_open_and_the_theme_turns_dark(manager_page: Page, site: Site) -> None:
    page = manager_page
    page.goto(f"{site.url}/admin/crm/lead/")
    heading = page.get_by_role("heading", name="By status")
    expect(heading).to_be_hidden()
    page.get_by_text("Filters", exact=False).first.click()
    expect(heading).to_be_visible()
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.reload()
    assert page.evaluate(background) != light


def test_a_reference_is_offered_while_typing(manager_page: Page, site: Site) -> None:
    account = AccountFactory(name="Isdom")
    page = manager_page
    page.goto(f"{site.url}/admin/crm/contact/add/")
    page.get_by_label("Last name").fill("Ek")
    box = page.locator("input[name=account]")
    box.press_sequentially("Isd")
    expect(page.locator("datalist#id_account_options option")).to_have_count(1)
    box.fill(f"Isdom (#{account.pk})")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Contact.objects.get(last_name="Ek").account == account


# Scrolls no further than a browser does for the keyboard's focus, and says who would take a click there.
TAKES_ITS_OWN_CLICK = """button => {
    button.scrollIntoView({block: "nearest"});
    const {x, y, width, height} = button.getBoundingClientRect();
    return button.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 600), (1280, 420), (380, 640)])
def test_nothing_covers_the_decisions(
    width: int, height: int, manager_page: Page, site: Site
) -> None:
    suggestion = SuggestionFactory(lead=LeadFactory(owner=site.cast.rep), assignee=site.cast.rep)
    page = manager_page
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{site.url}/admin/suggestions/suggestion/{suggestion.pk}/change/")
    for name in ("Approve", "Reject"):
        button = page.get_by_role("button", name=name)
        assert (name, button.evaluate(TAKES_ITS_OWN_CLICK)) == (name, True)
    assert page.evaluate("document.documentElement.scrollWidth") == width
