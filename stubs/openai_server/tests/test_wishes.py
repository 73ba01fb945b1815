"""What a person wishes: names are looked up, then each thing that is asked for becomes a change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import ARGUMENTS, obj, one_of, optional
from stubs.openai_server.tests.test_functions import TOOLS, call_in, respond, turns

CLAIM = obj(text={"type": "string"}, facts={"type": "array", "items": {"type": "integer"}})
DEAL = {
    "number": 2, "label": "Deal", "text": "Isdom GTX", "record": {"kind": "opportunity", "id": 7}
}  # fmt: skip
AMOUNT = {**DEAL, "number": 3, "label": "Amount", "text": "500 €"}
ANA = {
    "number": 1, "label": "Contact", "text": "Ana Quirke", "record": {"kind": "contact", "id": 4}
}  # fmt: skip


def format_of(name: str, schema: Any) -> Any:
    return {"format": {"type": "json_schema", "name": name, "schema": schema, "strict": True}}


def wish_of(text: str, *told: Any, facts: list[Any], model: str = "stand-in") -> Any:
    wish = {
        "wish": text, "said_before": None, "today": "2026-11-26", "next_working_day": "2026-11-27",
        "doer_id": 3, "stages": [{"id": 5, "name": "Negotiation"}], "facts": facts,
    }  # fmt: skip
    changes = [
        obj(tool=one_of(tool), arguments=ARGUMENTS[tool])
        for tool in ("create_followup", "log_activity", "update_contact", "update_opportunity")
    ]
    item = obj(reason={"type": "string"}, change={"anyOf": changes})
    schema = obj(
        changes={"type": "array", "items": item}, ask_back={"anyOf": [CLAIM, {"type": "null"}]}
    )
    return {
        "model": model,
        "input": [{"role": "user", "content": json.dumps(wish)}, *told],
        "text": format_of("wish", schema),
        "tools": TOOLS,
    }


def told_in(stand_in: RunningStandIn, body: Any) -> Any:
    return json.loads(respond(stand_in, body).output_text)


def test_a_name_is_looked_up_first(stand_in: RunningStandIn) -> None:
    body = wish_of("Move Isdom GTX to negotiation", facts=[])
    assert call_in(respond(stand_in, body)) == ("search_records", {"text": "Isdom GTX"})


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("Put the value of Isdom GTX to 12k", "update_opportunity",
         {"opportunity_id": 7, "amount": "12000", "currency": "EUR"}),
        ("Move Isdom GTX to negotiation", "update_opportunity", {"opportunity_id": 7, "stage_id": 5}),
        ("Ana Quirke's new number is +41 44 123 45 67", "update_contact",
         {"contact_id": 4, "phone": "+41 44 123 45 67"}),
        ("Get back to Ana Quirke on Friday", "create_followup",
         {"subject_kind": "contact", "subject_id": 4, "due_on": "2026-11-27", "owner_id": 3}),
    ],
)  # fmt: skip
def test_what_is_asked_for_becomes_a_change(
    stand_in: RunningStandIn, text: str, tool: str, arguments: dict[str, Any]
) -> None:
    found = turns("record_summary", ANA, DEAL, AMOUNT)
    told = told_in(stand_in, wish_of(text, *found, facts=[]))
    (wished,) = told["changes"]
    assert (wished["change"]["tool"], told["ask_back"]) == (tool, None)
    given = wished["change"]["arguments"]
    assert {name: given[name] for name in arguments} == arguments


def test_two_that_fit_are_asked_back(stand_in: RunningStandIn) -> None:
    other = {**ANA, "number": 5, "text": "Ana Lopez", "record": {"kind": "contact", "id": 9}}
    told = told_in(
        stand_in, wish_of("Get back to Ana", *turns("search_records", ANA, other), facts=[])
    )
    assert told["changes"] == []
    assert told["ask_back"]["facts"] == [1, 5]


def test_what_a_message_wants_is_one_of_the_list(stand_in: RunningStandIn) -> None:
    schema = obj(
        wants=one_of("question", "propose", "navigate", "out_of_scope"),
        page=optional("string", enum=["deals", "tasks"]),
        name=optional("string"),
    )
    body = {
        "model": "stand-in",
        "input": [{"role": "user", "content": json.dumps({"message": "Take me to my deals"})}],
        "text": format_of("want", schema),
    }
    assert told_in(stand_in, body) == {"wants": "navigate", "page": "deals", "name": None}
