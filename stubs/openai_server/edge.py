"""What every endpoint does alike: keys, what is noted of a request, refusals, and failing when told to."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NoReturn

from pydantic import JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stubs.openai_server import replies
from stubs.openai_server.answers import JsonObject
from stubs.openai_server.behaviours import SILENCE_S, Behaviour, behaviour_of
from stubs.openai_server.ledger import Arrival, Ledger

KEY_BEGINS = "sk-stand-in"
_RETRY_AFTER_S = 1


class RefusedError(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, outcome: str, body: JsonObject) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome
        self.body = body


async def arrival_of(request: Request) -> Arrival:
    """What is kept of a request: all but its key."""
    text = await request.body()
    body: JsonValue
    try:
        body = json.loads(text)
    except ValueError:
        body = text.decode(errors="replace")
    return Arrival(request.url.path, headers_of(request), is_key_good(request), body)


def headers_of(request: Request) -> dict[str, str]:
    """The headers without the key."""
    return {
        name: value for name, value in request.headers.items() if name.lower() != "authorization"
    }


def key_of(request: Request) -> str:
    """The key that a request brings, empty for none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else ""


def is_key_good(request: Request) -> bool:
    """Whether the request brings one of the keys that are taken."""
    return key_of(request).startswith(KEY_BEGINS)


async def answered(
    ledger: Ledger, arrival: Arrival, answer: Callable[[Arrival], Awaitable[Response]]
) -> Response:
    """Answer a request that is kept and counted; a refusal becomes an error in the API's form."""
    ledger.arrive(arrival)
    ledger.begin()
    try:
        return await answer(arrival)
    except RefusedError as refused:
        ledger.settle(arrival, refused.outcome)
        return JSONResponse(refused.body, refused.status, named())
    finally:
        ledger.end()


def behaviour_at(ledger: Ledger, arrival: Arrival, model: str) -> Behaviour:
    """How the model behaves at this request, noted as what becomes of it.

    Raises:
        RefusedError: there is no such model.
    """
    behaviour = known_behaviour(model).at(ledger.count(model))
    ledger.settle(arrival, behaviour.name or "good")
    return behaviour


def known_behaviour(model: str) -> Behaviour:
    """How a model behaves by its name.

    Raises:
        RefusedError: there is no such model.
    """
    behaviour = behaviour_of(model)
    if behaviour is None:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise RefusedError(404, "no-such-model", replies.error(404, message))
    return behaviour


def check_key(arrival: Arrival) -> None:
    """Refuse a request without a good key."""
    if not arrival.is_key_good:
        raise RefusedError(401, "bad-key", replies.error(401))


async def failed(request: Request, behaviour: Behaviour) -> Response | None:
    """What is answered in place of a good answer: a status, or nothing for long. None for neither."""
    if behaviour.status:
        return _failure(behaviour)
    if behaviour.name == "slow-first-byte" and await _is_gone_within(request, SILENCE_S):
        return Response()
    return None


async def delayed(behaviour: Behaviour, began: float) -> None:
    """Wait until as long after the request's beginning as the behaviour asks for."""
    if behaviour.delay_ms:
        ends = began + behaviour.delay_ms / 1000
        await asyncio.sleep(max(0.0, ends - asyncio.get_running_loop().time()))


def refuse(error: ValidationError, beside: str = "") -> NoReturn:
    """Refuse a body that is not as the API would take it.

    Args:
        beside: what is said instead of naming the parameter.
    """
    code, message, param = problem_of(error)
    if beside:
        code, message = "invalid_value", f"{beside}: '{param}': {error.errors()[0]['msg']}."
        param = "input"
    body = replies.error(400, message, code=code, param=param)
    raise RefusedError(400, "bad-request", body) from error


def problem_of(error: ValidationError) -> tuple[str, str, str]:
    """The first thing that is wrong: code, message and parameter, as the API tells them."""
    problem = error.errors()[0]
    # A step in brackets names no field, but which sort of item it was held against.
    named_steps = (step for step in problem["loc"] if not str(step).startswith("("))
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in named_steps)
    param = "".join(steps).removeprefix(".")
    if problem["type"] == "extra_forbidden":
        return "unknown_parameter", f"Unknown parameter: '{param}'.", param
    if problem["type"] == "missing":
        return "missing_required_parameter", f"Missing required parameter: '{param}'.", param
    return "invalid_value", f"Invalid value: '{param}'. {problem['msg']}.", param


def named() -> dict[str, str]:
    """The headers of every answer: each has a name, which the client tells in its errors."""
    return {"x-request-id": f"req_{secrets.token_hex(16)}"}


def _failure(behaviour: Behaviour) -> Response:
    headers = named()
    if behaviour.retry_after_ms:
        headers["retry-after-ms"] = str(behaviour.retry_after_ms)
    elif behaviour.status == HTTPStatus.TOO_MANY_REQUESTS and not behaviour.is_out_of_quota:
        headers["retry-after"] = str(_RETRY_AFTER_S)
    body = replies.out_of_quota() if behaviour.is_out_of_quota else replies.error(behaviour.status)
    return JSONResponse(body, behaviour.status, headers)


async def _is_gone_within(request: Request, seconds: float) -> bool:
    """Whether the client hangs up meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
