"""Signs that nobody sees: taken out of what a tool writes, named where a text is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from apps.conftest import Cast
from apps.crm.tests.factories import ContactFactory, OpportunityFactory
from apps.execution.descriptions import Argument, arguments_of
from apps.execution.diff import build_diff, text_of
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.reading import read_seen
from apps.execution.schemas import Diff, JsonValue
from apps.execution.signs import (
    has_controls,
    has_unseen,
    isolated,
    one_line,
    with_unseen_named,
    without_unseen,
)
from apps.execution.tests.cases import VALID, valid_with
from apps.execution.tools import registry
from apps.users.models import User

UNSEEN = [
    "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2060", "\u2066",
    "\u2069", "\u00ad", "\u034f", "\u061c", "\u3164", "\u2800", "\ufe0f", "\ufeff", "\U000e0041",
    "\U000e0100",
]  # fmt: skip
# Joiners and variants that belong to what they stand beside: Persian, Hindi, Japanese, pictures.
NEEDED = [
    "می\u200cخواهم", "क\u094d\u200dष", "葛\U000e0100", "👩\u200d💻", "❤\ufe0f", "1\ufe0f\u20e3",
    "👩🏽\u200d💻", "👁\ufe0f\u200d🗨\ufe0f", "\u203c\ufe0f", "\u2139\ufe0f", "\u303d\ufe0f",
]  # fmt: skip
TEXTS = [
    (tool.key, argument)
    for tool in registry.all()
    for argument in arguments_of(tool)
    if argument.json_type == "string" and not argument.choices and not argument.format
    if argument.name != "currency"
]
IDS = [f"{tool}.{argument.name}" for tool, argument in TEXTS]
LINES = [(tool, argument) for tool, argument in TEXTS if (argument.max_length or 0) < 1000]
LINE_IDS = [f"{tool}.{argument.name}" for tool, argument in LINES]


@pytest.mark.parametrize("sign", UNSEEN)
def test_a_sign_that_nobody_sees_is_taken_out_and_named(sign: str) -> None:
    assert without_unseen(f"pay{sign}pal") == "paypal"
    assert with_unseen_named(f"pay{sign}pal") == f"pay[U+{ord(sign):04X}]pal"
    assert without_unseen(sign) == ""
    assert without_unseen(f"{sign}a{sign}") == "a"
    assert has_unseen(f"pay{sign}pal")


@pytest.mark.parametrize("text", [*NEEDED, "Zürich", "10\u00a0000 €", "one\ttwo\nthree", "שלום"])
def test_what_belongs_to_a_text_stays(text: str) -> None:
    assert (without_unseen(text), with_unseen_named(text)) == (text, text)
    assert not has_unseen(text)


@pytest.mark.parametrize(
    "text", ["1\ufe0f23", "isdom.\ufe0fcom", "a\u200d💻", "💻\u200c", "é\u200dn"]
)
def test_a_joiner_that_joins_nothing_does_not(text: str) -> None:
    assert "[U+" in with_unseen_named(text)
    assert len(without_unseen(text)) == len(text) - 1


def test_line_ends_are_of_one_kind() -> None:
    assert without_unseen("a\r\nb\rc\u2028d\u2029e") == "a\nb\nc\nd\ne"
    assert with_unseen_named("a\r\nb\rc\u2028d") == "a\r\nb[U+000D]c[U+2028]d"


def test_one_line_of_any_text() -> None:
    assert one_line(" a\r\nb\u2028c\td\x85e\x07\u202ef\0 ") == "a b c d ef"


@pytest.mark.parametrize("sign", ["\0", "\x07", "\x0b", "\x1b", "\x7f", "\x85", "\x9f"])
def test_control_characters_are_no_text(sign: str) -> None:
    assert has_controls(f"a{sign}b")
    assert with_unseen_named(f"a{sign}b") == f"a[U+{ord(sign):04X}]b"
    assert not has_controls("one\ttwo\nthree")


def test_only_what_is_read_from_the_right_is_kept_apart() -> None:
    assert (isolated("Zürich → 5"), isolated("שלום")) == ("Zürich → 5", "\u2068שלום\u2069")


@pytest.mark.parametrize(("tool", "argument"), TEXTS, ids=IDS)
def test_no_tool_writes_what_nobody_sees(tool: str, argument: Argument) -> None:
    text = str(VALID[tool].get(argument.name, "words"))
    spoiled = f"\u202e{text[:2]}\u200b{text[2:]}\ufeff"
    typed = registry.get(tool).parse({**valid_with(tool, argument.name), argument.name: spoiled})
    assert getattr(typed, argument.name) == text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\t", "\x85", "\x0b"])
@pytest.mark.parametrize(("tool", "argument"), LINES, ids=LINE_IDS)
def test_names_and_titles_are_one_line(tool: str, argument: Argument, end: str) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        registry.get(tool).parse({**VALID[tool], argument.name: f"Call{end}Status: done"})
    (problem,) = caught.value.extras["problems"]
    assert problem.partition(":")[0] == argument.name


def test_a_text_of_several_lines_keeps_them() -> None:
    arguments = {**VALID["draft_email"], "body": "Good morning,\r\n\r\nshall we\ttalk?"}
    typed = registry.get("draft_email").parse(arguments)
    assert typed.body == "Good morning,\n\nshall we\ttalk?"


@pytest.mark.parametrize("title", ["\u200b\u200b\u200b", "\u00a0\u00a0\u00a0", "\u3164" * 3])
@pytest.mark.parametrize("tool", ["create_task", "create_followup"])
def test_a_task_says_something(tool: str, title: str) -> None:
    with pytest.raises(InvalidArgumentsError):
        registry.get(tool).parse({**VALID[tool], "title": title})


def diff_of(cast: Cast, tool_key: str, arguments: dict[str, JsonValue]) -> Diff:
    tool = registry.get(tool_key)
    seen = read_seen(tool, tool.parse(arguments))
    return build_diff(tool, arguments, seen, record_label="Ana\u202e", viewer=cast.rep)


def test_what_stands_in_the_record_is_shown_with_its_signs(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="+1\u200b 555", title="C\u202eOE\nStatus: won")
    diff = diff_of(
        cast, "update_contact", {"contact_id": contact.pk, "phone": "+1 555", "title": "CEO\u200b"}
    )
    assert [(row.before_text, row.after_text) for row in diff.rows] == [
        ("+1[U+200B] 555", "+1 555"), ("C[U+202E]OE\nStatus: won", "CEO"),
    ]  # fmt: skip
    told: Any = diff.as_json()
    assert told["record_label"] == "Ana[U+202E]"
    assert told["fields"][0]["before_text"] == "+1[U+200B] 555"
    # What a program compares is the value itself.
    assert told["fields"][0]["before"] == "+1\u200b 555"
    assert diff.as_text() == (
        "Ana[U+202E]\n"
        "  Phone: +1[U+200B] 555 → +1 555\n"
        "  Title:\n"
        "    C[U+202E]OE\n"
        "    Status: won → CEO"
    )
    html = render_to_string("suggestions/_diff.html", {"diff": diff})
    assert "<del><bdi>+1[U+200B] 555</bdi></del>" in html
    assert not set(html) & set(UNSEEN)


def test_long_texts_name_them_too(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep, notes="Wants\u202e a roof")
    diff = diff_of(cast, "update_opportunity", {"opportunity_id": deal.pk, "notes": "Wants a roof"})
    assert diff.rows[0].segments == (
        ("delete", "Wants[U+202E]"), ("insert", "Wants"), ("equal", " a roof"),
    )  # fmt: skip
    html = render_to_string("suggestions/_diff.html", {"diff": diff})
    assert "<del>Wants[U+202E]</del><ins>Wants</ins> a roof" in html
    assert 'dir="auto"' in html


def test_text_that_is_read_from_the_right_does_not_rearrange_a_line(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, title="שלום")
    diff = diff_of(cast, "update_contact", {"contact_id": contact.pk, "title": "CEO"})
    assert diff.rows[0].before_text == "שלום"
    assert "  Title: \u2068שלום\u2069 → CEO" in diff.as_text()
    html = render_to_string("suggestions/_diff.html", {"diff": diff})
    assert "<del><bdi>שלום</bdi></del>" in html


def test_names_of_other_rows_are_shown_with_their_signs(cast: Cast) -> None:
    person: User = cast.teammate
    person.first_name = "Tom\u200b"
    person.save()
    deal = OpportunityFactory(owner=person)
    diff = diff_of(cast, "update_opportunity", {"opportunity_id": deal.pk, "owner_id": cast.rep.pk})
    assert diff.rows[0].before_text == "Tom[U+200B] Mate"
    assert text_of(deal.kind, "owner_id", person.pk, viewer=None) == "Tom[U+200B] Mate"
