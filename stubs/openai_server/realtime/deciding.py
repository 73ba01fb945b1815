"""What the model does next: which functions it calls, as the words say, and what it says in the end.

The rules know nothing but the names and schemas of the functions on offer: one that searches, one that sums
up a record, one of the pipeline, the forecast or tasks, and those that propose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.reading import QUOTED, SUMMARY
from stubs.openai_server.realtime.arguments import Wish, day_in, fill
from stubs.openai_server.realtime.findings import (
    FoundRecord,
    parse_output,
    records_in,
    sentences_in,
)
from stubs.openai_server.realtime.script import UNKNOWN_HIT, ScriptedTurn
from stubs.openai_server.tampering import FOREIGN_TOOL

APPROVE_TOOL = "approve_suggestion"
HUNDRED = 100
HELP = "I can look up a record, tell your pipeline and tasks, and put a follow-up in your queue."
_LOOK_UP = re.compile(
    r"\b(?:search(?: for)?|look up|find|who is|tell me about|summari[sz]e|sum up) (?P<text>[^?.!“\"]{2,100})",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?P<kind>lead|contact|account|opportunity|deal|activity|task|contract|product)"
    r" (?P<id>\d{1,18})\b",
    re.IGNORECASE,
)
_APPROVE = re.compile(r"\bapprove\b.*\bsuggestion", re.IGNORECASE)
_PROPOSE = re.compile(
    r"\b(?:remind me|follow(?:ing)?[ -]up|call|schedule|plan|make a task|create a task)\b",
    re.IGNORECASE,
)
_WHOM = re.compile(
    r"\b(?:call|with|about|to|for|visit|meet|mail|write to) (?P<text>[^?.!“\"]{2,100}?)"
    r"(?= (?:on|by|next|today|tomorrow)\b|[?.!]|$)",
    re.IGNORECASE,
)
_BACK = re.compile(r"(?:him|her|them|it|that|this)(?: .*)?", re.IGNORECASE)
_VERBS = re.compile(
    r"^(?:call|follow up|visit|meet|mail|write|with|about|to|for|the) ", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Called:
    """A function that was called in this turn; ``output`` is None until it has come."""

    name: str
    output: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A function that is to be called."""

    name: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: calls, or else something to say."""

    calls: tuple[Wanted, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the model knows when it is its turn.

    Attributes:
        turn: what was said last.
        tools: the schemas of the functions that may be called, by name.
        called: what was called since then, in order.
        found: the record that was found last in this call, in an earlier turn.
        must_call: whether a function has to be called.
    """

    turn: ScriptedTurn
    tools: Mapping[str, JsonObject]
    called: Sequence[Called]
    found: FoundRecord | None
    today: date
    must_call: bool = False

    def tool(self, *parts: str) -> str:
        """The first function whose name has one of the parts, empty for none; the parts in order."""
        proposing = parts[0].startswith("propose")
        names = [name for name in self.tools if ("propose" in name) == proposing]
        return next((name for part in parts for name in names if part in name), "")

    def wanted(self, name: str, wish: Wish) -> Wanted:
        """A call of a function that is on offer."""
        return Wanted(name, fill(self.tools[name], wish))


def next_step(situation: Situation, fault: str) -> Step:
    """The next step of a model that behaves as ``fault`` says; empty, or one of delivery, is good."""
    turn, called = situation.turn, situation.called
    words = turn.said
    if situation.tools and fault == "calls-forever":
        return Step((situation.wanted(next(iter(situation.tools)), Wish(words, words)),))
    if not called and (calls := tuple(_first_calls(situation, fault))):
        return Step(calls)
    is_told = bool(turn.calls) or fault in {"hundred-calls", "foreign-tool"}
    if not is_told and (wanted := _wanted(situation)) is not None:
        return Step((wanted,))
    if situation.must_call and not called and situation.tools:
        return Step((situation.wanted(next(iter(situation.tools)), Wish(words, words)),))
    return Step(text=turn.answer or _said(situation))


def latest_record(outputs: Sequence[str]) -> FoundRecord | None:
    """The first record of the last output that names one."""
    for output in reversed(outputs):
        record = next(records_in(parse_output(output)), None)
        if record is not None:
            return record
    return None


