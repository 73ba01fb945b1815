"""Approving several at once, in a real browser: choosing, the sum, progress, results, trying again."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.embedded_cases import wait_until
from apps.suggestions.models import BulkApproval, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory

pytestmark = pytest.mark.browser


def followups(site: Site, count: int) -> list[Suggestion]:
    """Suggestions to follow up with leads, the best first."""
    rep = site.cast.rep
    return [
        SuggestionFactory(
            lead=LeadFactory(owner=rep, last_name=f"Lead {number}"),
            assignee=rep,
            title=f"Follow up with lead {number}",
            rank=100.0 - number,
        )
        for number in range(1, count + 1)
    ]


def test_choose_look_at_the_sum_approve_and_try_again(rep_page: Page, site: Site) -> None:
    stale, *fine = followups(site, 4)
    page = rep_page
    page.goto(f"{site.url}/suggestions/")
    page.get_by_role("link", name="Approve several").click()
    page.get_by_label("All of this page").check()
    page.get_by_label(fine[-1].title).uncheck()
    page.get_by_role("button", name="Look at the ticked ones").click()
    expect(page.locator("main")).to_contain_text("3 suggestions")
    expect(page.get_by_role("row", name="Owner")).to_contain_text("Rita Rep 3×")
    assert Task.objects.count() == 0

    Lead.objects.filter(pk=stale.record_id).update(do_not_contact=True)
    page.get_by_role("button", name="Approve 3").click()
    expect(page.locator("main")).to_contain_text("2 applied", timeout=20_000)
    expect(page.locator("main")).to_contain_text("1 not applied")
    failed = page.get_by_role("row", name=stale.title)
    expect(failed).to_contain_text("The record has changed since this was suggested.")
    assert Task.objects.count() == 2

    failed.get_by_role("link").click()
    page.get_by_role("button", name="Compare with the present values").click()
    expect(page.locator("#messages")).to_contain_text("Brought up to date")
    page.goto(f"{site.url}{BulkApproval.objects.get().get_absolute_url()}")
    page.get_by_role("button", name="Try the failed ones again").click()
    expect(page.locator("main")).to_contain_text("3 applied", timeout=20_000)
    expect(page.get_by_role("button", name="Try the failed ones again")).to_have_count(0)
    assert Task.objects.count() == 3
    states = Suggestion.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["applied", "applied", "applied", "pending"]


def test_without_javascript_all_of_a_tool(browser: Browser, site: Site) -> None:
    followups(site, 3)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site, "rep")
    page.goto(f"{site.url}/suggestions/bulk/")
    expect(page.get_by_label("All of this page")).to_be_hidden()
    page.get_by_role("button", name="Look at all 3").click()
    page.get_by_role("button", name="Approve 3").click()
    page.wait_for_url(re.compile(r"/bulk/\d+/$"))
    assert wait_until(lambda: not BulkApproval.objects.get().is_unfinished, timeout_s=60)
    page.reload()
    expect(page.locator("main")).to_contain_text("3 applied")
    assert Task.objects.count() == 3
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_does_not_scroll_sideways(
    rep_page: Page, site: Site, scheme: str
) -> None:
    stale, *_ = followups(site, 3)
    page = rep_page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 380, "height": 800})

    def look() -> None:
        found = Axe().run(page).response["violations"]
        assert [(page.url, issue["id"], issue["nodes"][0]["html"]) for issue in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 380

    page.goto(f"{site.url}/suggestions/bulk/")
    look()
    page.get_by_role("button", name="Look at all 3").click()
    look()
    Lead.objects.filter(pk=stale.record_id).update(do_not_contact=True)
    page.get_by_role("button", name="Approve 3").click()
    expect(page.locator("main")).to_contain_text("1 not applied", timeout=20_000)
    look()
