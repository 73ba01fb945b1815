"""Requests made from the API's own description: fitting ones, and ones that do not fit."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

Schema = Mapping[str, Any]

# What breaks programs: nothing, too much, the wrong kind, and what a database or a parser chokes on.
NASTY_VALUES: tuple[Any, ...] = (
    None, "", " ", "\0", "\ud800", "\u202e", "x" * 6000, "1e999", "NaN", "-1", "<script>", "%00",
    "2026-02-30", "9999-12-31T23:59:59+23:59", "0001-01-01T00:00:00-23:59",
    0, -1, 2**31, 2**63, 10**40, 1.5, float("inf"), True, False,
    [], {}, [None], [[]], {"": {}}, {"\0": "\0"}, ["x"] * 300,
)  # fmt: skip
NASTY_TEXTS = [value for value in NASTY_VALUES if isinstance(value, str) and value != "\ud800"]
NASTY_BODIES: tuple[tuple[bytes, str], ...] = (
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"null", "application/json"),
    (b"[]", "application/json"),
    (b'"text"', "application/json"),
    (b"1e999", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b"\xff\xfe", "application/json"),
    (b'{"a": 1, "a": 2}', "application/json"),
    (b"a=1", "application/x-www-form-urlencoded"),
    (b"<a/>", "text/xml"),
    (b"{}", "application/json; charset=nonsense"),
)
NASTY_ETAGS = ("*", '"1"', '"999999999"', '"x", "y"', "nonsense", "\\", "W/", '"' + "9" * 500 + '"')
NASTY_KEYS = ("a-key", "", " ", "two words", "x" * 201, "ä".encode().decode("latin-1"))


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path[:200]} {dict(self.headers)} {self.body[:300]!r}"


class CaseMaker:
    """Makes the cases of one description; the same ones each time.

    ``hints`` are values that exist, by the name of the member or parameter that may take them.
    """

    def __init__(self, description: Schema, hints: Mapping[str, Sequence[Any]]) -> None:
        self._description = description
        self._hints = hints

    def cases(
        self, method: str, path: str, operation: Schema, ids: Mapping[str, Any], *, count: int,
        example: Any = None,
    ) -> Iterator[Case]:  # fmt: skip
        """``count`` cases of one operation: the first fit, the others differ in one thing each.

        ``example`` is a body of which it is known that it fits.
        """
        choose = random.Random(f"{method} {path}")
        if example is not None:
            filled = self._fill_path(choose, path, ids, is_broken=False)
            yield Case(method.upper(), filled, json.dumps(example).encode())
        for number in range(count):
            yield self._case(choose, method, path, operation, ids, is_fitting=number < count // 3)

    def _case(
        self,
        choose: random.Random,
        method: str,
        path: str,
        operation: Schema,
        ids: Mapping[str, Any],
        *,
        is_fitting: bool,
    ) -> Case:
        schema = self._body_schema(operation)
        broken = "" if is_fitting else choose.choice(["path", "query", "headers", *["body"] * 3])
        filled = self._fill_path(choose, path, ids, is_broken=broken == "path")
        query = self._query(choose, operation, is_broken=broken == "query")
        headers = self._headers(choose, operation, is_broken=broken == "headers")
        body, content_type = b"", "application/json"
        if method != "get":
            value = self.value(schema, choose) if schema is not None else None
            if broken == "body" and choose.random() < 0.3:
                body, content_type = choose.choice(NASTY_BODIES)
            else:
                value = _break(value, choose) if broken == "body" else value
                body = json.dumps(value).encode()
        address = f"{filled}?{query}" if query else filled
        return Case(method.upper(), address, body, content_type, headers)

    def value(self, schema: Schema, choose: random.Random, name: str = "") -> Any:
        """A value that fits a schema."""
        schema = self._resolve(schema)
        if name in self._hints and choose.random() < 0.8:
            return choose.choice(self._hints[name])
        if schema.get("nullable") and choose.random() < 0.2:
            return None
        if "enum" in schema:
            return choose.choice(schema["enum"])
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self.value(choose.choice(schema[key]), choose)
        match schema.get("type"):
            case "object":
                return self._object(schema, choose)
            case "array":
                return [
                    self.value(schema["items"], choose, name) for _ in range(choose.randint(0, 2))
                ]
            case "integer":
                return choose.randint(schema.get("minimum", 0), min(schema.get("maximum", 99), 99))
            case "number":
                return round(choose.uniform(0, 99), 2)
            case "boolean":
                return choose.random() < 0.5
            case "string":
                return _text(schema, choose)
            case _:
                return {}

    def _object(self, schema: Schema, choose: random.Random) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        return {
            name: self.value(inner, choose, name)
            for name, inner in schema.get("properties", {}).items()
            if name in required or choose.random() < 0.5
        }

    def _resolve(self, schema: Schema) -> Schema:
        """The schema without references; several that hold at once are laid over each other."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._resolve(self._description["components"]["schemas"][name])
        if "allOf" in schema:
            merged = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = {**self._resolve(part), **merged}
            return merged
        return schema

    def _body_schema(self, operation: Schema) -> Schema | None:
        content = operation.get("requestBody", {}).get("content", {})
        schema: Schema | None = content.get("application/json", {}).get("schema")
        return schema

    def _fill_path(
        self, choose: random.Random, path: str, ids: Mapping[str, Any], *, is_broken: bool
    ) -> str:
        filled = path
        for name, value in ids.items():
            nasty = ["0", "999999999999999999", "9" * 30, "abc", *NASTY_TEXTS]
            used = choose.choice(nasty) if is_broken else value
            filled = filled.replace(f"{{{name}}}", quote(str(used), safe=""))
        return filled

    def _query(self, choose: random.Random, operation: Schema, *, is_broken: bool) -> str:
        pairs = []
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "query" or choose.random() < 0.7:
                continue
            value = self.value(parameter["schema"], choose, parameter["name"])
            values = value if isinstance(value, list) else [value]
            pairs += [(parameter["name"], _as_text(value)) for value in values]
        if is_broken:
            names = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
            pairs.append((choose.choice([*names, "nonsense"]), choose.choice(NASTY_TEXTS)))
        return urlencode(pairs)

    def _headers(
        self, choose: random.Random, operation: Schema, *, is_broken: bool
    ) -> dict[str, str]:
        offered = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}
        headers = {}
        if is_broken:
            for name, values in (
                ("If-Match", NASTY_ETAGS),
                ("If-None-Match", NASTY_ETAGS),
                ("Idempotency-Key", NASTY_KEYS),
            ):
                if name in offered:
                    headers[name] = choose.choice(values)
            headers["Accept"] = choose.choice(["*/*", "application/json", "text/html", "nonsense"])
        elif "Idempotency-Key" in offered and choose.random() < 0.5:
            headers["Idempotency-Key"] = f"key-{choose.random()}"
        return headers


