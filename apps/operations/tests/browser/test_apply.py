"""Editing, taking parts, undoing, and two people at once, in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from apps.crm.models import Contact, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import Suggestion
from apps.suggestions.services import edit
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now

pytestmark = pytest.mark.browser

NOW = timezone.now()


def quiet_lead_suggestion(site: Site) -> Suggestion:
    LeadFactory(
        owner=site.cast.rep,
        first_name="Ana",
        last_name="Lopez",
        created_at=NOW - timedelta(days=30),
    )
    scan_now(kind=ScanKind.FULL, now=NOW)
    return Suggestion.objects.get()


def details_suggestion(site: Site) -> Suggestion:
    """Two details of a contact, each for itself."""
    contact = ContactFactory(owner=site.cast.rep, last_name="Park", phone="1", title="Buyer")
    key = f"contact:{contact.pk}"
    suggestion: Suggestion = SuggestionFactory(
        lead=LeadFactory(owner=site.cast.rep),
        assignee=site.cast.rep,
        tool="update_contact",
        title="Update Kim Park",
        record_kind="contact",
        record_id=contact.pk,
        arguments={"contact_id": contact.pk, "phone": "2", "title": "Head of buying"},
        before_values={key: {"phone": "1", "title": "Buyer"}},
        guard_values={key: {"do_not_contact": False}},
    )
    return suggestion


def test_edit_look_again_and_approve(rep_page: Page, site: Site) -> None:
    suggestion = quiet_lead_suggestion(site)
    page = rep_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("")
    page.get_by_role("button", name="Save and look again").click()
    expect(page.locator(".field-invalid")).to_contain_text("Title")
    page.get_by_label("Title").fill("Call Ana before noon")
    page.get_by_role("button", name="Save and look again").click()
    detail = page.locator("#suggestion-detail")
    expect(detail).to_contain_text("Call Ana before noon")
    expect(detail.locator(".diff .badge-accent")).to_have_text("edited by Rita Rep")
    assert Task.objects.count() == 0
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Approved:")
    assert Task.objects.get().title == "Call Ana before noon"


def test_accept_one_field_and_leave_the_other(rep_page: Page, site: Site) -> None:
    suggestion = details_suggestion(site)
    page = rep_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("checkbox", name="Title").uncheck()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Approved:")
    contact = Contact.objects.get(last_name="Park")
    assert (contact.phone, contact.title) == ("2", "Buyer")


def test_undo_shows_what_comes_back_and_what_stays(rep_page: Page, site: Site) -> None:
    suggestion = details_suggestion(site)
    page = rep_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Approved:")
    Contact.objects.filter(last_name="Park").update(title="Chief buyer")
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("link", name="Undo").click()
    expect(page.locator("main")).to_contain_text("What stays as it is")
    found = Axe().run(page).response["violations"]
    assert [(issue["id"], issue["nodes"][0]["html"]) for issue in found] == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("Undone:")
    contact = Contact.objects.get(last_name="Park")
    assert (contact.phone, contact.title) == ("1", "Chief buyer")
    expect(page.locator("#suggestion-detail")).to_contain_text("Undone")


def test_an_undo_in_spite_of_later_work_is_asked_for(rep_page: Page, site: Site) -> None:
    suggestion = quiet_lead_suggestion(site)
    page = rep_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Approved:")
    Task.objects.update(title="Call Ana first")
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/undo/")
    main = page.locator("main")
    expect(main).to_contain_text("This task has been worked on since it was made")
    expect(main.get_by_role("row", name="Title")).to_contain_text("Call Ana first")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    found = Axe().run(page).response["violations"]
    assert [(issue["id"], issue["nodes"][0]["html"]) for issue in found] == []
    # What comes after the look is told before anything is undone.
    Task.objects.update(priority=4)
    page.get_by_role("button", name="Undo it in spite of that").click()
    expect(page.locator("#messages")).to_contain_text("edited: Priority, Title")
    assert Task.objects.get().status == "open"
    page.get_by_role("button", name="Undo it in spite of that").click()
    expect(page.locator("#messages")).to_contain_text("Undone:")
    task = Task.objects.get()
    assert (task.status, task.title, task.priority) == ("cancelled", "Call Ana first", 4)


def test_two_people_at_once_the_second_is_told(
    rep_page: Page, browser: Browser, site: Site
) -> None:
    suggestion = quiet_lead_suggestion(site)
    address = f"{site.url}/suggestions/{suggestion.pk}/"
    rep_page.goto(address)
    context = browser.new_context()
    second = context.new_page()
    sign_in(second, site, "teammate")
    second.goto(address)
    rep_page.get_by_role("button", name="Approve").click()
    expect(rep_page.locator("#messages")).to_contain_text("Approved:")
    second.get_by_role("button", name="Approve").click()
    expect(second.locator("#messages")).to_contain_text("already applied by Rita Rep")
    assert Task.objects.count() == 1
    context.close()


def test_the_edit_page_holds_for_a_phone_and_for_axe(rep_page: Page, site: Site) -> None:
    suggestion = quiet_lead_suggestion(site)
    page = rep_page
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/edit/")
    assert page.evaluate("document.documentElement.scrollWidth") == 380
    found = Axe().run(page).response["violations"]
    assert [(issue["id"], issue["nodes"][0]["html"]) for issue in found] == []


def test_a_conflict_while_editing_is_said(rep_page: Page, site: Site) -> None:
    suggestion = details_suggestion(site)
    ActivityFactory(contact_id=suggestion.record_id, owner=site.cast.rep)
    page = rep_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/edit/")
    Contact.objects.filter(last_name="Park").update(phone="3")
    page.get_by_label("Title").fill("Chief")
    page.get_by_role("button", name="Save and look again").click()
    expect(page.locator("#messages")).to_contain_text("The record has changed")
    expect(page.locator("#suggestion-detail")).to_contain_text("Compare with the present values")


def test_who_edits_second_keeps_what_they_typed_and_sees_what_is_different(
    rep_page: Page, site: Site
) -> None:
    suggestion = details_suggestion(site)
    page = rep_page
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/edit/")
    page.get_by_label("Title").fill("Chief")
    edit(
        suggestion_id=suggestion.pk,
        user=site.cast.teammate,
        arguments={**suggestion.arguments, "phone": "7"},
        now=timezone.now(),
    )
    page.get_by_role("button", name="Save and look again").click()
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("Tom Mate edited this suggestion on ")
    expect(notice.get_by_role("row", name="Phone")).to_contain_text("taken over")
    expect(page.get_by_label("Title")).to_have_value("Chief")
    expect(page.get_by_label("Phone")).to_have_value("7")
    expect(page.locator("#id_phone_helptext")).to_have_text("Changed meanwhile by Tom Mate: 7")
    found = Axe().run(page).response["violations"]
    assert [(issue["id"], issue["nodes"][0]["html"]) for issue in found] == []
    page.get_by_role("button", name="Save and look again").click()
    expect(page.locator("#messages")).to_contain_text("Saved.")
    suggestion.refresh_from_db()
    assert (suggestion.arguments["phone"], suggestion.arguments["title"]) == ("7", "Chief")
