"""A call goes on: over drops, sleep and pages; until the server ends it, and says why."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Dialog, Page, Route, expect

from apps.assistant.models import Message
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.browser.talking.calls import (
    SEEM,
    UNPLUG,
    WATCH_CONNECTIONS,
    WATCH_STATES,
    begin_in_drawer,
    goes_through,
    hang_up,
    is_in,
    open_drawer,
    outputs_of,
    state_of,
    the_session,
    type_into,
)
from apps.operations.tests.embedded_cases import wait_until
from apps.realtime.ending import end_what_is_over
from apps.realtime.models import (
    ONLY_ROW,
    RealtimeSettings,
    Session,
    TelemetryEvent,
    TokenRequest,
    ToolCall,
)
from stubs.openai_server.testing import RunningStandIn

pytestmark = pytest.mark.browser

WATCH_OPENER = """() => {
  const word = document.querySelector("[data-assistant-open] .assistant-open-word");
  window.wordsSeen = [];
  new MutationObserver(() => {
    if (window.wordsSeen.at(-1) !== word.textContent) window.wordsSeen.push(word.textContent);
  }).observe(word, { childList: true });
}"""

ASK_OF_LIMITS = """async () => {
  const told = [];
  const limits = new Aisha.Limits((...one) => told.push(one));
  limits.begin({ id: crypto.randomUUID(), left_s: 60 });
  await limits.askServer();
  return told;
}"""


def test_a_call_survives_drops_sleep_and_a_tool_that_answers_meanwhile(
    quiet_caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = quiet_caller
    asked = "How is Elena Quixworth?"
    LeadFactory(owner=talking_site.cast.rep, first_name="Elena", last_name="Quixworth")
    search = {"name": "search_records", "arguments": {"text": "Quixworth"}}
    stand_in_process.set_script(
        {"said": asked, "calls": [search], "answer": "She is well."}, characters_per_s=200
    )
    # The first connection ends in the middle of an answer: the next one is asked for it.
    RealtimeSettings.objects.create(pk=ONLY_ROW, model="stand-in:cut:1")
    page.add_init_script(WATCH_CONNECTIONS)
    drawer = begin_in_drawer(page, talking_site)
    page.evaluate(WATCH_STATES)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/ai/realtime/tools", hold)
    with page.expect_request("**/api/ai/realtime/tools"):
        type_into(drawer, asked)
    goes_through(page, "lost", "live")
    stand_in_process.drop_calls()
    page.wait_for_function("() => window.statesSeen.includes('lost')")
    held[0].continue_()
    page.unroute("**/api/ai/realtime/tools")
    goes_through(page, "lost", "live")
    expect(page.locator(".voice-caption-assistant")).to_have_text("She is well.", timeout=20_000)
    again = stand_in_process.calls()[-1]
    (output,) = outputs_of(again)
    assert "Quixworth" in output["output"]
    assert ToolCall.objects.count() == 1

    # A short drop, which mends itself, while a tool answers: what it has found is said all the same.
    page.route("**/api/ai/realtime/tools", hold)
    with page.expect_request("**/api/ai/realtime/tools"):
        type_into(drawer, asked)
    asking = held[-1].request
    address = asking.url.replace("race.localhost", "127.0.0.1")
    host = {"host": talking_site.url.removeprefix("http://")}
    found = held[-1].fetch(url=address, headers=asking.all_headers() | host)
    assert found.ok
    page.evaluate(SEEM, "disconnected")
    held[-1].fulfill(response=found)
    page.unroute("**/api/ai/realtime/tools")
    stand_in_process.wait_for_call(lambda call: len(outputs_of(call)) > 1)
    page.evaluate(SEEM, "connected")
    goes_through(page, "lost", "live")
    expect(page.locator(".voice-caption-assistant")).to_have_text(
        ["She is well."] * 2, timeout=20_000
    )

    # A microphone is unplugged, and then the last one.
    told = page.locator("[data-voice-state]")
    page.evaluate(UNPLUG)
    expect(told).to_have_text("The microphone went away. Another one is used now.")
    assert page.evaluate("window.peer.getSenders()[0].track.readyState") == "live"
    page.evaluate(
        "() => (navigator.mediaDevices.getUserMedia = async () => "
        "{ throw new DOMException('', 'NotFoundError') }, 0)"
    )
    page.evaluate(UNPLUG)
    expect(told).to_contain_text("Plug one in, or type instead.")

    # A laptop that is closed for a while: the connection is gone when it is opened.
    browser_side = page.context.new_cdp_session(page)
    browser_side.send("Page.setWebLifecycleState", {"state": "frozen"})
    stand_in_process.drop_calls()
    browser_side.send("Page.setWebLifecycleState", {"state": "active"})
    goes_through(page, "lost", "live")
    # The way back needs no microphone.
    assert page.evaluate("window.peer.getSenders()[0].track") is None
    hang_up(page)
    session = the_session(end_reason="hung_up", drops_count=3, reconnects_count=3)
    assert TokenRequest.objects.filter(session=session, outcome="issued").count() == 4


def test_a_call_goes_on_over_pages_and_conversations(
    quiet_caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = quiet_caller
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    drawer = begin_in_drawer(page, talking_site)
    where, told = page.locator("[data-voice-where]"), page.locator("[data-voice-state]")
    expect(where).to_contain_text("belongs to the conversation above")

    # What is typed is said in the call; the thread has it, although the server was away at first.
    page.route("**/api/ai/realtime/transcripts", lambda route: route.abort(), times=1)
    type_into(drawer, "What is in my pipeline?")
    expect(page.locator(".voice-caption")).to_have_text(
        ["What is in my pipeline?", "Open deals: none."], timeout=20_000
    )

    # What the drawer shows changes; the call's controls stay, and lead back to its conversation.
    drawer.get_by_role("button", name="New conversation").click()
    expect(where).to_contain_text("belongs to another conversation")
    expect(drawer.get_by_role("button", name="Hang up")).to_be_visible()
    where.get_by_role("link").click()
    expect(where).to_contain_text("belongs to the conversation above")

    page.keyboard.press("Escape")
    page.get_by_role("link", name="Leads", exact=True).click()
    page.wait_for_url("**/leads/")
    opener = page.locator("[data-assistant-open]")
    expect(opener).to_have_text("In a call", timeout=20_000)
    is_in(page, "live")
    expect(drawer).to_be_hidden()
    # What a closed drawer does not show the page tells; of going to another page it says nothing.
    messages = page.locator("[data-messages]")
    expect(messages).to_be_empty()
    page.evaluate(WATCH_OPENER)
    stand_in_process.drop_calls()
    expect(messages).to_contain_text("You are connected again.", timeout=20_000)
    assert page.evaluate("window.wordsSeen") == ["Connection lost", "In a call"]

    page.evaluate("location.assign('/assistant/')")
    page.wait_for_url("**/assistant/")
    expect(told).to_have_text("You are back in your call.", timeout=20_000)
    expect(where.get_by_role("link")).to_be_visible()
    page.evaluate("location.assign('/tasks/')")
    page.wait_for_url("**/tasks/")
    # It was in sight, and is again; the page beside it can be used.
    expect(told).to_have_text("You are back in your call.", timeout=20_000)
    expect(where).to_contain_text("belongs to the conversation above")
    page.get_by_role("button", name="Hang up").click()
    expect(opener).to_have_text("Ask AiSHA")
    page.reload()
    expect(opener).to_have_text("Ask AiSHA")
    assert page.evaluate("sessionStorage.getItem('aisha-call')") is None
    assert asked == []
    the_session(end_reason="hung_up", drops_count=4, reconnects_count=4)
    said = Message.objects.order_by("said_at").values_list("speaker", "origin", "text")
    assert list(said) == [
        ("person", "typed", "What is in my pipeline?"),
        ("assistant", "realtime", "Open deals: none."),
    ]
    # Everything of the one turn follows from what was typed; nothing before it does.
    origins = TelemetryEvent.objects.order_by("turn").values_list("turn", "origin").distinct()
    assert list(origins) == [(1, "typed"), (None, "realtime")]


def test_a_call_that_the_server_ends_says_why(
    caller: Page,
    talking_site: Site,
    stand_in_process: RunningStandIn,
    settings: LazySettings,
) -> None:
    settings.REALTIME_BASE_URL = stand_in_process.base_url
    settings.REALTIME_API_KEY = stand_in_process.key
    page = caller
    begin_in_drawer(page, talking_site)
    page.keyboard.press("Escape")
    (call,) = stand_in_process.calls()
    assert wait_until(lambda: Session.objects.get().provider_calls == [call.id])
    talking_site.cast.rep.groups.clear()
    assert end_what_is_over(timezone.now()) == 1
    # Nobody has hung up yet: the page does, because it was told.
    expect(state_of(page)).to_have_attribute("data-voice-is", "ended", timeout=20_000)
    # The drawer is closed: the page says why, until the drawer does.
    messages = page.locator("[data-messages]")
    expect(messages).to_contain_text("is no longer for you")
    open_drawer(page)
    expect(messages).to_be_empty()
    expect(page.locator("[data-voice-state]")).to_contain_text("is no longer for you")
    assert Session.objects.get().end_reason == "revoked"


def test_a_call_ends_with_its_session_of_the_site(
    quiet_caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page, asked = quiet_caller, "How is Elena Quixworth?"
    search = {"name": "search_records", "arguments": {"text": "Quixworth"}}
    stand_in_process.set_script({"said": asked, "calls": [search], "answer": "She is well."})
    drawer = begin_in_drawer(page, talking_site)
    page.context.clear_cookies()
    type_into(drawer, asked)
    is_in(page, "ended")
    words = "You are signed out: the call has ended."
    expect(page.locator("[data-voice-state]")).to_have_text(words)
    the_session(end_reason="revoked")
    # Where no tool is called, what is asked by the clock finds it out.
    assert page.evaluate(ASK_OF_LIMITS) == [["reached", {"reason": "revoked", "words": words}]]
    sign_in(other := page.context.new_page(), talking_site, "teammate")
    (told,) = page.evaluate(ASK_OF_LIMITS)
    assert "Somebody has signed in here meanwhile" in told[1]["words"]
    # Nor does it wait for the clock where another tab shows that nobody is signed in any more.
    begin_in_drawer(page, talking_site)
    page.context.clear_cookies()
    other.goto(f"{talking_site.url}/sign-in/")
    is_in(page, "ended")
    expect(page.locator("[data-voice-state]")).to_have_text(words)
