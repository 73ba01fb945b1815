"""The debug panel in a browser: a flood of events, filters, pause, replay, and who is let in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connection
from playwright.sync_api import Page, expect
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from apps.operations.tests.browser.conftest import Site, sign_in
from apps.realtime.enums import Direction
from apps.realtime.models import Session
from apps.realtime.schemas import EventIn
from apps.realtime.telemetry import take
from apps.realtime.tests.factories import NOW, batch, event, make_session
from apps.realtime.tests.test_timeline import a_turn
from apps.tenants.connections import tenant_connection
from apps.users.tests.socket_ends import HOST, session_key

pytestmark = pytest.mark.browser

PER_SECOND, EVERY_MS = 200, 100
LONGEST_TASK_MS = 100.0
WATCH_TASKS = """() => {
  window.tasksMs = [];
  new PerformanceObserver((list) => window.tasksMs.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: "longtask" });
}"""
DELTA = "response.output_audio_transcript.delta"


@contextmanager
def talking(site: Site) -> Iterator[tuple[ClientConnection, Session]]:
    """The rep's own page, as far as telemetry can tell."""
    tenant_connection().set_tenant(site.tenant)
    session = make_session(site.cast.rep)
    cookie = f"{settings.SESSION_COOKIE_NAME}={session_key(site.cast.rep)}"
    connection.close()
    port = site.url.rpartition(":")[2]
    with connect(
        f"ws://127.0.0.1:{port}/live/realtime/",
        additional_headers={"Host": f"{HOST}:{port}", "Cookie": cookie},
        origin=Origin(site.url),
    ) as socket:
        yield socket, session


def tell(socket: ClientConnection, session: Session, *events: EventIn) -> None:
    socket.send(batch(session, *events).model_dump_json())
    assert json.loads(socket.recv())["kind"] == "taken"


def deltas(first_ms: float, count: int) -> list[EventIn]:
    return [
        event(DELTA, first_ms + 5 * place, Direction.IN, turn=1, data={"characters": 7})
        for place in range(count)
    ]


def open_panel(page: Page, site: Site, session: Session) -> None:
    page.goto(f"{site.url}/realtime/debug/{session.pk}/")
    expect(page.locator("[data-stream]")).to_have_attribute("data-state", "live")


