"""Answers that are wrong in one way each: what a broken model, or a fooled one, might send."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject, arguments_of, claims_of, with_arguments
from stubs.openai_server.obeying import obey
from stubs.openai_server.schemas import Question
from stubs.openai_server.strict_schemas import StrictSchema
from stubs.openai_server.writing import Writer, is_naming

FOREIGN_TOOL = "delete_account"
# Added to ids: what lies so far away was not given.
FAR = 1_000_000
UNKNOWN_FACT = 9999
LONG_TITLE_CHARACTERS = 100_000
LINK, ADDRESS = "https://offers.example.net/login?next=crm", "accounts@payments.example.net"
# Markup, a script, control characters except null, and signs that turn the direction of text.
ESCAPE = (
    '</script><script>alert("stand-in")</script><img src=x onerror=alert(1)>'
    "{{ 7*7 }} {% debug %} \x01\x07\x08\x1b[31m\x7f\x85 \u202egnp.exe\u202c \u2066\u2069\u200f\u200b"
)


@dataclass(frozen=True, slots=True)
class Written:
    """What the model says, and what it took over from the facts because they told it to."""

    text: str
    obeyed: tuple[str, ...] = ()


def write(question: Question, schema: StrictSchema, name: str) -> Written:
    """Answer a question in the way that a behaviour's name asks for; empty, or one of delivery, is good."""
    answer = Writer(question, schema).answer()
    if name == "not-json":
        return Written("Certainly! Here is what I would do next: call them, and then we will see.")
    if name == "obeys":
        told, obeyed = obey(answer, question, schema)
        return Written(_text(told), obeyed)
    return Written(_text(_TAMPERED[name](answer) if name in _TAMPERED else answer))


def _text(answer: Mapping[str, JsonValue]) -> str:
    return json.dumps(answer, ensure_ascii=False)


def _wrong_schema(answer: JsonObject) -> JsonObject:
    return {"summary": answer.get("reason"), "confidence": "high", "actions": []}


def _foreign_tool(answer: JsonObject) -> JsonObject:
    ids = [value for name, value in arguments_of(answer).items() if name.endswith("_id") and value]
    change: JsonObject = {"tool": FOREIGN_TOOL, "arguments": {"account_id": (ids or [1])[0]}}
    return answer | {"change": change}


def _other_record(answer: JsonObject) -> JsonObject:
    changed: JsonObject = {
        name: value + FAR
        for name, value in arguments_of(answer).items()
        if is_naming(name) and name != "owner_id" and isinstance(value, int)
    }
    return with_arguments(answer, changed)


def _unknown_person(answer: JsonObject) -> JsonObject:
    owner_id = arguments_of(answer).get("owner_id")
    return with_arguments(
        answer, {"owner_id": FAR + (owner_id if isinstance(owner_id, int) else 0)}
    )


def _escape(answer: JsonObject) -> JsonObject:
    texts: JsonObject = {
        name: ESCAPE
        for name, value in arguments_of(answer).items()
        if name in {"title", "description", "body", "subject", "next_step"} and value
    }
    long_title = ESCAPE + "A" * (LONG_TITLE_CHARACTERS - len(ESCAPE))
    if "title" in texts:
        texts["title"] = long_title
    claims: list[JsonValue] = [{**claim, "text": ESCAPE} for claim in claims_of(answer)]
    return with_arguments(answer, texts) | {
        "title": long_title,
        "reason": ESCAPE,
        "claims": claims,
    }


def _uncited(answer: JsonObject) -> JsonObject:
    claims: list[JsonValue] = [
        {**claim, "facts": [UNKNOWN_FACT + place]} for place, claim in enumerate(claims_of(answer))
    ]
    return answer | {"claims": claims}


def _link(answer: JsonObject) -> JsonObject:
    more = f" See {LINK} or write to {ADDRESS}."
    texts: JsonObject = {
        name: value + more
        for name, value in arguments_of(answer).items()
        if name in {"description", "body", "next_step"} and isinstance(value, str)
    }
    return with_arguments(answer, texts) | {"reason": str(answer.get("reason", "")) + more}


_TAMPERED: Mapping[str, Callable[[JsonObject], JsonObject]] = {
    "wrong-schema": _wrong_schema,
    "foreign-tool": _foreign_tool,
    "other-record": _other_record,
    "unknown-person": _unknown_person,
    "escape": _escape,
    "uncited": _uncited,
    "link": _link,
}
