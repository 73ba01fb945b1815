"""Refusals of decisions, each put on record with what was wanted and why it was refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_events
from apps.execution.exceptions import (
    ExecutionError,
    LaterWorkError,
    PermissionRefusedError,
    StaleError,
)
from apps.suggestions.enums import Verdict
from apps.suggestions.exceptions import (
    BulkNotFoundError,
    DecisionPermissionError,
    HighRiskError,
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
