"""Handing messages over HTTP to their receivers, and what is known afterwards. No database here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from apps.suggestions.webhooks.addresses import is_allowed
from apps.tenants.pinned import AddressBarredError, pinned_transport

# Receivers answer before they work: who has not after so long has failed.
ANSWER_WITHIN_S = 10
CONNECT_WITHIN_S = 5
# One endpoint's messages of one round; what is left then is sent by the next.
ENDPOINT_WITHIN_S = 60
_AGENT = "AiSHA-Webhooks/1"
_MOST_PASSED_OVER = 4096
_GONE = 410
_TOO_MANY = 429

REFUSED, REDIRECT, SERVER, BUSY, GONE = "refused", "redirect", "server_error", "busy", "gone"
UNREACHABLE, TIMEOUT, BROKEN = "unreachable", "timeout", "broken"
BARRED = "address_barred"
OFF, UNREADABLE = "endpoint_off", "secret_unreadable"
# What went wrong at the last attempt, by code. What the receiver said besides is not kept.
MESSAGES = {
    REFUSED: "The receiver refused it.",
    REDIRECT: "The receiver sends on to another address. Redirects are not followed: enter that address.",
    SERVER: "The receiver had a fault of its own.",
    BUSY: "The receiver asks for fewer messages.",
    GONE: "The receiver says that it is gone.",
    UNREACHABLE: "Nobody answers at the address, or the certificate is not valid for it.",
    TIMEOUT: f"There was no answer within {ANSWER_WITHIN_S} seconds.",
    BROKEN: "The connection broke, or what came back was no HTTP.",
    BARRED: "The host stands in a private network, to which nothing is sent.",
    OFF: "The webhook was switched off before it was delivered.",
    UNREADABLE: "The stored secret can no longer be read: make a new one.",
}
# Trouble with the receiver as a whole: its other messages would fare no better now.
STOPPING = frozenset({SERVER, BUSY, GONE, UNREACHABLE, TIMEOUT, BROKEN, BARRED, UNREADABLE})


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message, ready to be sent."""

    delivery_id: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt; ``code`` is empty when the receiver took the message."""

    code: str = ""
    status: int | None = None
    asked_for: timedelta | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return not self.code


def post_all(parcels: Mapping[str, Sequence[Parcel]], now: datetime) -> dict[int, Outcome]:
    """Send messages by address, each address's one after the other; return what became of those tried.

    An address that is in trouble, or takes longer than a minute for all, is left alone after that message.
    """
    return asyncio.run(_post_all(parcels, now))


async def _post_all(parcels: Mapping[str, Sequence[Parcel]], now: datetime) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    async with asyncio.TaskGroup() as group:
        for url, waiting in parcels.items():
            group.create_task(_post_to(url, waiting, now, outcomes))
    return outcomes


async def _post_to(
    url: str, parcels: Sequence[Parcel], now: datetime, outcomes: dict[int, Outcome]
) -> None:
    began = time.monotonic()
    timeout = httpx2.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S)
    async with httpx2.AsyncClient(
        transport=pinned_transport(is_allowed), timeout=timeout, follow_redirects=False
    ) as client:
        for parcel in parcels:
            outcome = await _post(client, url, parcel, now)
            outcomes[parcel.delivery_id] = outcome
            if outcome.code in STOPPING or time.monotonic() - began > ENDPOINT_WITHIN_S:
                return


async def _post(client: httpx2.AsyncClient, url: str, parcel: Parcel, now: datetime) -> Outcome:
    headers = {"Content-Type": "application/json", "User-Agent": _AGENT, **parcel.headers}
    try:
        # The client's own timeouts are for each step: a receiver that drips would hold it for ever.
        async with asyncio.timeout(ANSWER_WITHIN_S):
            async with client.stream("POST", url, content=parcel.body, headers=headers) as answer:
                await _pass_over(answer)
                return _read(answer.status_code, answer.headers.get("Retry-After", ""), now)
    except AddressBarredError:
        return Outcome(BARRED)
    except (TimeoutError, httpx2.TimeoutException):
        return Outcome(TIMEOUT)
    except httpx2.ConnectError:
        return Outcome(UNREACHABLE)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return Outcome(BROKEN)


async def _pass_over(answer: httpx2.Response) -> None:
    """Read to the end of a short answer, so that its connection serves the next message; nothing is kept."""
    length = 0
    async for part in answer.aiter_raw():
        length += len(part)
        if length > _MOST_PASSED_OVER:
            return


def _read(status: int, retry_after: str, now: datetime) -> Outcome:
    asked_for = _read_wait(retry_after, now)
    if 200 <= status < 300:
        return Outcome(status=status)
    if status == _GONE:
        return Outcome(GONE, status)
    if status == _TOO_MANY:
        return Outcome(BUSY, status, asked_for)
    if 300 <= status < 400:
        return Outcome(REDIRECT, status)
    return Outcome(SERVER if status >= 500 else REFUSED, status, asked_for)


def _read_wait(text: str, now: datetime) -> timedelta | None:
    """``Retry-After`` (RFC 9110): seconds, or a moment; None for neither."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:9]))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        # Numbers beyond all bounds are the second.
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta())
