"""The stand-in as an ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus

from pydantic import JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from stubs.openai_server import replies
from stubs.openai_server.behaviours import MODEL, Behaviour
from stubs.openai_server.edge import KEY_BEGINS as KEY_BEGINS
from stubs.openai_server.edge import (
    RefusedError,
    answered,
    arrival_of,
    behaviour_at,
    check_key,
    delayed,
    failed,
    is_key_good,
    known_behaviour,
    named,
    refuse,
)
from stubs.openai_server.ledger import Arrival, Ledger
from stubs.openai_server.reading import Turn, next_turn
from stubs.openai_server.realtime.endpoints import Realtime
from stubs.openai_server.schemas import (
    FunctionCallItem,
    Question,
    ReadQuestion,
    ResponsesRequest,
    SchemaFormat,
    WantedMessage,
    WishQuestion,
)
from stubs.openai_server.strict_schemas import (
    SchemaNode,
    SchemaRefusedError,
    StrictSchema,
    parse_schema,
)
from stubs.openai_server.tampering import Written, write
from stubs.openai_server.usage import tokens
from stubs.openai_server.wants import tell
from stubs.openai_server.wishing import next_turn as next_turn_of_wish
from stubs.openai_server.writing import Writer

HOSTS = ["127.0.0.1", "localhost"]
_EVENTS = "text/event-stream"
_AnyQuestion = Question | ReadQuestion | WishQuestion | WantedMessage
# Forms that are told by the name of the answer.
_FORMS: dict[str, type[WishQuestion] | type[WantedMessage]] = {
    "wish": WishQuestion,
    "want": WantedMessage,
}
_NO_SCHEMA = StrictSchema(SchemaNode.model_validate({}))


class _Cut(Response):
    """Half of another response, then the connection is closed."""

    def __init__(self, whole: Response) -> None:
        super().__init__()
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a half; a server closes a connection whose response has no end."""
        whole = self._whole
        await send({"type": "http.response.start", "status": 200, "headers": whole.raw_headers})
        half = bytes(whole.body[: len(whole.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


class StandIn:
    """The endpoints, and what they remember."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._realtime = Realtime(self._ledger)

    def application(self) -> Starlette:
        """The ASGI application. Only names of this machine are answered to."""
        return Starlette(
            routes=[
                Route("/v1/responses", self.respond, methods=["POST"]),
                Route("/v1/models", self.models),
                *self._realtime.routes(),
                Route("/control/requests", self.requests),
                Route("/control/counts", self.counts),
                Route("/control/reset", self.reset, methods=["POST"]),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        )

    async def respond(self, request: Request) -> Response:
        """Answer one question."""
        began = asyncio.get_running_loop().time()

        async def answer(arrival: Arrival) -> Response:
            return await self._answer(request, arrival, began)

        return await answered(self._ledger, await arrival_of(request), answer)

    async def models(self, request: Request) -> Response:
        """Name the models that there are."""
        if not is_key_good(request):
            return JSONResponse(replies.error(HTTPStatus.UNAUTHORIZED), HTTPStatus.UNAUTHORIZED)
        return JSONResponse(replies.model_list([MODEL]))

    async def requests(self, _request: Request) -> Response:
        """Tell what has arrived since the reset."""
        return JSONResponse(self._ledger.requests())

    async def counts(self, _request: Request) -> Response:
        """Tell how much has arrived since the reset."""
        return JSONResponse(self._ledger.counts())

    async def reset(self, _request: Request) -> Response:
        """Forget it, and end the calls that are under way."""
        self._ledger.reset()
        await self._realtime.reset()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _answer(self, request: Request, arrival: Arrival, began: float) -> Response:
        check_key(arrival)
        asked = _parsed(arrival.body)
        known_behaviour(asked.model)
        schema = _schema_of(asked)
        _check_functions(asked)
        question = _question_of(asked)
        behaviour = behaviour_at(self._ledger, arrival, asked.model)
        if failure := await failed(request, behaviour):
            return failure
        if isinstance(question, ReadQuestion):
            turn = next_turn(asked, question, behaviour.name)
        elif isinstance(question, WishQuestion):
            turn = next_turn_of_wish(asked, question, schema or _NO_SCHEMA, behaviour.name)
        elif isinstance(question, WantedMessage):
            turn = Turn(text=tell(question, schema or _NO_SCHEMA, behaviour.name))
        else:
            written = _written(behaviour, question, schema)
            turn = Turn(text=written.text, obeyed=written.obeyed)
        arrival.obeyed = list(turn.obeyed)
        reply = self._reply(asked, behaviour, turn)
        await delayed(behaviour, began)
        return _delivered(reply, behaviour, is_stream=bool(asked.stream))

    def _reply(self, asked: ResponsesRequest, behaviour: Behaviour, turn: Turn) -> replies.Reply:
        text, calls = turn.text, turn.calls
        if behaviour.name == "refusal":
            text, calls = replies.REFUSAL, ()
        elif behaviour.name == "incomplete":
            text = text[: len(text) // 2]
        prompt = _prompt(asked)
        said = text or json.dumps([call.arguments for call in calls])
        read = self._ledger.prompts.read(prompt)
        usage = replies.Usage(tokens(prompt), read, tokens(said))
        if behaviour.name == "counts-bytes":
            usage = replies.Usage(_most_tokens(asked, prompt), 0, asked.max_output_tokens or 0)
        return replies.Reply(
            asked,
            text,
            usage,
            is_refusal=behaviour.name == "refusal",
            is_incomplete=behaviour.name == "incomplete",
            calls=calls,
        )


def _parsed(body: JsonValue) -> ResponsesRequest:
    """The request, as the API would take it."""
    try:
        return ResponsesRequest.model_validate(body)
    except ValidationError as error:
        refuse(error)


def _schema_of(asked: ResponsesRequest) -> StrictSchema | None:
    """The schema of the answer, held against the rules; None when prose is asked for."""
    wanted = asked.text.format
    if not isinstance(wanted, SchemaFormat):
        return None
    try:
        return parse_schema(wanted.name, json.dumps(wanted.schema_))
    except SchemaRefusedError as error:
        body = replies.error(
            400, str(error), code="invalid_json_schema", param="text.format.schema"
        )
        raise RefusedError(400, "bad-request", body) from error


def _check_functions(asked: ResponsesRequest) -> None:
    """Hold the functions' schemas against the rules, and each result against the call that it is of."""
    for place, tool in enumerate(asked.tools or ()):
        try:
            parse_schema(tool.name, json.dumps(tool.parameters))
        except SchemaRefusedError as error:
            body = replies.error(
                400,
                str(error).replace("response_format", "function"),
                code="invalid_function_parameters",
                param=f"tools[{place}].parameters",
            )
            raise RefusedError(400, "bad-request", body) from error
    called = {turn.call_id for turn in asked.turns if isinstance(turn, FunctionCallItem)}
    for turn in asked.turns:
        if turn.call_id not in called:
            message = f"No tool call found for function call output with call_id {turn.call_id}."
            raise RefusedError(400, "bad-request", replies.error(400, message, param="input"))


def _question_of(asked: ResponsesRequest) -> _AnyQuestion:
    """The question in the user's message. A real model takes any text; this one knows four forms."""
    text, wanted = asked.text_of("user"), asked.text.format
    try:
        if isinstance(wanted, SchemaFormat) and (form := _FORMS.get(wanted.name)):
            return form.model_validate_json(text)
        if asked.tools or asked.turns:
            return ReadQuestion.model_validate_json(text)
        return Question.model_validate_json(text)
    except ValidationError as error:
        refuse(error, beside="input: the user's message is no question that the stand-in knows")


def _written(behaviour: Behaviour, question: Question, schema: StrictSchema | None) -> Written:
    if schema is None:
        return Written(Writer(question, _NO_SCHEMA).prose())
    return write(question, schema, behaviour.name)


def _prompt(asked: ResponsesRequest) -> str:
    """Everything that was sent, what stays the same first."""
    wanted = asked.text.format
    schema = json.dumps(wanted.schema_) if isinstance(wanted, SchemaFormat) else ""
    functions = [tool.model_dump_json() for tool in asked.tools or ()]
    messages = [asked.instructions or "", asked.text_of("developer"), asked.text_of("user")]
    return "\n".join(
        [schema, *functions, *messages, *(turn.model_dump_json() for turn in asked.turns)]
    )


def _most_tokens(asked: ResponsesRequest, prompt: str) -> int:
    """As many tokens as there can be: what is quoted, byte by byte; the rest as usual."""
    quoted = [asked.text_of("user"), *(turn.model_dump_json() for turn in asked.turns)]
    size = sum(len(text.encode()) for text in quoted)
    return tokens(prompt) - sum(map(tokens, quoted)) + size


def _delivered(reply: replies.Reply, behaviour: Behaviour, *, is_stream: bool) -> Response:
    if not is_stream:
        whole: Response = JSONResponse(reply.body(), headers=named())
        return _Cut(whole) if behaviour.name == "cut" else whole
    if behaviour.name == "cut":
        stream = Response(b"".join(reply.events()), headers=named(), media_type=_EVENTS)
        del stream.headers["content-length"]
        return _Cut(stream)
    return StreamingResponse(_each(reply), headers=named(), media_type=_EVENTS)


async def _each(reply: replies.Reply) -> AsyncIterator[bytes]:
    for event in reply.events():
        yield event
