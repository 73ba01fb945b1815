"""Which record is meant: by its name, by “this” on a page, by “them” after it was spoken about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse

from apps.assistant.rules.wording import kind_of, name_of, points_at_page, points_back
from apps.assistant.steps import LeadsTo
from apps.assistant.turns import WITHHELD, NotReadError, Turn
from apps.brain.schemas import Claim, Fact
from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS
from apps.crm.search import LONGEST_TEXT, SHORTEST_TEXT
from apps.crm.services import permission_name, visible_records
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

    @property
    def address(self) -> str:
        """Its page."""
        return address_of(self.ref)


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why it is not clear which record is meant, in sentences that cite what was found."""

    claims: tuple[Claim, ...]


def address_of(ref: RecordRef) -> str:
    """The page of a record."""
    return reverse(f"crm:{ref.kind.value}_detail", args=[ref.id])


def page_of(named: Named) -> LeadsTo:
    """The way to a record's page."""
    return LeadsTo(named.address, named.label)


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
    return Unclear(tuple(claims))


def around(turn: Turn, kinds: Collection[RecordKind]) -> Named | None:
    """The record that the conversation is about, or whose page is open."""
    for ref in (turn.carried, turn.page):
        if ref is not None and ref.kind in kinds and (named := _named(turn, ref)):
            return named
    return None


def _pointed_at(turn: Turn, name: str, kinds: Collection[RecordKind]) -> Named | None:
    """“This” is the page before what was spoken about, “it” the other way round."""
    if points_at_page(name):
        order = (turn.page, turn.carried)
    elif points_back(name):
        order = (turn.carried, turn.page)
    else:
        return None
    for ref in order:
        if ref is not None and ref.kind in kinds and (named := _named(turn, ref)):
            return named
    return None


def _named(turn: Turn, ref: RecordRef) -> Named | None:
    model = model_of(ref.kind)
    if not turn.user.has_perm(permission_name("view", model)):
        return None
    record = visible_records(turn.user, model).filter(pk=ref.id).first()
    if record is None:
        return None
    noun = LAYOUTS[ref.kind].noun.capitalize()
    fact = turn.note(Fact(0, "name", noun, str(record), record=ref))
    return Named(ref, fact)


def not_read(error: NotReadError) -> tuple[Claim, ...]:
    """Why something was not read, as a sentence."""
    return (Claim(error.words, ()),)
