"""Somebody talks to AiSHA: token, WebRTC, a tool, a suggestion, telemetry, a drop, and the way back.

The provider is the stand-in over real HTTP and WebRTC; the microphone says a file that Chromium plays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone
from playwright.sync_api import BrowserType, Dialog, Locator, Page, Route, expect
from pytest_django.plugin import DjangoDbBlocker

from apps.assistant.models import Message
from apps.conftest import make_cast
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.embedded_cases import wait_until
from apps.operations.tests.serving import environment_on_test_database, free_port, running
from apps.realtime.ending import end_what_is_over
from apps.realtime.models import (
    ONLY_ROW,
    RealtimeSettings,
    Session,
    TelemetryEvent,
    TokenRequest,
    ToolCall,
)
from apps.suggestions.models import Suggestion
from apps.tenants.models import Tenant
from stubs.openai_server.calling import write_speech
from stubs.openai_server.testing import RealtimeCall, RunningStandIn

pytestmark = pytest.mark.browser

FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
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


@pytest.fixture
def talking_site(
    committed_tenant: Tenant,
    django_db_blocker: DjangoDbBlocker,
    stand_in_process: RunningStandIn,
) -> Iterator[Site]:
    """A tenant that is served, and whose voice provider is the stand-in."""
    stand_in_process.reset()
    cast = make_cast()
    connection.close()
    port = free_port()
    web = ["uvicorn", "aisha.asgi:application", "--port", str(port), "--log-level", "warning"]
    environment = environment_on_test_database() | {
        "REALTIME_BASE_URL": stand_in_process.base_url,
        "REALTIME_API_KEY": stand_in_process.key,
        "REALTIME_MODEL": "stand-in",
        "REALTIME_TOKENS_PER_MINUTE": "60",
        "TRANSCRIPTION_MODEL": "stand-in",
    }
    with running([web], environment, port=port):
        yield Site(committed_tenant, cast, f"http://race.localhost:{port}")


@contextmanager
def phone(
    browser_type: BrowserType, launch_args: dict[str, Any], site: Site, speech: Path
) -> Iterator[Page]:
    """The rep's page, in a browser whose microphone says what is in a file."""
    file = f"--use-file-for-fake-audio-capture={speech}%noloop"
    arguments = [*launch_args["args"], *FAKE_DEVICES, file]
    browser = browser_type.launch(**(launch_args | {"args": arguments}))
    page = browser.new_context().new_page()
    sign_in(page, site, "rep")
    yield page
    browser.close()


@pytest.fixture
def caller(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    talking_site: Site,
    tmp_path: Path,
) -> Iterator[Page]:
    """Somebody who says something every few seconds: however long connecting takes, some of it after that."""
    speech = write_speech(tmp_path / "speech.wav", *[2_500, 1_200] * 8, 2_500)
    with phone(browser_type, browser_type_launch_args, talking_site, speech) as page:
        yield page


@pytest.fixture
def quiet_caller(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    talking_site: Site,
    tmp_path: Path,
) -> Iterator[Page]:
    """Somebody who says nothing unless they hold a button, or type."""
    silence = write_speech(tmp_path / "silence.wav", 60_000)
    with phone(browser_type, browser_type_launch_args, talking_site, silence) as page:
        yield page


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


def begin_in_drawer(page: Page, site: Site) -> Locator:
    page.goto(f"{site.url}/tasks/")
    page.get_by_role("link", name="Ask AiSHA").click()
    drawer = page.get_by_role("dialog", name="AiSHA")
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


