"""The queue by keyboard alone, selecting several, editing in place, and taking back at once."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import Risk
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory

pytestmark = pytest.mark.browser


def suggest(site: Site, *names: str, **fields: object) -> list[Suggestion]:
    """Suggestions to follow up with new leads, the first of them first in the queue."""
    rep = site.cast.rep
    return [
        SuggestionFactory(
            lead=LeadFactory(owner=rep, first_name=name, last_name="Lopez"),
            assignee=rep,
            title=f"Call {name} Lopez",
            rank=100 - place,
            **fields,
        )
        for place, name in enumerate(names)
    ]


def open_queue(page: Page, site: Site, query: str = "") -> None:
    page.goto(f"{site.url}/suggestions/{query}")
    expect(page.locator("body")).to_have_attribute("data-live-state", "open")


def current(page: Page) -> Locator:
    return page.locator("[data-queue-list] [aria-current='true'] .suggestion-title")


def title(page: Page) -> Locator:
    return page.locator("#suggestion-title")


def press_and_read(page: Page, key: str, name: str) -> None:
    page.keyboard.press(key)
    expect(title(page)).to_have_text(f"Call {name} Lopez")


# Whether a click on its middle would reach it: nothing lies over it, and it is in sight.
IS_ON_TOP = """(element) => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def test_five_decisions_without_a_mouse(rep_page: Page, site: Site) -> None:
    _, _, cleo, *_ = suggest(site, "Ana", "Bea", "Cleo", "Dora", "Eva")
    page = rep_page
    # Where there is little room, the card that is moved to comes out from under the list's head, and every
    # button of the decision is there.
    page.set_viewport_size({"width": 1024, "height": 420})
    open_queue(page, site)
    assert page.locator(".decision-more > summary").evaluate(IS_ON_TOP)
    for key, names in (
        ("j", ("Bea", "Cleo", "Dora", "Eva")),
        ("k", ("Dora", "Cleo", "Bea", "Ana")),
    ):
        for name in names:
            press_and_read(page, key, name)
            assert current(page).evaluate(IS_ON_TOP)
    page.set_viewport_size({"width": 1280, "height": 720})
    expect(title(page)).to_have_text("Call Ana Lopez")
    press_and_read(page, "j", "Bea")
    press_and_read(page, "j", "Cleo")
    press_and_read(page, "k", "Bea")
    expect(current(page)).to_have_text("Call Bea Lopez")
    # While one card is read the next is fetched: the answer to the decision need not bring it.
    expect(page.locator("#suggestion-detail")).to_have_attribute("data-at-hand", str(cleo.pk))
    with page.expect_response("**/approve/**") as answered:
        press_and_read(page, "a", "Cleo")
    assert "suggestion-title" not in answered.value.text()
    expect(page).to_have_title("Call Cleo Lopez · AiSHA")
    expect(page.locator("#messages")).to_contain_text("Approved: Call Bea Lopez. 4 left.")
    page.keyboard.press("r")
    # What can be taken back is told beside what a rejection asks for, and not over it.
    assert page.locator("#reject-stop-days").evaluate(IS_ON_TOP)
    assert page.locator("[data-toast-undo]").evaluate(IS_ON_TOP)
    press_and_read(page, "2", "Dora")
    expect(page.locator("#messages")).to_contain_text("Rejected: Call Cleo Lopez. 3 left.")
    page.keyboard.press("h")
    press_and_read(page, "5", "Eva")
    expect(page.locator("#messages")).to_contain_text("Snoozed: Call Dora Lopez. 2 left.")
    page.keyboard.press("e")
    field = page.get_by_label("Title")
    expect(field).to_be_focused()
    # Escape leaves the field, then the form, and all is as before; what was typed it leaves alone.
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(page.locator("#suggestion-detail a[data-key='e']")).to_be_focused()
    page.keyboard.press("e")
    expect(field).to_be_focused()
    field.fill("Write to Eva")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    expect(field).to_have_value("Write to Eva")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Approved: Call Eva Lopez. 1 left.")

    found = Suggestion.objects.order_by("-rank").values_list("title", "state", "closed_because")
    assert list(found) == [
        ("Call Ana Lopez", "pending", ""),
        ("Call Bea Lopez", "applied", ""),
        ("Call Cleo Lopez", "rejected", "Already done"),
        ("Call Dora Lopez", "snoozed", ""),
        ("Call Eva Lopez", "applied", ""),
    ]
    assert Task.objects.filter(title="Write to Eva").exists()
    edited = Suggestion.objects.get(title="Call Eva Lopez")
    assert (edited.edited_by, edited.reviewed_by) == (site.cast.rep, site.cast.rep)


