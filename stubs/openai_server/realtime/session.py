"""A session's configuration, as ``client_secrets`` and ``session.update`` take it and events tell it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, field_validator

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.behaviours import MODEL, behaviour_of
from stubs.openai_server.schemas import Name, Wire

# Those that come with the API; the stand-in's own models transcribe, too.
TRANSCRIBERS = frozenset(
    {
        "whisper-1", "gpt-transcribe", "gpt-live-transcribe", "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15", "gpt-4o-transcribe-diarize",
        "gpt-realtime-whisper",
    }
)  # fmt: skip


def _format_tag(value: Any) -> str:
    """The tag of a format. In brackets, so that it is not told as a parameter's name."""
    is_pcm = _type_of(value) == "audio/pcm"
    return "(audio/pcm)" if is_pcm else "(telephone)"


def _detection_tag(value: Any) -> str:
    """The tag of a way to find turns."""
    return f"({_type_of(value)})"


def _tokens_tag(value: Any) -> str:
    """The tag of a limit."""
    return "(all)" if isinstance(value, str) else "(number)"


def _type_of(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else getattr(value, "type", None)


class PcmFormat(Wire):
    """Samples of 16 bits."""

    type: Literal["audio/pcm"]
    rate: Literal[24000] = 24000


class TelephoneFormat(Wire):
    """G.711."""

    type: Literal["audio/pcmu", "audio/pcma"]


AudioFormat = Annotated[
    Annotated[PcmFormat, Tag("(audio/pcm)")] | Annotated[TelephoneFormat, Tag("(telephone)")],
    Discriminator(_format_tag),
]
_PCM = PcmFormat(type="audio/pcm")


class NoiseReduction(Wire):
    """How noise is taken out of what is heard."""

    type: Literal["near_field", "far_field"] | None = None
    strength: Annotated[float, Field(ge=0)] | None = None


class Transcription(Wire):
    """Which model writes down what is heard."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    keywords: list[str] | None = None
    prompt: str | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None

    @field_validator("model")
    @classmethod
    def _is_known(cls, model: str | None) -> str | None:
        if model is not None and model not in TRANSCRIBERS and behaviour_of(model) is None:
            raise ValueError("no such model")
        return model


class ServerVad(Wire):
    """A spoken turn begins and ends by how loud it is."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0)] = 300
    silence_duration_ms: Annotated[int, Field(ge=0)] = 500
    idle_timeout_ms: Annotated[int, Field(ge=5000, le=30_000)] | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(Wire):
    """A spoken turn ends when it is said to the end. Here that is told by how loud it is, too."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = Annotated[
    Annotated[ServerVad, Tag("(server_vad)")] | Annotated[SemanticVad, Tag("(semantic_vad)")],
    Discriminator(_detection_tag),
]


class AudioInput(Wire):
    """What is heard."""

    format: AudioFormat = _PCM
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad(type="server_vad")


class VoiceId(Wire):
    """A voice of one's own."""

    id: str


class AudioOutput(Wire):
    """What is said."""

    format: AudioFormat = _PCM
    voice: Annotated[str, Field(pattern="^[a-z]{2,20}$")] | VoiceId = "alloy"
    speed: Annotated[float, Field(ge=0.25, le=1.5)] = 1.0


class Audio(Wire):
    """Both ways."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class FunctionTool(Wire):
    """A function that the model may call. Here, other than with answers, none is strict."""

    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: dict[str, JsonValue] = {"type": "object", "properties": {}}

    @field_validator("parameters")
    @classmethod
    def _is_object(cls, parameters: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if parameters.get("type") != "object":
            raise ValueError("schema must be a JSON Schema of 'type: \"object\"'")
        return parameters


class FunctionChoice(Wire):
    """The one function that has to be called."""

    type: Literal["function"]
    name: Name


Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=1)]
MostTokens = Annotated[
    Annotated[int, Field(ge=1, le=4096), Tag("(number)")] | Annotated[Literal["inf"], Tag("(all)")],
    Discriminator(_tokens_tag),
]
ToolChoice = Literal["auto", "none", "required"] | FunctionChoice


class Session(Wire):
    """The configuration of a realtime session; what is not set has the API's default."""

    type: Literal["realtime"]
    model: str = MODEL
    instructions: str = ""
    output_modalities: Modalities = ["audio"]
    tools: list[FunctionTool] = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_output_tokens: MostTokens = "inf"
    audio: Audio = Audio()
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    prompt: dict[str, JsonValue] | None = None
    reasoning: dict[str, JsonValue] | None = None
    tracing: Literal["auto"] | dict[str, JsonValue] | None = None
    truncation: Literal["auto", "disabled"] | dict[str, JsonValue] = "auto"

    @property
    def is_spoken(self) -> bool:
        """Whether answers are spoken."""
        return self.output_modalities == ["audio"]

    def updated(self, update: Session) -> Session:
        """This one with everything that the update sets."""
        merged = _merged(self.model_dump(mode="json"), update.model_dump(exclude_unset=True))
        return Session.model_validate(merged)

    def wire(self, session_id: str, expires_at: int) -> JsonObject:
        """As events and answers tell it."""
        told: JsonObject = {"id": session_id, "object": "realtime.session"}
        return told | self.model_dump(mode="json") | {"expires_at": expires_at}


class ExpiresAfter(Wire):
    """How long a secret may be used to begin a call."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = 600


class ClientSecretRequest(Wire):
    """The body of ``POST /v1/realtime/client_secrets``."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: Session = Session(type="realtime")


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old values with the new ones in their places; a value of another type replaces all of the old."""
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        if (
            isinstance(before, dict)
            and isinstance(value, dict)
            and before.get("type") == value.get("type", before.get("type"))
        ):
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged
