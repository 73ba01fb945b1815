"""Good answers: their shape on the wire, and what they propose."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import (
    ARGUMENTS,
    POLICY,
    ask,
    client_of,
    fact,
    proposal,
    question,
    schema_of,
    stream,
)

FOLLOWUP = {
    "claims": [
        {"text": "Lead gone quiet (days 23)", "facts": [6]},
        {"text": "The last contact was on 3 Nov 2026 and nothing is planned", "facts": [3, 5]},
        {"text": "The call on 3 Nov 2026 was about “Budget and timing”", "facts": [4]},
    ],
    "reason": (
        "Ana López is about to slip away. The last contact was on 3 Nov 2026 and nothing is planned. "
        "A short, friendly question is the easiest way back into the conversation."
    ),
    "title": "Pick up the conversation with Ana López",
    "change": {
        "tool": "create_followup",
        "arguments": {
            "subject_kind": "lead",
            "subject_id": 12,
            "about_kind": "lead",
            "about_id": 12,
            "title": "Pick up the conversation with Ana López",
            "description": "Where things were left: “Budget and timing” (call on 3 Nov 2026).",
            "due_on": "2026-11-27",
            "priority": None,
            "owner_id": 3,
        },
    },
}


def test_answer_is_a_whole_proposal_in_the_order_of_the_schema(stand_in: RunningStandIn) -> None:
    response = ask(stand_in)
    assert proposal(response) == FOLLOWUP
    assert list(proposal(response)) == ["claims", "reason", "title", "change"]
    assert (response.object, response.status, response.model) == (
        "response",
        "completed",
        "stand-in",
    )
    assert response.error is None
    assert response.incomplete_details is None
    (item,) = response.output
    assert item.type == "message"
    assert (item.role, item.status) == ("assistant", "completed")
    assert response._request_id is not None
    assert response._request_id.startswith("req_")


def test_stream_tells_the_same_in_pieces(stand_in: RunningStandIn) -> None:
    events = stream(stand_in)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert [event.type for event in events if event.type != "response.output_text.delta"] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.completed"
    assert "".join(deltas) == last.response.output_text
    assert json.loads("".join(deltas)) == FOLLOWUP
    assert last.response.usage is not None
    assert last.response.usage.output_tokens == len(last.response.output_text) // 4


def test_official_helper_for_streams_reads_it(stand_in: RunningStandIn) -> None:
    with (
        client_of(stand_in) as client,
        client.responses.stream(
            model="stand-in", input=[{"role": "user", "content": json.dumps(question())}]
        ) as events,
    ):
        assert events.get_final_response().output_text == FOLLOWUP["reason"]


def test_without_a_schema_the_answer_is_prose(stand_in: RunningStandIn) -> None:
    with client_of(stand_in) as client:
        response = client.responses.create(model="stand-in", input=json.dumps(question()))
    assert response.output_text == FOLLOWUP["reason"]


def test_models_are_listed(stand_in: RunningStandIn) -> None:
    with client_of(stand_in) as client:
        assert [model.id for model in client.models.list()] == ["stand-in"]


CONTACT_FACTS = [
    fact(1, "Phone in the signature of 3 Nov 2026", "+49 30 1234567"),
    fact(2, "Phone on file", "+49 30 7654321"),
    fact(3, "E-mail on file", "ana@orbit.example"),
]


@pytest.mark.parametrize(
    ("asked", "tools", "tool", "arguments", "title"),
    [
        pytest.param(
            question("correct_contact", "contact", facts=CONTACT_FACTS),
            ["update_contact"],
            "update_contact",
            {"contact_id": 12, "title": None, "email": None, "email_status": None}
            | {"phone": "+49 30 1234567"},
            "Update the details of Ana López",
            id="a signature",
        ),
        pytest.param(
            question(
                "correct_contact",
                "contact",
                facts=[fact(1, "Email on 3 Nov 2026", "Undeliverable"), CONTACT_FACTS[2]],
            ),
            ["update_contact"],
            "update_contact",
            {"contact_id": 12, "title": None, "email": None, "email_status": "bounced"}
            | {"phone": None},
            "Mark the e-mail address of Ana López as not working",
            id="a bounce",
        ),
        pytest.param(
            question("clear_task", "task", "Send the offer", [fact(1, "Due", "1 Nov 2026")]),
            ["update_task"],
            "update_task",
            {"task_id": 12, "due_on": "2026-11-27", "priority": None, "status": None},
            "Move “Send the offer” to 27 Nov 2026",
            id="an overdue task",
        ),
        pytest.param(
            question("clear_task", "task", "Send the offer", [fact(1, "Deal", "the deal is won")]),
            ["update_task"],
            "update_task",
            {"task_id": 12, "due_on": None, "priority": None, "status": "cancelled"},
            "Cancel “Send the offer”",
            id="a task about what is over",
        ),
        pytest.param(
            question(
                "identify_sender",
                "activity",
                "Message from Jo Park",
                [
                    fact(1, "Address", "jo@park.example"),
                    fact(2, "Name", "Jo Park"),
                    fact(3, "Signed company", "Park Ltd"),
                    fact(4, "Text", "Please write to sales@park.example"),
                ],
            ),
            ["create_lead"],
            "create_lead",
            {"activity_id": 12, "first_name": "Jo", "last_name": "Park", "company": "Park Ltd"}
            | {"title": None, "email": "jo@park.example", "phone": None, "lead_source": None}
            | {"owner_id": 3},
            "Add Jo Park as a lead",
            id="a stranger",
        ),
        pytest.param(
            question("move_deal", "opportunity", "Orbit: 40 seats", []),
            ["update_contact", "update_opportunity"],
            "update_opportunity",
            {"opportunity_id": 12, "stage_id": None, "amount": None, "currency": None}
            | {"expected_close_on": None, "next_step": "Agree on the next step for Orbit: 40 seats"}
            | {"owner_id": 3, "notes": None},
            "Note the next step on Orbit: 40 seats",
            id="the first tool that the record fits",
        ),
        pytest.param(
            question("reach_contact", "contact", facts=CONTACT_FACTS),
            ["draft_email"],
            "draft_email",
            {"subject_kind": "contact", "subject_id": 12, "opportunity_id": None}
            | {"to_address": "ana@orbit.example", "subject": "A short question, Ana"}
            | {
                "body": "Hello Ana,\n\nI would like to pick up where we left off. Would a short call "
                "this week suit you, or should I come back to it later?\n\nKind regards",
                "owner_id": 3,
            },
            "Write to Ana López",
            id="a draft to the address on file",
        ),
        pytest.param(
            question("revive_lead"),
            ["draft_email", "log_activity"],
            "log_activity",
            {"subject_kind": "lead", "subject_id": 12, "activity_kind": "note", "direction": "none"}
            | {"occurred_at": "2026-11-03T10:00:00+00:00", "subject": "A short question, Ana"}
            | {"body": None, "owner_id": 3},
            "Put on record what is known about Ana López",
            id="no draft without an address",
        ),
    ],
)
def test_change_takes_what_the_question_gives(
    stand_in: RunningStandIn,
    asked: dict[str, Any],
    tools: list[str],
    tool: str,
    arguments: dict[str, Any],
    title: str,
) -> None:
    told = proposal(ask(stand_in, "stand-in", asked, *tools))
    assert told["change"] == {"tool": tool, "arguments": arguments}
    assert told["title"] == title


def test_task_hangs_on_the_record_that_a_message_was_about(stand_in: RunningStandIn) -> None:
    facts = [fact(1, "Deal", "Orbit: 40 seats", record={"kind": "opportunity", "id": 77})]
    told = proposal(ask(stand_in, "stand-in", question("answer_message", "activity", facts=facts)))
    named = {name: told["change"]["arguments"][name] for name in ("subject_kind", "about_kind")}
    assert named == {"subject_kind": "activity", "about_kind": "opportunity"}
    assert told["change"]["arguments"]["about_id"] == 77


@pytest.mark.parametrize("kind", ["lead", "contact", "account", "opportunity", "activity", "task"])
@pytest.mark.parametrize("doer_id", [3, None])
def test_answer_always_holds_against_the_schema(
    stand_in: RunningStandIn, kind: str, doer_id: int | None
) -> None:
    for facts in ([], CONTACT_FACTS):
        asked = question("move_deal", kind, facts=facts, doer_id=doer_id)
        for tools in (*((tool,) for tool in ARGUMENTS), tuple(ARGUMENTS)):
            told = proposal(ask(stand_in, "stand-in", asked, *tools))
            jsonschema.validate(told, schema_of(*tools))


def test_names_that_nobody_sees_through_are_still_one_line(stand_in: RunningStandIn) -> None:
    asked = question(label="\u202eAna\x00\x07\nLópez" + " Maria" * 40)
    told = proposal(ask(stand_in, "stand-in", asked))
    name = "Ana López" + " Maria" * 11 + "…"
    assert told["title"] == f"Pick up the conversation with {name}"


def test_tokens_are_counted_and_the_common_beginning_is_cached(stand_in: RunningStandIn) -> None:
    first, again = ask(stand_in), ask(stand_in)
    other = ask(stand_in, "stand-in", question("meet_lead", label="Bo"))
    assert first.usage is not None
    assert again.usage is not None
    assert other.usage is not None
    prompt = (
        len(json.dumps(schema_of("create_followup"))) + len(POLICY) + len(json.dumps(question()))
    )
    assert first.usage.input_tokens > prompt // 4
    assert first.usage.input_tokens_details.cached_tokens == 0
    assert again.usage.input_tokens_details.cached_tokens == again.usage.input_tokens
    # The user's text differs after its first eleven characters.
    stable = first.usage.input_tokens - len(json.dumps(question())) // 4
    assert 0 <= other.usage.input_tokens_details.cached_tokens - stable <= 4
    assert first.usage.output_tokens == len(first.output_text) // 4
    assert first.usage.total_tokens == first.usage.input_tokens + first.usage.output_tokens


def test_reset_forgets_requests_counts_and_prompts(stand_in: RunningStandIn) -> None:
    ask(stand_in)
    assert stand_in.counts() == {
        "requests": 1,
        "models": {"stand-in": 1},
        "outcomes": {"good": 1},
        "most_at_once": 1,
    }
    stand_in.reset()
    assert stand_in.requests() == []
    assert stand_in.counts() == {"requests": 0, "models": {}, "outcomes": {}, "most_at_once": 0}
    usage = ask(stand_in).usage
    assert usage is not None
    assert usage.input_tokens_details.cached_tokens == 0


@pytest.mark.parametrize(
    ("asked", "title", "reason", "description"),
    [
        pytest.param(
            question(
                "answer_message",
                "activity",
                "E-mail: Orbit: 40 seats",
                [
                    fact(1, "Kind", "E-mail"),
                    fact(2, "E-mail on 25 Nov 2026", "Are you still interested?"),
                    fact(3, "From", "Bo Lind"),
                    fact(4, "Deal", "Orbit: 40 seats", record={"kind": "opportunity", "id": 77}),
                    fact(5, "Noticed", "Unanswered e-mail"),
                ],
            ),
            "Answer Bo Lind: “Are you still interested?”",
            "Bo Lind is waiting for an answer. The e-mail on 25 Nov 2026 was about “Are you still "
            "interested?”. A short answer today is better than a long one next week.",
            "Where things were left: “Are you still interested?” (e-mail on 25 Nov 2026).",
            id="a message",
        ),
        pytest.param(
            question(
                "Settle close date",
                "opportunity",
                "Orbit: 40 seats",
                [
                    fact(1, "Expected close", "3 Nov 2026"),
                    fact(2, "Call on 2 Nov 2026", "Price"),
                    fact(3, "Meeting on 1 Nov 2026", "Kick-off."),
                ],
            ),
            "Settle the close date of Orbit: 40 seats",
            "The close date of Orbit: 40 seats no longer holds. It was expected to close on 3 Nov "
            "2026. The forecast rests on it, so ask them for a date that they believe in.",
            "Where things were left: “Price” (call on 2 Nov 2026). "
            "Before that: “Kick-off” (meeting on 1 Nov 2026).",
            id="a deal, and the goal in words",
        ),
        pytest.param(
            question("something_new", "account", "Orbit", []),
            "Take Orbit further",
            "Orbit needs attention. A small step now keeps the matter moving.",
            "Orbit needs attention. A small step now keeps the matter moving.",
            id="another goal, and no facts",
        ),
    ],
)
def test_wording_fits_the_goal(
    stand_in: RunningStandIn, asked: dict[str, Any], title: str, reason: str, description: str
) -> None:
    told = proposal(ask(stand_in, "stand-in", asked))
    assert told["title"] == told["change"]["arguments"]["title"] == title
    assert told["reason"] == reason
    assert told["change"]["arguments"]["description"] == description
