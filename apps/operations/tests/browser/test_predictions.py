"""The pages of predictions in a real browser: cards, why a record scores as it does, a table of one's own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.crm.models import Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.tests.factories import ScoreFactory
from apps.predictions.tests.model_cards import make_model, make_scoring_model
from apps.predictions.tests.test_run_pages import make_run
from apps.predictions.tests.test_trials import table

pytestmark = pytest.mark.browser

NOW = timezone.now()


@pytest.fixture
def manager_page(page: Page, site: Site, complaints: list[str]) -> Page:
    """A page on which the manager has signed in. A message that is still fading in has no contrast yet."""
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, site, "manager")
    return page


def scored_lead() -> Lead:
    """A lead with two scores, of a model that says why."""
    make_scoring_model()
    lead: Lead = LeadFactory(lead_source="fair")
    ActivityFactory(lead=lead, activity_kind="meeting", occurred_at=NOW - timedelta(days=20))
    for days_ago, score_0_1 in ((40, 0.3), (3, 0.23)):
        ScoreFactory(
            record_id=lead.pk,
            score_0_1=score_0_1,
            scored_at=NOW - timedelta(days=days_ago),
            is_latest=days_ago == 3,
        )
    return lead


def test_why_is_told_when_somebody_asks(rep_page: Page, site: Site) -> None:
    lead, page = scored_lead(), rep_page
    page.goto(f"{site.url}{lead.get_absolute_url()}")
    expect(page.get_by_text("Lowers it")).to_have_count(0)
    page.get_by_role("link", name="Why 23").click()
    expect(page.locator("#why")).to_contain_text("Where it came from")
    expect(page.locator("#why")).to_contain_text("One meeting this week")
    assert page.url == f"{site.url}{lead.get_absolute_url()}"
    assert Axe().run(page).response["violations"] == []


def test_a_table_of_ones_own_is_tried_by_a_worker(
    manager_page: Page, site: Site, tmp_path: Path
) -> None:
    page, file = manager_page, tmp_path / "deals.csv"
    file.write_bytes(table(120))
    page.goto(f"{site.url}/predictions/")
    page.get_by_role("link", name="Try it on your export").click()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("Which column holds the outcome?").select_option("Stage")
    page.get_by_label("What stands there when it came about?").fill("Won")
    page.get_by_label("Deal", exact=True).check()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("What was not learned from")).to_be_visible(timeout=60_000)
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text("The trial is deleted")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(manager_page: Page, site: Site, scheme: str) -> None:
    lead, page = scored_lead(), manager_page
    make_model(state=ModelState.FORMER)
    make_model(Prediction.DEAL_CLOSE, ModelState.UNPROVEN)
    run = make_run()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in (
        "/predictions/", "/predictions/lead_conversion/", "/predictions/deal_close/",
        "/predictions/contact_engagement/", "/predictions/renewal_risk/", "/predictions/scores/",
        "/predictions/runs/", run.get_absolute_url(), "/predictions/trials/",
        f"/leads/{lead.pk}/score/",
    ):  # fmt: skip
        page.goto(f"{site.url}{path}")
        assert Axe().run(page).response["violations"] == [], path
    page.set_viewport_size({"width": 380, "height": 800})
    for path in (
        "/predictions/lead_conversion/",
        "/predictions/scores/",
        f"/leads/{lead.pk}/score/",
    ):
        page.goto(f"{site.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
