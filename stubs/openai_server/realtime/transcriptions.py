"""``POST /v1/audio/transcriptions``: the file has to be audio; its words are the script's next."""

from __future__ import annotations

import io
from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from stubs.openai_server import replies
from stubs.openai_server.answers import JsonObject
from stubs.openai_server.edge import RefusedError, refuse
from stubs.openai_server.realtime.multipart import Form, NotAFormError, parse_form
from stubs.openai_server.realtime.tokens import transcription_usage
from stubs.openai_server.schemas import Wire

MOST_BYTES = 25 * 1024 * 1024
ENDINGS = frozenset({"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "oga", "wav", "webm"})


class Parameters(Wire):
    """The fields beside the file."""

    model: str
    language: str | None = None
    prompt: str | None = None
    response_format: str = "json"
    temperature: float = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that is audio.

    Attributes:
        duration_ms: its length, as far as it could be decoded.
    """

    parameters: Parameters
    file_name: str
    size: int
    duration_ms: int

    def told(self) -> JsonObject:
        """What is kept of the request."""
        return {
            **self.parameters.model_dump(mode="json", exclude_unset=True),
            "file": {
                "name": self.file_name,
                "bytes": self.size,
                "duration_ms": self.duration_ms,
            },
        }

    def transcript(self, said: str) -> JsonValue:
        """The answer."""
        if self.parameters.response_format == "text":
            return said
        usage = transcription_usage(self.parameters.model, self.duration_ms, said)
        return {"text": said, "usage": usage}


def recording_of(content_type: str, body: bytes) -> Recording:
    """The recording that a form brings.

    Raises:
        RefusedError: it is no form, a field is wrong, or the file is missing, too large or no audio.
    """
    try:
        form = parse_form(content_type, body)
    except NotAFormError as error:
        message = "The body has to be multipart/form-data."
        raise RefusedError(400, "bad-request", replies.error(400, message)) from error
    parameters = _parameters(form)
    upload = form.files.get("file")
    if upload is None:
        message = "Missing required parameter: 'file'."
        raise _refused(message, "missing_required_parameter")
    if len(upload.content) > MOST_BYTES:
        message = f"Maximum content size limit ({MOST_BYTES}) exceeded."
        raise RefusedError(413, "bad-request", replies.error(413, message, param="file"))
    if upload.name.rpartition(".")[2].casefold() not in ENDINGS:
        message = f"Unrecognized file format. Supported formats: {sorted(ENDINGS)}"
        raise _refused(message, "unsupported_format")
    return Recording(parameters, upload.name, len(upload.content), _duration_ms(upload.content))


def _parameters(form: Form) -> Parameters:
    try:
        return Parameters.model_validate(dict(form.fields))
    except ValidationError as error:
        refuse(error)


def _duration_ms(content: bytes) -> int:
    """How long the audio is, told by decoding it."""
    # Loaded here, because a process that is asked only for text needs none of it.
    import av

    try:
        with av.open(io.BytesIO(content), "r") as container:
            frames = list(container.decode(audio=0))
    except (av.FFmpegError, IndexError) as error:
        message = "Audio file might be corrupted or unsupported"
        raise _refused(message, "invalid_value") from error
    duration_ms = sum(frame.samples * 1000 / frame.sample_rate for frame in frames)
    if not duration_ms:
        raise _refused("Audio file is empty.", "audio_too_short")
    return round(duration_ms)


def _refused(message: str, code: str) -> RefusedError:
    body = replies.error(400, message, code=code, param="file")
    return RefusedError(400, "bad-request", body)
