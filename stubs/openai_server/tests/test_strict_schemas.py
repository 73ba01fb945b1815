"""The rules of strict schemas: what would be refused by the API is refused here."""

from __future__ import annotations

import copy
import json
from typing import Any

import openai
import pytest

from stubs.openai_server.strict_schemas import SchemaRefusedError, parse_schema
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import (
    ARGUMENTS,
    body_of,
    client_of,
    obj,
    one_of,
    question,
    schema_of,
)

TEXT: dict[str, Any] = {"type": "string"}


def reason(schema: dict[str, Any]) -> str:
    """What is said against a schema."""
    with pytest.raises(SchemaRefusedError) as raised:
        parse_schema("proposal", json.dumps(schema))
    return str(raised.value)


def said(schema: dict[str, Any], path: tuple[str, ...], text: str) -> bool:
    """Whether a schema is refused with this text at this place."""
    expected = f"Invalid schema for response_format 'proposal': In context={path!r}, {text}."
    return reason(schema) == expected


def test_schema_of_every_tool_keeps_the_rules() -> None:
    schema = parse_schema("proposal", json.dumps(schema_of(*ARGUMENTS)))
    assert list(schema.root.properties or {}) == ["claims", "reason", "title", "change"]


def test_refusal_is_a_bad_request_that_names_the_schema(stand_in: RunningStandIn) -> None:
    schema = schema_of("create_followup")
    schema["properties"]["title"]["maxLength"] = 200
    with pytest.raises(openai.BadRequestError) as raised, client_of(stand_in) as client:
        client.responses.create(**body_of("stand-in", question(), schema))
    assert (raised.value.code, raised.value.param) == ("invalid_json_schema", "text.format.schema")
    assert str(raised.value) == (
        "Error code: 400 - Invalid schema for response_format 'proposal': In context="
        "('properties', 'title'), 'maxLength' is not permitted."
    )
    assert stand_in.counts()["outcomes"] == {"bad-request": 1}


def test_schema_that_is_not_strict_is_refused(stand_in: RunningStandIn) -> None:
    body = body_of("stand-in", question(), schema_of("create_followup"))
    body["text"]["format"]["strict"] = False
    with pytest.raises(openai.BadRequestError), client_of(stand_in) as client:
        client.responses.create(**body)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("default", "x"), ("minLength", 1), ("maxLength", 9), ("x-fixed", True), ("examples", []),
        ("oneOf", []), ("allOf", []), ("not", {}), ("if", {}), ("readOnly", True),
    ],
)  # fmt: skip
def test_keyword_that_is_not_supported_is_refused(keyword: str, value: object) -> None:
    schema = obj(title={"type": "string", keyword: value})
    assert said(schema, ("properties", "title"), f"'{keyword}' is not permitted")


@pytest.mark.parametrize("keyword", ["uniqueItems", "contains", "minContains", "unevaluatedItems"])
def test_keyword_for_arrays_that_is_not_supported_is_refused(keyword: str) -> None:
    schema = obj(facts={"type": "array", "items": TEXT, keyword: 1})
    assert said(schema, ("properties", "facts"), f"'{keyword}' is not permitted")


