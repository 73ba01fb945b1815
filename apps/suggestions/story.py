"""The story of one suggestion, from the signals that led to it to its undo: one timeline, oldest first.

The audit log tells who did what; signals, the Brain's call and the values that were written stand in tables
of their own and are told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.services import Detail
from apps.crm.enums import RecordKind
from apps.crm.presentation import describe_time
from apps.execution.diff import NOTHING, label_of
from apps.execution.models import Execution
from apps.execution.written import written_by
from apps.suggestions.enums import RejectReason, Verdict
from apps.suggestions.models import Suggestion
from apps.triggers.rules import registry as triggers
from apps.users.models import User

# Who acts when nobody does.
SYSTEM = "AiSHA"

_SIGNS: Mapping[str, str] = {
    Event.SIGNAL_FIRED: "radar",
    Event.SIGNAL_CLEARED: "circle",
    Event.BRAIN_CALLED: "scroll-text",
    Event.SUGGESTION_CREATED: "plus",
    Event.SUGGESTION_REFRESHED: "refresh-cw",
    Event.SUGGESTION_SHOWN: "user-round",
    Event.SUGGESTION_EDITED: "pencil",
    Event.SUGGESTION_APPROVED: "check",
    Event.SUGGESTION_REJECTED: "circle-x",
    Event.SUGGESTION_SNOOZED: "alarm-clock",
    Event.SUGGESTION_WOKEN: "alarm-clock",
    Event.SUGGESTION_WITHDRAWN: "archive",
    Event.SUGGESTION_EXPIRED: "hourglass",
    Event.SUGGESTION_SUPERSEDED: "archive",
    Event.SUGGESTION_REOPENED: "rotate-ccw",
    Event.SUGGESTION_REBASED: "refresh-cw",
    Event.SUGGESTION_STALE: "triangle-alert",
    Event.EXECUTION_SUCCEEDED: "circle-check",
    Event.EXECUTION_FAILED: "triangle-alert",
    Event.EXECUTION_UNDONE: "undo-2",
    Event.SILENCE_CREATED: "ban",
    Event.SILENCE_LIFTED: "rotate-ccw",
    Event.HOSTILE_TEXT_FOUND: "triangle-alert",
    Event.POLICY_REFUSED: "ban",
    Event.PERMISSION_REFUSED: "lock",
}
# What every entry of a suggestion says, or what is told in another way.
_UNTOLD = frozenset(
    {
        "goal",
        "tool",
        "fields",
        "undoes",
        "edition",
        "until",
        "reason",
        "left_out",
        "left_alone",
        "verb",
        "silence_id",
    }
)


@dataclass(frozen=True, slots=True)
class StoryChange:
    """One value that was written."""

    label: str
    before: str
    after: str

    @property
    def had_value(self) -> bool:
        """Whether something stood there before."""
        return self.before != NOTHING


@dataclass(frozen=True, slots=True)
class StoryItem:
    """One thing that happened; ``origin`` is empty where it has none, ``sign`` names an icon."""

    occurred_at: datetime
    event: str
    wording: str
    who: str
    origin: str
    request_id: str = ""
    notes: tuple[str, ...] = ()
    changes: tuple[StoryChange, ...] = ()

    @property
    def sign(self) -> str:
        """The icon beside it."""
        return _SIGNS.get(self.event, "history")

    @property
    def origin_label(self) -> str:
        """Where it came from, in words."""
        return str(dict(Origin.choices).get(self.origin, self.origin))


def story_of(suggestion: Suggestion, viewer: User) -> tuple[StoryItem, ...]:
    """Tell the story of a suggestion to somebody who may see it; the number of queries is bounded."""
    entries = list(AuditEntry.objects.of_suggestion(suggestion.pk))
    executions = Execution.objects.in_bulk(
        [entry.execution_id for entry in entries if entry.execution_id is not None]
    )
    remarks = suggestion.remarks()
    items = [*_signal_items(suggestion), *_call_items(suggestion)]
    for entry in entries:
        item = _entry_item(entry, executions.get(entry.execution_id or 0), viewer)
        if item.event == Event.SUGGESTION_REJECTED:
            item = replace(item, notes=tuple(filter(None, (*item.notes, next(remarks, "")))))
        items.append(item)
    # Those of one moment stay in this order: what was noticed, what was asked, what came of it.
    return tuple(sorted(items, key=lambda item: item.occurred_at))


def _signal_items(suggestion: Suggestion) -> Iterator[StoryItem]:
    for link in suggestion.links.select_related("signal").order_by("signal__fired_at", "pk"):
        signal = link.signal
        label = triggers.label(signal.trigger)
        yield StoryItem(
            signal.fired_at,
            Event.SIGNAL_FIRED,
            f"Signal fired: {label}",
            SYSTEM,
            Origin.TRIGGER,
            notes=_saw(suggestion, label, signal.fired_at),
        )
        if signal.cleared_at is not None:
            yield StoryItem(
                signal.cleared_at,
                Event.SIGNAL_CLEARED,
                f"Signal cleared: {label}",
                SYSTEM,
                Origin.TRIGGER,
            )


def _saw(suggestion: Suggestion, label: str, fired_at: datetime) -> tuple[str, ...]:
    """What the trigger saw, from the packet's facts: those of then, and only what its readers may know."""
    return tuple(
        fact["text"].removeprefix(f"{label}: ")
        for fact in suggestion.facts
        if fact["text"].startswith(f"{label}: ")
        and fact["occurred_at"] is not None
        and parse_datetime(fact["occurred_at"]) == fired_at
    )