def test_a_spoken_request_becomes_a_suggestion_that_a_person_approves(
    caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    rep = talking_site.cast.rep
    lead = LeadFactory(owner=rep, first_name="Elena", last_name="Quixworth")
    stand_in_process.set_script(
        {
            "said": "Remind me to call Elena Quixworth on Friday.",
            "calls": [
                {
                    "name": "propose_create_followup",
                    "arguments": {
                        "arguments": {
                            "subject_kind": "lead",
                            "subject_id": lead.pk,
                            "about_kind": "lead",
                            "about_id": lead.pk,
                            "title": "Call Elena Quixworth",
                            "due_on": (timezone.localdate() + timedelta(days=2)).isoformat(),
                        },
                        "reason": "You want to call Elena Quixworth.",
                        "words": "Remind me to call Elena Quixworth on Friday.",
                    },
                }
            ],
        },
        *["Thank you."] * 8,
        characters_per_s=200,
    )
    page = caller
    assert page.context.browser is not None
    panel = page.context.browser.new_context().new_page()
    sign_in(panel, talking_site, "admin")
    begin(page, talking_site)
    panel.goto(f"{talking_site.url}/realtime/debug/{Session.objects.get().pk}/")
    expect(panel.locator("[data-stream]")).to_have_attribute("data-state", "live")
    expect(page.locator(".voice-caption-person").first).to_have_text(
        "Remind me to call Elena Quixworth on Friday.", timeout=20_000
    )
    proposal = page.locator(".voice-proposal a")
    expect(proposal).to_be_visible(timeout=20_000)
    expect(page.locator(".voice-caption-assistant").first).to_be_visible(timeout=20_000)
    suggestion = Suggestion.objects.get()
    assert (suggestion.origin, suggestion.assignee, suggestion.state) == (
        "realtime", rep, "pending",
    )  # fmt: skip
    assert not Task.objects.exists()
    # The administrator who watches sees what that turn took, bar by bar, while the call goes on.
    fall = panel.locator("#measures .waterfall").filter(has_text="propose_create_followup")
    for bar in ("Speech", "Transcript", "Model", "Voice"):
        expect(fall.first).to_contain_text(bar, timeout=30_000)

    hang_up(page)
    the_session()
    proposal.click()
    page.get_by_role("button", name=re.compile("^Approve")).first.click()
    expect(page.locator("body")).to_contain_text("Undo")
    assert Task.objects.get().title == "Call Elena Quixworth"

    session = Session.objects.get()
    assert (session.state, session.end_reason, session.is_stand_in) == ("ended", "hung_up", True)
    assert session.audio_tokens_in > 0
    assert session.cost_usd > 0
    assert [(call.tool, call.status) for call in ToolCall.objects.all()] == [
        ("propose_create_followup", "proposed")
    ]
    types = set(TelemetryEvent.objects.values_list("type", flat=True))
    assert {
        "aisha.token", "aisha.offer", "aisha.answer", "aisha.channel_state", "aisha.tool_call",
        "aisha.tool_result", "aisha.end", "session.created", "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped", "response.done",
        "conversation.item.input_audio_transcription.completed",
    } <= types  # fmt: skip
    # What was said stands in the person's own thread, and in no event.
    said = list(Message.objects.order_by("pk").values_list("speaker", "origin", "text"))
    assert said[0] == ("person", "realtime", "Remind me to call Elena Quixworth on Friday.")
    # What the microphone says next may be the last that was kept.
    assert {speaker for speaker, _, _ in said} == {"person", "assistant"}
    events = " ".join(str(data) for data in TelemetryEvent.objects.values_list("data", flat=True))
    assert "Quixworth" not in events


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
    page.wait_for_function("window.statesSeen.includes('lost')")
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


def test_holding_a_button_muting_barging_in_and_another_microphone(
    quiet_caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = quiet_caller
    stand_in_process.set_script("First.", "Second.", "Third.", characters_per_s=20)
    page.add_init_script(WATCH_CONNECTIONS)
    # Whoever hangs up while a line is asked for has hung up, and can talk again.
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/ai/realtime-token", hold)
    page.goto(f"{talking_site.url}/realtime/talk/")
    with page.expect_request("**/api/ai/realtime-token"):
        page.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "asking")
    hang_up(page)
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        held[0].continue_()
    page.unroute("**/api/ai/realtime-token")
    assert Session.objects.get().end_reason == "hung_up"
    Session.objects.all().delete()

    page.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "live")
    page.locator("[data-voice-options] summary").click()
    page.get_by_label("Hold a button while I speak").check()
    push = page.get_by_role("button", name="Hold to talk")

    def commits() -> int:
        return len(stand_in_process.calls()[-1].told("input_audio_buffer.commit", "in"))

    def speak() -> None:
        """Hold the button until more was heard than a turn has to have."""
        push.hover()
        page.mouse.down()
        heard = stand_in_process.calls()[-1].audio_packets_in
        stand_in_process.wait_for_call(
            lambda call: not call.ended and call.audio_packets_in > heard + 15
        )
        page.mouse.up()

    persons = page.locator(".voice-caption-person")
    stand_in_process.wait_for_call(lambda call: bool(call.told("session.update", "in")))
    speak()
    expect(persons).to_have_text(["First."])

    mute = page.get_by_role("button", name="Mute the microphone")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    speak()
    mute.click()
    # The answer to the first is still being said: who speaks interrupts it.
    expect(page.locator(".voice-caption-assistant").first).to_be_visible()
    speak()
    expect(persons).to_have_text(["First.", "Second."])
    assert commits() == 2

    microphone = page.get_by_label("Device")
    others = microphone.locator("option:not(:checked)")
    wanted = others.last.get_attribute("value")
    microphone.select_option(wanted)
    speak()
    expect(persons).to_have_text(["First.", "Second.", "Third."])
    call = stand_in_process.calls()[-1]
    assert call.told("output_audio_buffer.clear", "in")

    # What goes wrong at the provider is told in our words, and what was broken off is kept as that.
    told = page.locator("[data-voice-state]")
    half = {"id": "item_half", "type": "message", "content": [{"transcript": "It is abo"}]}
    quota = {"error": {"type": "insufficient_quota", "message": "Upstream."}}
    response: dict[str, Any]
    for response, words in (
        ({"status": "incomplete", "output": [half]}, "The answer was cut short."),
        ({"status": "failed", "status_details": quota}, "quota is used up."),
        ({"status": "failed"}, "AiSHA could not answer this."),
    ):
        page.evaluate(HEAR, {"type": "response.done", "response": response})
        expect(told).to_contain_text(words)
    page.evaluate(HEAR, {"type": "error", "error": {"code": "odd", "message": "Upstream."}})
    expect(told).to_contain_text("reported a fault.")
    page.evaluate(HEAR, {"type": "conversation.item.input_audio_transcription.failed"})
    expect(told).to_contain_text("could not be written down")
    assert wait_until(Message.objects.filter(text="It is abo", state="cut_short").exists)
    hang_up(page)
    the_session(end_reason="hung_up", drops_count=0)
    types = TelemetryEvent.objects.values_list("type", "data")
    assert [data["on"] for type_, data in types if type_ == "aisha.muted"] == [True, False]
    assert {"aisha.barge_in", "aisha.device"} <= {type_ for type_, _ in types}


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
    the_session(end_reason="hung_up", drops_count=3, reconnects_count=3)
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
    begin(page, talking_site)
    (call,) = stand_in_process.calls()
    assert wait_until(lambda: Session.objects.get().provider_calls == [call.id])
    talking_site.cast.rep.groups.clear()
    assert end_what_is_over(timezone.now()) == 1
    # Nobody has hung up yet: the page does, because it was told.
    expect(state_of(page)).to_have_attribute("data-voice-is", "ended", timeout=20_000)
    expect(page.locator("body")).to_contain_text("is no longer for you")
    assert Session.objects.get().end_reason == "revoked"


def test_a_second_tab_takes_no_second_call(caller: Page, talking_site: Site) -> None:
    begin(caller, talking_site)
    second = caller.context.new_page()
    second.goto(f"{talking_site.url}/realtime/talk/")
    second.get_by_role("button", name="Talk to AiSHA").click()
    expect(second.locator("[data-voice-state]")).to_have_text("You are in a call in another tab.")
    assert Session.objects.count() == 1
    # No page comes after a tab that is closed: whoever closes it is asked.
    with caller.expect_event("dialog") as asked:
        caller.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.accept()


def test_a_microphone_that_is_refused_is_told(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], talking_site: Site
) -> None:
    browser = browser_type.launch(**browser_type_launch_args)
    page = browser.new_page()
    sign_in(page, talking_site, "rep")
    page.goto(f"{talking_site.url}/realtime/talk/")
    page.get_by_role("button", name="Talk to AiSHA").click()
    expect(page.locator("[data-voice-state]")).to_contain_text("microphone")
    expect(state_of(page)).to_have_attribute("data-voice-is", "ended")
    assert not TokenRequest.objects.exists()
    browser.close()
