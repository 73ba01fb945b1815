"""Hold-to-record: a recording becomes words by the stand-in's transcription, or a code says why not."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.brain.models import BrainCall, BudgetMonth
from apps.brain.tests.conftest import switch_on as switch_on
from apps.brain.transcribing import LONGEST_RECORDING_BYTES
from apps.conftest import Cast, TenantClient
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate
from apps.tenants.secrets import seal
from apps.users.models import User
from stubs.openai_server.testing import RunningStandIn

ClientFor = Callable[[User], TenantClient]
PATH = "/assistant/transcriptions/"


def speech() -> bytes:
    """A second of silence, as a file that is audio."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(16_000)
        writing.writeframes(bytes(32_000))
    return file.getvalue()


def send(client: TenantClient, content: bytes = b"zq7speech", kind: str = "audio/webm") -> Any:
    recording = SimpleUploadedFile("speech", content, kind)
    return client.post(PATH, {"recording": recording}, HTTP_ACCEPT="application/json")


def test_a_recording_becomes_words(
    cast: Cast,
    client_for: ClientFor,
    switch_on: Callable[..., Any],
    settings: Settings,
) -> None:
    settings.TRANSCRIPTION_MODEL = "stand-in"
    switch_on()
    answer = send(client_for(cast.rep), speech(), "audio/wav;codecs=1")
    assert answer.status_code == 200
    assert answer.json() == {"text": "What is in my pipeline?"}
    call = BrainCall.objects.get()
    assert (call.provider, call.mode, call.prompt_version) == (
        "openai",
        "read_only",
        "transcribe-1",
    )
    assert (call.model, call.outcome) == ("stand-in", "answered")
    month = BudgetMonth.objects.get()
    assert month.usd_spent == call.cost_usd > 0
    assert month.usd_reserved == 0
    entry = AuditEntry.objects.get(event=Event.BRAIN_CALLED)
    assert (entry.actor_id, entry.origin) == (cast.rep.pk, "voice")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "audio/webm", 422, "no_recording"),
        (b"x", "text/html", 415, "recording_format"),
        (b"x" * (LONGEST_RECORDING_BYTES + 1), "audio/webm", 413, "recording_too_large"),
        (b"x", "audio/webm", 503, "no_key"),
    ],
)
def test_what_cannot_be_read_is_refused(
    cast: Cast, client_for: ClientFor, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = send(client_for(cast.rep), content, kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert BrainCall.objects.count() == 0


def test_a_key_that_is_refused_and_a_provider_that_is_down(
    cast: Cast,
    client_for: ClientFor,
    switch_on: Callable[..., Any],
    stand_in: RunningStandIn,
) -> None:
    client = client_for(cast.rep)
    switch_on(sealed_key=seal("sk-wrong"))
    refused = send(client)
    assert (refused.status_code, refused.json()["code"]) == (502, "provider_auth")
    switch_on(base_url="http://127.0.0.1:9/v1")
    down = send(client)
    assert (down.status_code, down.json()["code"]) == (502, "provider_down")
    assert [call.outcome for call in BrainCall.objects.all()] == ["failed", "failed"]
    assert "sk-wrong" not in down.content.decode() + refused.content.decode()


def test_it_is_for_whom_the_assistant_is(cast: Cast, client_for: ClientFor) -> None:
    ModuleGate.objects.filter(module=Module.ASSISTANT).update(is_on=False)
    answer = send(client_for(cast.rep))
    assert (answer.status_code, answer.json()["code"]) == (403, "module_off")


def test_a_month_that_is_spent_takes_no_recording(
    cast: Cast, client_for: ClientFor, switch_on: Callable[..., Any]
) -> None:
    switch_on(hard_limit_usd=0, soft_limit_usd=0)
    answer = send(client_for(cast.rep))
    assert (answer.status_code, answer.json()["code"]) == (429, "cost_limit")
