"""Asking the provider for a client secret, and hanging up, with the official client."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apps.brain.addresses import check_address
from apps.brain.clients import async_client, is_pinned
from apps.brain.exceptions import AddressRefusedError
from apps.realtime.config import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, SECRET_LASTS, RealtimeConfig
from apps.realtime.exceptions import (
    ProviderAuthError,
    ProviderDownError,
    ProviderInvalidError,
    ProviderQuotaError,
    ProviderSlowError,
    TokenError,
)

if TYPE_CHECKING:
    import openai

_HTTP_UNAUTHORIZED, _HTTP_FORBIDDEN, _HTTP_TOO_MANY, _HTTP_SERVER_ERROR = 401, 403, 429, 500
# Some keys of tenants, and the operator's; each client keeps its connections open.
_MOST_CLIENTS = 64
_CLIENTS: dict[tuple[str, str], openai.OpenAI] = {}


@dataclass(frozen=True, slots=True)
class Secret:
    """What lets a browser in, for ``SECRET_LASTS``. Never shown by ``repr``, never stored."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: a secret or why there is none, and how long the provider took."""

    secret: Secret | None
    error: TokenError | None
    provider_ms: int


class _Body(BaseModel):
    """What is read of the provider's answer."""

    model_config = ConfigDict(extra="ignore")

    value: str = Field(min_length=8, max_length=4_000)
    expires_at: int = Field(gt=0, lt=2**40)


def ask_for_secret(config: RealtimeConfig, session: dict[str, Any]) -> Asked:
    """Ask for a secret for a session that is configured here. No transaction may be open."""
    began = time.monotonic()
    secret: Secret | None = None
    error: TokenError | None = None
    try:
        secret = _read(_ask(config, session))
    except TokenError as refused:
        error = refused
    return Asked(secret, error, round((time.monotonic() - began) * 1000))


def _ask(config: RealtimeConfig, session: dict[str, Any]) -> bytes:
    # The client is large; a process that begins no calls does without it.
    import openai

    try:
        if _is_pinned(config):
            return asyncio.run(_ask_pinned(config, session))
        client = _client(config.base_url, config.api_key)
        raw = client.realtime.client_secrets.with_raw_response.create(**_body(session))
        return bytes(raw.http_response.content)
    except openai.APITimeoutError:
        raise ProviderSlowError() from None
    except openai.APIStatusError as failed:
        raise _error_of(failed) from None
    except (openai.OpenAIError, AddressRefusedError):
        raise ProviderDownError() from None


def hang_up(config: RealtimeConfig, call_id: str) -> bool:
    """End a connection at the provider; return whether there is nothing more to be done about it.

    What is over, or is not of this key, the provider refuses: that is an end, too. Without a key nothing
    can be done for now. No transaction may be open.
    """
    import openai

    if not config.api_key:
        return False
    try:
        if _is_pinned(config):
            asyncio.run(_hang_up_pinned(config, call_id))
        else:
            _client(config.base_url, config.api_key).realtime.calls.hangup(call_id)
    except openai.APIStatusError as failed:
        return failed.status_code < _HTTP_SERVER_ERROR and failed.status_code != _HTTP_TOO_MANY
    except (openai.OpenAIError, AddressRefusedError):
        return False
    return True


def _is_pinned(config: RealtimeConfig) -> bool:
    """Whether the provider is asked by a client that reaches the public internet alone.

    Raises:
        AddressRefusedError: the address of a company's own leads where it may not.
    """
    if config.is_own_address:
        check_address(config.base_url)
    return is_pinned(config.base_url, is_own_address=config.is_own_address)


async def _hang_up_pinned(config: RealtimeConfig, call_id: str) -> None:
    async with _pinned_client(config) as client:
        await client.realtime.calls.hangup(call_id)


async def _ask_pinned(config: RealtimeConfig, session: dict[str, Any]) -> bytes:
    async with _pinned_client(config) as client:
        raw = await client.realtime.client_secrets.with_raw_response.create(**_body(session))
        return bytes(raw.http_response.content)


def _pinned_client(config: RealtimeConfig) -> openai.AsyncOpenAI:
    import openai

    return async_client(
        config.base_url,
        config.api_key,
        is_own_address=True,
        timeout=openai.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
    )


def _body(session: dict[str, Any]) -> dict[str, Any]:
    """The whole body as it is sent: to hold each word of the tools' schemas against its types takes the
    client longer than the provider's answer.
    """
    seconds = int(SECRET_LASTS.total_seconds())
    body = {"expires_after": {"anchor": "created_at", "seconds": seconds}, "session": session}
    return {"extra_body": body}


def _client(base_url: str, api_key: str) -> openai.OpenAI:
    """The process's client of an address and key: to make one costs more than to ask."""
    known = _CLIENTS.get((base_url, api_key))
    if known is not None:
        return known
    import openai

    if len(_CLIENTS) >= _MOST_CLIENTS:
        # Whoever asks with it at this moment still has it.
        _CLIENTS.pop(next(iter(_CLIENTS)), None)
    client = _CLIENTS[base_url, api_key] = openai.OpenAI(
        api_key=api_key,
        base_url=base_url,
        # Somebody waits, and presses again.
        max_retries=0,
        http_client=openai.DefaultHttpxClient(
            timeout=openai.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # A redirect could lead the key to another host.
            follow_redirects=False,
        ),
    )
    return client


def forget_clients() -> None:
    """Close the connections, and keep no key in memory."""
    while _CLIENTS:
        _, client = _CLIENTS.popitem()
        client.close()


def _error_of(failed: openai.APIStatusError) -> TokenError:
    if failed.status_code in {_HTTP_UNAUTHORIZED, _HTTP_FORBIDDEN}:
        return ProviderAuthError()
    if failed.status_code == _HTTP_TOO_MANY:
        return ProviderQuotaError()
    return ProviderDownError()


def _read(body: bytes) -> Secret:
    try:
        read = _Body.model_validate_json(body)
    except ValidationError:
        raise ProviderInvalidError() from None
    return Secret(read.value, datetime.fromtimestamp(read.expires_at, UTC))
