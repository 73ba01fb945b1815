"""Read tools for answers about suggestions: what waits for a person, and what was discovered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from django.utils import timezone
from pydantic import Field

from apps.brain.reading.tools import ReadArguments, ReadRefusedError, ReadTool, found
from apps.brain.schemas import Fact
from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.services import visible_records
from apps.execution.schemas import RecordRef
from apps.suggestions.discoveries.asked import Asked
from apps.suggestions.discoveries.presentation import PLURALS, worth_words
from apps.suggestions.discoveries.reading import summarise
from apps.suggestions.discoveries.standing import short_day
from apps.suggestions.discoveries.statements import read_page
from apps.suggestions.models import Suggestion
from apps.suggestions.services import may_view, record_of, without_hidden
from apps.tenants.templatetags.aisha_ui import money
from apps.triggers.enums import VIEW_SIGNALS, Discovery
from apps.triggers.fact_words import facts_in_words
from apps.triggers.models import Signal
from apps.triggers.rules import registry as triggers
from apps.users.models import User

# An answer names the strongest; the page shows them all.
MOST_NAMED = 3
# The value of a fact that stands for a suggestion is its id.
WAITING = "waiting"


class NothingToTell(ReadArguments):
    """Nothing is to be told."""


class DiscoveryArguments(ReadArguments):
    """Which kind; all of them where none is named."""

    discovery: Annotated[
        Literal[
            "hot_lead", "missing_followup", "stalled_deal", "churn_signal", "behaviour_change",
            "duplicate",
        ]
        | None,
        Field(description="Null: of every kind."),
    ] = None  # fmt: skip


def read_waiting(asker: User, _: NothingToTell, today: date) -> Sequence[Fact]:
    """How many suggestions wait for the person, and the ones that stand first in their queue."""
    if not may_view(asker):
        raise ReadRefusedError("not_permitted")
    rows = Suggestion.objects.visible_to(asker).needing_decision().filter(assignee=asker)
    count = rows.folded().count()
    first = rows.folded().order_by("-rank", "-id")[: MOST_NAMED * 2]
    facts = [
        found("waiting_count", "Suggestions that wait for you", str(count) if count else "none", value=count)
    ]  # fmt: skip
    for suggestion in without_hidden(asker, first)[:MOST_NAMED]:
        text = f"{suggestion.title} — {suggestion.reason}"
        ref = record_of(suggestion)
        facts.append(found(WAITING, "Suggested", text, value=suggestion.pk, record=ref))
    return facts


def read_discovered(asker: User, arguments: DiscoveryArguments, today: date) -> Sequence[Fact]:
    """How many records have something of each kind, what is at stake, and the strongest ones."""
    if not asker.has_perm(VIEW_SIGNALS):
        raise ReadRefusedError("not_permitted")
    wanted = Discovery(arguments.discovery) if arguments.discovery else None
    # What is new to whom is no business of the AI: everything is told alike.
    asked = Asked(person=asker, now=timezone.now(), seen_until=None, discovery=wanted)
    summary = summarise(asked)
    facts = []
    for kind in summary.kinds:
        discovery = kind.discovery
        if (
            discovery is None
            or (wanted and discovery != wanted)
            or (not wanted and not kind.records)
        ):
            continue
        text = str(kind.records) if kind.records else "none"
        if kind.worth:
            text = f"{text}, with {worth_words(kind.worth)} at stake"
        facts.append(found("discovered", PLURALS[discovery], text, value=kind.records))
    if not facts:
        return [found("discovered", "Discovered", "nothing at present", value=0)]
    return [*facts, *_strongest(asked, wanted)]


def _strongest(asked: Asked, wanted: Discovery | None) -> Iterator[Fact]:
    """The first records of the page, each with the strongest of what was found about it."""
    for kind, record_id, signal_ids, value, currency in read_page(asked, 0, MOST_NAMED):
        ref = RecordRef(RecordKind(kind), record_id)
        record = visible_records(asked.person, model_of(ref.kind)).filter(pk=record_id).first()
        signals = (
            Signal.objects.firing().filter(pk__in=signal_ids).order_by("-severity", "-fired_at")
        )
        told = (_told(signal, wanted) for signal in signals)
        label = next((words for words in told if words), "")
        if record is None or not label:
            continue
        text = str(record)
        if value is not None:
            text = f"{text} ({money(round(value), currency)} at stake)"
        yield found("strong", label, text, record=ref)


def _told(signal: Signal, wanted: Discovery | None) -> str:
    """What was found, in words; nothing where it is of another kind."""
    trigger = triggers.get(signal.trigger)
    if wanted is not None and trigger.discovers != wanted:
        return ""
    words = facts_in_words(signal.facts, short_day)
    return f"{trigger.label}, {words}" if words else str(trigger.label)


WAITING_SUGGESTIONS = ReadTool(
    "waiting_suggestions",
    "The suggestions that wait for the person who asks: how many, and those that matter most.",
    NothingToTell,
    read_waiting,
)
DISCOVERED = ReadTool(
    "discovered",
    "What was found without anybody having asked: hot leads, stalled deals, churn signals and more.",
    DiscoveryArguments,
    read_discovered,
)
