"""What a test of calls does with a page, and waits for."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from apps.operations.tests.browser.conftest import Site
from apps.operations.tests.embedded_cases import wait_until
from apps.realtime.models import (
    Session,
)
from stubs.openai_server.testing import RealtimeCall

WATCH_STATES = """() => {
  const controls = document.querySelector("[data-voice]");
  window.statesSeen = [];
  let last = controls.dataset.voiceIs;
  new MutationObserver(() => {
    if (controls.dataset.voiceIs !== last) window.statesSeen.push((last = controls.dataset.voiceIs));
  }).observe(controls, { attributeFilter: ["data-voice-is"] });
}"""

# The browser's side of a connection, within reach of what a test has to make happen to it.
WATCH_CONNECTIONS = """(() => {
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      window.peer = this;
    }
    createDataChannel(...given) {
      return (window.channel = super.createDataChannel(...given));
    }
  };
})()"""
SEEM = """state => {
  Object.defineProperty(window.peer, "connectionState", { configurable: true, get: () => state });
  window.peer.dispatchEvent(new Event("connectionstatechange"));
}"""

HEAR = """told => window.channel.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(told) }))"""
UNPLUG = """() => {
  const { track } = window.peer.getSenders()[0];
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""


def state_of(page: Page) -> Any:
    return page.locator("[data-voice]")


def is_in(page: Page, state: str) -> None:
    expect(state_of(page)).to_have_attribute("data-voice-is", state, timeout=30_000)


def goes_through(page: Page, *states: str) -> None:
    """Wait until the call has gone through these states since the last look, however short each was."""
    page.wait_for_function("states => window.statesSeen.join() === states", arg=",".join(states))
    page.evaluate("window.statesSeen = []")


def begin(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/realtime/talk/")
    page.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "live")


def open_drawer(page: Page) -> Locator:
    page.get_by_role("link", name="Ask AiSHA").click()
    return page.get_by_role("dialog", name="AiSHA")


def begin_in_drawer(page: Page, site: Site, path: str = "/tasks/") -> Locator:
    page.goto(f"{site.url}{path}")
    drawer = open_drawer(page)
    drawer.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "live")
    return drawer


def type_into(drawer: Locator, words: str) -> None:
    drawer.get_by_label("Message to AiSHA").fill(words)
    drawer.get_by_label("Message to AiSHA").press("Enter")


def outputs_of(call: RealtimeCall) -> list[dict[str, Any]]:
    """What the model was told that its calls of tools have found."""
    created = (one["item"] for one in call.told("conversation.item.create", "in"))
    return [item for item in created if item["type"] == "function_call_output"]


def hang_up(page: Page) -> None:
    page.get_by_role("button", name="Hang up").click()
    is_in(page, "ended")


def the_session(**expected: Any) -> Session:
    """The one session, as soon as it has ended: its last events may still be on their way."""
    assert wait_until(Session.objects.filter(state="ended").exists)
    session = Session.objects.get()
    assert {name: getattr(session, name) for name in expected} == expected
    return session
