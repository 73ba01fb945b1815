"""Which record is meant: by its name, by “this” on a page, by “them” after it was spoken about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from apps.assistant.rules.choosing import fitting, place_in
from apps.assistant.rules.wording import kind_of, name_of, points_at_page, points_back
from apps.assistant.steps import LeadsTo
from apps.assistant.turns import WHICH_ONE, WITHHELD, NotReadError, Turn
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
    place = place_in(name, len(turn.listed))
    if place is not None and (counted := _first_named(turn, turn.listed[place : place + 1], kinds)):
        return counted
    if points_back(name) and (listed := of_list(turn, kinds)):
        return listed
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
    return _one_of(turn, same or hits, f"Several records fit “{text}”.")


def of_list(turn: Turn, kinds: Collection[RecordKind]) -> Named | Unclear | None:
    """The one of the records that the last answer has listed, or which of them; None where it was no list."""
    facts = names_of_list(turn, kinds)
    return _one_of(turn, facts, "I named several records.") if facts else None


def names_of_list(turn: Turn, kinds: Collection[RecordKind] = ANY_KIND) -> list[Fact]:
    """The records that the last answer has listed, as facts that name them."""
    named = (_named(turn, ref) for ref in turn.listed if ref.kind in kinds)
    return [one.fact for one in named if one is not None]


def _one_of(turn: Turn, facts: Sequence[Fact], why: str) -> Named | Unclear:
    """The one fact that names a record; of several that which was meant, else the question which one."""
    chosen = _meant(turn, facts)
    (best, *others) = chosen or facts
    if not others and best.record is not None:
        return Named(best.record, best)
    shown = (chosen or facts)[:MOST_CHOICES]
    if turn.meant_words and not chosen:
        why = f"None of them is “{turn.meant_words}”. {why}"
    claims = [Claim(f"{why} {WHICH_ONE}", ())]
    claims += [
        Claim(f"{place}. {fact.label}: {fact.text}.", (fact.number,))
        for place, fact in enumerate(shown, start=1)
    ]
    if left := len(chosen or facts) - len(shown):
        claims.append(Claim(f"{left} more fit: say more of the name.", ()))
    return Unclear(tuple(claims), is_choice=True)


def _meant(turn: Turn, facts: Sequence[Fact]) -> Sequence[Fact]:
    """Those that the person has said they mean, after they were asked."""
    if turn.meant is not None:
        return [fact for fact in facts if fact.record == turn.meant]
    if not turn.meant_words:
        return ()
    options = [(fact.record.kind.value if fact.record else "", fact.text) for fact in facts]
    return [facts[place] for place in fitting(turn.meant_words, options)]


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
