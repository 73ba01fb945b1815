"""Which record is meant: by its name, by “this” on a page, by “them” after it was spoken about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apps.assistant.rules.wording import kind_of, name_of, points_at_page, points_back
from apps.assistant.steps import LeadsTo
from apps.assistant.turns import WITHHELD, NotReadError, Turn
from apps.brain.reading.tools import found, may_view
from apps.brain.schemas import Claim, Fact
from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS
from apps.crm.search import LONGEST_TEXT, SHORTEST_TEXT
from apps.crm.services import visible_records
from apps.execution.schemas import RecordRef

# What a task, a follow-up or an activity may be about.
TALKED_ABOUT = frozenset(
    {RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT, RecordKind.OPPORTUNITY}
)
ANY_KIND = frozenset(LAYOUTS)
MOST_CHOICES = 5


@dataclass(frozen=True, slots=True)
class Named:
    """The record that is meant, as a fact that names it."""

    ref: RecordRef
    fact: Fact

    @property
    def label(self) -> str:
        """What it is called in a sentence; a name that reads like an order is not repeated."""
        return "This record" if self.fact.text == WITHHELD else self.fact.text


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why it is not clear which record is meant, in sentences that cite what was found.

    ``is_choice``: several fit, and the person is asked which one.
    """

    claims: tuple[Claim, ...]
    is_choice: bool = False


def page_of(named: Named) -> LeadsTo:
    """The way to a record's page."""
    return LeadsTo(named.ref.address, named.label)


def find_named(turn: Turn, name: str, kinds: Collection[RecordKind] = ANY_KIND) -> Named | Unclear:
    """The one record that a name stands for, of these kinds."""
    if pointed := _pointed_at(turn, name, kinds):
        return pointed
    if points_at_page(name) or points_back(name):
        return Unclear(
            (Claim("I do not know which record you mean: name it, or open its page.", ()),)
        )
    text, wanted = name_of(name)[:LONGEST_TEXT], kind_of(name)
    if len(text) < SHORTEST_TEXT:
        return Unclear((Claim("Name the record that you mean.", ()),))
    hits = [
        fact
        for fact in turn.look_up("search_records", text=text)
        if fact.record is not None and fact.record.kind in kinds
    ]
    of_kind = [fact for fact in hits if fact.record and fact.record.kind == wanted]
    hits = of_kind or hits
    if not hits:
        return Unclear(
            (Claim(f"I find no record that mentions “{text}” and that you may see.", ()),)
        )
    same = [fact for fact in hits if fact.text.casefold() == text.casefold()]
    (best, *others) = same or hits
    if not others and best.record is not None:
        return Named(best.record, best)
    shown = hits[:MOST_CHOICES]
    claims = [Claim(f"Several records fit “{text}”. Which one do you mean?", ())]
    claims += [Claim(f"{fact.label}: {fact.text}.", (fact.number,)) for fact in shown]
    return Unclear(tuple(claims), is_choice=True)


def around(turn: Turn, kinds: Collection[RecordKind]) -> Named | None:
    """The record that the conversation is about, or whose page is open."""
    return _first_named(turn, (turn.carried, turn.page), kinds)


def _pointed_at(turn: Turn, name: str, kinds: Collection[RecordKind]) -> Named | None:
    """“This” is the page before what was spoken about, “it” the other way round."""
    if points_at_page(name):
        return _first_named(turn, (turn.page, turn.carried), kinds)
    return around(turn, kinds) if points_back(name) else None


def _first_named(
    turn: Turn, refs: Iterable[RecordRef | None], kinds: Collection[RecordKind]
) -> Named | None:
    for ref in refs:
        if ref is not None and ref.kind in kinds and (named := _named(turn, ref)):
            return named
    return None


def _named(turn: Turn, ref: RecordRef) -> Named | None:
    layout = LAYOUTS[ref.kind]
    if not may_view(turn.user, layout.model):
        return None
    record = visible_records(turn.user, layout.model).filter(pk=ref.id).first()
    if record is None:
        return None
    fact = turn.note(found("name", layout.noun.capitalize(), str(record), record=ref))
    return Named(ref, fact)


def not_read(error: NotReadError) -> tuple[Claim, ...]:
    """Why something was not read, as a sentence."""
    return (Claim(error.words, ()),)
