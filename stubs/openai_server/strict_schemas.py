"""JSON schemas as strict structured outputs take them, and the rules that OpenAI documents for them.

Source: OpenAI's guide "Structured model outputs", section "Supported schemas"; and, for the first keys of
alternatives, the error that the API answers with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

TypeName = Literal["string", "number", "integer", "boolean", "object", "array", "null"]
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
MOST_LEVELS = 10
MOST_PROPERTIES = 5000
MOST_ENUM_VALUES = 1000
MOST_CHARACTERS = 120_000
# Beyond so many values of one enum of texts, their characters are counted, too.
LONG_ENUM = 250
MOST_LONG_ENUM_CHARACTERS = 15_000

_DEFS = "#/$defs/"

Path = tuple[str, ...]


class SchemaRefusedError(Exception):
    """The schema breaks a rule; the text is what the API would say."""


class SchemaNode(BaseModel):
    """One schema. A keyword that is not a field here is not supported, and refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: TypeName | list[TypeName] | None = None
    properties: dict[str, SchemaNode] | None = None
    required: list[str] | None = None
    additional_properties: JsonValue = Field(None, alias="additionalProperties")
    items: SchemaNode | None = None
    enum: list[JsonValue] | None = None
    const: JsonValue = None
    any_of: list[SchemaNode] | None = Field(None, alias="anyOf")
    ref: str | None = Field(None, alias="$ref")
    defs: dict[str, SchemaNode] = Field(default_factory=dict, alias="$defs")
    title: str = ""
    description: str = ""
    pattern: str | None = None
    format: str | None = None
    multiple_of: float | None = Field(None, alias="multipleOf")
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = Field(None, alias="exclusiveMinimum")
    exclusive_maximum: float | None = Field(None, alias="exclusiveMaximum")
    min_items: int | None = Field(None, alias="minItems")
    max_items: int | None = Field(None, alias="maxItems")

    @property
    def types(self) -> frozenset[TypeName]:
        """The types that a value may have; none are named by a reference or an ``anyOf``."""
        if self.type is None:
            return frozenset()
        return frozenset({self.type} if isinstance(self.type, str) else self.type)

    @property
    def values(self) -> list[JsonValue] | None:
        """The only values there are, if they are listed."""
        return [self.const] if "const" in self.model_fields_set else self.enum


@dataclass(frozen=True, slots=True)
class StrictSchema:
    """A schema that keeps the rules."""

    root: SchemaNode

    def resolved(self, node: SchemaNode) -> SchemaNode:
        """What a reference stands for; any other node itself."""
        while node.ref is not None:
            node = self.root if node.ref == "#" else self.root.defs[node.ref.removeprefix(_DEFS)]
        return node

    def alternatives(self, node: SchemaNode) -> list[SchemaNode]:
        """The schemas of which a value holds one: those of an ``anyOf``, else the node's own."""
        node = self.resolved(node)
        if node.any_of is None:
            return [node]
        return [found for option in node.any_of for found in self.alternatives(option)]

    def is_nullable(self, node: SchemaNode) -> bool:
        """Whether null is a value."""
        return any("null" in option.types for option in self.alternatives(node))


@lru_cache(maxsize=64)
def parse_schema(name: str, text: str) -> StrictSchema:
    """Return the schema in ``text``, as JSON.

    Raises:
        SchemaRefusedError: it breaks a rule.
    """
    try:
        root = SchemaNode.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        *path, last = (str(part) for part in problem["loc"])
        reason = problem["msg"].lower()
        if problem["type"] == "extra_forbidden":
            reason = f"'{last}' is not permitted"
        else:
            path.append(last)
        raise refusal(name, tuple(path), reason) from error
    schema = StrictSchema(root)
    problem_found = next(_problems(schema), None)
    if problem_found is not None:
        raise refusal(name, *problem_found)
    return schema


def refusal(name: str, path: Path, reason: str) -> SchemaRefusedError:
    """The error, in the API's words."""
    return SchemaRefusedError(
        f"Invalid schema for response_format '{name}': In context={path!r}, {reason}."
    )


def _problems(schema: StrictSchema) -> Iterator[tuple[Path, str]]:
    """Every rule that is broken, with where."""
    root = schema.root
    if root.any_of is not None:
        yield (), "schema must not have 'anyOf' at the top level"
    if root.types != {"object"}:
        yield (), "schema must be of type 'object' at the top level"
    nodes = list(_walk((), root))
    for path, node in nodes:
        for reason in _broken_by(schema, node):
            yield path, reason
    # A reference into nowhere was told by now, and whoever reads takes the first problem only.
    if _levels(schema, root, frozenset()) > MOST_LEVELS:
        yield (), f"schema exceeds the limit of {MOST_LEVELS} levels of nesting"
    yield from _sizes(dict(nodes))


