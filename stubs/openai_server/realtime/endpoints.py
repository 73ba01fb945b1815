"""The realtime endpoints over HTTP, and what the stand-in remembers of them."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from stubs.openai_server import replies
from stubs.openai_server.edge import (
    RefusedError,
    answered,
    arrival_of,
    behaviour_at,
    check_key,
    delayed,
    failed,
    headers_of,
    is_key_good,
    key_of,
    named,
    refuse,
)
from stubs.openai_server.ledger import Arrival, Ledger
from stubs.openai_server.realtime.client_secrets import (
    ClientSecret,
    ClientSecrets,
    SecretRefusedError,
)
from stubs.openai_server.realtime.records import KEPT_CALLS, CallRecord
from stubs.openai_server.realtime.script import DEFAULT, Script
from stubs.openai_server.realtime.session import ClientSecretRequest
from stubs.openai_server.realtime.transcriptions import recording_of

if TYPE_CHECKING:
    from stubs.openai_server.realtime.calls import Call

SDP = "application/sdp"
CALLS = "/v1/realtime/calls"
# Pages call from their own origin, as they do the API.
_FROM_ANY_PAGE = Middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["POST"],
    allow_headers=["*"],
    expose_headers=["location", "x-request-id"],
)


class Realtime:
    """The endpoints, the secrets that were given out, and the calls."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._calls: dict[str, Call] = {}
        self._forget()

    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("/v1/realtime/client_secrets", self.client_secrets, methods=["POST"]),
            Route(CALLS, self.begin_call, methods=["POST", "OPTIONS"], middleware=[_FROM_ANY_PAGE]),
            Route(f"{CALLS}/{{call_id}}/hangup", self.hang_up, methods=["POST"]),
            Route("/v1/audio/transcriptions", self.transcriptions, methods=["POST"]),
            Route("/control/realtime", self.told),
            Route("/control/realtime/script", self.set_script, methods=["POST"]),
            Route("/control/realtime/expire", self.expire, methods=["POST"]),
            Route("/control/realtime/hangup", self.hang_up_all, methods=["POST"]),
        ]

    async def client_secrets(self, request: Request) -> Response:
        """Give out a client secret for a session."""
        began = asyncio.get_running_loop().time()

        async def answer(arrival: Arrival) -> Response:
            check_key(arrival)
            asked = _validated(arrival)
            behaviour = behaviour_at(self._ledger, arrival, asked.session.model)
            if failure := await failed(request, behaviour):
                return failure
            secret = self._secrets.issue(asked, behaviour)
            await delayed(behaviour, began)
            wire = secret.wire()
            if behaviour.name == "no-secret":
                del wire["value"]
            return JSONResponse(wire, headers=named())

        return await answered(self._ledger, await arrival_of(request), answer)

    async def begin_call(self, request: Request) -> Response:
        """Begin a call with a client secret: an SDP offer is answered by an SDP answer."""
        arrival = await arrival_of(request)
        offer = (await request.body()).decode(errors="replace")

        async def answer(arrival: Arrival) -> Response:
            secret = self._secret_of(request, arrival)
            if request.headers.get("content-type", "").partition(";")[0].strip() != SDP:
                message = f"The body has to be {SDP}."
                raise RefusedError(400, "bad-request", replies.error(400, message))
            if secret.behaviour.name == "call-status-500":
                secret.is_used = True
                raise RefusedError(500, secret.behaviour.name, replies.error(500))
            return await self._begun(secret, offer, arrival)

        return await answered(self._ledger, arrival, answer)

    async def hang_up(self, request: Request) -> Response:
        """End a call, as whoever has the key may."""

        async def answer(arrival: Arrival) -> Response:
            check_key(arrival)
            call = self._calls.get(request.path_params["call_id"])
            if call is None:
                message = "No session found for this call."
                raise RefusedError(404, "no-such-call", replies.error(404, message))
            self._ledger.settle(arrival, "good")
            await call.hang_up("hung_up")
            return Response(status_code=HTTPStatus.OK, headers=named())

        return await answered(self._ledger, await arrival_of(request), answer)

    async def transcriptions(self, request: Request) -> Response:
        """Write down a recording: the script's next words."""
        began = asyncio.get_running_loop().time()
        body = await request.body()
        content_type = request.headers.get("content-type", "")
        kept = Arrival(request.url.path, headers_of(request), is_key_good(request), None)

        async def answer(arrival: Arrival) -> Response:
            check_key(arrival)
            recording = recording_of(content_type, body)
            arrival.body = recording.told()
            model = recording.parameters.model
            behaviour = behaviour_at(self._ledger, arrival, model)
            if failure := await failed(request, behaviour):
                return failure
            said = self._script.spoken(self._transcribed, "").said
            self._transcribed += 1
            await delayed(behaviour, began)
            transcript = recording.transcript(said)
            if isinstance(transcript, str):
                return PlainTextResponse(transcript, headers=named())
            return JSONResponse(transcript, headers=named())

        return await answered(self._ledger, kept, answer)

    async def told(self, _request: Request) -> Response:
        """Tell the secrets and the calls since the reset."""
        return JSONResponse(
            {
                "script": self._script.model_dump(mode="json"),
                "secrets": self._secrets.told(),
                "calls": [record.told() for record in self._records],
            }
        )

    async def set_script(self, request: Request) -> Response:
        """Set what callers of calls to come say."""
        try:
            self._script = Script.model_validate_json(await request.body())
        except ValidationError as error:
            return PlainTextResponse(str(error), HTTPStatus.BAD_REQUEST)
        self._transcribed = 0
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def expire(self, _request: Request) -> Response:
        """Let the time of all client secrets be over."""
        self._secrets.expire()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def hang_up_all(self, _request: Request) -> Response:
        """Drop every call: the other sides see their connections end."""
        await self._end_all("dropped")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def reset(self) -> None:
        """End all calls, and forget them, the secrets and the script."""
        await self._end_all("reset")
        self._forget()

    def _forget(self) -> None:
        self._secrets = ClientSecrets()
        self._records: deque[CallRecord] = deque(maxlen=KEPT_CALLS)
        self._script = DEFAULT
        self._transcribed = 0

    async def _end_all(self, why: str) -> None:
        calls, self._calls = self._calls, {}
        await asyncio.gather(*(call.hang_up(why) for call in calls.values()))

    def _secret_of(self, request: Request, arrival: Arrival) -> ClientSecret:
        try:
            secret = self._secrets.find(key_of(request))
        except SecretRefusedError as refused:
            body = replies.error(HTTPStatus.UNAUTHORIZED, str(refused))
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "bad-secret", body) from refused
        arrival.is_key_good = True
        return secret

    async def _begun(self, secret: ClientSecret, offer: str, arrival: Arrival) -> Response:
        # Loaded here, because a process that is asked only for text needs none of it.
        from stubs.openai_server.realtime.calls import Call, OfferRefusedError

        secret.is_used = True
        record = CallRecord(
            id=f"rtc_{secrets.token_hex(16)}",
            session_id=secret.session_id,
            model=secret.session.model,
            behaviour=secret.behaviour.name,
        )
        call = Call(secret, self._script, record)
        try:
            sdp = await call.answer(offer)
        except OfferRefusedError as refused:
            secret.is_used = False
            body = replies.error(
                400, "The SDP offer could not be understood.", code="invalid_offer"
            )
            raise RefusedError(400, "bad-request", body) from refused
        self._calls = {
            call_id: other for call_id, other in self._calls.items() if not other.record.ended
        } | {record.id: call}
        self._records.append(record)
        self._ledger.settle(arrival, secret.behaviour.name or "good")
        headers = named() | {"location": f"{CALLS}/{record.id}"}
        return Response(sdp, HTTPStatus.CREATED, headers, media_type=SDP)


def _validated(arrival: Arrival) -> ClientSecretRequest:
    try:
        return ClientSecretRequest.model_validate(arrival.body)
    except ValidationError as error:
        refuse(error)
