"""Answers a person's question: calls the functions on offer, then says what the facts say.

What is called is scripted by the question's words: a kind and an id are summed up, words in quotation marks
are searched for (and the first hit is summed up, where a summary is asked for), tasks and the pipeline are
counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.orders import read_orders
from stubs.openai_server.schemas import (
    Fact,
    FunctionCallItem,
    FunctionOutput,
    FunctionResult,
    ReadQuestion,
    ResponsesRequest,
)
from stubs.openai_server.tampering import ESCAPE, FAR, FOREIGN_TOOL, LINK, UNKNOWN_FACT

MOST_SENTENCES = 6
_RECORD = re.compile(
    r"\b(?P<kind>lead|contact|account|opportunity|deal|activity|task|contract|product|draft)"
    r" (?P<id>\d{1,18})\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r"[“\"](?P<text>[^”\"]{2,100})[”\"]")
SUMMARY = re.compile(r"\bsumm|\bsum up|\btell me about", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Called:
    """One function that is to be called."""

    name: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model does next: calls functions, or says something."""

    calls: tuple[Called, ...] = ()
    text: str = ""
    obeyed: tuple[str, ...] = ()


def next_turn(asked: ResponsesRequest, question: ReadQuestion, name: str) -> Turn:
    """The next turn of a model that behaves as ``name`` says; empty, or one of delivery, is good."""
    results = results_of(asked.input)
    found = [fact for result in results for fact in result.facts]
    if name == "calls-forever":
        return Turn((Called("my_tasks", {}),))
    if name == "foreign-tool" and not results:
        return Turn((Called(FOREIGN_TOOL, {"account_id": 1}),))
    orders = read_orders([fact.text for fact in (*question.facts, *found)])
    called = {item.name for item in asked.input if isinstance(item, FunctionCallItem)}
    if name == "obeys" and orders.tool and orders.tool not in called:
        wanted: JsonObject = {"id": orders.record_id} if orders.record_id is not None else {}
        return Turn((Called(orders.tool, wanted),), obeyed=orders.names)
    call = _wanted(question, results, found)
    if call is not None and call.name in asked.offered and name != "uncited":
        if name == "other-record" and isinstance(number := call.arguments.get("id"), int):
            call = Called(call.name, call.arguments | {"id": number + FAR})
        return Turn((call,))
    last = results[-1].facts if results else question.facts
    sentences = _sentences(last or question.facts, name)
    loose = [one for one in (orders.words, orders.url, orders.address) if one]
    if name == "obeys" and loose:
        sentences = [{**one, "text": f"{one['text']} {' '.join(loose)}"} for one in sentences]
    return Turn(text=_said(sentences, name), obeyed=orders.names if name == "obeys" else ())


def _wanted(
    question: ReadQuestion, results: Sequence[FunctionResult], found: Sequence[Fact]
) -> Called | None:
    """What is to be looked up next, if anything."""
    text = question.question
    quoted = QUOTED.search(text)
    if results:
        hit = next((fact.record for fact in found if fact.record is not None), None)
        is_searched = quoted is not None and len(results) == 1
        if not is_searched or hit is None or not SUMMARY.search(text):
            return None
        return Called("record_summary", {"kind": hit.kind, "id": hit.id})
    if record := _RECORD.search(text):
        kind = record["kind"].casefold()
        kind = "opportunity" if kind == "deal" else kind
        return Called("record_summary", {"kind": kind, "id": int(record["id"])})
    if quoted is not None:
        return Called("search_records", {"text": quoted["text"]})
    for word, name in (("task", "my_tasks"), ("pipeline", "pipeline_numbers")):
        if word in text.casefold():
            return Called(name, {})
    return None


def results_of(items: Sequence[object]) -> list[FunctionResult]:
    """What the functions have found that were called before."""
    outputs = (item.output for item in items if isinstance(item, FunctionOutput))
    return [FunctionResult.model_validate_json(output) for output in outputs]


def _sentences(facts: Sequence[Fact], name: str) -> list[JsonObject]:
    sentences: list[JsonObject] = []
    for place, fact in enumerate(facts[:MOST_SENTENCES]):
        text = f"{fact.label}: {fact.text}."
        number = UNKNOWN_FACT + place if name == "uncited" else fact.number
        text = {"link": f"{text} See {LINK}.", "escape": ESCAPE}.get(name, text)
        sentences.append({"text": text, "facts": [number]})
    return sentences


def _said(sentences: Sequence[JsonObject], name: str) -> str:
    if name == "not-json":
        return "Certainly! Here is what I know of it."
    told: list[JsonValue] = [*sentences]
    body: JsonObject = {"answer": "yes"} if name == "wrong-schema" else {"sentences": told}
    return json.dumps(body, ensure_ascii=False)
