"""What goes back over the wire: responses, the events of a stream, and errors, in OpenAI's shapes."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.reading import Called
from stubs.openai_server.schemas import ResponsesRequest

# The characters of one ``delta``: some tokens, as the API sends them.
DELTA_CHARACTERS = 48
# What a model says that will not answer.
REFUSAL = "I’m sorry, but I can’t help with that."

_ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request could not be understood."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country", "This project may not use the model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
}


def error(
    status: int, message: str = "", *, code: str | None = None, param: str | None = None
) -> JsonObject:
    """The body of an error answer."""
    fallback: tuple[str, str | None, str] = (
        "server_error", None, "The server had an error while processing your request.",
    )  # fmt: skip
    kind, usual_code, usual_message = _ERRORS.get(status, fallback)
    return {
        "error": {
            "message": message or usual_message,
            "type": kind,
            "param": param,
            "code": code or usual_code,
        }
    }


def out_of_quota() -> JsonObject:
    """The body of the answer to an account that has nothing left to spend."""
    return {
        "error": {
            "message": "You exceeded your current quota, please check your plan and billing details.",
            "type": "insufficient_quota",
            "param": None,
            "code": "insufficient_quota",
        }
    }


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int

    def wire(self) -> JsonObject:
        """As the API has it."""
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": self.input_tokens - self.cached_tokens,
            },
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.input_tokens + self.output_tokens,
        }


class Reply:
    """The answer to one request.

    Args:
        request: what was asked.
        text: what the model says, or how it refuses.
        is_refusal: whether it refuses.
        is_incomplete: whether the model was cut off by the limit of output tokens.
        calls: the functions that it wants called, instead of saying something.
    """

    def __init__(
        self,
        request: ResponsesRequest,
        text: str,
        usage: Usage,
        *,
        is_refusal: bool = False,
        is_incomplete: bool = False,
        calls: Sequence[Called] = (),
    ) -> None:
        self._request = request
        self._text = text
        self._usage = usage
        self._is_refusal = is_refusal
        self._status = "incomplete" if is_incomplete else "completed"
        self._response_id = f"resp_{secrets.token_hex(24)}"
        self._item_id = f"msg_{secrets.token_hex(24)}"
        self._created_at = int(time.time())
        self._calls: list[JsonObject] = [
            {
                "id": f"fc_{secrets.token_hex(24)}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{secrets.token_hex(12)}",
                "name": call.name,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            }
            for call in calls
        ]

    def body(self) -> JsonObject:
        """The whole answer at once."""
        output: list[JsonValue] = [*self._calls]
        if not self._calls:
            output.append(self._item(self._status, self._part(self._text)))
        return self._response(self._status, output)

    def events(self) -> Iterator[bytes]:
        """The answer as server-sent events, in the order in which the API sends them."""
        for number, (name, content) in enumerate(self._events()):
            event = {"type": name, "sequence_number": number, **content}
            yield f"event: {name}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()

    def _events(self) -> Iterator[tuple[str, JsonObject]]:
        started = self._response("in_progress", [])
        yield "response.created", {"response": started}
        yield "response.in_progress", {"response": started}
        if self._calls:
            yield from self._events_of_calls()
            yield f"response.{self._status}", {"response": self.body()}
            return
        at_item: JsonObject = {"output_index": 0}
        at_part: JsonObject = {"item_id": self._item_id, "output_index": 0, "content_index": 0}
        yield "response.output_item.added", {**at_item, "item": self._item("in_progress")}
        yield "response.content_part.added", {**at_part, "part": self._part("")}
        kind = "refusal" if self._is_refusal else "output_text"
        logprobs: JsonObject = {} if self._is_refusal else {"logprobs": []}
        for begin in range(0, len(self._text), DELTA_CHARACTERS):
            delta = self._text[begin : begin + DELTA_CHARACTERS]
            yield f"response.{kind}.delta", {**at_part, **logprobs, "delta": delta}
        whole: JsonObject = {"refusal" if self._is_refusal else "text": self._text}
        yield f"response.{kind}.done", {**at_part, **logprobs, **whole}
        part = self._part(self._text)
        yield "response.content_part.done", {**at_part, "part": part}
        yield "response.output_item.done", {**at_item, "item": self._item(self._status, part)}
        yield f"response.{self._status}", {"response": self.body()}

    def _events_of_calls(self) -> Iterator[tuple[str, JsonObject]]:
        for place, call in enumerate(self._calls):
            at_item: JsonObject = {"output_index": place}
            at_call: JsonObject = {"item_id": call["id"], **at_item}
            arguments = call["arguments"]
            begun: JsonObject = {**call, "status": "in_progress", "arguments": ""}
            yield "response.output_item.added", {**at_item, "item": begun}
            yield "response.function_call_arguments.delta", {**at_call, "delta": arguments}
            done: JsonObject = {**at_call, "name": call["name"], "arguments": arguments}
            yield "response.function_call_arguments.done", done
            yield "response.output_item.done", {**at_item, "item": call}

    def _part(self, text: str) -> JsonObject:
        if self._is_refusal:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _item(self, status: str, *parts: JsonValue) -> JsonObject:
        return {
            "id": self._item_id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": list(parts),
        }

    def _response(self, status: str, output: list[JsonValue]) -> JsonObject:
        request = self._request
        is_over = status != "in_progress"
        is_incomplete = status == "incomplete"
        return {
            "id": self._response_id,
            "object": "response",
            "created_at": self._created_at,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if is_incomplete else None,
            "instructions": request.instructions,
            "max_output_tokens": request.max_output_tokens,
            "max_tool_calls": None,
            "model": request.model,
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "prompt_cache_key": request.prompt_cache_key,
            "reasoning": {"effort": None, "summary": None},
            "safety_identifier": request.safety_identifier,
            "service_tier": "default",
            "store": bool(request.store) if request.store is not None else True,
            "temperature": 1.0 if request.temperature is None else request.temperature,
            "text": request.text.model_dump(mode="json", by_alias=True),
            "tool_choice": request.tool_choice or "auto",
            "tools": [tool.model_dump(mode="json") for tool in request.tools or ()],
            "top_logprobs": 0,
            "top_p": 1.0 if request.top_p is None else request.top_p,
            "truncation": request.truncation or "disabled",
            "usage": self._usage.wire() if is_over else None,
            "user": None,
            "metadata": dict(request.metadata or {}),
        }


def model_list(names: list[str]) -> JsonObject:
    """The models on offer."""
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "stand-in"}
            for name in names
        ],
    }
