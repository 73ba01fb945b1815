"""Every tool against arguments that do not fit: refused at the field, before anything is read or written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from apps.execution.descriptions import Argument, arguments_of
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.tests.cases import VALID
from apps.execution.tools import registry

# A value of each type that the field does not take, by the type that it takes.
OTHER_TYPES: dict[str, tuple[object, ...]] = {
    "string": (7, True, ["x"], {"x": "y"}),
    "integer": ("7", True, 1.5, [1]),
    "number": ("many", True, [1]),
    "boolean": ("true", 1, None, [True]),
    "object": ("x", 7, True, None, ["x"]),
}


def fields() -> Iterator[tuple[str, Argument]]:
    for tool in registry.all():
        for argument in arguments_of(tool):
            yield tool.key, argument


def problems_of(tool: str, arguments: dict[str, Any]) -> set[str]:
    with pytest.raises(InvalidArgumentsError) as caught:
        registry.get(tool).parse(arguments)
    return {problem.partition(":")[0] for problem in caught.value.extras["problems"]}


FIELDS = list(fields())
IDS = [f"{tool}.{argument.name}" for tool, argument in FIELDS]
TEXTS = [
    (tool, argument)
    for tool, argument in FIELDS
    if argument.json_type == "string" and argument.format != "decimal"
]


def is_amount(argument: Argument) -> bool:
    return argument.format == "decimal"


@pytest.mark.parametrize(("tool", "argument"), FIELDS, ids=IDS)
def test_another_type_is_refused(tool: str, argument: Argument) -> None:
    kind = "number" if is_amount(argument) else argument.json_type
    for value in OTHER_TYPES[kind]:
        assert argument.name in problems_of(tool, {**VALID[tool], argument.name: value}), value


@pytest.mark.parametrize(("tool", "argument"), FIELDS, ids=IDS)
def test_null_is_refused_where_there_must_be_a_value(tool: str, argument: Argument) -> None:
    arguments = {**VALID[tool], argument.name: None}
    if argument.is_nullable:
        registry.get(tool).parse(arguments)
    else:
        assert argument.name in problems_of(tool, arguments)


@pytest.mark.parametrize(
    ("tool", "argument"), TEXTS, ids=[f"{tool}.{argument.name}" for tool, argument in TEXTS]
)
def test_a_null_byte_is_refused(tool: str, argument: Argument) -> None:
    text = str(VALID[tool].get(argument.name, "words"))
    assert argument.name in problems_of(tool, {**VALID[tool], argument.name: f"{text}\0"})


@pytest.mark.parametrize(("tool", "argument"), FIELDS, ids=IDS)
def test_what_is_too_long_or_too_large_is_refused(tool: str, argument: Argument) -> None:
    value: object
    if is_amount(argument):
        # What a company takes in a year may have two digits more, as it may on record.
        is_revenue = argument.name == "annual_revenue"
        value = "100000000000000.00" if is_revenue else "1000000000000.00"
    elif argument.json_type == "integer":
        value = 2**63
    elif argument.max_length is not None:
        value = "x" * (argument.max_length + 1)
    else:
        # Choices, dates and currencies have a form of their own.
        value = "x" * 100_000
    assert argument.name in problems_of(tool, {**VALID[tool], argument.name: value})


@pytest.mark.parametrize(("tool", "argument"), FIELDS, ids=IDS)
def test_ids_count_from_one(tool: str, argument: Argument) -> None:
    if argument.json_type == "integer" and (argument.is_fixed or argument.reference):
        for value in (0, -1):
            assert argument.name in problems_of(tool, {**VALID[tool], argument.name: value})


@pytest.mark.parametrize("tool", sorted(registry.keys()))
def test_what_is_no_object_of_arguments_is_refused(tool: str) -> None:
    problems_of(tool, {})
    for name in ("__class__", "pk", "revision", "created_at", "external_id", "attributes"):
        assert problems_of(tool, {**VALID[tool], name: 1}) == {name}
    assert problems_of(tool, {**VALID[tool], "\ud800": 1}) != set()


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1.001", "1e40", float("1e300")])
def test_amounts_are_sums_of_money(value: object) -> None:
    arguments = {"lead_id": 1, "estimated_value": value, "currency": "USD"}
    assert problems_of("update_lead", arguments) == {"estimated_value"}


@pytest.mark.parametrize("value", ["usd", "US", "USDX", "U$D", "", "USD\n"])
def test_currencies_are_codes(value: str) -> None:
    arguments: dict[str, Any] = {"lead_id": 1, "estimated_value": "1", "currency": value}
    if value.strip() == "USD":
        # White space around a text is never meant.
        assert registry.get("update_lead").parse(arguments).currency == "USD"
    else:
        assert problems_of("update_lead", arguments) == {"currency"}


@pytest.mark.parametrize(
    ("tool", "amount"),
    [
        ("update_lead", "estimated_value"),
        ("update_account", "annual_revenue"),
        ("update_opportunity", "amount"),
    ],
)
def test_an_amount_and_its_currency_come_together(tool: str, amount: str) -> None:
    assert problems_of(tool, {**VALID[tool], amount: "100"}) == {"arguments"}
    assert problems_of(tool, {**VALID[tool], "currency": "USD"}) == {"arguments"}
    typed = registry.get(tool).parse({**VALID[tool], amount: "100", "currency": "USD"})
    assert json.loads(typed.model_dump_json(include={amount, "currency"})) == {
        amount: "100.00",
        "currency": "USD",
    }


@pytest.mark.parametrize("body", ["", "   ", "\n\n\n", "\u200b" * 20, "\u00a0" * 20, "\ufeff" * 20])
@pytest.mark.parametrize("field", ["subject", "body"])
def test_fault_22_a_draft_says_something(field: str, body: str) -> None:
    assert problems_of("draft_email", {**VALID["draft_email"], field: body}) == {field}


@pytest.mark.parametrize("subject", ["Roof\nBcc: spy@evil.com", "Roof\r\nBcc: x", "Roof\u2028x"])
def test_a_subject_is_one_line(subject: str) -> None:
    arguments = {**VALID["draft_email"], "subject": subject}
    assert problems_of("draft_email", arguments) == {"subject"}


@pytest.mark.parametrize(
    "address", ["ana", "a@b", "ana@isdom.com,bob@isdom.com", "ana@isdom.com?bcc=x@y.zz", "<a@b.cd>"]
)
def test_a_draft_goes_to_one_address(address: str) -> None:
    arguments = {**VALID["draft_email"], "to_address": address}
    assert problems_of("draft_email", arguments) == {"to_address"}


@pytest.mark.parametrize(
    ("kind", "direction", "fits"),
    [
        ("call", "inbound", True), ("call", "none", False), ("email", "outbound", True),
        ("email", "none", False), ("note", "none", True), ("note", "inbound", False),
        ("meeting", "none", True), ("meeting", "outbound", True),
    ],
)  # fmt: skip
def test_kind_and_direction_fit_together(kind: str, direction: str, fits: bool) -> None:
    arguments = {**VALID["log_activity"], "activity_kind": kind, "direction": direction}
    if fits:
        registry.get("log_activity").parse(arguments)
    else:
        assert problems_of("log_activity", arguments) == {"arguments"}


@pytest.mark.parametrize("moment", ["2026-03-02T09:00:00", "2026-03-02", "yesterday", 1772442000])
def test_a_moment_has_its_offset(moment: object) -> None:
    arguments = {**VALID["log_activity"], "occurred_at": moment}
    assert problems_of("log_activity", arguments) == {"occurred_at"}


@pytest.mark.parametrize("status", ["converted", "open", "New"])
def test_a_lead_is_not_converted_by_a_tool(status: str) -> None:
    assert problems_of("update_lead", {"lead_id": 1, "status": status}) == {"status"}
