"""Refusals of decisions, each put on record with what was wanted and why it was refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_events
from apps.brain.enums import Goal
from apps.brain.hostile import reads_like_orders
from apps.brain.models import BrainCall
from apps.brain.services import note_dropped
from apps.crm.exceptions import RecordNotFoundError
from apps.execution.exceptions import (
    ExecutionError,
    LaterWorkError,
    PermissionRefusedError,
    StaleError,
)
from apps.execution.schemas import RecordRef
from apps.execution.tools import registry as tools
from apps.suggestions.enums import Verdict
from apps.suggestions.exceptions import (
    AnotherOpenError,
    BulkNotFoundError,
    DecisionPermissionError,
    HighRiskError,
    NotAskableError,
    PartNotAllowedError,
    SuggestionError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.services.moves import entry_of, record
from apps.tenants.exceptions import AishaError, ModuleOffError


@contextmanager
def refusals_on_record(suggestion: Suggestion, actor: Actor, verdict: Verdict) -> Iterator[None]:
    """Put on record why the decision in the block was refused; the error goes on to the person.

    To be entered outside the decision's own transaction, which an error takes back. Who comes second and
    what does not fit the form is told to the person alone: nothing was denied to them.
    """
    try:
        yield
    except StaleError as error:
        if verdict == Verdict.APPROVE:
            moved = [f"{moved.record}.{moved.field}" for moved in error.moved]
            record(actor, Event.SUGGESTION_STALE, suggestion, fields=", ".join(moved))
        raise
    except (ExecutionError, SuggestionError) as error:
        event = event_of(error)
        if event is not None:
            record(
                actor,
                event,
                suggestion,
                tool=suggestion.tool,
                verb=verdict.value,
                code=error.code,
            )
        raise


_NOT_FOR_THEM = (
    PermissionRefusedError, DecisionPermissionError, SuggestionNotFoundError, BulkNotFoundError,
)  # fmt: skip
# The tool was taken away or reads other arguments, the record is gone, a new owner has left, the days of an
# undo are over, the module is off: trying again would help nobody, so the suggestion is left as it was.
_NOT_ALLOWED = (ExecutionError, PartNotAllowedError, HighRiskError, ModuleOffError)


def event_of(error: AishaError) -> Event | None:
    """As what a refusal is on record; None for what denies nothing to anybody."""
    if isinstance(error, LaterWorkError):
        # A question to the person, who may go on.
        return None
    if isinstance(error, _NOT_FOR_THEM):
        return Event.PERMISSION_REFUSED
    return Event.POLICY_REFUSED if isinstance(error, _NOT_ALLOWED) else None


def record_reach(
    actor: Actor, verdict: Verdict, suggestion_ids: Collection[int], error: AishaError
) -> None:
    """Put on record who reached for suggestions that are not for them, or that are not there at all."""
    event = event_of(error) or Event.PERMISSION_REFUSED
    there = list(Suggestion.objects.filter(pk__in=suggestion_ids).order_by("pk"))
    entries = [
        entry_of(event, suggestion, tool=suggestion.tool, verb=verdict.value, code=error.code)
        for suggestion in there
    ]
    if unknown := sorted(set(suggestion_ids) - {suggestion.pk for suggestion in there}):
        # Not as the suggestion's own id: one that gets this number later has nothing to do with it.
        details: dict[str, Detail] = {
            "asked_for": [*unknown],
            "verb": verdict.value,
            "code": error.code,
        }
        entries.append(Entry(event, details=details))
    record_events(actor, entries)


def asking_refused(
    error: AishaError,
    tool: str,
    record: RecordRef | None,
    words: str,
    actor: Actor,
    brain_call: BrainCall | None,
) -> None:
    """Put on record that what a person asked for was not proposed, and why; the texts are not.

    A model may name a tool by any text: only one that there is goes on record.
    """
    about: dict[str, Any] = {
        "record_kind": record.kind if record else "",
        "record_id": record.id if record else None,
    }
    details: dict[str, Detail] = {"tool": tool if tool in tools else "", "code": error.code}
    entries = []
    if code := reads_like_orders(words):
        hostile: dict[str, Detail] = {"goal": Goal.AS_ASKED, "codes": [code], "places": ["F1"]}
        entries.append(Entry(Event.HOSTILE_TEXT_FOUND, **about, details=hostile))
    if isinstance(error, ModuleOffError):
        entries.append(Entry(Event.POLICY_REFUSED, **about, details=details))
    elif isinstance(error, (*_NOT_FOR_THEM, RecordNotFoundError, NotAskableError)):
        entries.append(Entry(Event.PERMISSION_REFUSED, **about, details=details))
    elif not isinstance(error, AnotherOpenError):
        entries.append(Entry(Event.PROPOSAL_DROPPED, **about, details=details))
        if brain_call is not None:
            note_dropped({brain_call.pk: error.code})
    record_events(actor, entries)