def _first_calls(situation: Situation, fault: str) -> Iterator[Wanted]:
    """What is called whatever the words say."""
    turn = situation.turn
    if fault == "foreign-tool":
        yield Wanted(FOREIGN_TOOL, {"account_id": 1})
    elif fault == "hundred-calls" and situation.tools:
        # Any that looks things up; where there is none, any.
        name = situation.tool("") or next(iter(situation.tools))
        for number in range(HUNDRED):
            searched = f"{turn.said} {number + 1}"
            yield situation.wanted(name, Wish(turn.said, searched, situation.found))
    else:
        yield from (Wanted(call.name, dict(call.arguments)) for call in turn.calls)


def _wanted(situation: Situation) -> Wanted | None:
    """What the words call for next, if anything."""
    words = situation.turn.said
    names = [one.name for one in situation.called]
    if not situation.tools:
        return None
    if _APPROVE.search(words):
        return None if names else Wanted(APPROVE_TOOL, {"all": True})
    propose = situation.tool("propose_follow", "propose_task", "propose")
    if propose and _PROPOSE.search(words):
        return None if propose in names else _proposed(situation, propose)
    return _read(situation, names)


def _proposed(situation: Situation, propose: str) -> Wanted | None:
    """The proposal, or the search for the record that it is about."""
    words = situation.turn.said
    day = day_in(words, situation.today)
    search = situation.tool("search", "find")
    record = _numbered(words)
    whom = _whom(words)
    if record is None and whom and _is_other(whom, words, situation.found):
        if search and not situation.called:
            return situation.wanted(search, Wish(words, whom))
        record = latest_record([one.output or "" for one in situation.called])
    elif record is None:
        record = situation.found
    if record is None:
        return None
    return situation.wanted(propose, Wish(words, whom, record, day))


def _read(situation: Situation, names: Sequence[str]) -> Wanted | None:
    words = situation.turn.said
    summary, search = situation.tool("summary", "summar"), situation.tool("search", "find")
    searched = QUOTED.search(words) or _LOOK_UP.search(words)
    if names:
        hit = latest_record([one.output or "" for one in situation.called])
        is_searched = names == [search]
        if not is_searched or hit is None or not summary or not SUMMARY.search(words):
            return None
        return situation.wanted(summary, Wish(words, record=hit))
    if (record := _numbered(words)) and summary:
        return situation.wanted(summary, Wish(words, record=record))
    for word in ("pipeline", "forecast", "task"):
        if word in words.casefold() and (name := situation.tool(word)):
            return situation.wanted(name, Wish(words))
    if searched and search:
        return situation.wanted(search, Wish(words, searched["text"].strip()))
    return None


def _numbered(words: str) -> FoundRecord | None:
    found = _NUMBERED.search(words)
    if found is None:
        return None
    kind = found["kind"].casefold()
    kind = "opportunity" if kind == "deal" else kind
    return FoundRecord(kind, int(found["id"]), found[0])


def _whom(words: str) -> str:
    """Who or what a proposal is about: what is quoted, or what comes after “call”, “with” or “about”."""
    if quoted := QUOTED.search(words):
        return quoted["text"]
    named = _WHOM.search(words)
    text = named["text"].strip() if named else ""
    while text != (shorter := _VERBS.sub("", text)):
        text = shorter
    return text


def _is_other(whom: str, words: str, found: FoundRecord | None) -> bool:
    """Whether somebody else is meant than the record that was found last."""
    if _BACK.fullmatch(whom) or whom == UNKNOWN_HIT:
        return False
    return found is None or found.name.casefold() not in words.casefold()


def _said(situation: Situation) -> str:
    """A few sentences from what the functions found."""
    if not situation.called:
        if _PROPOSE.search(situation.turn.said) and situation.tools:
            return "I do not know whom you mean. Search for them first."
        return HELP
    outputs = [one.output for one in situation.called]
    if None in outputs:
        return "I am still waiting for an answer."
    return " ".join(sentences_in(parse_output(outputs[-1] or ""))) or "I found nothing."
