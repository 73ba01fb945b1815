"""Writes a good answer: one that holds against the schema and rests on nothing but the question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from stubs.openai_server import wording
from stubs.openai_server.answers import JsonObject
from stubs.openai_server.schemas import Question, Subject
from stubs.openai_server.strict_schemas import SchemaNode, StrictSchema

# The records that a task can hang on.
ABOUT_KINDS = ("lead", "contact", "account", "opportunity")
_RECORD_KINDS = (*ABOUT_KINDS, "task", "activity", "contract", "product")
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
PHONE = re.compile(r"[+(]?\d[\d ()/.-]{5,20}\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?\.\d\d?\.\d{4}")
# Optional arguments that a good answer gives all the same.
_GIVEN = frozenset(
    {
        "description", "next_step", "due_on", "owner_id", "status", "email_status",
        "email", "phone", "title", "first_name", "last_name", "company",
    }
)  # fmt: skip
# Labels of facts that say something new about a person, and of those that say what is known of them.
_STATED = re.compile(r"(?P<what>[\w-]+) in the signature\b|signed (?P<signed>\w+)$", re.IGNORECASE)
_ON_FILE = re.compile(r"(?:e-mail|phone|title)(?: on file)?$", re.IGNORECASE)
# What every change names, and what therefore changes nothing by itself.
_NAMING = re.compile(r".*_(?:id|kind)")


@dataclass(frozen=True, slots=True)
class Change:
    """The change that is proposed."""

    tool: str
    arguments: JsonObject


class _NotFilledError(Exception):
    """The question does not give what a required argument needs."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Answers one question in one schema."""

    question: Question
    schema: StrictSchema

    def answer(self) -> JsonObject:
        """The whole answer, its keys in the schema's order."""
        root = self.schema.root
        change = self.change(_properties(root)["change"]) if "change" in _properties(root) else None
        tool = change.tool if change else ""
        written: Mapping[str, JsonValue] = {
            "title": wording.title(self.question, tool, change.arguments if change else {}),
            "reason": wording.reason(self.question),
            "claims": [
                {"text": one.text, "facts": list(one.facts)}
                for one in wording.statements(self.question)
            ],
            "change": {"tool": tool, "arguments": change.arguments} if change else None,
        }
        return {
            name: written[name] if name in written else self.value(name, node, is_forced=True)
            for name, node in _properties(root).items()
        }

    def prose(self) -> str:
        """The answer where no schema is asked for."""
        return wording.reason(self.question)

    def change(self, node: SchemaNode) -> Change | None:
        """The first change among those on offer that the question can fill; null if that is allowed.

        Where nothing else is allowed, the first with what there is: a strict answer has to be one of them.
        """
        branches = self.branches(node)
        for tool, arguments in branches.items():
            try:
                filled = self.filled(arguments, is_forced=False)
            except _NotFilledError:
                continue
            if any(value is not None for name, value in filled.items() if not is_naming(name)):
                return Change(tool, filled)
        if self.schema.is_nullable(node) or not branches:
            return None
        tool, arguments = next(iter(branches.items()))
        return Change(tool, self.filled(arguments, is_forced=True))

    def branches(self, node: SchemaNode) -> dict[str, SchemaNode]:
        """The schema of the arguments by tool, for the changes on offer."""
        return branches_of(self.schema, node)

    def filled(self, node: SchemaNode, *, is_forced: bool) -> JsonObject:
        """An object with each property filled from the question.

        With ``is_forced``, what the question does not give is made up within the types.
        """
        properties = _properties(self.schema.resolved(node))
        return {
            name: self.value(name, child, is_forced=is_forced, beside=properties)
            for name, child in properties.items()
        }

    def value(
        self,
        name: str,
        node: SchemaNode,
        *,
        is_forced: bool,
        beside: Mapping[str, SchemaNode] | None = None,
    ) -> JsonValue:
        """One property's value."""
        options = self.schema.alternatives(node)
        is_nullable = self.schema.is_nullable(node)
        option = next((one for one in options if one.types != {"null"}), options[0])
        if is_nullable and name not in _GIVEN:
            return None
        found = self._found(name, option, beside or {}, is_optional=is_nullable)
        if found is not None:
            return found
        if is_nullable:
            return None
        if is_forced or not (is_naming(name) or "email" in (name, option.format)):
            return self._made_up(name, option)
        raise _NotFilledError

    def _found(
        self, name: str, node: SchemaNode, beside: Mapping[str, SchemaNode], *, is_optional: bool
    ) -> JsonValue:
        """What the question gives for a property; None when it gives nothing."""
        if is_naming(name):
            return self._named(name, beside)
        if node.values is not None:
            return self._choice(name, node.values)
        if "string" not in node.types:
            return None
        if is_optional and name == "title":
            return self._stated("title")
        return self._text(name, node)

    def _choice(self, name: str, values: list[JsonValue]) -> JsonValue:
        """One of the listed values that the facts call for; None when they call for none."""
        if name == "status" and wording.is_subject_closed(self.question):
            return "cancelled" if "cancelled" in values else None
        is_bounce = wording.goal_key(self.question) == "correct_contact" and not any(
            self._stated(detail) for detail in ("e-mail", "phone", "title")
        )
        return "bounced" if name == "email_status" and is_bounce and "bounced" in values else None

    def _named(self, name: str, beside: Mapping[str, SchemaNode]) -> JsonValue:
        """An id or a kind; None when the question names no such record."""
        record: Subject = self.question.record
        if name == "owner_id":
            return self.question.doer_id
        role, _, what = name.rpartition("_")
        if role == "about":
            kinds = beside.get("about_kind")
            record = self._about(kinds.values if kinds else None)
        elif role in _RECORD_KINDS and what == "id":
            return record.id if record.kind == role else None
        elif role != "subject" and (f"{role}_id" not in beside or f"{role}_kind" not in beside):
            return None
        kind_node = beside.get(f"{role}_kind")
        kinds_offered = kind_node.values if kind_node else None
        if kinds_offered is not None and record.kind not in kinds_offered:
            return None
        return record.kind if what == "kind" else record.id

    def _about(self, kinds: list[JsonValue] | None) -> Subject:
        """What the task hangs on: a record that a fact names, else the record itself."""
        named = [fact.record for fact in self.question.facts if fact.record is not None]
        offered = [one for one in named if one.kind in (kinds or ABOUT_KINDS)]
        is_own = self.question.record.kind in (kinds or ABOUT_KINDS)
        return self.question.record if is_own or not offered else offered[0]

    def _text(self, name: str, node: SchemaNode) -> str | None:
        """A text; None when nothing is known for it."""
        question = self.question
        if node.format == "date" or name.endswith("_on"):
            # A task whose matter is over is not put off.
            is_over = question.record.kind == "task" and wording.is_subject_closed(question)
            return None if is_over else question.next_working_day
        if node.format == "date-time" or name.endswith("_at"):
            moments = [fact.occurred_at for fact in question.facts if fact.occurred_at]
            return moments[0] if moments else f"{question.today}T00:00:00+00:00"
        if name == "to_address":
            return self._looks_like(EMAIL, is_on_file=True)
        if node.format == "email" or name == "email":
            return self._stated("e-mail") or self._looks_like(EMAIL, is_on_file=False)
        if name == "phone":
            return self._stated("phone") or self._looks_like(PHONE, is_on_file=False)
        if name in {"first_name", "last_name", "company"}:
            return self._of_sender(name)
        if name == "body":
            is_mail = question.record.kind in {"lead", "contact"}
            return wording.email_body(question) if is_mail else wording.description(question)
        if name == "subject":
            return wording.email_subject(question)
        if name in {"description", "notes", "reason", "text", "answer"}:
            return wording.description(question)
        return wording.task_title(question) if name in {"title", "next_step"} else None

    def _stated(self, detail: str) -> str | None:
        """What a signature gives as a person's detail: what is on file may differ."""
        for fact in self.question.facts:
            found = _STATED.match(fact.label)
            if found and (found["what"] or found["signed"]).casefold() == detail:
                return fact.text
        return None

    def _looks_like(self, pattern: re.Pattern[str], *, is_on_file: bool) -> str | None:
        """The first fact that is nothing but what is sought; those on file come first or not at all."""
        facts = self.question.facts
        known = [fact for fact in facts if _ON_FILE.match(fact.label)]
        others = [fact for fact in facts if not _ON_FILE.match(fact.label)]
        for fact in [*known, *others] if is_on_file else others:
            text = fact.text.strip()
            if pattern.fullmatch(text) and not _DATE.fullmatch(text):
                return text
        return None

    def _of_sender(self, name: str) -> str | None:
        """A part of the sender's name, or the company that a message is signed with."""
        if name == "company":
            return self._stated("company")
        texts = {fact.label.casefold(): fact.text for fact in reversed(self.question.facts)}
        first, _, last = wording.one_line(texts.get("name", ""), 80).partition(" ")
        return (first if name == "first_name" else last) or None

    def _made_up(self, name: str, node: SchemaNode) -> JsonValue:
        """A value of the right type."""
        if node.values is not None:
            return _chosen(name, node.values)
        if "string" in node.types:
            return wording.task_title(self.question)
        if "object" in node.types:
            return self.filled(node, is_forced=True)
        if "array" in node.types:
            is_of_numbers = node.items is not None and "integer" in node.items.types
            return [fact.number for fact in self.question.facts[:1]] if is_of_numbers else []
        if "boolean" in node.types:
            return False
        if is_naming(name):
            return self.question.record.id
        return int(node.minimum or 0)


def branches_of(schema: StrictSchema, node: SchemaNode) -> dict[str, SchemaNode]:
    """The schema of the arguments by tool, for the changes on offer."""
    return {
        tool: schema.resolved(arguments)
        for option in schema.alternatives(node)
        if (tool := tool_of(option)) and (arguments := _properties(option).get("arguments"))
    }


def tool_of(branch: SchemaNode) -> str:
    """The tool that one of the changes on offer names, empty when it names none."""
    node = _properties(branch).get("tool")
    values = node.values if node else None
    return str(values[0]) if values else ""


def is_naming(name: str) -> bool:
    """Whether a property says which record or person is meant."""
    is_kind_of_activity = name == "activity_kind"
    return bool(_NAMING.fullmatch(name)) and not is_kind_of_activity


def _chosen(name: str, values: list[JsonValue]) -> JsonValue:
    """One of the listed values: the usual one where there is one."""
    usual = {"activity_kind": "note", "direction": "none", "priority": 2}.get(name)
    return usual if usual in values else values[0]


def _properties(node: SchemaNode) -> Mapping[str, SchemaNode]:
    return node.properties or {}
