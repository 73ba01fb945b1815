"""A headless Chromium with its fake microphone calls the stand-in from a page of another origin."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page

from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.realtime_cases import (
    OPEN_MICROPHONE,
    PIPELINE,
    SERVER_EVENT,
    create_secret,
)

pytestmark = pytest.mark.browser

# Talks as the page of a product would: the microphone is muted as soon as it was heard.
TALK = """
async ({ url, secret, output }) => {
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    const peer = new RTCPeerConnection();
    for (const track of microphone.getTracks()) peer.addTrack(track, microphone);
    const sounded = new Promise((resolve) => peer.addEventListener("track", (event) => {
        const audio = document.createElement("audio");
        audio.srcObject = event.streams[0];
        audio.addEventListener("playing", resolve);
        audio.play();
    }));
    const channel = peer.createDataChannel("oai-events");
    const events = [];
    const over = new Promise((resolve) => channel.addEventListener("message", ({ data }) => {
        const event = JSON.parse(data);
        const say = (told) => channel.send(JSON.stringify(told));
        events.push(event);
        if (event.type === "input_audio_buffer.speech_started") {
            for (const track of microphone.getTracks()) track.enabled = false;
        }
        if (event.type === "response.done" && event.response.output[0].type === "function_call") {
            const { call_id } = event.response.output[0];
            const item = { type: "function_call_output", call_id, output };
            say({ type: "conversation.item.create", item });
            say({ type: "response.create" });
        }
        if (event.type === "output_audio_buffer.stopped") resolve();
    }));
    await peer.setLocalDescription(await peer.createOffer());
    const answer = await fetch(url, {
        method: "POST",
        body: peer.localDescription.sdp,
        headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp" },
    });
    const location = answer.headers.get("location");
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await over;
    await sounded;
    const packets = [...(await peer.getStats()).values()]
        .filter((one) => one.type === "inbound-rtp")
        .map((one) => one.packetsReceived);
    const state = peer.connectionState;
    peer.close();
    return { status: answer.status, location, events, packets, state };
}
"""


@pytest.fixture
def speaking_page(browser_type: BrowserType) -> Iterator[Page]:
    """A page of a Chromium with a microphone that beeps, for which nobody is asked."""
    browser = browser_type.launch(
        executable_path=os.environ["AISHA_CHROMIUM"],
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
        ],
    )
    try:
        yield browser.new_page()
    finally:
        browser.close()


def test_a_browser_talks_with_the_stand_in(stand_in: RunningStandIn, speaking_page: Page) -> None:
    # Another origin than the one that is called, and like it one of this machine.
    speaking_page.goto(f"{stand_in.base_url.replace('127.0.0.1', 'localhost')}/models")
    secret = create_secret(stand_in, audio=OPEN_MICROPHONE)
    url = f"{stand_in.base_url}/realtime/calls"
    found: dict[str, Any] = speaking_page.evaluate(
        TALK, {"url": url, "secret": secret.value, "output": json.dumps(PIPELINE)}
    )
    told = stand_in.wait_for_call(lambda one: bool(one.ended))
    assert (found["status"], found["location"]) == (201, f"/v1/realtime/calls/{told.id}")
    assert found["state"] == "connected"
    for event in found["events"]:
        SERVER_EVENT.validate_python(event)
    heard = [one["transcript"] for one in found["events"] if "transcript" in one]
    assert heard == ["What is in my pipeline?", "Open deals: 12."]
    assert sum(found["packets"]) > 0
    assert (told.ended, told.audio_packets_in > 0) == ("peer_gone", True)
