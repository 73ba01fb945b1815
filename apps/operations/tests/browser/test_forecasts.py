"""The forecast, the targets and the prediction cards in a real browser: setting a target, and every shape."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.crm.tests.factories import ContactFactory, LeadFactory, OpportunityFactory
from apps.dashboard.asked import Quarter
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.models import Forecast
from apps.predictions.schemas import FanPoint, MethodRecord
from apps.predictions.tests.factories import (
    ForecastFactory,
    SalesTargetFactory,
    ScoreFactory,
    figures,
    share_of,
)
from apps.predictions.tests.model_cards import make_model

pytestmark = [pytest.mark.browser]


def forecast(site: Site, days_ago: int) -> Forecast:
    """The company's of this quarter, with a deal of each rep behind it."""
    today = timezone.localdate()
    quarter = Quarter.of(today)
    deals = [
        OpportunityFactory(owner=owner, name=f"A rather long name of a deal with {owner}")
        for owner in (site.cast.rep, site.cast.teammate)
    ]
    methods = (
        MethodRecord(
            method="simulation", label="Each open deal and new business, simulated", is_ours=True,
            is_chosen=False, mape=0.12, pinball=0.05, coverage_0_1=0.8,
        ),
        MethodRecord(
            method="last_windows", label="Mean of the last three windows", is_ours=False,
            is_chosen=True, mape=0.1, pinball=0.04, coverage_0_1=None,
        ),
    )  # fmt: skip
    fan = tuple(
        FanPoint(
            day=quarter.begins_on + timedelta(days=day),
            p10=5e4 * day, p50=5e4 * day + 1e4, p90=5e4 * day + 3e5,
        )
        for day in range((quarter.ends_on - quarter.begins_on).days + 1)
    )  # fmt: skip
    shown = figures(
        *(share_of(deal.pk, 120_000, 0.4) for deal in deals), fan=fan, methods=methods,
        remarks=("3 deals were left out: they were closed before they were opened.",),
    )  # fmt: skip
    row: Forecast = ForecastFactory(
        starts_on=quarter.begins_on, ends_on=quarter.ends_on,
        made_on=today - timedelta(days=days_ago), p10=Decimal(4_000_000),
        p50=Decimal(4_500_000 + 1000 * days_ago), p90=Decimal(5_100_000), won_so_far=Decimal(2_900_000),
        figures=shown.model_dump(mode="json"),
    )  # fmt: skip
    return row


def scores(site: Site) -> None:
    """A lead that warms up, a contact that cools down, deals of which nothing is foretold."""
    now = timezone.now()
    make_model(Prediction.LEAD_CONVERSION)
    make_model(Prediction.DEAL_CLOSE, ModelState.UNPROVEN)
    for prediction, record in (
        (Prediction.LEAD_CONVERSION, LeadFactory(owner=site.cast.rep)),
        (Prediction.CONTACT_ENGAGEMENT, ContactFactory(owner=site.cast.rep)),
    ):
        for days_ago, score_0_1 in ((9, 0.9), (1, 0.4)):
            ScoreFactory(
                prediction=prediction, record_kind=record.kind, record_id=record.pk,
                score_0_1=score_0_1, is_latest=days_ago == 1, scored_at=now - timedelta(days=days_ago),
            )  # fmt: skip


def test_a_manager_sets_a_target_and_finds_it_at_the_forecast(
    page: Page, site: Site, complaints: list[str]
) -> None:
    forecast(site, 0)
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, site, "manager")
    page.get_by_role("link", name="Forecast", exact=True).click()
    page.get_by_role("link", name="set a target").click()
    page.get_by_label("Amount").fill("-1")
    page.get_by_role("button", name="Set the target").click()
    expect(page.get_by_text("A target is more than nothing.")).to_be_visible()
    page.get_by_label("Of", exact=True).select_option(label=Quarter.of(timezone.localdate()).label)
    page.get_by_label("Amount").fill("6,000,000")
    page.get_by_role("button", name="Set the target").click()
    expect(page.locator("#messages")).to_contain_text("Target set.")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Forecast").click()
    expect(page.locator("main")).to_contain_text("is reached less than once in ten.")
    page.goto(f"{site.url}/predictions/targets/")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No targets yet")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1000, 1280])
def test_the_pages_fit_and_can_be_read(
    page: Page, site: Site, complaints: list[str], scheme: str, width: int
) -> None:
    for days_ago in (8, 0):
        forecast(site, days_ago)
    target = SalesTargetFactory(starts_on=Quarter.of(timezone.localdate()).begins_on)
    SalesTargetFactory(owner=site.cast.rep)
    scores(site)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, site, "manager")
    for path in (
        "/", "/predictions/forecast/", "/predictions/forecast/?window=this_month",
        "/predictions/targets/", "/predictions/targets/new/", f"/predictions/targets/{target.pk}/edit/",
    ):  # fmt: skip
        page.goto(site.url + path)
        for fold in page.locator("main details.disclosure > summary").all():
            fold.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
