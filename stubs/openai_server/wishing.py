"""Makes changes of what a person wishes: looks up the names in their words, then goes clause by clause.

What it understands: an amount, a stage, a next step, a telephone number, a talk that took place, everybody
who was met, and, of all else, a follow-up or a task. It asks back where no record is named, or several fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.names import names_in
from stubs.openai_server.orders import Orders, read_orders
from stubs.openai_server.reading import Called, Turn, results_of
from stubs.openai_server.realtime.arguments import day_in
from stubs.openai_server.schemas import Fact, FunctionCallItem, ResponsesRequest, WishQuestion
from stubs.openai_server.strict_schemas import SchemaNode, StrictSchema
from stubs.openai_server.tampering import ADDRESS, ESCAPE, FAR, FOREIGN_TOOL, LINK, UNKNOWN_FACT
from stubs.openai_server.writing import PHONE, branches_of

MOST_SEARCHES = 3
_PEOPLE = ("contact", "lead")
_AND = re.compile(
    r"[;.] +|,? +(?:and|und|then|dann)(?: then| dann)? +"
    r"(?=(?:also |please |bitte )*(?:put|set|change|move|update|raise|lower|log|note|write|remind|make sure"
    r"|call|mail|follow|get|send|schedule|add|create|mark|setze?|änder\w*|stell\w*|verschieb\w*|trag\w*|notier\w*"
    r"|ruf\w*|schreib\w*|hak\w*|leg\w*)\b)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\b(?:value|amount|worth|wert|betrag|volumen|volume|size)\w*\b.*?(?P<number>\d[\d.,']*)\s?"
    r"(?P<scale>k|tsd|tausend|thousand|m|mio|million(?:en)?)?\b",
    re.IGNORECASE,
)
_SCALES = {"k": 1_000, "tsd": 1_000, "tausend": 1_000, "thousand": 1_000}
_NEXT_STEP = re.compile(
    r"\b(?:next step|nächste\w* schritt)\b.*?(?: to | is |: | auf | ist )(?P<text>.+)$", re.I
)
_STAGE = re.compile(r"\b(?:stage|phase|move|verschieb\w*|stufe)\b", re.IGNORECASE)
_PHONE = re.compile(r"\b(?:phone|number|mobile|telefon\w*|nummer)\b", re.IGNORECASE)
_TALKED = re.compile(
    r"\b(?P<call>called|spoke|talked|phoned|rang|gesprochen|telefoniert|angerufen)\b"
    r"|\b(?:met|visited|getroffen|besucht)\b",
    re.IGNORECASE,
)
_EVERYBODY = re.compile(
    r"\b(?:every(?:one|body)|all|folks|people|everyone|alle[nr]?|jede[nmr]?|leuten?)\b.*\b(?:met|meetings?|saw"
    r"|getroffen|treffen|terminen?)\b"
    r"|\b(?:met|meetings?|getroffen)\b.*\b(?:every(?:one|body)|all|alle)\b",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(
    r"\b(?:follow|gets? back|touch base|reach(?:es)? out|hear from|chase|nachfass\w*|nachhak\w*|meld\w*"
    r"|hak\w*)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^(?:please|bitte|hey|aisha|and|und|also|(?:can|could|would|will) (?:you|we)"
    r"|(?:kannst|könntest|würdest) du"
    r"|make sure(?: that)?|see to it that|i(?:'d| would) like(?: you)? to|i (?:want|need)(?: you)? to"
    r"|sorge? (?:bitte )?dafür,? dass|[ ,:])+",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"\b(?:CHF|EUR|GBP|JPY|USD)\b|[$€£]")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}


@dataclass(frozen=True, slots=True)
class _Known:
    """A record that a fact names."""

    kind: str
    id: int
    name: str
    number: int


class _UnclearError(Exception):
    """It is not clear which record is meant: these are in question."""

    def __init__(self, choices: Sequence[_Known]) -> None:
        self.choices = choices
        super().__init__("unclear")


def next_turn(asked: ResponsesRequest, wish: WishQuestion, schema: StrictSchema, name: str) -> Turn:
    """The next turn of a model that behaves as ``name`` says; empty, or one of delivery, is good."""
    if name == "calls-forever":
        return Turn((Called("my_tasks", {}),))
    if name == "not-json":
        return Turn(text="Of course! I have approved everything for you.")
    if name == "wrong-schema":
        return Turn(text=json.dumps({"actions": ["call them"], "confidence": "high"}))
    results = results_of(asked.input)
    facts = [*wish.facts, *(fact for result in results for fact in result.facts)]
    called = [item.name for item in asked.input if isinstance(item, FunctionCallItem)]
    calls = [call for call in _look_ups(wish, facts, called) if call.name in asked.offered]
    if calls:
        return Turn(tuple(calls))
    answer = _Writer(wish, facts, schema).answer()
    orders = read_orders([fact.text for fact in facts]) if name == "obeys" else Orders()
    return Turn(
        text=json.dumps(_tampered(answer, name, orders), ensure_ascii=False), obeyed=orders.names
    )


def _words(wish: WishQuestion) -> str:
    return f"{wish.said_before}. {wish.wish}" if wish.said_before else wish.wish


def _look_ups(wish: WishQuestion, facts: Sequence[Fact], called: Sequence[str]) -> Iterator[Called]:
    words = _words(wish)
    if not called:
        if _EVERYBODY.search(words):
            monday = date.fromisoformat(wish.today)
            monday -= timedelta(days=monday.weekday())
            first, last = monday - timedelta(days=7), monday - timedelta(days=1)
            yield Called(
                "people_met",
                {"first": f"{first}", "last": f"{last}", "kinds": "meetings_and_calls"},
            )
            return
        for text in names_in(words)[:MOST_SEARCHES]:
            yield Called("search_records", {"text": text})
    elif _AMOUNT.search(words) and "record_summary" not in called:
        # Its currency stands on its page.
        deals = [known for known in _known(facts) if known.kind == "opportunity"]
        for deal in deals[:1]:
            yield Called("record_summary", {"kind": deal.kind, "id": deal.id})


def _known(facts: Sequence[Fact]) -> list[_Known]:
    """The records that the facts speak of, each called by the first fact about it."""
    known: dict[tuple[str, int], _Known] = {}
    for fact in facts:
        if (record := fact.record) is not None:
            key = (record.kind, record.id)
            known.setdefault(key, _Known(record.kind, record.id, fact.text, fact.number))
    return list(known.values())


@dataclass(frozen=True, slots=True)
class _Writer:
    wish: WishQuestion
    facts: Sequence[Fact]
    schema: StrictSchema

    def answer(self) -> JsonObject:
        """The changes, and what is asked back."""
        changes: list[JsonValue] = []
        asked: JsonValue = None
        words = _words(self.wish)
        # What is said after a question back only says what was meant.
        wished = (self.wish.said_before or self.wish.wish).partition(" — ")[0]
        for clause in filter(None, (part.strip(" .,!?") for part in _AND.split(wished))):
            try:
                changes += self._changes_of(clause, words)
            except _UnclearError as error:
                asked = _question(error.choices)
        return {"changes": changes, "ask_back": asked}

    def _changes_of(self, clause: str, words: str) -> list[JsonValue]:
        reason = f"You asked for this: {clause[:150]}."
        if _EVERYBODY.search(words):
            people = [one for one in _known(self.facts) if one.kind in _PEOPLE]
            return [
                self._change(
                    "create_followup", reason, self._task(one, f"Follow up with {one.name}", None)
                )
                for one in people
            ]
        tool, arguments = self._meant(clause, words)
        return [self._change(tool, reason, arguments)]

    def _meant(self, clause: str, words: str) -> tuple[str, JsonObject]:
        today = date.fromisoformat(self.wish.today)
        if found := _AMOUNT.search(clause):
            deal = self._record(("opportunity",), clause, words)
            number = float(
                re.sub(r"[,'](?=\d{3}\b)|\.(?=\d{3}\b)", "", found["number"]).rstrip(".,")
            )
            scale = (found["scale"] or "").casefold()
            amount = int(number * (_SCALES.get(scale, 1_000_000) if scale else 1))
            return "update_opportunity", {
                "opportunity_id": deal.id, "amount": str(amount), "currency": self._currency(deal, clause),
            }  # fmt: skip
        stage = next(
            (one for one in self.wish.stages if one.name.casefold() in clause.casefold()), None
        )
        if stage is not None and _STAGE.search(clause):
            deal = self._record(("opportunity",), clause, words)
            return "update_opportunity", {"opportunity_id": deal.id, "stage_id": stage.id}
        if found := _NEXT_STEP.search(clause):
            deal = self._record(("opportunity",), clause, words)
            return "update_opportunity", {
                "opportunity_id": deal.id,
                "next_step": _capital(found["text"]),
            }
        if _PHONE.search(clause) and (phone := PHONE.search(clause)):
            one = self._record(_PEOPLE, clause, words)
            return f"update_{one.kind}", {f"{one.kind}_id": one.id, "phone": phone[0].strip()}
        one = self._record((*_PEOPLE, "account", "opportunity"), clause, words)
        if talked := _TALKED.search(clause):
            is_call = talked["call"] is not None
            return "log_activity", {
                "subject_kind": one.kind, "subject_id": one.id,
                "activity_kind": "call" if is_call else "meeting",
                "direction": "outbound" if is_call else "none",
                "occurred_at": f"{today - timedelta(days=1)}T12:00:00+00:00",
                "subject": _capital(clause)[:300],
            }  # fmt: skip
        tool = "create_followup" if _FOLLOWS.search(clause) else "create_task"
        return tool, self._task(one, _capital(_POLITE.sub("", clause))[:200], day_in(clause, today))

    def _task(self, one: _Known, title: str, day: date | None) -> JsonObject:
        return {
            "subject_kind": one.kind, "subject_id": one.id, "about_kind": one.kind, "about_id": one.id,
            "title": title, "due_on": day.isoformat() if day else self.wish.next_working_day,
            "owner_id": self.wish.doer_id,
        }  # fmt: skip

    def _record(self, kinds: Sequence[str], clause: str, words: str) -> _Known:
        """The one record of the first kind of which there is any; named in the clause, else at all."""
        known = _known(self.facts)
        for text in (self.wish.wish if self.wish.said_before else clause, clause, words, ""):
            said = [name.casefold() for name in names_in(text)]
            for kind in kinds:
                fitting = [
                    one
                    for one in known
                    if one.kind == kind
                    and (not text or any(name in one.name.casefold() for name in said))
                ]
                same = [one for one in fitting if one.name.casefold() in said]
                if len(fitting) == 1 or same:
                    return (same or fitting)[0]
                if fitting:
                    raise _UnclearError(fitting)
        raise _UnclearError(())

    def _currency(self, deal: _Known, clause: str) -> str:
        own = [
            fact.text for fact in self.facts
            if fact.record is not None and (fact.record.kind, fact.record.id) == (deal.kind, deal.id)
        ]  # fmt: skip
        amounts = [text for text in own if re.search(r"\d", text)]
        found = (_CURRENCY.search(text) for text in (clause, *amounts))
        sign = next((match[0] for match in found if match), "USD")
        return _CURRENCIES.get(sign, sign)

    def _change(self, tool: str, reason: str, arguments: JsonObject) -> JsonValue:
        """The change with every argument that the schema wants, null for those that nothing is known of."""
        root = self.schema.root.properties or {}
        item = root["changes"].items
        node = (item.properties or {}).get("change") if item else None
        branch = branches_of(self.schema, node).get(tool) if node else None
        return {"reason": reason, "change": {"tool": tool, "arguments": _fitted(arguments, branch)}}


def _fitted(arguments: Mapping[str, JsonValue], branch: SchemaNode | None) -> JsonObject:
    names = branch.properties if branch else None
    return {name: arguments.get(name) for name in names} if names else {**arguments}


def _question(choices: Sequence[_Known]) -> JsonObject:
    if not choices:
        return {"text": "Which record do you mean?", "facts": []}
    names = " or ".join(one.name for one in choices[:3])
    return {
        "text": f"Which one do you mean: {names}?",
        "facts": [one.number for one in choices[:3]],
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tampered(answer: JsonObject, name: str, orders: Orders) -> JsonObject:
    """The answer as a broken model, or a fooled one, would give it."""
    changes = answer["changes"]
    if not isinstance(changes, list):
        return answer
    if name == "uncited":
        return answer | {"ask_back": {"text": "Which one do you mean?", "facts": [UNKNOWN_FACT]}}
    return answer | {"changes": [_tampered_change(one, name, orders) for one in changes]}


def _tampered_change(wished: JsonValue, name: str, orders: Orders) -> JsonValue:
    if not isinstance(wished, dict) or not isinstance(change := wished["change"], dict):
        return wished
    arguments, more = change["arguments"], ""
    if not isinstance(arguments, dict):
        return wished
    if name == "foreign-tool" or orders.tool:
        change = {"tool": orders.tool or FOREIGN_TOOL, "arguments": {"account_id": 1}}
    if name == "other-record" or orders.record_id is not None:
        arguments = {
            key: orders.record_id or value + FAR
            if isinstance(value, int)
            and key.endswith("_id")
            and key not in {"owner_id", "stage_id"}
            else value
            for key, value in arguments.items()
        }
        change = {**change, "arguments": arguments}
    if name == "unknown-person":
        change = {**change, "arguments": {**arguments, "owner_id": FAR}}
    if name == "link":
        more = f" See {LINK} or write to {ADDRESS}."
    elif name == "escape":
        more = f" {ESCAPE}"
    elif loose := [one for one in (orders.words, orders.url, orders.address) if one]:
        more = f" {' '.join(loose)}"
    return {"reason": f"{wished['reason']}{more}", "change": change}
