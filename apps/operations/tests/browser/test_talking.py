"""Somebody talks to AiSHA: token, WebRTC, a tool, a suggestion, telemetry, a drop, and the way back.

The provider is the stand-in over real HTTP and WebRTC; the microphone says a file that Chromium plays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone
from playwright.sync_api import BrowserType, Dialog, Page, expect
from pytest_django.plugin import DjangoDbBlocker

from apps.assistant.models import Message
from apps.conftest import make_cast
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.embedded_cases import wait_until
from apps.operations.tests.serving import environment_on_test_database, free_port, running
from apps.realtime.ending import end_what_is_over
from apps.realtime.models import Session, TelemetryEvent, TokenRequest, ToolCall
from apps.suggestions.models import Suggestion
from apps.tenants.models import Tenant
from stubs.openai_server.calling import write_speech
from stubs.openai_server.testing import RunningStandIn

pytestmark = pytest.mark.browser

FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


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


@pytest.fixture
def caller(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    talking_site: Site,
    tmp_path: Path,
) -> Iterator[Page]:
    """The rep's page, in a browser whose microphone says something every few seconds."""
    speech = tmp_path / "speech.wav"
    # However long connecting takes, something is said after it.
    write_speech(speech, *[2_500, 1_200] * 8, 2_500)
    arguments = [
        *browser_type_launch_args["args"],
        *FAKE_DEVICES,
        f"--use-file-for-fake-audio-capture={speech}%noloop",
    ]
    browser = browser_type.launch(**(browser_type_launch_args | {"args": arguments}))
    page = browser.new_context().new_page()
    sign_in(page, talking_site, "rep")
    yield page
    browser.close()


def state_of(page: Page) -> Any:
    return page.locator("[data-voice]")


def begin(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/realtime/talk/")
    page.get_by_role("button", name="Talk to AiSHA").click()
    expect(state_of(page)).to_have_attribute("data-voice-is", "live", timeout=20_000)


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
    begin(page, talking_site)
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

    page.get_by_role("button", name="Hang up").click()
    expect(state_of(page)).to_have_attribute("data-voice-is", "ended")
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


def test_a_call_survives_a_drop(
    caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = caller
    begin(page, talking_site)
    stand_in_process.drop_calls()
    expect(state_of(page)).to_have_attribute("data-voice-is", "lost", timeout=20_000)
    expect(state_of(page)).to_have_attribute("data-voice-is", "live", timeout=30_000)
    page.get_by_role("button", name="Hang up").click()
    expect(state_of(page)).to_have_attribute("data-voice-is", "ended")
    page.wait_for_timeout(0)
    session = Session.objects.get()
    assert TokenRequest.objects.filter(session=session, outcome="issued").count() >= 2


def test_a_call_goes_on_over_pages_and_conversations(
    caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = caller
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    page.goto(f"{talking_site.url}/tasks/")
    page.get_by_role("link", name="Ask AiSHA").click()
    drawer = page.get_by_role("dialog", name="AiSHA")
    drawer.get_by_role("button", name="Talk to AiSHA").click()
    expect(state_of(page)).to_have_attribute("data-voice-is", "live", timeout=20_000)
    where, told = page.locator("[data-voice-where]"), page.locator("[data-voice-state]")
    expect(where).to_contain_text("belongs to the conversation above")

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
    expect(state_of(page)).to_have_attribute("data-voice-is", "live", timeout=20_000)
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
    session = Session.objects.get()
    assert (session.state, session.end_reason) == ("ended", "hung_up")
    assert (session.drops_count, session.reconnects_count) == (3, 3)


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
