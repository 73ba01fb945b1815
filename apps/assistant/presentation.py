"""Conversations as pages and the API show them: with links, as far as the reader may see the records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.assistant.enums import MessageState, Speaker
from apps.assistant.models import Message
from apps.audit.enums import Origin
from apps.brain.enums import Provider
from apps.execution.schemas import RecordRef
from apps.execution.services import hidden_records
from apps.suggestions.cards import Badge, badges_of
from apps.suggestions.enums import State
from apps.suggestions.evidence import HIDDEN_CLAIM
from apps.suggestions.models import Suggestion
from apps.suggestions.services import may_view, visible_by_id
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact with the way to its record; ``address`` is empty where there is none."""

    number: int
    label: str
    text: str
    address: str


@dataclass(frozen=True, slots=True)
class ShownSentence:
    """A sentence with the numbers of the facts that it rests on."""

    text: str
    facts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """A suggestion inside the conversation, to be reviewed on its page like any other."""

    pk: int
    address: str
    title: str
    reason: str
    record_label: str
    badge: Badge
    is_open: bool


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """What one side said, ready for a page."""

    message: Message
    sentences: tuple[ShownSentence, ...]
    facts: tuple[ShownFact, ...]
    suggestions: tuple[ShownSuggestion, ...]

    @property
    def pk(self) -> int:
        """Its id."""
        return self.message.pk

    @property
    def is_person(self) -> bool:
        """Whether the person said it."""
        return self.message.speaker == Speaker.PERSON

    @property
    def is_cut_short(self) -> bool:
        """Whether its answer was stopped."""
        return self.message.state == MessageState.CUT_SHORT

    @property
    def has_failed(self) -> bool:
        """Whether there is no answer."""
        return self.message.state == MessageState.FAILED

    @property
    def way(self) -> str:
        """How it was said, where it was not typed."""
        origin = Origin(self.message.origin)
        return "" if origin == Origin.TYPED else str(origin.label)

    @property
    def writer(self) -> str:
        """Who has written the answer."""
        return str(Provider(self.message.provider).label) if self.message.provider else ""

    @property
    def said_at(self) -> datetime:
        """When."""
        return self.message.said_at

    @property
    def text(self) -> str:
        """What is read aloud."""
        return " ".join(sentence.text for sentence in self.sentences) or self.message.text


def shown(messages: Iterable[Message], viewer: User) -> list[ShownMessage]:
    """Messages with their facts and suggestions as far as they may be seen now.

    A constant number of queries; ``suggestions`` are to be prefetched.
    """
    rows = list(messages)
    refs = {RecordRef.parse(fact["record"]) for row in rows for fact in row.facts if fact["record"]}
    hidden = hidden_records(viewer, refs)
    ids = [one.pk for row in rows for one in row.suggestions.all()]
    known = visible_by_id(viewer, ids) if ids and may_view(viewer) else {}
    return [_shown(row, hidden, known) for row in rows]


def _shown(row: Message, hidden: set[RecordRef], known: dict[int, Suggestion]) -> ShownMessage:
    concealed = {fact["number"] for fact in row.facts if _ref_of(fact) in hidden}
    if row.sentences:
        sentences = tuple(
            ShownSentence(HIDDEN_CLAIM, ())
            if concealed & {*sentence["facts"]}
            else ShownSentence(sentence["text"], tuple(sentence["facts"]))
            for sentence in row.sentences
        )
    else:
        sentences = (ShownSentence(row.text, ()),)
    return ShownMessage(
        message=row,
        sentences=sentences,
        facts=tuple(_fact(fact) for fact in row.facts if fact["number"] not in concealed),
        suggestions=tuple(_suggestion(known[one.pk]) for one in row.suggestions.all() if one.pk in known),
    )  # fmt: skip


def _ref_of(fact: dict[str, Any]) -> RecordRef | None:
    return RecordRef.parse(fact["record"]) if fact["record"] else None


def _fact(fact: dict[str, Any]) -> ShownFact:
    ref = _ref_of(fact)
    address = "" if ref is None else ref.address
    return ShownFact(fact["number"], fact["label"], fact["text"], address)


def _suggestion(row: Suggestion) -> ShownSuggestion:
    state, _ = badges_of(row)
    return ShownSuggestion(
        pk=row.pk,
        address=row.get_absolute_url(),
        title=row.title,
        reason=row.reason,
        record_label=row.record_label,
        badge=state,
        is_open=row.state in State.open_values(),
    )