def test_a_key_decides_only_on_what_is_shown(rep_page: Page, site: Site) -> None:
    suggest(site, "Ana", "Bea", "Cleo")
    page = rep_page
    open_queue(page, site)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/suggestions/*/**", hold)
    page.keyboard.press("j")
    expect(current(page)).to_have_text("Call Bea Lopez")
    # The pane still shows Ana, whom nobody means any more.
    for key in ("a", "Control+Enter", "r", "1", "h", "1", "e"):
        page.keyboard.press(key)
    expect(page.locator("#suggestion-detail details[open]")).to_have_count(0)
    while held:
        held.pop().continue_()
    page.unroute("**/suggestions/*/**", hold)
    expect(title(page)).to_have_text("Call Bea Lopez")
    # Held down it decides once.
    page.keyboard.down("a")
    expect(title(page)).to_have_text("Call Cleo Lopez")
    page.keyboard.down("a")
    page.keyboard.up("a")
    press_and_read(page, "k", "Ana")
    found = Suggestion.objects.order_by("-rank").values_list("title", "state")
    assert list(found) == [
        ("Call Ana Lopez", "pending"),
        ("Call Bea Lopez", "applied"),
        ("Call Cleo Lopez", "pending"),
    ]


def test_what_was_just_decided_is_taken_back_by_a_key(rep_page: Page, site: Site) -> None:
    applied, refused = suggest(site, "Ana", "Bea")
    page = rep_page
    open_queue(page, site)
    press_and_read(page, "a", "Bea")
    toast = page.locator("[data-toast-undo]")
    expect(toast).to_be_visible()
    # What has become of the former card is no news of this one.
    expect(page.locator("[data-news-note]")).to_have_count(0)
    press_and_read(page, "z", "Ana")
    expect(page.locator(".detail-badges")).to_contain_text("Waiting")
    assert Task.objects.get().status == "cancelled"
    page.keyboard.press("Escape")
    press_and_read(page, "j", "Bea")
    page.keyboard.press("r")
    page.keyboard.press("1")
    expect(page.locator("#messages")).to_contain_text("Rejected:")
    press_and_read(page, "z", "Bea")
    expect(page.locator(".detail-badges")).to_contain_text("Waiting")
    applied.refresh_from_db()
    refused.refresh_from_db()
    assert (applied.state, refused.state) == ("pending", "pending")


def test_several_are_selected_and_looked_at_together(rep_page: Page, site: Site) -> None:
    suggest(site, "Ana", "Bea", "Cleo")
    page = rep_page
    open_queue(page, site)
    page.keyboard.press("x")
    press_and_read(page, "Shift+J", "Bea")
    bar = page.locator("[data-selection]")
    expect(bar).to_contain_text("2 selected.")
    page.keyboard.press("a")
    page.wait_for_url("**/bulk/confirm/")
    expect(page.get_by_role("button", name="Approve 2")).to_be_visible()
    expect(page.locator("main")).to_contain_text("2 suggestions")
    assert not Suggestion.objects.exclude(state="pending").exists()
    page.go_back()
    expect(bar).to_contain_text("2 selected.")
    page.keyboard.press("a")
    page.wait_for_url("**/bulk/confirm/")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/bulk/*/")
    expect(page.get_by_role("heading", name="Approved together")).to_be_visible()


def test_high_risk_is_not_approved_with_others_and_pages_are_walked(
    rep_page: Page, site: Site
) -> None:
    suggest(site, "Ana")
    suggest(site, "Bea", risk=Risk.HIGH)
    page = rep_page
    open_queue(page, site)
    # As with Caps Lock on: the letter is large, and Shift is not held.
    page.keyboard.press("J")
    expect(title(page)).to_have_text("Call Ana Lopez")
    page.keyboard.press("K")
    expect(title(page)).to_have_text("Call Bea Lopez")
    page.keyboard.press("X")
    page.keyboard.press("Shift+J")
    bar = page.locator("[data-selection]")
    expect(bar).to_contain_text("2 selected. High risk is decided one by one.")
    expect(bar.get_by_role("button", name="Look at them together")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    # Over the edge of a page the walk goes on at the near end of the next one.
    suggest(site, *(f"N{place}" for place in range(24)))
    open_queue(page, site, "?page=2")
    expect(title(page)).to_have_text("Call N23 Lopez")
    for key, name in (("k", "N22"), ("j", "N23")):
        press_and_read(page, key, name)
        expect(current(page)).to_have_text(f"Call {name} Lopez")


def test_keys_are_off_while_typing_and_can_be_switched_off(rep_page: Page, site: Site) -> None:
    suggest(site, "Ana", "Bea")
    page = rep_page
    open_queue(page, site)
    page.keyboard.press("/")
    box = page.get_by_label("Search suggestions")
    expect(box).to_be_focused()
    page.keyboard.type("aerhzxjk")
    expect(box).to_have_value("aerhzxjk")
    expect(title(page)).to_have_text("Call Ana Lopez")
    page.keyboard.press("Escape")
    # Enter in a note chooses no reason.
    page.keyboard.press("r")
    page.locator("#reject-note").fill("Not now")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("details[data-key='r'] > summary")).to_be_focused()
    expect(title(page)).to_have_text("Call Ana Lopez")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("j")
    expect(title(page)).to_have_text("Call Ana Lopez")
    page.get_by_label("Use single keys on this device").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("a")
    page.keyboard.press("j")
    page.reload()
    page.keyboard.press("a")
    expect(title(page)).to_have_text("Call Ana Lopez")
    # Enter in a field saves, and decides nothing.
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("Ring Ana")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("Saved")
    assert not Suggestion.objects.exclude(state="pending").exists()


def test_the_numbers_behind_the_filters_and_a_view_that_is_kept(rep_page: Page, site: Site) -> None:
    suggest(site, "Ana", "Bea", trigger="lead_new")
    suggest(site, "Cleo", trigger="lead_inactive")
    page = rep_page
    open_queue(page, site)
    page.keyboard.press("/")
    page.get_by_label("Trigger").select_option(label="New lead (2)")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("a.suggestion-link")).to_have_count(2)
    expect(page.locator(".queue-active")).to_contain_text("Trigger: New lead")
    page.keyboard.press("/")
    page.get_by_label("Name of the view").fill("Fresh ones")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("Saved as “Fresh ones”.")
    page.goto(f"{site.url}/suggestions/")
    expect(page.locator("a.suggestion-link")).to_have_count(3)
    page.locator("summary", has_text="Kept").click()
    page.get_by_role("link", name="Fresh ones").click()
    expect(page.locator("a.suggestion-link")).to_have_count(2)


def test_a_suggestion_is_given_to_a_colleague(rep_page: Page, site: Site) -> None:
    (suggestion, _) = suggest(site, "Ana", "Bea")
    page = rep_page
    open_queue(page, site)
    page.locator(".decision-more summary").click()
    page.get_by_role("button", name="Tom Mate").click()
    expect(page.locator("#messages")).to_contain_text("Given to Tom Mate: Call Ana Lopez. 1 left.")
    suggestion.refresh_from_db()
    assert suggestion.assignee == site.cast.teammate


def test_giving_rejecting_with_a_note_and_keeping_work_without_javascript(
    browser: Browser, site: Site
) -> None:
    given, refused = suggest(site, "Ana", "Bea")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site, "rep")
    page.goto(f"{site.url}{given.get_absolute_url()}")
    page.locator(".decision-more summary").click()
    page.get_by_role("link", name="Give to somebody else").click()
    page.get_by_role("button", name="Tom Mate").click()
    page.goto(f"{site.url}{refused.get_absolute_url()}")
    page.locator("summary", has_text="Reject").click()
    page.get_by_label("Note").fill("She has moved on")
    page.get_by_label("Stop suggesting").select_option("record")
    page.get_by_role("button", name="Not needed").click()
    expect(page.locator("#messages")).to_contain_text("Rejected: Call Bea Lopez")
    context.close()
    given.refresh_from_db()
    assert given.assignee == site.cast.teammate
    assert refused.decisions.get().note == "She has moved on"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.usefixtures("complaints")
def test_the_open_parts_have_no_barriers(rep_page: Page, site: Site, width: int) -> None:
    suggest(site, "Ana", "Bea", trigger="lead_new")
    page = rep_page
    page.set_viewport_size({"width": width, "height": 900})
    open_queue(page, site, "?trigger=lead_new")
    expect(page.locator(".queue-active")).to_contain_text("Trigger: New lead")
    expect(page.get_by_label("Trigger")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Trigger")).to_contain_text("New lead (2)")
    page.locator("[data-tick]").first.check()
    states = [Axe().run(page).response["violations"]]
    page.locator("a.suggestion-link").first.click()
    expect(title(page)).to_have_text("Call Ana Lopez")
    page.locator("summary", has_text="Reject").click()
    states.append(Axe().run(page).response["violations"])
    page.locator("#suggestion-detail a", has_text="Edit").click()
    expect(page.get_by_label("Title")).to_be_focused()
    states.append(Axe().run(page).response["violations"])
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    states.append(Axe().run(page).response["violations"])
    assert [[found["id"] for found in violations] for violations in states] == [[], [], [], []]
    is_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert is_wide is False
