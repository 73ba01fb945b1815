"""Speech to text: a recording goes to the provider's transcription endpoint, and its words come back.

The address and the key are the Brain's, and so is the budget. Neither the recording nor the words are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apps.audit.schemas import Actor
from apps.audit.services import record_events
from apps.brain import budget
from apps.brain.addresses import check_address
from apps.brain.call_log import call_entry
from apps.brain.clients import async_client
from apps.brain.config import BrainConfig, read_voice_config
from apps.brain.enums import CallOutcome, Mode, Provider
from apps.brain.exceptions import AddressRefusedError, BudgetSpentError, NotTranscribedError
from apps.brain.models import BrainCall
from apps.brain.prices import Price, Usage, price_of
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

if TYPE_CHECKING:
    import openai

# Raised with any change of what is sent, so that calls can be told apart.
VERSION = "transcribe-1"
# Half an hour of speech, as browsers record it.
LONGEST_RECORDING_BYTES = 5_000_000
# What browsers record, and what such a file is called.
FILE_NAMES = {
    "audio/webm": "speech.webm",
    "audio/ogg": "speech.ogg",
    "audio/mp4": "speech.mp4",
    "audio/mpeg": "speech.mp3",
    "audio/wav": "speech.wav",
    "audio/x-wav": "speech.wav",
}
# A second of speech is about ten tokens (OpenAI, "Audio tokens"), and some words; half an hour at most.
_MOST_USAGE = Usage(tokens_in=20_000, tokens_out=6_000)
_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 30
_HTTP_UNAUTHORIZED, _HTTP_FORBIDDEN, _HTTP_TOO_MANY, _HTTP_FAULT = 401, 403, 429, 500


class _Used(BaseModel):
    model_config = ConfigDict(extra="ignore")

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)


class _Body(BaseModel):
    """What is read of the provider's answer."""

    model_config = ConfigDict(extra="ignore")

    text: str
    usage: _Used | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech as a browser has recorded it."""

    content: bytes
    content_type: str

    @property
    def file_name(self) -> str:
        """What the provider is told that it is called: it reads the format from the name."""
        return FILE_NAMES[self.content_type]


def transcribe(recording: Recording, *, actor: Actor, today: date, now: datetime) -> str:
    """Return the words of a recording; the call is on record. No transaction may be open.

    Raises:
        NotTranscribedError: there are none; its code says why.
    """
    config = read_voice_config()
    price = _admitted(config, today)
    try:
        reserved = budget.reserve([_MOST_USAGE], price, config.limits, today=today, now=now)
    except BudgetSpentError as error:
        raise NotTranscribedError("cost_limit") from error
    call = BrainCall(
        provider=Provider.OPENAI,
        mode=Mode.READ_ONLY,
        prompt_version=VERSION,
        prompt_hash=hashlib.sha256(VERSION.encode()).hexdigest(),
        tasks_count=1,
        proposals_count=0,
        model=settings.TRANSCRIPTION_MODEL,
        outcome=CallOutcome.FAILED,
        latency_ms=0,
    )
    began = time.monotonic()
    try:
        body = _read(asyncio.run(_send(recording, config)))
    except NotTranscribedError as error:
        call.error_code = error.code
        # What was taken and not answered may have been charged for.
        used = _MOST_USAGE if error.code == "provider_slow" else Usage(0, 0)
        _settle(call, used, price, reserved, actor, began, now)
        raise
    call.outcome = CallOutcome.ANSWERED
    used = Usage(body.usage.input_tokens, body.usage.output_tokens) if body.usage else _MOST_USAGE
    _settle(call, used, price, reserved, actor, began, now)
    return body.text.strip()


def _admitted(config: BrainConfig, today: date) -> Price:
    if not config.api_key:
        raise NotTranscribedError("no_key")
    if config.is_own_address:
        try:
            check_address(config.base_url)
        except AddressRefusedError as error:
            raise NotTranscribedError("address_refused") from error
    price = price_of(settings.TRANSCRIPTION_MODEL, today)
    if price is None:
        # A budget that cannot be read is spent.
        raise NotTranscribedError("no_price")
    return price


def _settle(
    call: BrainCall,
    used: Usage,
    price: Price,
    reserved: budget.Reservation,
    actor: Actor,
    began: float,
    now: datetime,
) -> None:
    call.tokens_in, call.tokens_out = used.tokens_in, used.tokens_out
    call.cost_usd = price.cost_usd(used)
    call.latency_ms = round((time.monotonic() - began) * 1000)
    budget.settle(reserved, tokens=used.tokens, usd=call.cost_usd, now=now)
    with transaction.atomic(), taking_role(Role.AI):
        call.save(force_insert=True)
        record_events(actor, [call_entry(call)])


async def _send(recording: Recording, config: BrainConfig) -> bytes:
    # The client is large; a process that asks no provider does without it.
    import openai

    async with async_client(
        config.base_url,
        config.api_key,
        is_own_address=config.is_own_address,
        timeout=openai.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
    ) as client:
        try:
            raw = await client.audio.transcriptions.with_raw_response.create(
                model=settings.TRANSCRIPTION_MODEL,
                file=(recording.file_name, recording.content, recording.content_type),
                response_format="json",
            )
        except openai.APIConnectionError as error:
            is_slow = isinstance(error, openai.APITimeoutError)
            raise NotTranscribedError("provider_slow" if is_slow else "provider_down") from error
        except openai.APIStatusError as error:
            raise NotTranscribedError(_code_of(error)) from error
        # Not parsed by the client, which takes any JSON, and a page in HTML, for an answer.
        return raw.http_response.content


def _code_of(error: openai.APIStatusError) -> str:
    if error.status_code in {_HTTP_UNAUTHORIZED, _HTTP_FORBIDDEN}:
        return "provider_auth"
    if error.status_code == _HTTP_TOO_MANY:
        return "provider_quota"
    return "provider_down" if error.status_code >= _HTTP_FAULT else "provider_invalid"


def _read(body: bytes) -> _Body:
    try:
        return _Body.model_validate_json(body)
    except ValidationError as error:
        raise NotTranscribedError("provider_invalid") from error
