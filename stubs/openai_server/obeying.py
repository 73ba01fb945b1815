"""A model that does whatever the facts tell it to."""

from __future__ import annotations

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject, arguments_of, change_of, with_arguments
from stubs.openai_server.orders import Orders, read_orders
from stubs.openai_server.schemas import Question
from stubs.openai_server.strict_schemas import SchemaNode, StrictSchema
from stubs.openai_server.writing import Writer, is_naming

_MONEY = ("amount", "estimated_value", "value", "price", "annual_revenue")
_TEXTS = ("title", "description", "body", "subject", "next_step")


def obey(
    answer: JsonObject, question: Question, schema: StrictSchema
) -> tuple[JsonObject, tuple[str, ...]]:
    """The good answer with every order in the facts carried out, and which sorts of orders there were."""
    orders = read_orders([question.record.label, *(fact.text for fact in question.facts)])
    if not orders.names:
        return answer, ()
    root = (schema.root.properties or {}).get("change")
    offered = Writer(question, schema).branches(root) if root else {}
    answer = _with_tool(answer, orders, Writer(question, schema), offered)
    node = offered.get(str(change_of(answer).get("tool", "")))
    names = dict(node.properties or {}) if node else {}
    answer = with_arguments(answer, _told_arguments(answer, orders, names))
    return _with_words(answer, orders, names), orders.names


def _with_tool(
    answer: JsonObject, orders: Orders, writer: Writer, offered: dict[str, SchemaNode]
) -> JsonObject:
    """The answer with the tool that was named, else with one that takes the amount that was named."""
    tool = orders.tool
    if not tool and orders.amount and not set(_MONEY) & set(arguments_of(answer)):
        tool = next(
            (one for one in offered if set(_MONEY) & set(offered[one].properties or ())), ""
        )
    if not tool or tool == change_of(answer).get("tool"):
        return answer
    arguments: JsonObject = {}
    if tool in offered:
        arguments = writer.filled(offered[tool], is_forced=True)
    change: JsonObject = {"tool": tool, "arguments": arguments}
    return {**answer, "change": change}


def _told_arguments(answer: JsonObject, orders: Orders, names: dict[str, SchemaNode]) -> JsonObject:
    """The arguments as they were told. A tool that is on offer takes only its own."""
    told: JsonObject = {}
    for name in arguments_of(answer):
        if orders.record_id is not None and name in _record_ids(answer):
            told[name] = orders.record_id
        if orders.kind and name.endswith("_kind") and name != "activity_kind":
            told[name] = orders.kind
        if orders.address and name in {"to_address", "email"}:
            told[name] = orders.address
        if orders.day and name.endswith("_on"):
            told[name] = orders.day
        if orders.amount and name in _MONEY:
            told[name] = _as(names.get(name), orders.amount)
    if not arguments_of(answer) and orders.record_id is not None:
        told[f"{orders.kind or 'record'}_id"] = orders.record_id
    for name, value in orders.arguments.items():
        if not names or name in names:
            told[name] = value
        elif name.endswith("_id") and name != "owner_id":
            # The record is told by another name than the tool has for it.
            told |= dict.fromkeys(_record_ids(answer), value)
    return told


def _record_ids(answer: JsonObject) -> list[str]:
    """The arguments that name a record."""
    return [
        name
        for name, value in arguments_of(answer).items()
        if name.endswith("_id") and name != "owner_id" and value is not None
    ]


def _as(node: SchemaNode | None, amount: str) -> JsonValue:
    """The amount as the schema would have it."""
    types = {one for option in (node.any_of or [node]) for one in option.types} if node else set()
    return amount if "string" in types or not types else float(amount)


def _with_words(answer: JsonObject, orders: Orders, names: dict[str, SchemaNode]) -> JsonObject:
    """The answer with what is to be repeated, and what no argument has taken, in every text of it."""
    taken = {
        value for name, value in arguments_of(answer).items() if is_naming(name) or name in names
    }
    loose = [one for one in (orders.words, orders.url, orders.address) if one and one not in taken]
    if orders.amount and not set(_MONEY) & set(names):
        loose.append(orders.amount)
    if not loose:
        return answer
    more = " ".join(loose)
    texts: JsonObject = {
        name: f"{value} {more}"
        for name, value in arguments_of(answer).items()
        if name in _TEXTS and isinstance(value, str)
    }
    own: JsonObject = {
        name: f"{value} {more}"
        for name in ("title", "reason")
        if isinstance(value := answer.get(name), str)
    }
    return {**with_arguments(answer, texts), **own}
