"""The pages of the triggers in a real browser: setting one, two managers at once, days off, health."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, Signal
from apps.triggers.services import scan_now
from apps.triggers.settings import read_setting

pytestmark = pytest.mark.browser

NOW = timezone.now()
PATHS = (
    "/triggers/", "/triggers/lead_inactive/", "/triggers/working-days/", "/triggers/health/", "/scans/",
)  # fmt: skip


@pytest.fixture
def manager_page(page: Page, site: Site, complaints: list[str]) -> Page:
    """A page on which the manager has signed in."""
    sign_in(page, site, "manager")
    return page


def silent_lead(days: int) -> Lead:
    lead: Lead = LeadFactory(created_at=NOW - timedelta(days=days))
    return lead


def test_a_trigger_is_set_and_a_worker_looks_again(manager_page: Page, site: Site) -> None:
    quiet = silent_lead(days=10)
    page = manager_page
    page.goto(f"{site.url}/")
    page.get_by_role("link", name="Triggers").click()
    page.get_by_role("link", name="Lead gone quiet").click()
    box = page.locator("#id_parameter_silent_days")
    box.fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A whole number from 1 to 365.", exact=True)).to_be_visible()
    expect(box).to_have_value("0")
    box.fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#messages")).to_contain_text("A scan with it is queued.")
    expect(page.locator(".past-change")).to_contain_text("14 days → 7 days")
    page.goto(f"{site.url}/scans/")
    page.get_by_role("link", name="Manual").click()
    expect(page.get_by_role("link", name="See the suggestions")).to_be_visible(timeout=20_000)
    assert list(Signal.objects.firing().values_list("record_id", flat=True)) == [quiet.pk]

    page.goto(f"{site.url}/triggers/lead_inactive/")
    page.get_by_role("button", name="Back to defaults").click()
    page.get_by_role("dialog").get_by_role("button", name="Back to defaults").click()
    expect(page.locator("#messages")).to_contain_text("saved")
    assert read_setting("lead_inactive").is_default


def test_two_managers_set_one_trigger(manager_page: Page, browser: Browser, site: Site) -> None:
    address = f"{site.url}/triggers/lead_inactive/"
    manager_page.goto(address)
    # The other one works without JavaScript: everything here is plain forms.
    context = browser.new_context(java_script_enabled=False)
    other = context.new_page()
    sign_in(other, site, "admin")
    other.goto(address)
    other.locator("#id_parameter_silent_days").fill("21")
    other.get_by_label("This trigger is on").uncheck()
    other.get_by_role("button", name="Save").click()
    expect(other.locator("body")).to_contain_text("saved. A scan with it is queued.")
    context.close()

    manager_page.locator("#id_parameter_silent_days").fill("7")
    manager_page.get_by_role("button", name="Save").click()
    alert = manager_page.get_by_role("alert")
    expect(alert).to_contain_text("changed this trigger")
    expect(alert).to_contain_text("21 days")
    expect(manager_page.locator("#id_parameter_silent_days")).to_have_value("7")
    expect(manager_page.get_by_label("This trigger is on")).not_to_be_checked()
    assert Axe().run(manager_page).response["violations"] == []
    manager_page.get_by_role("button", name="Save anyway").click()
    expect(manager_page.locator("#messages")).to_contain_text("saved")
    choice = read_setting("lead_inactive").choice
    assert (choice.is_enabled, choice.parameters["silent_days"]) == (False, 7)


def test_days_off_are_pasted_and_removed(manager_page: Page, site: Site) -> None:
    page = manager_page
    Tenant.objects.filter(pk=site.tenant.pk).update(working_week="12345")
    # A message that is still fading in has no contrast yet.
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{site.url}/triggers/working-days/")
    page.get_by_label("Friday").uncheck()
    page.get_by_label("Add days off").fill("2126-12-24 to 2126-12-26\n1 January 2127")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".days-off li")).to_have_count(4)
    expect(page.locator(".past-change")).to_contain_text("Monday to Friday → Monday to Thursday")
    page.get_by_label("Remove 24 December 2126").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".days-off li")).to_have_count(3)
    site.tenant.refresh_from_db()
    assert site.tenant.working_week == "1234"
    assert [day.isoformat() for day in site.tenant.holidays] == [
        "2126-12-25", "2126-12-26", "2127-01-01",
    ]  # fmt: skip
    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(page: Page, site: Site, scheme: str) -> None:
    silent_lead(days=30)
    scan_now(kind=ScanKind.FULL, now=timezone.now())
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for person in ("rep", "manager"):
        page.context.clear_cookies()
        sign_in(page, site, person)
        for path in PATHS:
            page.goto(f"{site.url}{path}")
            for fold in page.locator("details.disclosure > summary").all():
                fold.click()
            assert (path, Axe().run(page).response["violations"]) == (path, [])


@pytest.mark.parametrize("width", [380, 900, 1100, 1280])
def test_the_pages_fit_their_window(manager_page: Page, site: Site, width: int) -> None:
    silent_lead(days=30)
    scan_now(kind=ScanKind.FULL, now=timezone.now())
    for kind in ScanKind:
        for status in (ScanStatus.FAILED, ScanStatus.SKIPPED):
            Scan.objects.create(
                kind=kind,
                status=status,
                requested_by=site.cast.manager,
                started_at=NOW,
                error="inbound_from_unknown_sender: InvalidParametersError",
            )
    manager_page.set_viewport_size({"width": width, "height": 800})
    for path in PATHS:
        manager_page.goto(f"{site.url}{path}")
        found = manager_page.evaluate("document.documentElement.scrollWidth")
        assert (path, found) == (path, width)