def _text(schema: Schema, choose: random.Random) -> str:
    match schema.get("format"):
        case "date-time":
            return f"2026-1{choose.randint(0, 2)}-0{choose.randint(1, 9)}T08:00:00Z"
        case "date":
            return f"2026-1{choose.randint(0, 2)}-0{choose.randint(1, 9)}"
        case "email":
            return f"ada{choose.randint(1, 999)}@example.com"
        case "uri":
            return "https://example.com/"
        case "decimal":
            return f"{choose.randint(0, 999)}.{choose.randint(10, 99)}"
    if schema.get("pattern") == "^[A-Z]{3}$":
        return choose.choice(["USD", "EUR"])
    words = ["Ada", "Byron", "call", "ä", "日本", "O'Hara", "a%b_c", "1"]
    text = " ".join(choose.choice(words) for _ in range(choose.randint(1, 3)))
    return text[: schema.get("maxLength", len(text))]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _break(value: Any, choose: random.Random) -> Any:
    """The value with one thing in it replaced, left out or added."""
    if not isinstance(value, dict) or not value:
        return choose.choice(NASTY_VALUES)
    broken = copy.deepcopy(value)
    name = choose.choice(sorted(broken))
    match choose.randrange(4):
        case 0:
            del broken[name]
        case 1:
            broken[choose.choice(["nonsense", "", "id", "__class__"])] = choose.choice(NASTY_VALUES)
        case 2 if isinstance(broken[name], dict) and broken[name]:
            broken[name] = _break(broken[name], choose)
        case _:
            broken[name] = choose.choice(NASTY_VALUES)
    return broken
