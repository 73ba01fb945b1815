"""Two records side by side in a real browser: a choice, the other record, the approval by key, the undo."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.operations.tests.browser.conftest import Site
from apps.suggestions.tests.merges import merge_suggestion

pytestmark = pytest.mark.browser


def test_a_merge_is_chosen_turned_round_approved_and_undone(rep_page: Page, site: Site) -> None:
    rep, page = site.cast.rep, rep_page
    kept = LeadFactory(owner=rep, first_name="Ana", last_name="Lopez", phone="", notes="Bern.")
    gone = LeadFactory(owner=rep, first_name="Anna", last_name="Lopez", phone="2", notes="A roof.")
    task = TaskFactory(lead=kept, owner=rep)
    suggestion = merge_suggestion(kept, gone, rep)
    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    sides, heads = page.locator(".sides"), page.locator(".sides thead th")
    expect(sides).to_contain_text("Ana")
    assert Axe().run(page, context="#suggestion-change").response["violations"] == []

    page.locator("input[name=choice-first_name][value=duplicate]").check()
    page.get_by_role("button", name="Save the choice").click()
    expect(page.get_by_text("Saved. Look at the change as it is now")).to_be_visible()
    expect(page.locator("input[name=choice-first_name][value=duplicate]")).to_be_checked()

    page.get_by_role("button", name="Keep the other record instead").click()
    expect(heads.nth(1)).to_contain_text("Anna Lopez")
    expect(page.get_by_text("1 task moves to “Anna Lopez”.")).to_be_visible()

    # What is chosen and not saved goes with the approval.
    page.locator("input[name=choice-notes][value=duplicate]").check()
    page.keyboard.press("a")
    expect(page.locator("body")).to_contain_text("Approved: Merge two records of the same person")
    survivor = Lead.objects.get()
    task.refresh_from_db()
    assert (survivor, survivor.notes, survivor.phone) == (gone, "Bern.", "2")
    assert task.lead_id == gone.pk

    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    expect(page.get_by_text("1 task was moved to “Anna Lopez”.")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_text("1 task goes back to “Ana Lopez”.")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone").first).to_be_visible()
    assert Lead.objects.count() == 2
    assert Task.objects.get().lead_id == kept.pk
