"""What was discovered and what stands twice in a real browser: by keyboard, in both schemes, on a phone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.crm.models import Lead
from apps.crm.tests.factories import ContactFactory, LeadFactory
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.tests.factories import MatchRunFactory, pair_of
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.tests.discovered import fire
from apps.suggestions.tests.factories import SuggestionFactory

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftskapitän"


def three_pairs(site: Site) -> list[Pair]:
    """A group of a contact and two leads, and two more leads; the likeliest first."""
    rep = site.cast.rep
    contact = ContactFactory(
        owner=rep, first_name="Ann", last_name=LONG, email=f"ann@{LONG[:40]}.example"
    )
    leads = [
        LeadFactory(owner=rep, first_name=name, last_name=LONG, company="Brunner Maschinenbau")
        for name in ("Anne", "Anna")
    ]
    others = [LeadFactory(owner=rep, last_name=name) for name in ("Quinn", "Quin")]
    MatchRunFactory()
    return [
        pair_of(contact, leads[0], probability=0.995, cluster=7),
        pair_of(contact, leads[1], probability=0.93, cluster=7),
        pair_of(*others, probability=0.91),
    ]


def test_pairs_and_groups_are_gone_through_by_keyboard(rep_page: Page, site: Site) -> None:
    pairs, page = three_pairs(site), rep_page
    rows, current = page.locator("[data-pair]"), page.locator("[data-pair][aria-current]")
    page.goto(f"{site.url}/duplicates/")
    expect(rows).to_have_count(3)
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(current).to_have_count(1)
        expect(rows.nth(row)).to_have_attribute("aria-current", "true")
    expect(rows.nth(1).get_by_role("link", name="Compare")).to_be_focused()
    page.keyboard.press("o")
    page.wait_for_url(f"{site.url}{pairs[1].get_absolute_url()}")

    settled, messages = (
        Pair.objects.filter(state=PairState.NOT_DUPLICATE),
        page.locator("#messages"),
    )
    page.goto(f"{site.url}/duplicates/")
    # Nobody has gone to a pair yet.
    page.keyboard.press("n")
    expect(messages).to_contain_text("No pair is marked")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("n")
    expect(messages).to_contain_text(f"Remembered: Ann {LONG} and Anna {LONG} are not the same.")
    expect(rows).to_have_count(2)
    assert {*settled.all()} == {pairs[1]}
    # The one after it is marked.
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("n")
    expect(rows).to_have_count(1)
    assert {*settled.all()} == {pairs[1], pairs[2]}
    expect(rows.first).to_have_attribute("aria-current", "true")
    messages.get_by_role("link", name="Look at it again").click()
    page.get_by_role("button", name="Look at it again").click()
    expect(messages).to_contain_text("These two are to be looked at again.")
    assert {*settled.all()} == {pairs[1]}

    Pair.objects.filter(pk=pairs[1].pk).update(state=PairState.OPEN, is_likely=True, cluster=7)
    Pair.objects.filter(pk=pairs[0].pk).update(is_likely=True, cluster=7)
    page.goto(f"{site.url}/duplicates/groups/")
    expect(rows).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"{site.url}/duplicates/?cluster=7")
    expect(rows).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_does_not_scroll_sideways(
    page: Page, site: Site, complaints: list[str], scheme: str
) -> None:
    pairs, now = three_pairs(site), timezone.now()
    lead = Lead.objects.filter(last_name=LONG)[0]
    Lead.objects.filter(pk=lead.pk).update(estimated_value=Decimal(133_840), currency="USD")
    for key in ("lead_hot", "lead_inactive", "lead_duplicate"):
        fire(key, lead, now - timedelta(days=1), score_0_1=0.8)
    SuggestionFactory(
        lead=lead,
        assignee=site.cast.rep,
        goal="act_on_interest",
        title=f"Call Anne {LONG} while the interest is there",
    )
    page.emulate_media(
        reduced_motion="reduce", color_scheme="dark" if scheme == "dark" else "light"
    )
    sign_in(page, site, "manager")
    paths = (
        "/discovered/", "/discovered/?discovery=hot_lead", "/duplicates/", "/duplicates/groups/",
        pairs[0].get_absolute_url(), "/duplicates/runs/",
    )  # fmt: skip
    for width in (1280, 380):
        page.set_viewport_size({"width": width, "height": 800})
        for path in paths:
            page.goto(f"{site.url}{path}")
            assert Axe().run(page).response["violations"] == [], (width, path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                width,
                path,
            )