def _walk(path: Path, node: SchemaNode) -> Iterator[tuple[Path, SchemaNode]]:
    """The node and all below it, without following references."""
    yield path, node
    for name, child in node.defs.items():
        yield from _walk((*path, "$defs", name), child)
    for name, child in (node.properties or {}).items():
        yield from _walk((*path, "properties", name), child)
    if node.items is not None:
        yield from _walk((*path, "items"), node.items)
    for position, child in enumerate(node.any_of or ()):
        yield from _walk((*path, "anyOf", str(position)), child)


def _broken_by(schema: StrictSchema, node: SchemaNode) -> Iterator[str]:
    if node.ref is not None:
        beside = sorted(node.model_fields_set - {"ref"})
        if beside:
            yield f"$ref cannot have keywords {beside}"
        if node.ref != "#" and node.ref.removeprefix(_DEFS) not in schema.root.defs:
            yield f"reference to '{node.ref}' cannot be resolved"
        return
    if node.any_of is not None:
        yield from _broken_by_alternatives(schema, node.any_of)
    elif node.type is None:
        yield "schema must have a 'type' key"
    if "object" in node.types:
        yield from _broken_by_object(node)
    if "array" in node.types and node.items is None:
        yield "array schema missing items"
    if node.format is not None and node.format not in FORMATS:
        yield f"'{node.format}' is not a valid format"
    if node.enum == []:
        yield "'enum' must not be empty"


def _broken_by_object(node: SchemaNode) -> Iterator[str]:
    if node.additional_properties is not False:
        yield "'additionalProperties' is required to be supplied and to be false"
    names, required = set(node.properties or {}), set(node.required or ())
    if node.required is None or names - required:
        missing = f". Missing '{min(names - required)}'" if names - required else ""
        yield (
            "'required' is required to be supplied and to be an array including every key in "
            f"properties{missing}"
        )
    if required - names:
        yield f"'required' names '{min(required - names)}', which is no property"


def _broken_by_alternatives(schema: StrictSchema, options: list[SchemaNode]) -> Iterator[str]:
    """Alternatives are chosen while the first key is written: it, or its value, must tell them apart."""
    if not options:
        yield "'anyOf' must not be empty"
    taken: dict[str, list[frozenset[str] | None]] = {}
    for option in options:
        if option.ref not in (None, "#") and option.ref.removeprefix(_DEFS) not in schema.root.defs:
            return
        properties = schema.resolved(option).properties
        if not properties:
            continue
        key, first = next(iter(properties.items()))
        values = first.values
        told = None if values is None else frozenset(repr(value) for value in values)
        if any(told is None or other is None or told & other for other in taken.get(key, ())):
            yield "objects provided via 'anyOf' must not share identical first keys"
            return
        taken.setdefault(key, []).append(told)


def _levels(schema: StrictSchema, node: SchemaNode, above: frozenset[int]) -> int:
    """How many objects and arrays lie in each other; a schema within itself counts once."""
    node = schema.resolved(node)
    if id(node) in above:
        return 0
    above |= {id(node)}
    children = [*(node.properties or {}).values(), *([node.items] if node.items else [])]
    deepest = max((_levels(schema, child, above) for child in children), default=0)
    beside = max((_levels(schema, child, above) for child in node.any_of or ()), default=0)
    is_level = bool(node.types & {"object", "array"})
    return max(deepest + is_level, beside)


def _sizes(nodes: Mapping[Path, SchemaNode]) -> Iterator[tuple[Path, str]]:
    properties = [name for node in nodes.values() for name in node.properties or ()]
    values = [value for node in nodes.values() for value in node.values or ()]
    texts = [*properties, *(name for node in nodes.values() for name in node.defs)]
    texts += [value for value in values if isinstance(value, str)]
    if len(properties) > MOST_PROPERTIES:
        yield (), f"schema exceeds the limit of {MOST_PROPERTIES} object properties"
    if len(values) > MOST_ENUM_VALUES:
        yield (), f"schema exceeds the limit of {MOST_ENUM_VALUES} enum values"
    if sum(map(len, texts)) > MOST_CHARACTERS:
        yield (), f"schema exceeds the limit of {MOST_CHARACTERS} characters of names and values"
    for path, node in nodes.items():
        listed = [value for value in node.enum or () if isinstance(value, str)]
        if len(listed) > LONG_ENUM and sum(map(len, listed)) > MOST_LONG_ENUM_CHARACTERS:
            yield path, f"enum exceeds the limit of {MOST_LONG_ENUM_CHARACTERS} characters"
