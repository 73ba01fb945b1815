"""Networks that carry little: no way to the provider, no socket, lost packets. The page says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.operations.tests.browser.conftest import Site
from apps.operations.tests.browser.talking.calls import hang_up, is_in, open_drawer, type_into
from apps.operations.tests.embedded_cases import wait_until
from apps.realtime.models import ONLY_ROW, RealtimeSettings, Session, TelemetryEvent
from apps.realtime.reading import read_session
from stubs.openai_server.testing import RunningStandIn

pytestmark = pytest.mark.browser


def test_a_call_without_a_way_ends_and_one_that_loses_packets_goes_on(
    quiet_caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = quiet_caller
    settings = RealtimeSettings.objects.create(pk=ONLY_ROW, model="stand-in:ice-failure")
    # Everything that is told of these calls is posted.
    page.route_web_socket("**/live/realtime/", lambda socket: socket.close())
    page.clock.install()
    page.goto(f"{talking_site.url}/tasks/")
    drawer = open_drawer(page)
    told = page.locator("[data-voice-state]")
    drawer.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "connecting")
    stand_in_process.wait_for_call(lambda call: call.ended == "ice-failure")
    page.clock.fast_forward(15_000)
    is_in(page, "ended")
    expect(told).to_have_text("No connection could be made in time.")
    failed = Session.objects.filter(state="ended", end_reason="failed", began_at=None)
    assert wait_until(failed.exists)
    (drop,) = TelemetryEvent.objects.filter(session=failed.get(), type="aisha.drop")
    assert drop.data == {"reason": "connect_timeout"}

    settings.model = "stand-in:packet-loss"
    settings.save()
    drawer.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "live")
    page.clock.fast_forward(10_000)
    session = Session.objects.exclude(pk=failed.get().pk).get()
    stats = TelemetryEvent.objects.filter(session=session, type="aisha.stats", data__lost__gt=0)
    assert wait_until(stats.exists)
    expect(told).to_contain_text("The connection is poor", timeout=20_000)
    # What is said is heard in part, and written down whole.
    type_into(drawer, "What is in my pipeline?")
    expect(page.locator(".voice-caption-assistant")).to_have_text(
        "Open deals: none.", timeout=20_000
    )
    hang_up(page)
    ended = Session.objects.filter(pk=session.pk, end_reason="hung_up", drops_count=0)
    assert wait_until(ended.exists)
    lost = {line.name: line.highest for line in read_session(session).lines}["Packets lost"]
    assert lost > 10
