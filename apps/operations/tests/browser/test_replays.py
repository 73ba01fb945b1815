"""Replaying a trigger in a real browser: with values that are not saved, with and without script."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from apps.crm.tests.factories import TaskFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.triggers.models import ReplayRun
from apps.triggers.settings import read_setting

pytestmark = pytest.mark.browser

NOW = timezone.now()
TRIGGER = "/triggers/task_overdue/"
PATIENCE_MS = 30_000


@pytest.fixture
def overdue_task(site: Site) -> None:
    TaskFactory(title="Send the offer", due_on=(NOW - timedelta(days=4)).date())


def test_unsaved_values_are_replayed_and_nothing_is_saved(
    page: Page, site: Site, complaints: list[str], overdue_task: None
) -> None:
    sign_in(page, site, "manager")
    page.goto(f"{site.url}{TRIGGER}")
    box = page.locator("#id_parameter_grace_days")
    box.fill("100")
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("It was not asked")).to_be_visible()
    expect(page.locator("#replay")).to_contain_text("A whole number from 0 to 90.")
    box.fill("0")
    page.get_by_role("button", name="Replay").click()
    answer = page.locator("#replay")
    expect(answer).to_contain_text("It would have fired once", timeout=PATIENCE_MS)
    expect(answer).to_contain_text("(at present 2 days)")
    expect(box).to_have_value("0")
    assert read_setting("task_overdue").choice.parameters == {"grace_days": 2}
    assert ReplayRun.objects.get().parameters == {"grace_days": 0}
    violations = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in violations] == []
    page.get_by_text("The task", exact=True).click()
    page.get_by_role("link", name="Send the offer").click()
    expect(page.get_by_role("heading", name="Send the offer").first).to_be_visible()


def test_a_replay_without_script(browser: Browser, site: Site, overdue_task: None) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, site, "manager")
        page.goto(f"{site.url}{TRIGGER}")
        page.locator("#id_parameter_grace_days").fill("0")
        page.get_by_role("button", name="Replay").click()
        page.wait_for_url("**/replays/*/")
        expect_answer(page)


def expect_answer(page: Page) -> None:
    """Look again until the answer is there."""
    link, headline = page.get_by_role("link", name="Look again"), page.locator(".replay-headline")
    expect(link.or_(headline)).to_be_visible()
    while link.count():
        link.click()
        page.wait_for_load_state()
    expect(headline).to_contain_text("It would have fired once")


def test_the_answer_fits_a_phone(browser: Browser, site: Site, overdue_task: None) -> None:
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        sign_in(page, site, "manager")
        page.goto(f"{site.url}{TRIGGER}")
        page.get_by_role("button", name="Replay").click()
        expect(page.locator(".replay-headline")).to_be_visible(timeout=PATIENCE_MS)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
