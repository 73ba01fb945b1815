"""The assistant in a real browser: asking, the streamed answer, what it cites and proposes, and deleting."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from apps.assistant.models import Conversation
from apps.crm.models import Contact
from apps.crm.tests.factories import ContactFactory, TaskFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion

pytestmark = pytest.mark.browser


def make_records(site: Site) -> Contact:
    TaskFactory(owner=site.cast.rep, title="Call Isdom")
    contact: Contact = ContactFactory(
        owner=site.cast.rep, first_name="Ana", last_name="Quirke", email="ana@isdom.example"
    )
    return contact


def open_drawer(page: Page) -> Locator:
    page.get_by_role("link", name="Ask AiSHA").click()
    drawer = page.get_by_role("dialog", name="AiSHA")
    expect(drawer.get_by_label("Message to AiSHA")).to_be_focused()
    return drawer


def say(drawer: Locator, text: str) -> Locator:
    """Say something, and return the answer when it is whole."""
    answers = drawer.locator(".bubble-assistant[data-message-id]")
    before = answers.count()
    drawer.get_by_label("Message to AiSHA").fill(text)
    drawer.get_by_label("Message to AiSHA").press("Enter")
    expect(answers).to_have_count(before + 1)
    return answers.last


def test_a_question_is_answered_with_what_it_rests_on(rep_page: Page, site: Site) -> None:
    make_records(site)
    page = rep_page
    page.goto(f"{site.url}/tasks/")
    drawer = open_drawer(page)
    drawer.get_by_role("button", name="What are my open tasks?").click()
    answer = drawer.locator(".bubble-assistant[data-message-id]")
    expect(answer).to_contain_text("You have 1 open task, none of them overdue.")
    answer.get_by_role("link", name="[3]").click()
    fact = answer.get_by_role("link", name="Call Isdom")
    expect(fact).to_be_focused()
    fact.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Call Isdom")
    # The thread goes on where it was, from any page, by the keyboard too.
    page.keyboard.press("Control+j")
    expect(page.locator(".bubble-assistant[data-message-id]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Ask AiSHA")).to_be_visible()


def test_a_wish_becomes_a_card_that_is_reviewed_in_the_queue(rep_page: Page, site: Site) -> None:
    ana = make_records(site)
    page = rep_page
    page.goto(f"{site.url}/contacts/{ana.pk}/")
    drawer = open_drawer(page)
    expect(drawer.locator(".assistant-about")).to_contain_text("Contact Ana Quirke")
    expect(say(drawer, "Sum this up")).to_contain_text("Contact: Ana Quirke.")
    answer = say(drawer, "Remind me to call her tomorrow")
    card = answer.get_by_role("region", name="Suggestion: Call Ana Quirke")
    expect(card).to_contain_text("Waiting")
    expect(answer).to_contain_text("until you approve it")
    card.get_by_role("link", name="Review").click()
    suggestion = Suggestion.objects.get()
    page.wait_for_url(f"**/suggestions/{suggestion.pk}/")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def test_conversations_are_found_and_deleted(rep_page: Page, site: Site) -> None:
    page = rep_page
    page.goto(f"{site.url}/tasks/")
    drawer = open_drawer(page)
    say(drawer, "What is in my pipeline?")
    drawer.get_by_role("button", name="New conversation").click()
    expect(drawer.locator(".bubble")).to_have_count(0)
    say(drawer, "Approve all suggestions")
    drawer.get_by_role("button", name="Earlier conversations").click()
    past = drawer.locator("[data-assistant-conversation]")
    expect(past).to_have_count(2)
    drawer.get_by_label("Search your conversations").fill("pipeline")
    expect(past).to_have_count(1)
    past.click()
    expect(drawer.locator(".bubble-person")).to_contain_text("What is in my pipeline?")
    drawer.get_by_role("button", name="Delete this conversation").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(drawer.locator("[data-assistant-notice]")).to_contain_text("The conversation is deleted")
    expect(drawer.locator(".bubble")).to_have_count(0)
    assert Conversation.objects.count() == 1


def test_what_was_typed_outlives_a_network_that_is_gone(
    rep_page: Page, site: Site, complaints: list[str]
) -> None:
    page = rep_page
    page.goto(f"{site.url}/tasks/")
    drawer = open_drawer(page)
    say(drawer, "Hello")
    page.context.set_offline(True)
    drawer.get_by_label("Message to AiSHA").fill("What are my open tasks?")
    drawer.get_by_role("button", name="Send").click()
    expect(drawer.locator("[data-assistant-notice]")).to_contain_text("You are offline")
    expect(drawer.get_by_label("Message to AiSHA")).to_have_value("What are my open tasks?")
    page.context.set_offline(False)
    # The browser complains of the network itself.
    complaints.clear()
    drawer.get_by_role("button", name="Send").click()
    expect(drawer.locator(".bubble-assistant[data-message-id]")).to_have_count(2)


def test_it_works_without_javascript(browser: Browser, site: Site) -> None:
    make_records(site)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site, "rep")
    page.get_by_role("link", name="Ask AiSHA").click()
    page.wait_for_url("**/assistant/")
    page.get_by_role("button", name="What are my open tasks?").click()
    page.wait_for_url("**/assistant/conversations/*/")
    expect(page.locator(".bubble-assistant")).to_contain_text("You have 1 open task")
    page.get_by_label("Message to AiSHA").fill("Remind me to call Ana Quirke tomorrow")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("region", name="Suggestion: Call Ana Quirke")).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_axe_finds_nothing_in_the_assistant(
    rep_page: Page, site: Site, scheme: str, width: int
) -> None:
    make_records(site)
    page = rep_page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site.url}/tasks/")
    drawer = open_drawer(page)

    def complaints() -> list[tuple[str, str]]:
        found = Axe().run(page).response["violations"]
        return [(issue["id"], issue["nodes"][0]["html"]) for issue in found]

    assert complaints() == []
    say(drawer, "Remind me to call Ana Quirke tomorrow")
    drawer.get_by_role("button", name="Earlier conversations").click()
    expect(drawer.locator("[data-assistant-conversation]")).to_have_count(1)
    assert complaints() == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(f"{site.url}/assistant/conversations/{Conversation.objects.get().pk}/")
    assert complaints() == []
