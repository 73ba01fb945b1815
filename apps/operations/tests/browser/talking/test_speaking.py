"""Words that are spoken into the assistant without a call: a button is held, and the thread has them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page, expect

from apps.assistant.models import Message
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.browser.talking.calls import open_drawer
from apps.operations.tests.browser.talking.conftest import FAKE_DEVICE
from apps.realtime.models import TokenRequest
from stubs.openai_server.testing import RunningStandIn

pytestmark = pytest.mark.browser

WATCH_RECORDING = """window.MediaRecorder = class extends MediaRecorder {
  start(...given) {
    super.start(...given);
    window.recordsSince = performance.now();
  }
}"""
# Longer than a click by mistake.
SPOKEN = "() => performance.now() - window.recordsSince > 600"
TAKE_MICROPHONE = """() => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotFoundError"); };
}"""


def test_what_is_said_while_a_button_is_held_goes_into_the_thread_as_voice(
    caller: Page, talking_site: Site, stand_in_process: RunningStandIn
) -> None:
    page = caller
    stand_in_process.set_script("What is in my pipeline?")
    page.add_init_script(WATCH_RECORDING)
    page.goto(f"{talking_site.url}/tasks/")
    drawer = open_drawer(page)
    drawer.get_by_role("button", name="Hold to speak").hover()
    page.mouse.down()
    expect(drawer.get_by_role("button", name="Listening")).to_be_visible()
    page.wait_for_function(SPOKEN)
    page.mouse.up()
    words = drawer.get_by_label("Message to AiSHA")
    expect(words).to_have_value("What is in my pipeline?")
    expect(words).to_be_focused()
    # Nothing is sent before the person has read it.
    assert not Message.objects.exists()
    words.press("Enter")
    expect(drawer.locator(".bubble-assistant[data-message-id]")).to_contain_text("Open deals")
    said = Message.objects.order_by("pk").values_list("speaker", "origin")
    assert list(said) == [("person", "voice"), ("assistant", "voice")]
    assert Message.objects.earliest("pk").text == "What is in my pipeline?"
    assert [one["path"] for one in stand_in_process.requests()] == ["/v1/audio/transcriptions"]

    page.evaluate(TAKE_MICROPHONE)
    drawer.get_by_role("button", name="Hold to speak").press("Enter")
    notice = drawer.locator("[data-assistant-notice]")
    expect(notice).to_have_text("There is no microphone. Plug one in, or type instead.")
    expect(drawer.get_by_role("button", name="Hold to speak")).to_be_visible()


def test_a_microphone_that_is_refused_is_told_for_a_call_and_for_speech(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], talking_site: Site
) -> None:
    arguments = [*browser_type_launch_args["args"], FAKE_DEVICE]
    browser = browser_type.launch(**(browser_type_launch_args | {"args": arguments}))
    page = browser.new_page()
    sign_in(page, talking_site, "rep")
    page.goto(f"{talking_site.url}/tasks/")
    drawer = open_drawer(page)
    refused = "The microphone is not allowed on this page."
    drawer.get_by_role("button", name="Talk to AiSHA").click()
    expect(page.locator("[data-voice-state]")).to_contain_text(refused)
    expect(page.locator("[data-voice]")).to_have_attribute("data-voice-is", "ended")
    drawer.get_by_role("button", name="Hold to speak").press("Enter")
    expect(drawer.locator("[data-assistant-notice]")).to_contain_text(refused)
    assert not TokenRequest.objects.exists()
    browser.close()
