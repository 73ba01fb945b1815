"""The diff: what the reviewer sees, from the values that the engine compares."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from pydantic import Field

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.diff import NOTHING, build_diff, label_of, text_of, word_segments
from apps.execution.reading import read_seen
from apps.execution.schemas import Diff, JsonValue
from apps.execution.tests.cases import VALID
from apps.execution.tools import Tool, registry
from apps.execution.tools.base import ToolArguments, UpdateTool
from apps.execution.tools.fields import RecordId
from apps.tenants.models import Tenant
from apps.users.models import User


class ChangeDealArguments(ToolArguments):
    opportunity_id: RecordId
    amount: Annotated[str, Field(max_length=20)] = ""
    currency: Annotated[str, Field(max_length=3)] = ""
    notes: str = ""
    expected_close_on: date | None = None
    stage_id: RecordId | None = None


class ChangeDeal(UpdateTool[ChangeDealArguments]):
    """A tool that writes every kind of value."""

    key = "change_deal"
    label = "Change deal"
    arguments_type = ChangeDealArguments
    id_field = "opportunity_id"
    subject_kinds = frozenset({RecordKind.OPPORTUNITY})
    writes: ClassVar[Mapping[RecordKind, frozenset[str]]] = {
        RecordKind.OPPORTUNITY: frozenset(
            {"amount", "currency", "notes", "expected_close_on", "stage_id"}
        )
    }
    guard_fields = {RecordKind.OPPORTUNITY: ("currency",)}


OVERSEER = User(is_superuser=True)


def diff_for(tool: Tool[Any] | str, arguments: dict[str, JsonValue]) -> Diff:
    found = registry.get(tool) if isinstance(tool, str) else tool
    seen = read_seen(found, found.parse(arguments))
    return build_diff(found, arguments, seen, record_label="The record", viewer=OVERSEER)


def texts(diff: Diff) -> dict[str, tuple[str, str]]:
    return {row.field: (row.before_text, row.after_text) for row in diff.rows}


def test_text_and_choice_of_a_contact(acme: Tenant) -> None:
    contact = ContactFactory(phone="+1 555 0100", title="")
    diff = diff_for(
        "update_contact",
        {
            "contact_id": contact.pk,
            "phone": "+1 555 0123",
            "title": "Head of buying",
            "email_status": "bounced",
        },
    )
    assert texts(diff) == {
        "email_status": ("Not checked", "Bounced"),
        "phone": ("+1 555 0100", "+1 555 0123"),
        "title": (NOTHING, "Head of buying"),
    }
    assert [(row.kind, row.is_new) for row in diff.rows] == [
        ("choice", False), ("text", False), ("text", False),
    ]  # fmt: skip
    assert (diff.is_creation, diff.record_kind, diff.tool_label) == (
        False, RecordKind.CONTACT, "Update contact",
    )  # fmt: skip


def test_what_stays_as_it_is_is_left_out(acme: Tenant) -> None:
    contact = ContactFactory(phone="+1 555 0100", title="Buyer")
    diff = diff_for(
        "update_contact", {"contact_id": contact.pk, "phone": "+1 555 0100", "title": "CEO"}
    )
    assert texts(diff) == {"title": ("Buyer", "CEO")}


def test_a_date_and_a_choice_of_numbers(acme: Tenant) -> None:
    task = TaskFactory(due_on=date(2026, 1, 31), priority=2)
    diff = diff_for("update_task", {"task_id": task.pk, "due_on": "2026-03-12", "priority": 4})
    assert texts(diff) == {
        "due_on": ("31 Jan 2026", "12 Mar 2026"),
        "priority": ("Normal", "Urgent"),
    }
    assert {row.field: row.kind for row in diff.rows} == {"due_on": "date", "priority": "choice"}


def test_a_date_that_is_taken_away(acme: Tenant) -> None:
    task = TaskFactory(due_on=date(2026, 1, 31))
    diff = diff_for("update_task", {"task_id": task.pk, "due_on": None})
    assert texts(diff) == {"due_on": ("31 Jan 2026", NOTHING)}


def test_a_new_record_shows_what_it_will_hold_and_references_by_name(cast: Cast) -> None:
    lead = LeadFactory(first_name="Ana", last_name="Lopez", owner=cast.rep)
    diff = diff_for(
        "create_followup",
        {
            "subject_kind": "lead",
            "subject_id": lead.pk,
            "about_kind": "lead",
            "about_id": lead.pk,
            "title": "Call Ana Lopez",
            "due_on": "2026-03-03",
            "priority": 3,
            "owner_id": cast.rep.pk,
        },
    )
    assert [(row.label, row.after_text, row.kind, row.is_new) for row in diff.rows] == [
        ("Title", "Call Ana Lopez", "text", True),
        ("Due on", "3 Mar 2026", "date", True),
        ("Priority", "High", "choice", True),
        ("Owner", "Rita Rep", "reference", True),
        ("Lead", "Ana Lopez", "reference", True),
    ]
    assert all(row.before is None and row.before_text == NOTHING for row in diff.rows)
    assert (diff.is_creation, diff.side_effects) == (True, ())


def test_side_effects_are_said(acme: Tenant) -> None:
    mail = ActivityFactory(counterpart_address="ana@isdom.com")
    diff = diff_for("create_lead", {"activity_id": mail.pk, "email": "ana@isdom.com"})
    assert diff.side_effects == ("The messages of this sender are attached to the new lead.",)
    assert texts(diff) == {
        "email": (NOTHING, "ana@isdom.com"),
        "lead_source": (NOTHING, "Inbound e-mail"),
    }
    assert {row.field: row.label for row in diff.rows}["email"] == "E-mail"


def test_a_reference_that_is_gone_is_shown_by_its_number(acme: Tenant) -> None:
    mail = ActivityFactory(counterpart_address="ana@isdom.com")
    diff = diff_for(
        "create_lead", {"activity_id": mail.pk, "email": "ana@isdom.com", "owner_id": 999999}
    )
    assert texts(diff)["owner_id"] == (NOTHING, "#999999")


def test_money_has_thousands_and_the_records_currency(acme: Tenant) -> None:
    deal = OpportunityFactory(amount="4821.00", currency="EUR")
    diff = diff_for(ChangeDeal(), {"opportunity_id": deal.pk, "amount": "12500.5"})
    assert texts(diff) == {"amount": ("4,821\u00a0€", "12,500.50\u00a0€")}
    assert diff.rows[0].kind == "money"


def test_a_change_of_currency_is_seen_on_both_sides(acme: Tenant) -> None:
    deal = OpportunityFactory(amount="4821.00", currency="EUR")
    diff = diff_for(ChangeDeal(), {"opportunity_id": deal.pk, "amount": "5000", "currency": "USD"})
    assert texts(diff) == {"amount": ("4,821\u00a0€", "5,000\u00a0$"), "currency": ("EUR", "USD")}


def test_money_without_a_currency_is_a_number(acme: Tenant) -> None:
    deal = OpportunityFactory(amount=None, currency="")
    diff = diff_for(ChangeDeal(), {"opportunity_id": deal.pk, "amount": "5000"})
    assert texts(diff) == {"amount": (NOTHING, "5,000")}


def test_long_text_is_compared_word_by_word(acme: Tenant) -> None:
    deal = OpportunityFactory(notes="Wants a discount by May")
    diff = diff_for(ChangeDeal(), {"opportunity_id": deal.pk, "notes": "Wants no discount by June"})
    (row,) = diff.rows
    assert row.kind == "long_text"
    assert row.segments == (
        ("equal", "Wants "),
        ("delete", "a"),
        ("insert", "no"),
        ("equal", " discount by "),
        ("delete", "May"),
        ("insert", "June"),
    )


def test_word_segments_put_back_together_give_both_texts() -> None:
    old, new = "one two  three\nfour", "one 2 three\nfour five"
    segments = word_segments(old, new)
    assert "".join(text for kind, text in segments if kind != "insert") == old
    assert "".join(text for kind, text in segments if kind != "delete") == new
    assert word_segments("", "") == ()
    assert word_segments("", "new") == (("insert", "new"),)
    assert word_segments("old", "") == (("delete", "old"),)


def test_as_text(acme: Tenant) -> None:
    contact = ContactFactory(phone="+1 555 0100")
    diff = diff_for("update_contact", {"contact_id": contact.pk, "phone": "+1 555 0123"})
    assert diff.as_text() == "The record\n  Phone: +1 555 0100 → +1 555 0123"
    mail = ActivityFactory(counterpart_address="ana@isdom.com")
    new = diff_for("create_lead", {"activity_id": mail.pk, "email": "ana@isdom.com"})
    assert new.as_text() == (
        "New lead\n  E-mail: ana@isdom.com\n  Lead source: Inbound e-mail\n"
        "  Also: The messages of this sender are attached to the new lead."
    )


def test_as_json(acme: Tenant) -> None:
    task = TaskFactory(due_on=date(2026, 1, 31))
    diff = diff_for("update_task", {"task_id": task.pk, "due_on": "2026-03-12"})
    assert diff.as_json() == {
        "tool": "update_task",
        "tool_label": "Update task",
        "record_kind": "task",
        "record_label": "The record",
        "is_creation": False,
        "fields": [
            {
                "field": "due_on",
                "label": "Due on",
                "kind": "date",
                "before": "2026-01-31",
                "after": "2026-03-12",
                "before_text": "31 Jan 2026",
                "after_text": "12 Mar 2026",
                "origin": "proposed",
                "edited_by": "",
                "segments": [],
            }
        ],
        "left_out": [],
        "edited_by": "",
        "side_effects": [],
        "comparison": None,
    }


def test_what_a_person_edited_and_left_out_is_marked(cast: Cast) -> None:
    contact = ContactFactory(phone="1", title="Buyer", email="ana@isdom.com", owner=cast.rep)
    proposed: dict[str, JsonValue] = {
        "contact_id": contact.pk, "phone": "2", "title": "CEO", "email": "ana@isdom.org",
    }  # fmt: skip
    given: dict[str, JsonValue] = {
        "contact_id": contact.pk, "phone": "3", "title": "CEO", "email": "ana@isdom.com",
        "email_status": "valid",
    }  # fmt: skip
    tool = registry.get("update_contact")
    seen = read_seen(tool, tool.parse({**proposed, **given}))
    diff = build_diff(
        tool,
        given,
        seen,
        record_label="Ana",
        viewer=OVERSEER,
        proposed=proposed,
        edited_by="Rita Rep",
    )
    assert [(row.field, row.after_text, row.origin_label) for row in diff.rows] == [
        ("email_status", "Works", "edited"),
        ("phone", "3", "edited"),
        ("title", "CEO", "proposed"),
    ]
    # Typed back to what stands there: nothing is written, and that it was proposed is still seen.
    assert [(row.field, row.before_text, row.after_text) for row in diff.left_out] == [
        ("email", "ana@isdom.com", "ana@isdom.org"),
    ]
    assert (diff.left_out[0].origin_label, diff.edited_by) == ("left out", "Rita Rep")
    assert diff.as_text() == (
        "Ana\n"
        "  E-mail status: Not checked → Works (edited by Rita Rep)\n"
        "  Phone: 1 → 3 (edited by Rita Rep)\n"
        "  Title: Buyer → CEO\n"
        "  Left out: E-mail (ana@isdom.org)"
    )
    html = render_to_string("suggestions/_diff.html", {"diff": diff})
    assert html.count("edited by Rita Rep") == 2
    assert html.count("left out</span>") == 1
    assert "<del><bdi>ana@isdom.org</bdi></del>" in html


def test_what_was_not_edited_is_the_proposal(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    arguments: dict[str, JsonValue] = {
        "subject_kind": "lead", "subject_id": lead.pk, "title": "Call", "description": "Ask why",
    }  # fmt: skip
    tool = registry.get("create_task")
    seen = read_seen(tool, tool.parse(arguments))
    same = build_diff(
        tool, arguments, seen, record_label="Ana", viewer=OVERSEER, proposed=arguments
    )
    assert {row.origin_label for row in same.rows} == {"proposed"}
    assert same.left_out == ()
    # A proposal that the tool can no longer read marks nothing.
    old = build_diff(
        tool, arguments, seen, record_label="Ana", viewer=OVERSEER, proposed={"name": "Call"}
    )
    assert (old.rows, old.left_out) == (same.rows, ())
    emptied = {**arguments, "description": ""}
    diff = build_diff(tool, emptied, seen, record_label="Ana", viewer=OVERSEER, proposed=arguments)
    assert [(row.field, row.after_text) for row in diff.left_out] == [("description", "Ask why")]


def test_long_texts_in_plain_text(acme: Tenant) -> None:
    deal = OpportunityFactory(notes="Wants a discount.\nBy May")
    diff = diff_for(
        "update_opportunity", {"opportunity_id": deal.pk, "notes": "Wants no discount.\nBy June"}
    )
    assert diff.as_text() == (
        "The record\n  Notes:\n    Wants [-a-]{+no+} discount.\n    By [-May-]{+June+}"
    )
    assert [segment["op"] for segment in diff.rows[0].as_json()["segments"]] == [  # type: ignore[union-attr,index]
        "equal", "delete", "insert", "equal", "delete", "insert",
    ]  # fmt: skip
    html = render_to_string("suggestions/_diff.html", {"diff": diff})
    assert "Wants <del>a</del><ins>no</ins> discount." in html


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("ha " * 1490 + "ha", "ha ho " * 745 + "ha", 2),
        ("\n" * 200_000 + "end", "end\n" * 2400 + "end", 2),
        (" ".join(f"old{n}" for n in range(900)), " ".join(f"new{n}" for n in range(900)), 2),
        ("ha " * 240 + "ha", "ha ho " * 120 + "ha", 242),
    ],
    ids=["few words many times", "empty lines", "nothing in common", "just few enough"],
)
def test_no_text_keeps_the_comparison_busy(old: str, new: str, count: int) -> None:
    begun = time.process_time()
    segments = word_segments(old, new)
    assert time.process_time() - begun < 10  # it was minutes
    assert len(segments) == count
    assert "".join(text for kind, text in segments if kind != "insert") == old
    assert "".join(text for kind, text in segments if kind != "delete") == new


def test_very_long_texts_are_compared_by_lines() -> None:
    lines = [f"line {number} of the notes\n" for number in range(1000)]
    changed = [*lines[:500], "another line\n", *lines[501:]]
    segments = word_segments("".join(lines), "".join(changed))
    assert segments == (
        ("equal", "".join(lines[:500])),
        ("delete", lines[500]),
        ("insert", "another line\n"),
        ("equal", "".join(lines[501:])),
    )


@pytest.mark.parametrize(
    ("zone", "text"),
    [("Europe/Berlin", "2 Mar 2026, 10:00"), ("America/New_York", "2 Mar 2026, 04:00")],
)
def test_a_moment_is_told_in_the_readers_zone(cast: Cast, zone: str, text: str) -> None:
    lead = LeadFactory(owner=cast.rep)
    with timezone.override(zone):
        diff = diff_for("log_activity", {**VALID["log_activity"], "subject_id": lead.pk})
    assert {row.field: row.after_text for row in diff.rows}["occurred_at"] == text


def test_money_of_a_real_tool_and_places_that_make_no_difference(acme: Tenant) -> None:
    deal = OpportunityFactory(amount="4821.50", currency="EUR")
    same = {"opportunity_id": deal.pk, "amount": "4821.5", "currency": "EUR"}
    assert diff_for("update_opportunity", same).rows == ()
    diff = diff_for("update_opportunity", {**same, "amount": 12500})
    assert texts(diff) == {"amount": ("4,821.50\u00a0€", "12,500\u00a0€")}


def test_names_are_looked_up_once_for_each_column(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    deal = OpportunityFactory()
    arguments: dict[str, JsonValue] = {
        "opportunity_id": deal.pk, "amount": "1", "stage_id": deal.stage_id,
    }  # fmt: skip
    tool = ChangeDeal()
    seen = read_seen(tool, tool.parse(arguments))
    with django_assert_num_queries(1):
        build_diff(tool, arguments, seen, record_label="Deal", viewer=OVERSEER)


def test_single_values_as_text(cast: Cast) -> None:
    assert label_of(RecordKind.CONTACT, "email_status") == "E-mail status"
    assert label_of(RecordKind.TASK, "owner_id") == "Owner"
    assert text_of(RecordKind.TASK, "owner_id", cast.rep.pk, viewer=OVERSEER) == "Rita Rep"
    assert text_of(RecordKind.TASK, "status", "done", viewer=OVERSEER) == "Done"
    assert text_of(RecordKind.LEAD, "do_not_contact", False, viewer=OVERSEER) == "No"
    assert text_of(RecordKind.LEAD, "do_not_contact", True, viewer=OVERSEER) == "Yes"
    assert (
        text_of(RecordKind.OPPORTUNITY, "amount", "1234.00", currency="USD", viewer=OVERSEER)
        == "1,234\u00a0$"
    )
    assert text_of(
        RecordKind.ACTIVITY, "occurred_at", "2026-03-02T09:05:00+00:00", viewer=OVERSEER
    ) == ("2 Mar 2026, 09:05")
    assert text_of(RecordKind.LEAD, "title", "", viewer=OVERSEER) == NOTHING
