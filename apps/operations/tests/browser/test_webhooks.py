"""Webhooks in a real browser: made, tried and given a new secret; and their pages in every shape."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.operations.tests.browser.conftest import Site, sign_in
from apps.suggestions.models import WebhookEndpoint
from apps.suggestions.tests.webhooks import is_signed_with, make_delivery, make_endpoint
from apps.tenants.tests.http_server import Receiver, http_server


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the site send to this machine."""
    monkeypatch.setenv("WEBHOOKS_TO_LOOPBACK", "yes")


pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("loopback")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_server() as server:
        yield server


def test_an_administrator_makes_a_webhook_and_tries_it(
    page: Page, site: Site, receiver: Receiver, complaints: list[str]
) -> None:
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, site, "admin")
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="New webhook").first.click()
    page.get_by_label("Name").fill("Orders")
    page.get_by_label("Address").fill("https://10.0.0.1/")
    page.get_by_label("Suggestion applied").check()
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_text("This host stands in a private network")).to_be_visible()
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("button", name="Make the webhook").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    page.get_by_role("link", name="Go on to the webhook").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#messages")).to_contain_text("The test was delivered: 204.")
    assert is_signed_with(secret, receiver.only)
    page.get_by_role("button", name="New secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a new secret").click()
    assert page.locator("#secret").inner_text() != secret
    assert WebhookEndpoint.objects.get().url == receiver.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_the_pages_fit_and_can_be_read(
    page: Page, site: Site, complaints: list[str], scheme: str, width: int
) -> None:
    long = "https://hooks.example/" + "a-long-path/" * 12
    endpoint = make_endpoint(long, failing_since=site.tenant.created_at)
    dead = make_delivery(endpoint)
    make_delivery(endpoint, state="queued", attempts=3)
    make_delivery(endpoint, state="delivered", error_code="", last_status=204)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, site, "admin")
    one = f"/webhooks/{endpoint.pk}/"
    for path in (
        "/webhooks/", "/webhooks/new/", one, f"{one}edit/", "/webhooks/deliveries/",
        f"/webhooks/deliveries/{dead.pk}/",
    ):  # fmt: skip
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