def _call_items(suggestion: Suggestion) -> Iterator[StoryItem]:
    call = suggestion.brain_call
    if call is None:
        return
    notes = [
        f"{call.get_mode_display()}, {call.prompt_version}",
        f"Asked about {call.tasks_count}, proposed {call.proposals_count}, in {call.latency_ms} ms",
    ]
    if call.fell_back_because:
        notes.append(f"In the language model’s place: {call.get_fell_back_because_display()}")
    if call.model:
        notes.append(
            f"{call.model}: {call.tokens_in:,} tokens in, {call.tokens_out:,} out, {call.cost_usd:f} USD"
        )
    yield StoryItem(
        call.called_at,
        Event.BRAIN_CALLED,
        Event.BRAIN_CALLED.label,
        call.get_provider_display(),
        suggestion.origin,
        notes=tuple(notes),
    )


def _entry_item(entry: AuditEntry, execution: Execution | None, viewer: User) -> StoryItem:
    return StoryItem(
        entry.occurred_at,
        entry.event,
        Event.wording(entry.event),
        entry.actor_name if entry.actor_id else SYSTEM,
        entry.origin,
        entry.request_id,
        notes=tuple(_notes(entry, execution)),
        changes=_changes(execution, viewer) if execution is not None else (),
    )


def _notes(entry: AuditEntry, execution: Execution | None) -> Iterator[str]:
    event = entry.event
    details: Mapping[str, Detail] = entry.details
    if "edition" in details:
        yield f"As it stood at {_moment(details['edition'])}"
    if "until" in details:
        yield f"Until {_moment(details['until'])}"
    if "reason" in details:
        reason = str(details["reason"])
        yield str(dict(RejectReason.choices).get(reason, reason.replace("_", " ")))
    if "verb" in details:
        verb = str(details["verb"])
        yield f"Wanted: {Verdict(verb).wish if verb in Verdict.values else verb}"
    if event == Event.SUGGESTION_STALE:
        yield f"Had changed: {', '.join(_stale_fields(str(details.get('fields', ''))))}"
    if event == Event.SUGGESTION_EDITED and (fields := details.get("fields")):
        yield f"Edited: {', '.join(_labels(entry.record_kind, fields))}"
    if left := details.get("left_out"):
        yield f"Left out: {', '.join(_labels(entry.record_kind, left))}"
    if event == Event.EXECUTION_FAILED and "undoes" in details:
        yield "It was to be undone."
    if left := details.get("left_alone"):
        yield f"Left as it was edited since: {', '.join(_labels(entry.record_kind, left))}"
    for name, value in details.items():
        if name not in _UNTOLD and value not in (None, "", []):
            told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"{name.replace('_', ' ').capitalize()}: {told}"
    if execution is not None and execution.error_message:
        yield execution.error_message


def _stale_fields(fields: str) -> Iterator[str]:
    """The names of ``lead:3.phone, lead:3.title`` in words."""
    for place in filter(None, fields.split(", ")):
        record, _, column = place.partition(".")
        yield from _labels(record.partition(":")[0], [column])


def _labels(kind: str, columns: Detail) -> Iterable[str]:
    names = columns if isinstance(columns, list) else [columns]
    for name in map(str, names):
        try:
            yield label_of(RecordKind(kind), name)
        except (ValueError, LookupError):
            yield name.replace("_", " ")


def _moment(text: Detail) -> str:
    try:
        moment = parse_datetime(str(text))
        return describe_time(timezone.localtime(moment)) if moment else str(text)
    except (ValueError, OverflowError):
        # Well formed, and in no calendar or of no zone.
        return str(text)


def _changes(execution: Execution, viewer: User) -> tuple[StoryChange, ...]:
    """What an execution wrote, field by field."""
    return tuple(
        StoryChange(value.label, value.before_text, value.after_text)
        for value in written_by(execution, viewer)
    )
