"""What a language model is sent: a constant beginning, facts as quoted data, a strict schema."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.brain.enums import Goal, Language, Tone
from apps.brain.language_model.prompts import (
    INSTRUCTIONS,
    LONGEST_DOCUMENT,
    LONGEST_FACT,
    MOST_TOKENS_OUT,
    Prompt,
    prompt_of,
    visible,
)
from apps.brain.language_model.strict import proposal_schema
from apps.brain.schemas import ThinkTask
from apps.brain.tests.factories import fact, question
from apps.brain.tests.questions import QUESTIONS
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef
from apps.execution.tools import registry
from apps.triggers.rules import registry as triggers

ALL_TOOLS = tuple(sorted(registry.keys()))


def prompt(task: ThinkTask) -> Prompt:
    return prompt_of(replace(task, tools=("create_followup",)), Tone.PLAIN, Language.ENGLISH)


def document(task: ThinkTask) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(prompt(task).document)
    return loaded


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object schema within a schema, itself included."""
    found = []
    if isinstance(schema, dict):
        found += [schema] if schema.get("type") == "object" else []
        found += [inner for value in schema.values() for inner in objects(value)]
    elif isinstance(schema, list):
        found += [inner for value in schema for inner in objects(value)]
    return found


def test_the_document_quotes_the_facts_with_their_ids() -> None:
    occurred = datetime(2026, 2, 10, 9, tzinfo=UTC)
    task = question(
        Goal.REVIVE_LEAD,
        fact("status", "Working", "working"),
        fact("about", "Isdom renewal", record=RecordRef(RecordKind.OPPORTUNITY, 9)),
    )
    task = replace(task, facts=(replace(task.facts[0], occurred_at=occurred), task.facts[1]))
    assert document(task) == {
        "goal": "Revive the lead",
        "record": {"kind": "lead", "id": 3, "label": "Ana Lopez"},
        "today": "2026-03-06",
        "next_working_day": "2026-03-09",
        "doer_id": 7,
        "facts": [
            {
                "number": 1,
                "label": "Status",
                "text": "Working",
                "occurred_at": "2026-02-10T09:00+00:00",
            },
            {
                "number": 2,
                "label": "About",
                "text": "Isdom renewal",
                "record": {"kind": "opportunity", "id": 9},
            },
        ],
    }


def test_all_questions_of_a_tenant_and_a_set_of_tools_begin_alike() -> None:
    prompts = [prompt(task) for task in QUESTIONS.values()]
    assert len({one.stable_hash for one in prompts}) == 1
    assert {one.instructions for one in prompts} == {INSTRUCTIONS}
    assert len({one.document for one in prompts}) == len(QUESTIONS)
    other = prompt_of(
        replace(next(iter(QUESTIONS.values())), tools=("create_followup",)),
        Tone.FORMAL,
        Language.GERMAN,
    )
    assert other.instructions == INSTRUCTIONS
    assert other.wishes.startswith("Write in German. Write formally")


def test_what_nobody_sees_is_not_sent() -> None:
    assert visible("a\u202eb\u200bc\u0000d\u2066e\ufeff", 50) == "abcde"
    # What belongs to a text is sent as it is written; private and new signs are seen, if only as boxes.
    for text in ("می\u200cخواهم", "👩\u200d💻", "\ue000", "\U0001fae8"):
        assert visible(text, 50) == text
    assert visible("first\r\n second\t third", 50) == "first second third"
    assert visible("x" * 60, 50) == "x" * 49 + "…"


def test_a_megabyte_of_text_is_quoted_by_its_beginning() -> None:
    facts = [fact("message", "again " * 200_000) for _ in range(40)]
    held = document(question(Goal.ANSWER_MESSAGE, *facts))["facts"]
    assert {len(one["text"]) for one in held} == {LONGEST_FACT}
    assert [one["number"] for one in held] == list(range(1, len(held) + 1))
    assert sum(len(json.dumps(one)) for one in held) <= LONGEST_DOCUMENT


def test_what_a_call_may_use_at_most_is_above_what_it_does() -> None:
    most = prompt(QUESTIONS[Goal.REVIVE_LEAD, RecordKind.LEAD]).most_usage
    assert most.tokens_out == MOST_TOKENS_OUT
    # A quarter of the bytes, as usual, would be some 1,000.
    assert 1_000 < most.tokens_in < 3_000


@pytest.mark.parametrize("text", ["ꦱꦏꦶꦠ꧀ ", "\U0001f9d1\u200d\U0001f680", "ກວາງ ", "~9%K$2 "])
def test_a_script_of_a_token_to_each_byte_is_allowed_for(text: str) -> None:
    task = question(Goal.REVIVE_LEAD, *[fact("notes", text * 20) for _ in range(8)])
    asked = prompt(task)
    own = prompt(question(Goal.REVIVE_LEAD)).most_usage.tokens_in
    added = asked.most_usage.tokens_in - own
    assert added >= 8 * len((text * 20).strip().encode()) - 8


@pytest.mark.parametrize("tool", ALL_TOOLS)
def test_the_schema_of_every_tool_is_strict(tool: str) -> None:
    schema = proposal_schema((tool,))
    assert schema["type"] == "object"
    assert "anyOf" not in schema
    for inner in objects(schema):
        assert inner["additionalProperties"] is False
        assert inner["required"] == list(inner["properties"])
    text = json.dumps(schema)
    for word in ("default", "minLength", "maxLength", "x-fixed", "x-reference"):
        assert f'"{word}"' not in text


def test_an_optional_argument_may_be_null_and_a_needed_one_may_not() -> None:
    (change,) = proposal_schema(("create_followup",))["properties"]["change"]["anyOf"]
    assert change["properties"]["tool"] == {"type": "string", "enum": ["create_followup"]}
    arguments = change["properties"]["arguments"]["properties"]
    assert arguments["title"] == {"type": "string"}
    assert arguments["due_on"] == {"format": "date", "type": "string"}
    assert arguments["description"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert arguments["owner_id"] == {
        "anyOf": [{"type": "integer"}, {"type": "null"}],
        "description": "Who is to do it.",
    }


def test_every_tool_that_a_trigger_may_use_has_a_schema() -> None:
    used = {tool for trigger in triggers.all() for tool in trigger.tools}
    branches = proposal_schema(tuple(sorted(used)))["properties"]["change"]["anyOf"]
    assert [branch["properties"]["tool"]["enum"] for branch in branches] == [
        [tool] for tool in sorted(used)
    ]
