"""Record pages in a real browser: two people and one deal, naming an account, a file, a phone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from apps.crm.models import Contact, Opportunity
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.operations.tests.browser.conftest import Site, sign_in

pytestmark = pytest.mark.browser


def test_two_people_change_one_deal(rep_page: Page, browser: Browser, site: Site) -> None:
    deal = OpportunityFactory(name="Isdom GTX", owner=site.cast.rep, amount=550)
    form = f"{site.url}/deals/{deal.pk}/edit/"
    rep_page.goto(form)
    # The other one works without JavaScript: everything here is plain forms.
    context = browser.new_context(java_script_enabled=False)
    teammate = context.new_page()
    sign_in(teammate, site, "teammate")
    teammate.goto(form)
    teammate.get_by_label("Amount").fill("600")
    teammate.get_by_label("Next step").fill("Wait for the budget")
    teammate.get_by_role("button", name="Save").click()
    expect(teammate.locator("body")).to_contain_text("Deal saved.")
    context.close()

    rep_page.get_by_label("Amount").fill("$ 7,000.50")
    rep_page.get_by_role("button", name="Save").click()
    expect(rep_page.get_by_role("alert")).to_contain_text("Nothing has been saved yet")
    expect(rep_page.get_by_role("alert")).to_contain_text("Tom Mate")
    expect(rep_page.get_by_label("Next step", exact=False).last).to_have_value(
        "Wait for the budget"
    )
    assert Axe().run(rep_page).response["violations"] == []
    rep_page.get_by_label("Amount: theirs").check()
    rep_page.get_by_role("button", name="Save anyway").click()
    expect(rep_page.locator("#messages")).to_contain_text("Deal saved.")
    deal.refresh_from_db()
    assert (deal.amount, deal.next_step) == (Decimal(600), "Wait for the budget")


def test_an_account_is_named_while_typing(rep_page: Page, site: Site) -> None:
    account = AccountFactory(name="Isdom Holding")
    AccountFactory(name="Isdom Secret", owner=site.cast.outsider)
    rep_page.goto(f"{site.url}/contacts/new/")
    rep_page.get_by_label("Last name").fill("Lovelace")
    rep_page.get_by_label("Account").press_sequentially("isd")
    options = rep_page.locator("#id_account_options option")
    expect(options).to_have_count(1)
    offered = options.first.get_attribute("value")
    assert offered == f"Isdom Holding (#{account.pk})"
    rep_page.get_by_label("Account").fill(offered)
    rep_page.get_by_role("button", name="Create contact").click()
    expect(rep_page.locator("#messages")).to_contain_text("Contact created.")
    assert Contact.objects.get(last_name="Lovelace").account == account


def test_a_list_is_filtered_and_taken_along_as_a_file(
    rep_page: Page, site: Site, tmp_path: Path
) -> None:
    LeadFactory(company="Isdom", last_name="=Formula")
    LeadFactory(company="Konex")
    rep_page.goto(f"{site.url}/leads/")
    rep_page.get_by_role("searchbox", name="Search", exact=True).fill("isdom")
    rep_page.get_by_role("button", name="Filter").click()
    expect(rep_page.locator("tbody tr")).to_have_count(1)
    with rep_page.expect_download() as download:
        rep_page.get_by_role("link", name="Export CSV").click()
    target = tmp_path / "leads.csv"
    download.value.save_as(target)
    header, line = target.read_text(encoding="utf-8-sig").splitlines()
    assert header.startswith("Id,Name,Company,Status")
    assert ",Lee =Formula,Isdom,Working," in line


def test_the_timeline_turns_and_a_task_is_ticked_off(rep_page: Page, site: Site) -> None:
    deal = OpportunityFactory(owner=site.cast.rep)
    ActivityFactory(opportunity=deal, subject="First call")
    TaskFactory(opportunity=deal, title="Send the quote", owner=site.cast.rep)
    Opportunity.objects.filter(pk=deal.pk).update(notes="x")
    rep_page.goto(f"{site.url}/deals/{deal.pk}/")
    timeline = rep_page.locator("#timeline")
    timeline.get_by_role("link", name="Changes").click()
    expect(timeline).not_to_contain_text("First call")
    timeline.get_by_role("link", name="Activities").click()
    expect(timeline).to_contain_text("First call")
    rep_page.get_by_role("button", name="Done: Send the quote").click()
    expect(rep_page.locator("#messages")).to_contain_text("Done: Send the quote")
    expect(rep_page.locator("#open-tasks")).to_have_count(0)


def test_record_pages_fit_a_phone(rep_page: Page, site: Site) -> None:
    CustomFieldFactory(record_kind="opportunity", label="A custom field with a rather long name")
    deal = OpportunityFactory(name="A deal with " + "quite " * 20 + "a name", next_step="x" * 200)
    TaskFactory(opportunity=deal, title="T" * 120)
    ActivityFactory(opportunity=deal, subject="S" * 120, body="B" * 400)
    rep_page.set_viewport_size({"width": 390, "height": 800})
    for path in (
        "/deals/", f"/deals/{deal.pk}/", f"/deals/{deal.pk}/edit/", "/tasks/", "/profile/", "/audit/"
    ):  # fmt: skip
        rep_page.goto(f"{site.url}{path}")
        assert (path, rep_page.evaluate("document.documentElement.scrollWidth")) == (path, 390)


def test_on_a_phone_filters_are_folded_away_until_one_is_chosen(
    browser: Browser, site: Site
) -> None:
    LeadFactory(owner=site.cast.rep, last_name="Mine", status="new")
    LeadFactory(last_name="Nobodys", owner=None, status="new")
    # Without JavaScript, as everything here.
    context = browser.new_context(java_script_enabled=False, viewport={"width": 380, "height": 800})
    page = context.new_page()
    sign_in(page, site, "rep")
    page.goto(f"{site.url}/leads/")
    owner = page.get_by_label("Owner")
    expect(owner).to_be_hidden()
    page.get_by_role("searchbox", name="Search", exact=True).fill("lee")
    page.get_by_role("searchbox", name="Search", exact=True).press("Enter")
    page.wait_for_url("**/leads/?q=lee&**")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(owner).to_be_hidden()
    page.locator("summary", has_text="Filters").click()
    owner.select_option(label="Me")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**owner=me**")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(owner).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{site.url}/leads/")
    expect(owner).to_be_visible()
    expect(page.locator("summary", has_text="Filters")).to_be_hidden()
    context.close()
