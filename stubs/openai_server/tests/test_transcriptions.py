"""Recordings that are written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.audio import Transcription

from stubs.openai_server.calling import write_speech
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import client_of


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_speech(tmp_path / "question.wav", 100, 300, 200)


def transcribe(stand_in: RunningStandIn, file: Any, model: str = "stand-in") -> Transcription:
    with client_of(stand_in) as client:
        return client.audio.transcriptions.create(file=file, model=model, language="en")


def test_a_recording_has_the_words_of_the_script(stand_in: RunningStandIn, recording: Path) -> None:
    stand_in.set_script("One.", {"said": "Two."})
    texts = [transcribe(stand_in, recording).text for _ in range(3)]
    assert texts == ["One.", "Two.", "One."]
    found = transcribe(stand_in, recording)
    assert found.usage is not None
    assert found.usage.model_dump() == {
        "type": "tokens",
        "input_tokens": 6,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 6},
        "output_tokens": 1,
        "total_tokens": 7,
    }
    kept = stand_in.requests()[0]
    assert kept["body"] == {
        "model": "stand-in",
        "language": "en",
        "file": {
            "name": "question.wav",
            "bytes": recording.stat().st_size,
            "duration_ms": 600,
        },
    }


def test_a_recording_may_be_told_as_plain_text(stand_in: RunningStandIn, recording: Path) -> None:
    with client_of(stand_in) as client:
        text = client.audio.transcriptions.create(
            file=recording, model="stand-in", response_format="text"
        )
    assert text == "What is in my pipeline?"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("note.wav", b"This is no audio.", "invalid_value"),
        ("note.wav", b"", "invalid_value"),
        ("note.txt", b"This is no audio.", "unsupported_format"),
    ],
)
def test_file_that_is_no_audio_is_refused(
    stand_in: RunningStandIn, name: str, content: bytes, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        transcribe(stand_in, (name, content))
    assert (raised.value.code, raised.value.param) == (code, "file")
    assert stand_in.counts()["outcomes"] == {"bad-request": 1}


def test_form_has_to_be_whole(stand_in: RunningStandIn, recording: Path) -> None:
    with client_of(stand_in) as client:
        with pytest.raises(openai.BadRequestError) as raised:
            client.post("/audio/transcriptions", cast_to=object, body={"model": "stand-in"})
        assert "multipart/form-data" in str(raised.value)
        with pytest.raises(openai.BadRequestError) as raised:
            client.audio.transcriptions.create(
                file=recording, model="stand-in", extra_body={"tone": "kind"}
            )
    assert (raised.value.code, raised.value.param) == ("unknown_parameter", "tone")


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("status-429-quota", openai.RateLimitError, "insufficient_quota"),
        ("status-500", openai.InternalServerError, None),
    ],
)
def test_transcription_fails_as_the_model_is_named(
    stand_in: RunningStandIn,
    recording: Path,
    name: str,
    error: type[openai.APIStatusError],
    code: str | None,
) -> None:
    with pytest.raises(error) as raised:
        transcribe(stand_in, recording, f"stand-in:{name}:1")
    assert raised.value.code == code
    assert transcribe(stand_in, recording, f"stand-in:{name}:1").text == "What is in my pipeline?"


def test_other_keys_and_models_get_nothing(stand_in: RunningStandIn, recording: Path) -> None:
    with pytest.raises(openai.NotFoundError):
        transcribe(stand_in, recording, "whisper-1")
    with (
        client_of(stand_in, api_key="sk-proj-1") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.audio.transcriptions.create(file=recording, model="stand-in")
    assert "sk-proj-1" not in json.dumps(stand_in.requests())
