"""What the model makes of words, functions and outputs; and when somebody speaks."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from stubs.openai_server.realtime.arguments import Wish, day_in, fill
from stubs.openai_server.realtime.deciding import Called, Situation, Step, Wanted, next_step
from stubs.openai_server.realtime.findings import FoundRecord, records_in, sentences_in
from stubs.openai_server.realtime.hearing import Heard, Hearing, SpokenTurn
from stubs.openai_server.realtime.script import DEFAULT, Script, ScriptedTurn
from stubs.openai_server.realtime.session import ServerVad
from stubs.openai_server.tests.questions import obj, one_of, optional
from stubs.openai_server.tests.realtime_cases import HIT, TOOLS

THURSDAY = date(2026, 11, 26)
ELENA = FoundRecord("lead", 4, "Elena Popescu")


def step(words: str, *called: Called, found: FoundRecord | None = None, **more: Any) -> Step:
    tools = {tool["name"]: tool["parameters"] for tool in TOOLS}
    situation = Situation(ScriptedTurn(said=words), tools, called, found, THURSDAY, **more)
    return next_step(situation, "")


def call_in(found: Step) -> tuple[str, Any]:
    (wanted,) = found.calls
    return wanted.name, wanted.arguments


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("What is in my pipeline?", ("pipeline_numbers", {})),
        ("How many tasks are open?", ("my_tasks", {})),
        ("Where is “Isdom”?", ("search_records", {"text": "Isdom"})),
        ("Please look up Orbit GmbH.", ("search_records", {"text": "Orbit GmbH"})),
        ("Sum up deal 17", ("record_summary", {"kind": "opportunity", "id": 17})),
        ("Follow up with Ana Ruiz on Monday", ("search_records", {"text": "Ana Ruiz"})),
        ("Remind me to call “Orbit” tomorrow", ("search_records", {"text": "Orbit"})),
        ("Please approve all suggestions!", ("approve_suggestion", {"all": True})),
    ],
)
def test_words_say_which_function_is_called_first(words: str, call: tuple[str, Any]) -> None:
    assert call_in(step(words)) == call


@pytest.mark.parametrize(
    ("words", "title", "due_on"),
    [
        ("Remind me to call Elena Popescu on Friday.", "Call Elena Popescu", "2026-11-27"),
        ("Follow up with her next Thursday", "Follow up with her", "2026-12-03"),
        ("Call them tomorrow", "Call them", "2026-11-27"),
        ("Schedule a call about it on 2026-12-24", "Schedule a call about it", "2026-12-24"),
        ("Call her back", "Call her back", None),
    ],
)
def test_what_was_found_before_is_what_a_proposal_is_about(
    words: str, title: str, due_on: str | None
) -> None:
    name, arguments = call_in(step(words, found=ELENA))
    assert name == "propose_followup"
    assert arguments == {
        "subject_kind": "lead",
        "subject_id": 4,
        "title": title,
        "reason": words,
        "due_on": due_on,
        "owner_id": None,
    }


def test_somebody_else_is_searched_for_first() -> None:
    words = "Remind me to call Ana Ruiz on Friday"
    assert call_in(step(words, found=ELENA)) == ("search_records", {"text": "Ana Ruiz"})
    ana = {"items": [{"kind": "contact", "id": 9, "name": "Ana Ruiz"}]}
    searched = Called("search_records", json.dumps(ana))
    name, arguments = call_in(step(words, searched, found=ELENA))
    assert (name, arguments["subject_kind"], arguments["subject_id"]) == (
        "propose_followup",
        "contact",
        9,
    )
    assert step(words, searched, Called(name, '{"message": "It waits"}')) == Step(text="It waits.")
    nobody = Called("search_records", '{"facts": []}')
    assert step(words, nobody) == Step(text="I found nothing.")


def test_a_record_by_its_number_needs_no_search() -> None:
    name, arguments = call_in(step("Remind me of lead 12 by tuesday, call them"))
    assert (name, arguments["subject_id"], arguments["due_on"]) == (
        "propose_followup",
        12,
        "2026-12-01",
    )


def test_first_hit_is_summed_up_where_a_summary_is_asked_for() -> None:
    searched = Called("search_records", json.dumps(HIT))
    assert call_in(step("Summarise “Elena”", searched)) == (
        "record_summary",
        {"kind": "lead", "id": 4},
    )
    assert step("Find “Elena”", searched) == Step(text="Lead: Elena Popescu.")


def test_nothing_is_called_that_is_not_on_offer() -> None:
    situation = Situation(ScriptedTurn(said="My pipeline?"), {}, (), None, THURSDAY)
    assert next_step(situation, "").calls == ()
    assert step("Good morning").calls == ()
    assert call_in(step("Good morning", must_call=True))[0] == "search_records"


def test_scripted_calls_go_before_words() -> None:
    turn = ScriptedTurn.model_validate(
        {"said": "My pipeline?", "calls": [{"name": "x", "arguments": {"y": 1}}], "answer": "Ok."}
    )
    situation = Situation(turn, {"pipeline": {}}, (), None, THURSDAY)
    assert next_step(situation, "") == Step((Wanted("x", {"y": 1}),))
    later = Situation(turn, {"pipeline": {}}, (Called("x", "1"),), None, THURSDAY)
    assert next_step(later, "") == Step(text="Ok.")


def test_arguments_follow_the_schema() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "$defs": {"Ref": obj(kind=one_of("deal", "lead"), id={"type": "integer"})},
        "properties": {
            "tool": one_of("update_lead", "create_followup"),
            "record": {"$ref": "#/$defs/Ref"},
            "lead_id": optional("integer"),
            "opportunity_id": optional("integer"),
            "starts_at": {"type": "string", "format": "date-time"},
            "priority": {"type": "integer", "minimum": 2},
            "labels": {"type": "array", "items": {"type": "string"}},
            "email": {"type": "string"},
            "note": {"type": ["string", "null"]},
        },
        "required": ["tool", "record", "lead_id", "opportunity_id", "priority", "labels"],
    }
    wish = Wish("Call it on Friday", "", FoundRecord("opportunity", 7, "Orbit"), date(2026, 11, 27))
    assert fill(schema, wish) == {
        "tool": "create_followup",
        "record": {"kind": "deal", "id": 7},
        "lead_id": None,
        "opportunity_id": 7,
        "starts_at": "2026-11-27T09:00:00Z",
        "priority": 3,
        "labels": [],
        "note": "Call it on Friday",
    }


def test_days_lie_ahead() -> None:
    days = [day_in(words, THURSDAY) for words in ("on thursday", "today", "next week", "soon")]
    assert days == [date(2026, 12, 3), THURSDAY, date(2026, 12, 3), None]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"facts": [{"label": "Open deals", "text": "12"}]}, ["Open deals: 12."]),
        ({"error": {"code": "forbidden", "message": "You may not."}}, ["You may not."]),
        ({"open_deals": 12, "next": {"close_date": "1 May"}}, ["open deals: 12.", "close date: 1 May."]),
        ("Just a text", ["Just a text."]),
        ([], []),
        ({"facts": [{"label": "n", "text": "x" * 1_000_000}]}, ["n: " + "x" * 597 + "."]),
    ],
)  # fmt: skip
def test_outputs_of_any_shape_can_be_said(output: Any, said: list[str]) -> None:
    assert sentences_in(output) == said


def test_records_are_found_in_outputs_of_any_shape() -> None:
    nested: Any = {
        "results": [{"kind": "deal", "id": 3, "title": "Big"}, {"kind": "deal", "id": "x"}]
    }
    hit: Any = HIT
    assert list(records_in(nested)) == [FoundRecord("deal", 3, "Big")]
    assert list(records_in(hit)) == [ELENA]


def test_the_script_begins_anew_after_its_end() -> None:
    assert [DEFAULT.spoken(place, "").said for place in (0, 2, 4)] == [
        "What is in my pipeline?",
        "Remind me to call them on Friday.",
        "What is in my pipeline?",
    ]
    script = Script.model_validate({"turns": ["a", {"said": "b", "answer": "c"}]})
    assert (script.typed("b").answer, script.typed("x").answer) == ("c", None)


def test_a_turn_begins_with_sound_and_ends_with_silence() -> None:
    rules = ServerVad(type="server_vad", prefix_padding_ms=100, silence_duration_ms=200)
    hearing = Hearing(rules)
    loud, quiet = 0.1, 0.001
    heard = [hearing.take(one, 20) for one in [quiet] * 10 + [loud] * 5 + [quiet] * 9 + [loud]]
    assert [place for place, one in enumerate(heard) if one is not None] == [10]
    assert heard[10] is Heard.STARTED
    heard = [hearing.take(quiet, 20) for _ in range(10)]
    assert heard == [None] * 9 + [Heard.STOPPED]
    assert hearing.finish() == SpokenTurn(100, 700)
    assert [hearing.take(quiet, 20) for _ in range(20)] == [None] * 20
    assert hearing.turn == SpokenTurn(700, 1100)


def test_without_detection_everything_is_kept_until_it_is_committed() -> None:
    hearing = Hearing(None)
    assert [hearing.take(0.5, 20), hearing.take(0, 20)] == [None, None]
    assert hearing.finish() == SpokenTurn(0, 40)
    hearing.take(0.5, 20)
    hearing.clear()
    assert hearing.turn.duration_ms == 0
