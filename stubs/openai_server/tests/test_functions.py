"""Questions of people: functions that are called, and what is refused about them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import client_of, obj
from stubs.openai_server.tests.test_requests import post

TOOLS = [
    {"type": "function", "name": name, "parameters": parameters, "strict": True}
    for name, parameters in (
        ("my_tasks", obj()),
        ("record_summary", obj(kind={"type": "string"}, id={"type": "integer"})),
        ("search_records", obj(text={"type": "string"})),
    )
]
SENTENCE = obj(text={"type": "string"}, facts={"type": "array", "items": {"type": "integer"}})
FORMAT = {
    "type": "json_schema",
    "name": "answer",
    "schema": obj(sentences={"type": "array", "items": SENTENCE}),
    "strict": True,
}


def body_of(text: str, *turns: dict[str, Any], model: str = "stand-in", **more: Any) -> Any:
    question = {"question": text, "today": "2026-03-06", "facts": []}
    return {
        "model": model,
        "input": [{"role": "user", "content": json.dumps(question)}, *turns],
        "text": {"format": FORMAT},
        "tools": TOOLS,
        **more,
    }


def turns(name: str, *facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    call = {"type": "function_call", "call_id": "call_1", "name": name, "arguments": "{}"}
    output = json.dumps({"facts": facts})
    return call, {"type": "function_call_output", "call_id": "call_1", "output": output}


def respond(stand_in: RunningStandIn, body: Any) -> Any:
    with client_of(stand_in) as client:
        return client.responses.create(**body)


def call_in(response: Any) -> tuple[str, Any]:
    (item,) = response.output
    assert (item.type, item.status) == ("function_call", "completed")
    return item.name, json.loads(item.arguments)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("How many tasks?", ("my_tasks", {})),
        ("Sum up deal 17", ("record_summary", {"kind": "opportunity", "id": 17})),
        ("Where is “Isdom”?", ("search_records", {"text": "Isdom"})),
    ],
)
def test_the_words_of_a_question_say_what_is_called(
    stand_in: RunningStandIn, text: str, call: tuple[str, Any]
) -> None:
    response = respond(stand_in, body_of(text))
    assert call_in(response) == call
    assert response.tools[0].name == "my_tasks"


def test_what_was_found_is_said(stand_in: RunningStandIn) -> None:
    fact = {"number": 1, "label": "Open tasks", "text": "3"}
    response = respond(stand_in, body_of("How many tasks?", *turns("my_tasks", fact)))
    assert json.loads(response.output_text) == {
        "sentences": [{"text": "Open tasks: 3.", "facts": [1]}]
    }


def test_the_first_hit_is_summed_up(stand_in: RunningStandIn) -> None:
    hit = {"number": 1, "label": "Lead", "text": "Ana", "record": {"kind": "lead", "id": 4}}
    response = respond(stand_in, body_of("Summarise “Ana”", *turns("search_records", hit)))
    assert call_in(response) == ("record_summary", {"kind": "lead", "id": 4})


def test_nothing_is_called_where_nothing_may_be(stand_in: RunningStandIn) -> None:
    response = respond(stand_in, body_of("How many tasks?", tool_choice="none"))
    assert json.loads(response.output_text) == {"sentences": []}
    response = respond(
        stand_in, body_of("How many?", tool_choice="none", model="stand-in:calls-forever")
    )
    assert call_in(response) == ("my_tasks", {})


def test_calls_are_streamed_as_the_api_does(stand_in: RunningStandIn) -> None:
    with client_of(stand_in) as client:
        events = list(client.responses.create(**body_of("How many tasks?"), stream=True))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert call_in(events[-1].response) == ("my_tasks", {})


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"tools": [{**TOOLS[0], "strict": False}]}, "tools[0].strict"),
        ({"tools": [{**TOOLS[0], "parameters": {"type": "object"}}]}, "tools[0].parameters"),
        ({"input": [{"role": "user", "content": "{}"}, turns("my_tasks")[1]]}, "input"),
        ({"input": [{"type": "item_reference", "id": "rs_1"}]}, "input[0]"),
    ],
)
def test_what_the_api_would_refuse_is_refused(
    stand_in: RunningStandIn, change: dict[str, Any], param: str
) -> None:
    body = body_of("How many tasks?") | change
    status, told = post(
        stand_in, json.dumps(body).encode(), {"Authorization": f"Bearer {stand_in.key}"}
    )
    assert (status, told["error"]["param"]) == (400, param)
