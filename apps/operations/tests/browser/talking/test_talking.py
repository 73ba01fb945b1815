"""Somebody talks to AiSHA: a tool, a suggestion, telemetry; the microphone and its controls."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from apps.assistant.models import Message
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.browser.talking.calls import (
    HEAR,
    WATCH_CONNECTIONS,
    WATCH_STATES,
    begin,
    begin_in_drawer,
    goes_through,
    hang_up,
    is_in,
    the_session,
)
from apps.operations.tests.embedded_cases import wait_until
from apps.realtime.models import (
    Session,
    TelemetryEvent,
    TokenRequest,
    ToolCall,
)
from apps.suggestions.models import Suggestion
from stubs.openai_server.testing import RunningStandIn

pytestmark = pytest.mark.browser

HEARD_FROM = "id => document.querySelector('[data-voice-audio]').sinkId === id"
# A browser with a window of its own to pick a loudspeaker in, and a person who picks the last one.
PICK_LAST = """(() => {
  const { mediaDevices } = navigator;
  const all = mediaDevices.enumerateDevices.bind(mediaDevices);
  mediaDevices.selectAudioOutput = async () => {
    const picked = (await all()).findLast(({ kind }) => kind === "audiooutput");
    window.picked = picked.deviceId;
    return picked;
  };
})();"""
# And one that lists no other loudspeaker than that.
UNPLUG_LOUDSPEAKERS = """() => {
  const { mediaDevices } = navigator;
  const all = mediaDevices.enumerateDevices.bind(mediaDevices);
  const isThere = ({ kind, deviceId }) => kind !== "audiooutput" || deviceId === window.picked;
  mediaDevices.enumerateDevices = async () => (await all()).filter(isThere);
  mediaDevices.dispatchEvent(new Event("devicechange"));
}"""


def choose_another(devices: Locator) -> str:
    """Choose the last of those that are not used."""
    wanted = devices.locator("option:not(:checked)").last.get_attribute("value")
    assert wanted is not None
    devices.select_option(wanted)
    return wanted


def test_the_whole_story_of_a_call(
    caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    """Token, connection, talk, tool, card in the queue, telemetry in the panel, drop, way back, approval."""
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
    # Of the record whose page is open the model is told; any other it has to look up.
    begin_in_drawer(page, talking_site, f"/leads/{lead.pk}/")
    page.evaluate(WATCH_STATES)
    panel.goto(f"{talking_site.url}/realtime/debug/{Session.objects.get().pk}/")
    expect(panel.locator("[data-stream]")).to_have_attribute("data-state", "live")
    persons, answers = (page.locator(f".voice-caption-{who}") for who in ("person", "assistant"))
    expect(persons.first).to_have_text(
        "Remind me to call Elena Quixworth on Friday.", timeout=20_000
    )
    expect(page.locator(".voice-proposal a")).to_be_visible(timeout=20_000)
    expect(answers.first).to_be_visible(timeout=20_000)
    suggestion = Suggestion.objects.get()
    assert (suggestion.origin, suggestion.assignee, suggestion.state) == (
        "realtime", rep, "pending",
    )  # fmt: skip
    # It waits in the queue of the person who talks on, and nothing is done yet.
    queue = page.context.new_page()
    queue.goto(f"{talking_site.url}/suggestions/")
    expect(queue.locator("a.suggestion-link")).to_contain_text("Call Elena Quixworth")
    assert not Task.objects.exists()
    # The administrator who watches sees what that turn took, bar by bar, while the call goes on.
    fall = panel.locator("#measures .waterfall").filter(has_text="propose_create_followup")
    for bar in ("Speech", "Transcript", "Model", "Voice"):
        expect(fall.first).to_contain_text(bar, timeout=30_000)

    # The connection breaks while they talk: the call comes back, and goes on with a look-up.
    expect(persons.nth(1)).to_have_text("Thank you.", timeout=20_000)
    stand_in_process.set_script(
        "What is in my pipeline?", *["Thank you."] * 8, characters_per_s=200
    )
    stand_in_process.drop_calls()
    goes_through(page, "lost", "live")
    expect(answers.filter(has_text="Open deals: none.").first).to_be_visible(timeout=20_000)
    breaks = panel.get_by_role("table", name="Drops and reconnects").locator("tbody tr")
    expect(breaks).to_have_count(2, timeout=20_000)

    hang_up(page)
    session = the_session(end_reason="hung_up", drops_count=1, reconnects_count=1, is_stand_in=True)
    assert session.audio_tokens_in > 0
    assert session.cost_usd > 0
    asked = TokenRequest.objects.filter(session=session).values_list("outcome", flat=True)
    assert list(asked) == ["issued", "issued"]
    calls = ToolCall.objects.order_by("pk").values_list("tool", "status")
    assert calls[0] == ("propose_create_followup", "proposed")
    assert ("pipeline_numbers", "answered") in calls
    assert Suggestion.objects.get() == suggestion

    queue.locator("a.suggestion-link").click()
    queue.get_by_role("button", name=re.compile("^Approve")).first.click()
    expect(queue.locator("body")).to_contain_text("Undo")
    assert Task.objects.get().title == "Call Elena Quixworth"

    types = set(TelemetryEvent.objects.values_list("type", flat=True))
    assert {
        "aisha.token", "aisha.offer", "aisha.answer", "aisha.channel_state", "aisha.tool_call",
        "aisha.tool_result", "aisha.drop", "aisha.reconnect", "aisha.stats", "aisha.end",
        "session.created", "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
        "response.done", "conversation.item.input_audio_transcription.completed",
    } <= types  # fmt: skip
    # What was said stands in the person's own thread, and in no event.
    said = list(Message.objects.order_by("pk").values_list("speaker", "origin", "text"))
    assert said[0] == ("person", "realtime", "Remind me to call Elena Quixworth on Friday.")
    # What the microphone says next may be the last that was kept.
    assert {speaker for speaker, _, _ in said} == {"person", "assistant"}
    events = " ".join(str(data) for data in TelemetryEvent.objects.values_list("data", flat=True))
    assert "Quixworth" not in events


def test_holding_a_button_muting_barging_in_and_another_microphone(
    quiet_caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = quiet_caller
    stand_in_process.set_script("First.", "Second.", "Third.", characters_per_s=20)
    page.add_init_script(WATCH_CONNECTIONS)
    page.add_init_script(PICK_LAST)
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
    told = page.locator("[data-voice-state]")
    stand_in_process.wait_for_call(lambda call: bool(call.told("session.update", "in")))
    # Nothing can be heard in a moment: nothing is answered, and the next turn takes the words back.
    push.click()
    expect(told).to_contain_text("Nothing was heard.")
    speak()
    expect(persons).to_have_text(["First."])
    expect(told).to_have_text("Listening.")

    mute = page.get_by_role("button", name="Mute the microphone")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    expect(told).to_have_text("You are muted: AiSHA does not hear you.")
    expect(page.locator("[data-voice-muted]")).to_be_visible()
    speak()
    expect(told).to_contain_text("AiSHA has heard nothing. Unmute yourself")
    mute.click()
    expect(page.locator("[data-voice-muted]")).to_be_hidden()
    expect(told).to_have_text("Listening.")
    # The answer to the first is still being said: who speaks interrupts it.
    expect(page.locator(".voice-caption-assistant").first).to_be_visible()
    assert len(stand_in_process.calls()[-1].told("response.create", "in")) == 1
    speak()
    expect(persons).to_have_text(["First.", "Second."])
    assert commits() == 3

    microphones = page.get_by_label("Microphone", exact=True)
    microphone = choose_another(microphones)
    speak()
    expect(persons).to_have_text(["First.", "Second.", "Third."])
    call = stand_in_process.calls()[-1]
    assert call.told("output_audio_buffer.clear", "in")

    # AiSHA is heard from another loudspeaker, until that is unplugged. It is remembered all the same.
    loudspeakers = page.get_by_label("Loudspeaker", exact=True)
    chosen = choose_another(loudspeakers)
    page.wait_for_function(HEARD_FROM, arg=chosen)
    page.evaluate(UNPLUG_LOUDSPEAKERS)
    expect(told).to_have_text("The loudspeaker went away. The usual one is used now.")
    expect(loudspeakers.locator("option")).to_have_text(["The usual one"])
    page.wait_for_function(HEARD_FROM, arg="")
    assert page.evaluate("localStorage.getItem('aisha-loudspeaker')") == chosen
    # One that the browser lists only once it was picked in its own window.
    page.get_by_role("button", name="Choose another loudspeaker").click()
    expect(loudspeakers.locator("option")).to_have_count(2)
    picked = page.evaluate("window.picked")
    expect(loudspeakers).to_have_value(picked)
    page.wait_for_function(HEARD_FROM, arg=picked)

    # What goes wrong at the provider is told in our words, and what was broken off is kept as that.
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
    assert "aisha.barge_in" in {type_ for type_, _ in types}
    changed = [data["kind"] for type_, data in types if type_ == "aisha.device"]
    assert changed == ["microphone", "loudspeaker", "loudspeaker", "loudspeaker"]

    # The next call, on another page, has both.
    begin(page, talking_site)
    expect(microphones).to_have_value(microphone)
    page.wait_for_function(HEARD_FROM, arg=picked)
    hang_up(page)
    # A microphone that is not there any more keeps nobody from talking.
    page.evaluate("localStorage.setItem('aisha-microphone', 'gone')")
    page.get_by_role("button", name="Talk to AiSHA").click()
    is_in(page, "live")
    hang_up(page)


def test_a_second_tab_takes_no_second_call(caller: Page, talking_site: Site) -> None:
    # In a browser that lets no page choose where it is heard.
    caller.add_init_script("delete HTMLMediaElement.prototype.setSinkId")
    begin(caller, talking_site)
    caller.locator("[data-voice-options] summary").click()
    expect(caller.get_by_label("Microphone", exact=True).locator("option").first).to_be_attached()
    expect(caller.locator("[data-voice-loudspeakers]")).to_be_hidden()
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