def test_two_hundred_events_a_second(page: Page, site: Site, complaints: list[str]) -> None:
    sign_in(page, site, "admin")
    with talking(site) as (socket, session):
        open_panel(page, site, session)
        page.evaluate(WATCH_TASKS)
        rows = page.locator(".stream-row")
        counts = page.locator("[data-stream-counts]")
        each = PER_SECOND * EVERY_MS // 1000
        for number in range(3 * PER_SECOND // each):
            tell(socket, session, *deltas(100 * number, each))
            page.wait_for_timeout(EVERY_MS)
        tell(socket, session, event("aisha.drop", 3_100, data={"reason": "ice"}), *a_turn(2, 4_000))
        expect(counts).to_have_text("500 shown of 613")
        expect(rows).to_have_count(500)

        page.locator("[name=type]").fill("aisha.")
        expect(rows.locator(".stream-type")).to_have_text(
            ["aisha.drop", "aisha.tool_call", "aisha.tool_result"]
        )
        page.locator("[name=text]").fill("search_records")
        expect(rows.locator(".stream-type")).to_have_text(["aisha.tool_call"])
        rows.first.click()
        expect(page.locator("[data-stream-detail]")).to_contain_text('"tool": "search_records"')
        page.locator("[name=text]").fill("")
        page.locator("[name=type]").fill("")
        page.locator("[name=turn]").fill("2")
        expect(rows).to_have_count(12)
        page.locator("[name=direction]").select_option("out")
        expect(rows).to_have_count(1)
        page.locator("[name=direction]").select_option("")
        page.locator("[name=turn]").fill("")
        expect(rows).to_have_count(500)

        page.get_by_role("button", name="Pause").click()
        tell(socket, session, *deltas(9_000, 40))
        held = page.get_by_role("button", name="Continue (40 waiting)")
        expect(held).to_be_visible()
        expect(counts).to_have_text("500 shown of 613")
        held.click()
        expect(counts).to_have_text("500 shown of 653")
        # A turn has ended: its waterfall is fetched.
        page.mouse.move(5, 5)
        expect(page.locator("#measures .waterfall").first).to_contain_text("Turn 2")
        tasks: list[float] = page.evaluate("window.tasksMs")
    assert max(tasks, default=0.0) <= LONGEST_TASK_MS


def test_a_call_is_played_again(page: Page, site: Site, complaints: list[str]) -> None:
    tenant_connection().set_tenant(site.tenant)
    session = make_session(site.cast.admin)
    take(site.cast.admin, batch(session, *a_turn(1, 100), *a_turn(2, 60_000)), NOW)
    connection.close()
    sign_in(page, site, "admin")
    open_panel(page, site, session)
    rows = page.locator(".stream-row")
    expect(rows).to_have_count(24)
    page.get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Replay").click()
    expect(rows).to_have_count(12)
    page.get_by_role("button", name="Stop").click()
    page.get_by_label("Moment").fill("61000")
    expect(rows).to_have_count(14)
    expect(page.locator("[data-replay-time]")).to_contain_text("1:01.0 of 1:04.0, turn 2")
    page.get_by_role("button", name="Go on").click()
    expect(rows).to_have_count(24)
    page.get_by_role("button", name="Back to live").click()
    expect(page.locator("[data-replay-time]")).to_have_text("")
    expect(rows).to_have_count(24)


def test_ai_debug_leads_to_ones_own_calls(page: Page, site: Site) -> None:
    tenant_connection().set_tenant(site.tenant)
    own = make_session(site.cast.rep)
    make_session(site.cast.teammate)
    connection.close()
    sign_in(page, site, "rep")
    page.goto(f"{site.url}/realtime/debug/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    page.evaluate("localStorage.setItem('ai_debug', '1')")
    page.goto(f"{site.url}/realtime/debug/")
    page.wait_for_url("**/realtime/debug/?ai_debug=1")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody tr a").click()
    page.wait_for_url(f"**/realtime/debug/{own.pk}/?ai_debug=1")
    expect(page.locator("[data-stream]")).to_have_attribute("data-state", "live")


def test_the_drawer_shows_ones_latest_call_to_who_may_look(page: Page, site: Site) -> None:
    tenant_connection().set_tenant(site.tenant)
    own = make_session(site.cast.rep)
    take(site.cast.rep, batch(own, *a_turn(1, 100)), NOW)
    connection.close()
    sign_in(page, site, "rep")
    page.locator("[data-assistant-open]").click()
    tab = page.locator("dialog [data-debug-tab]")
    expect(page.locator("dialog [data-assistant-thread]")).to_be_visible()
    expect(tab).to_be_hidden()
    page.evaluate("localStorage.setItem('ai_debug', '1')")
    page.reload()
    page.locator("[data-assistant-open]").click()
    tab.locator("summary").click()
    drawer = page.locator("[data-debug-slot] [data-debug-drawer]")
    expect(drawer).to_contain_text("Turn 1")
    expect(drawer.get_by_role("link", name="Open the panel")).to_have_attribute(
        "href", f"/realtime/debug/{own.pk}/?ai_debug=1"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_does_not_scroll_sideways(
    page: Page, site: Site, complaints: list[str], scheme: Literal["light", "dark"]
) -> None:
    tenant_connection().set_tenant(site.tenant)
    session = make_session(site.cast.rep)
    statistics = [
        event("aisha.stats", 500.0 * place, data={"rtt_ms": 40 + place}) for place in range(5)
    ]
    told = [event("aisha.drop", 9_000, data={"reason": "ice"}), *a_turn(1, 100), *statistics]
    take(site.cast.rep, batch(session, *told), NOW)
    connection.close()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    sign_in(page, site, "admin")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for address in ("", f"{session.pk}/"):
            page.goto(f"{site.url}/realtime/debug/{address}")
            expect(page.locator("[data-stream]")).to_have_attribute("data-state", "live")
            if address:
                expect(page.locator(".stream-row")).to_have_count(18)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            is_wider: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not is_wider