def test_keywords_that_are_supported_are_taken() -> None:
    schema = obj(
        email={"type": "string", "format": "email", "description": "x", "title": "E-mail"},
        currency={"type": "string", "pattern": "^[A-Z]{3}$"},
        amount={"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 1e12},
        share={"type": "number", "multipleOf": 0.5, "maximum": 1, "exclusiveMinimum": 0},
        facts={"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
        kind={"type": "string", "const": "lead"},
        task={"$ref": "#/$defs/Task"},
    ) | {
        "$defs": {
            "Task": obj(title=TEXT, parts={"type": "array", "items": {"$ref": "#/$defs/Task"}})
        }
    }
    assert parse_schema("proposal", json.dumps(schema)).root.defs["Task"].types == {"object"}


@pytest.mark.parametrize("where", [(), ("properties", "change")])
@pytest.mark.parametrize("value", [None, True, {"type": "string"}])
def test_additional_properties_are_false_everywhere(where: tuple[str, ...], value: object) -> None:
    schema = obj(change=obj(tool=TEXT))
    node = schema["properties"]["change"] if where else schema
    if value is None:
        del node["additionalProperties"]
    else:
        node["additionalProperties"] = value
    text = "'additionalProperties' is required to be supplied and to be false"
    assert said(schema, where, text)


def test_all_properties_are_required() -> None:
    text = (
        "'required' is required to be supplied and to be an array including every key in properties"
    )
    schema = obj(title=TEXT, reason=TEXT)
    schema["required"] = ["title"]
    assert said(schema, (), f"{text}. Missing 'reason'")
    del schema["required"]
    assert said(schema, (), f"{text}. Missing 'reason'")
    schema["required"] = ["title", "reason", "notes"]
    assert said(schema, (), "'required' names 'notes', which is no property")
    empty = {"type": "object", "properties": {}, "additionalProperties": False}
    assert said(empty, (), text)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (
            {"anyOf": [obj(a=TEXT), obj(b=TEXT)]},
            "schema must not have 'anyOf' at the top level",
        ),
        (
            {"type": "array", "items": TEXT},
            "schema must be of type 'object' at the top level",
        ),
        ({"type": ["object", "null"]}, "schema must be of type 'object' at the top level"),
        ({}, "schema must be of type 'object' at the top level"),
    ],
)
def test_root_is_an_object(schema: dict[str, Any], text: str) -> None:
    assert said(schema, (), text)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ({}, "schema must have a 'type' key"),
        ({"enum": ["a"]}, "schema must have a 'type' key"),
        ({"type": "array"}, "array schema missing items"),
        ({"type": "string", "format": "decimal"}, "'decimal' is not a valid format"),
        ({"type": "string", "enum": []}, "'enum' must not be empty"),
        ({"anyOf": []}, "'anyOf' must not be empty"),
        ({"$ref": "#/$defs/No"}, "reference to '#/$defs/No' cannot be resolved"),
        ({"$ref": "#", "description": "x"}, "$ref cannot have keywords ['description']"),
        (
            {"anyOf": [{"$ref": "#/$defs/No"}]},
            "reference to '#/$defs/No' cannot be resolved",
        ),
        (
            {"anyOf": [obj(tool=TEXT, a=TEXT), obj(tool=TEXT, b=TEXT)]},
            "objects provided via 'anyOf' must not share identical first keys",
        ),
        (
            {"anyOf": [obj(tool=one_of("a", "b")), obj(tool=one_of("b", "c"))]},
            "objects provided via 'anyOf' must not share identical first keys",
        ),
    ],
)
def test_node_that_breaks_a_rule_is_refused(node: dict[str, Any], text: str) -> None:
    assert reason(obj(change=node)).endswith(f", {text}.")


def test_type_that_is_none_is_refused() -> None:
    assert "input should be" in reason(obj(day={"type": "date"}))


def nested(levels: int) -> dict[str, Any]:
    """Objects in each other, ``levels`` deep."""
    schema = obj(text=TEXT)
    for _ in range(levels - 1):
        schema = obj(inner=schema)
    return schema


def test_ten_levels_are_taken_and_eleven_are_not() -> None:
    parse_schema("proposal", json.dumps(nested(10)))
    assert said(nested(11), (), "schema exceeds the limit of 10 levels of nesting")
    by_reference = obj(inner={"$ref": "#/$defs/Deep"}) | {"$defs": {"Deep": nested(10)}}
    assert said(by_reference, (), "schema exceeds the limit of 10 levels of nesting")


def test_sizes_are_limited() -> None:
    many = obj(**{f"p{number}": TEXT for number in range(5001)})
    assert said(many, (), "schema exceeds the limit of 5000 object properties")
    values = obj(kind={"type": "integer", "enum": list(range(1001))})
    assert said(values, (), "schema exceeds the limit of 1000 enum values")
    wide = obj(**{"p" * 120_001: TEXT})
    assert said(wide, (), "schema exceeds the limit of 120000 characters of names and values")
    long_enum = obj(kind=one_of(*(f"{number:060}" for number in range(251))))
    text = "enum exceeds the limit of 15000 characters"
    assert said(long_enum, ("properties", "kind"), text)
    shorter = copy.deepcopy(long_enum)
    shorter["properties"]["kind"]["enum"].pop()
    parse_schema("proposal", json.dumps(shorter))
